//! Every layer, by itself: its input is a parameter too, so that both pullbacks are tried.

use crate::conformance::check::{Loss, gaussian};
use losscape::autodiff::{Curvature, Program, Shape, Tape};
use losscape::base::registry::Registry;
use losscape::nn::activations::Activation;
use losscape::nn::layers::{Activate, Dense, Item, Layer, Normalize};
use losscape::nn::norms::Norm;
use losscape::nn::recorder::{Recorder, Signal};
use losscape::nn::{Layout, Mode};

const SAMPLES: usize = 3;

/// Every kind with its defaults, every activation and every norm as a layer, and some with settings of their own.
fn tried() -> Vec<Layer> {
    // An embedding takes data alone; it has its own test.
    let mut all: Vec<Layer> =
        Layer::all().into_iter().filter(|layer| !matches!(layer, Layer::Embedding(_))).collect();
    all.extend(Activation::all().into_iter().map(|function| Layer::Activate(Activate { function })));
    for norm in Norm::all() {
        if norm.of_weights() {
            all.push(Dense { units: 3, bias: true, norm: norm.clone() }.into());
            all.push(parse(&format!("conv:channels=3,norm={norm}")));
        } else if norm != Norm::default() {
            all.push(Normalize { norm, gamma: 1.0 }.into());
        }
    }
    let settings = [
        "dense:units=3,bias=false",
        "conv:channels=4,kernel=3,stride=2,padding=1,groups=2,bias=false",
        "conv:channels=18,kernel=1,padding=0",
        "max-pool:kernel=3,stride=2,padding=1",
        "average-pool:kernel=3,stride=1,padding=1",
        "subsample:stride=2,channels=5",
    ];
    all.extend(settings.map(parse));
    all
}

