//! Every initializer: the variance it states, zero biases, and draws that depend on nothing but their stream.

use losscape::base::Streams;
use losscape::base::registry::Registry;
use losscape::nn::inits::{Initialize, Initializer};
use losscape::nn::{Network, Role, Spec};

/// Unequal, so that a fan taken for the other shows.
const FANS: (usize, usize) = (400, 100);

fn tried() -> Vec<Initializer> {
    let mut all = Initializer::all();
    all.push(Initializer::parse("naive:std=0.25").expect("a valid deviation"));
    all
}

/// The variance of a weight, from the paper that the kind is named after.
fn stated(kind: &Initializer) -> Option<f64> {
    let (fan_in, fan_out) = (FANS.0 as f64, FANS.1 as f64);
    Some(match kind.name() {
        "he-normal" | "he-uniform" => 2.0 / fan_in,
        "lecun-normal" | "lecun-uniform" => 1.0 / fan_in,
        "glorot-normal" | "glorot-uniform" => 2.0 / (fan_in + fan_out),
        "naive" => kind.settings()["std"].as_float()?.powi(2),
        _ => return None,
    })
}

fn draw(kind: &Initializer, seed: u64) -> Vec<f64> {
    let mut out = vec![f64::NAN; FANS.0 * FANS.1];
    kind.fill(FANS.0, FANS.1, &mut Streams::new(seed).stream("test/init", 0), &mut out);
    out
}

#[test]
fn initializers_have_the_variance_of_their_paper() {
    for kind in tried() {
        let weights = draw(&kind, 1);
        let n = weights.len() as f64;
        let moment = |k: i32| weights.iter().map(|w| w.powi(k)).sum::<f64>() / n;
        assert!(weights.iter().all(|w| w.is_finite()), "{kind}: not all weights were filled");
        let mean_error = moment(1).abs() / (moment(2) / n).sqrt();
        assert!(mean_error <= 4.0, "{kind}: mean {:e}, {mean_error} standard errors from 0", moment(1));
        let Some(variance) = stated(&kind) else { continue };
        // Fourth and eighth moments over powers of the variance: 3 and 105 of a normal, 9/5 and 9 of a uniform.
        let (fourth, eighth) = if kind.name().ends_with("uniform") { (1.8, 9.0) } else { (3.0, 105.0) };
        let z = (moment(2) - variance) / (variance * ((fourth - 1.0) / n).sqrt());
        assert!(z.abs() <= 4.0, "{kind}: variance {:e}, stated {variance:e}, z = {z}", moment(2));
        let z = (moment(4) / variance.powi(2) - fourth) / ((eighth - fourth * fourth) / n).sqrt();
        assert!(z.abs() <= 4.0, "{kind}: the fourth moment is of another distribution, z = {z}");
    }
}

#[test]
fn draws_depend_on_nothing_but_their_stream() {
    for kind in tried() {
        assert_eq!(draw(&kind, 1), draw(&kind, 1), "{kind}");
        assert_ne!(draw(&kind, 1), draw(&kind, 2), "{kind}");
    }
}

fn network(model: &str) -> Network {
    let model = model.parse().expect("a model");
    Network::new(Spec { model, loss: Default::default(), input: vec![7], outputs: 3 }).expect("a network")
}

#[test]
fn biases_start_at_zero_and_weights_do_not() {
    let network = network("mlp:hidden=[20,20]");
    for kind in tried() {
        let theta = network.init(&kind, &Streams::new(3));
        let parameters = &network.layout().parameters;
        assert_eq!(parameters.iter().filter(|p| p.role == Role::Bias).count(), 3);
        for p in parameters {
            let values = &theta[p.range()];
            match p.role {
                Role::Bias => assert!(values.iter().all(|b| *b == 0.0), "{kind}: {}", p.name),
                Role::Weight => assert!(values.iter().all(|w| *w != 0.0), "{kind}: {}", p.name),
                #[allow(unreachable_patterns)]
                _ => {}
            }
        }
    }
}

/// A layer's draws stay when another changes, so that two runs differ in nothing but what was changed.
#[test]
fn changing_one_layer_leaves_the_draws_of_the_others() {
    let (narrow, wide) = (network("mlp:hidden=[8,5]"), network("mlp:hidden=[8,6]"));
    for kind in tried() {
        let draws = |n: &Network, seed| {
            let theta = n.init(&kind, &Streams::new(seed));
            n.layout().parameters.iter().map(|p| theta[p.range()].to_vec()).collect::<Vec<_>>()
        };
        let (a, b) = (draws(&narrow, 5), draws(&wide, 5));
        assert_eq!(a[0], b[0], "{kind}: the first layer changed with the second");
        // Equal layers are not equal draws.
        assert_ne!(a[0][..5], a[2][..5], "{kind}: two layers share their draws");
        assert_ne!(a[0], draws(&narrow, 6)[0], "{kind}: the seed changes nothing");
    }
}
