//! Initializers that know where in the network a weight stands.

use losscape::base::Streams;
use losscape::data::Dataset;
use losscape::nn::layout::Branch;
use losscape::nn::{Network, Objective, Role, Samples, Spec, Statistics};
use losscape::train::{TrainSettings, train};
use std::sync::Arc;

fn network(model: &str, input: &[usize]) -> Network {
    let model = model.parse().unwrap_or_else(|e| panic!("{e}"));
    Network::new(Spec { model, loss: Default::default(), input: input.to_vec(), outputs: 10 })
        .expect("a network")
}

/// L branches of m layers: the last of each and the classifier are zero, the others He's times L^(-1/(2m-2)).
#[test]
fn fixup_scales_branches_as_its_paper_says() {
    for (model, input, branches, layers) in [
        ("mlp:hidden=[16,16,16,16,16,16,16],residual=2,scalars=true", &[8][..], 3, 2),
        ("mlp:hidden=[16,16,16,16,16,16,16],residual=3,scalars=true", &[8], 2, 3),
        ("resnet:depth=20,width=0.25,norm=none,scalars=true", &[3, 8, 8], 9, 2),
    ] {
        let network = network(model, input);
        let draw = |init: &str| network.init(&init.parse().expect("an initializer"), &Streams::new(1));
        let (fixup, he) = (draw("fixup"), draw("he-normal"));
        let (mut last, mut inside) = (0, 0);
        for p in &network.layout().parameters {
            let factor = match (p.role, p.branch) {
                (Role::Weight, Some(Branch { last: true, .. })) => 0.0,
                (Role::Weight, Some(_)) => (branches as f64).powf(-1.0 / (2.0 * layers as f64 - 2.0)),
                (Role::Weight, None)
                    if p.name == network.layout().weights().next_back().expect("one").name =>
                {
                    0.0
                }
                // Scalars start at 0 and 1, whoever draws the weights.
                _ => 1.0,
            };
            last += usize::from(p.branch.is_some_and(|b| b.last));
            inside += usize::from(p.branch.is_some());
            for (f, h) in fixup[p.range()].iter().zip(&he[p.range()]) {
                assert!((f - factor * h).abs() <= 1e-15, "{model}: {} is {f}, not {factor} x {h}", p.name);
            }
        }
        assert_eq!((last, inside), (branches, branches * layers), "{model}");
        let scalars: Vec<_> = network.layout().parameters.iter().filter(|p| p.shape == [1]).collect();
        // A scalar bias before each layer at least, a multiplier and another bias at the end of each branch.
        assert!(scalars.len() >= (layers + 2) * branches, "{model}: {} scalars", scalars.len());
        let gains = scalars.iter().filter(|p| p.role == Role::NormScale);
        assert_eq!(gains.clone().count(), branches, "{model}");
        for p in &scalars {
            let start = if p.role == Role::NormScale { 1.0 } else { 0.0 };
            assert_eq!(fixup[p.offset], start, "{model}: {}", p.name);
        }
    }
}

/// The loss after some steps of plain SGD from a start.
fn trained(model: &str, init: &str, lr: f64) -> f64 {
    let settings = TrainSettings {
        model: model.parse().unwrap_or_else(|e| panic!("{e}")),
        init: Some(init.parse().expect("an initializer")),
        lr: Some(lr),
        optimizer: "sgd:momentum=0.9".parse().expect("an optimizer"),
        epochs: 3,
        ..TrainSettings::default()
    };
    let dataset = Dataset::load(&settings.data, 0, &settings.preparation).expect("digits");
    train::<f32>(&settings, &dataset, None, &mut |_| {}).expect("training").train.loss
}

/// 100 layers without norm: with FixUp they train; from He's weights alone signals grow by a half in each of the 49
/// branches, and they do not.
#[test]
fn fixup_trains_a_hundred_layers_where_he_does_not() {
    let hidden = vec!["32"; 99].join(",");
    let model = format!("mlp:hidden=[{hidden}],residual=2,scalars=true");
    let (fixup, he) = (trained(&model, "fixup", 0.02), trained(&model, "he-normal", 0.02));
    println!("fixup {fixup}, he {he}");
    assert!(fixup < 0.5, "FixUp ends at a loss of {fixup}");
    assert!(he.is_nan() || he >= 2.0, "He's weights end at a loss of {he}");
}

/// With zero-last-gamma every block starts as its shortcut.
#[test]
fn zero_last_gamma_makes_blocks_start_as_the_identity() {
    let input = [1, 8, 8];
    let with = network("resnet:depth=8,width=0.25,zero-last-gamma=true", &input);
    let theta = with.init(&Default::default(), &Streams::new(0));
    let value = |theta: &[f64]| {
        let data: Vec<f64> = (0..3 * 64).map(|i| f64::from(i % 7) - 3.0).collect();
        let samples = Arc::new(Samples::<f64>::new(&with, &data, &[0, 1, 2]));
        let objective = Objective::new(Arc::new(with.clone()), samples, Statistics::Groups(usize::MAX));
        objective.evaluate(theta, &with.start(theta)).loss
    };
    let before = value(&theta);
    let mut other = theta.clone();
    let mut changed = 0;
    for p in with.layout().weights().filter(|p| p.branch.is_some()) {
        other[p.range()].iter_mut().for_each(|w| *w *= -2.0);
        changed += 1;
    }
    assert!(changed == 6 && theta != other);
    assert_eq!(value(&other), before, "what branches say does not matter yet");
}