fn parse(text: &str) -> Layer {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Whether it has kinks, where derivatives jump.
pub fn kinked(layer: &Layer) -> bool {
    let any = |items: &[Item]| items.iter().any(|item| kinked(&item.layer));
    match layer {
        Layer::Activate(activate) => activate.function.has_kink(),
        Layer::MaxPool(_) => true,
        Layer::Residual(residual) => any(&residual.body) || any(&residual.shortcut),
        _ => false,
    }
}

/// The layer on a tape whose parameters are its own and, behind them, its input: layout, input, output.
fn record(
    layer: &Layer,
    shape: &[usize],
    mode: Mode,
    tape: &mut Tape,
    offset: usize,
) -> losscape::base::Result<(Layout, Signal)> {
    let features: usize = shape.iter().product();
    let node = tape.parameter(offset, Shape::new(features, SAMPLES));
    let mut recorder = Recorder::new(tape, SAMPLES, mode);
    let input = recorder.data(node, shape);
    let output = layer.record("layer", &mut recorder, &input)?;
    Ok((recorder.layout, output))
}

/// The shapes that are tried on a layer, as many as it takes.
fn inputs(layer: &Layer) -> Vec<Vec<usize>> {
    let shapes = [vec![6], vec![2, 6, 5], vec![4, 8, 8]];
    let fits = |shape: &Vec<usize>| record(layer, shape, Mode::Running, &mut Tape::new(), 0).is_ok();
    let fitting: Vec<Vec<usize>> = shapes.iter().filter(|s| fits(s)).cloned().collect();
    assert!(!fitting.is_empty(), "{layer} takes none of {shapes:?}");
    fitting
}

#[test]
fn every_layer_has_true_derivatives() {
    for layer in tried() {
        for shape in inputs(&layer) {
            let recorded =
                |mode, tape: &mut Tape, offset| record(&layer, &shape, mode, tape, offset).expect("it fits");
            let (layout, _) = recorded(Mode::Batch, &mut Tape::new(), 0);
            let modes: &[Mode] =
                if layout.couples_samples { &[Mode::Running, Mode::Batch] } else { &[Mode::Running] };
            for mode in modes {
                let name = format!("layer {layer} on {shape:?}, {mode:?}");
                let mut tape = Tape::new();
                let (found, out) = recorded(*mode, &mut tape, layout.size());
                assert_eq!(found, layout, "{name}: another layout on another recording");
                let positions = if out.image { out.positions() } else { 1 };
                let rows = out.size() / positions;
                let shape_of_out = Shape::new(rows, SAMPLES * positions);
                assert_eq!(tape.shape(out.node), shape_of_out, "{name}: the shape it announces");
                let weights = tape.input(tape.shape(out.node));
                let squares = tape.mul(out.node, out.node);
                let linear_and_squares = tape.add(squares, out.node);
                let losses = tape.mul(linear_and_squares, weights);
                let program = Program::new(tape, out.node, losses);
                let weights = gaussian(&name, 0, out.size() * SAMPLES);
                let p = layout.size() + shape.iter().product::<usize>() * SAMPLES;
                let theta = gaussian(&name, 1, p);
                // Variances must be positive; any singular vectors will do.
                let state: Vec<f64> =
                    gaussian(&name, 2, layout.state_size()).iter().map(|s| 0.5 + s.abs()).collect();
                let kinked = kinked(&layer);
                let loss = Loss { program: &program, inputs: vec![&weights], state: &state, kinked };
                loss.check_gradient(&name, &theta);
                loss.check_product(&name, &theta);
                loss.check_symmetry(&name, Curvature::Hessian, &theta);
            }
        }
    }
}

/// Inputs that a layer cannot take are refused in one line that names it.
#[test]
fn shapes_that_do_not_fit_are_refused() {
    for (layer, shape) in [
        ("conv", vec![6]),
        ("conv:kernel=9,padding=0", vec![2, 8, 8]),
        ("conv:groups=4", vec![2, 8, 8]),
        ("max-pool", vec![6]),
        ("max-pool:kernel=9", vec![2, 8, 8]),
        ("average-pool", vec![6]),
        ("global-pool", vec![6]),
        ("subsample", vec![6]),
        ("subsample:channels=3", vec![4, 8, 8]),
        ("normalize:norm=instance", vec![6]),
        ("normalize:norm=layer", vec![1]),
        ("normalize:norm=group:groups=4", vec![6]),
        ("residual:body=[{kind=\"dense\",units=3}]", vec![6]),
    ] {
        let message = match record(&parse(layer), &shape, Mode::Running, &mut Tape::new(), 0) {
            Ok(_) => panic!("{layer} takes {shape:?}"),
            Err(e) => e.to_string(),
        };
        assert!(message.contains("layer: expected") && message.contains("found"), "{layer}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

/// W x + b with W outputs x inputs row by row, in plain loops.
#[test]
fn a_dense_layer_is_w_x_plus_b() {
    let (inputs, units) = (4, 3);
    let mut tape = Tape::new();
    let node = tape.input(Shape::new(inputs, SAMPLES));
    let mut recorder = Recorder::new(&mut tape, SAMPLES, Mode::Running);
    let signal = recorder.data(node, &[inputs]);
    let out =
        parse(&format!("dense:units={units}")).record("layer", &mut recorder, &signal).expect("it fits");
    let names: Vec<_> =
        recorder.layout.parameters.iter().map(|p| (p.name.clone(), p.shape.clone())).collect();
    let expected = [("layer.weight", vec![units, inputs]), ("layer.bias", vec![units])];
    assert_eq!(names, expected.map(|(name, shape)| (name.to_owned(), shape)));
    let program = Program::new(tape, out.node, out.node);
    let (theta, data) = (gaussian("dense", 0, units * (inputs + 1)), gaussian("dense", 1, inputs * SAMPLES));
    let (_, found) =
        Loss { program: &program, inputs: vec![&data], state: &[], kinked: false }.forward(&theta);
    for n in 0..SAMPLES {
        for o in 0..units {
            let mut expected = theta[units * inputs + o];
            for i in 0..inputs {
                expected += theta[o * inputs + i] * data[n * inputs + i];
            }
            let found = found[n * units + o];
            // Five terms of size 1, added in another order.
            assert!((found - expected).abs() <= 1e-14, "{found}, not {expected}");
        }
    }
}
