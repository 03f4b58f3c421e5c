//! Every layer, by itself: its input is a parameter too, so that both pullbacks are tried.

use crate::check::{Loss, gaussian};
use losscape::autodiff::{Curvature, Node, Program, Shape, Tape};
use losscape::base::registry::Registry;
use losscape::nn::activations::Activation;
use losscape::nn::layers::{Activate, Dense, Forward, Layer, Need};

const SAMPLES: usize = 3;

/// Every kind with its defaults, and every activation as a layer.
fn tried() -> Vec<Layer> {
    let mut all = Layer::all();
    all.extend(Activation::all().into_iter().map(|function| Layer::Activate(Activate { function })));
    all.push(Layer::Dense(Dense { units: 3, bias: false }));
    all
}

/// A small sample that the layer takes: features, or channels x height x width.
fn input(layer: &Layer) -> Vec<usize> {
    let shapes = [vec![6], vec![2, 6, 6], vec![4, 8, 8], vec![8, 16, 16]];
    let fits = |shape: &&Vec<usize>| layer.output(shape).is_ok();
    shapes.iter().find(fits).unwrap_or_else(|| panic!("{layer} takes none of {shapes:?}")).clone()
}

/// As the layer's contract has it: a x b x ... row-major is the column-major matrix (b ...) x a, and a list of
/// one axis a column.
fn matrix(need: &Need) -> Shape {
    match need.shape.as_slice() {
        [length] => Shape::new(*length, 1),
        [outputs, rest @ ..] => Shape::new(rest.iter().product(), *outputs),
        [] => Shape::new(1, 1),
    }
}

#[test]
fn every_layer_has_true_derivatives() {
    for layer in tried() {
        let (name, shape) = (format!("layer {layer}"), input(&layer));
        let mut tape = Tape::new();
        let features: usize = shape.iter().product();
        let mut p = features * SAMPLES;
        let x = tape.parameter(0, Shape::new(features, SAMPLES));
        let parameters: Vec<Node> = layer
            .needs(&shape)
            .iter()
            .map(|need| {
                let shape = matrix(need);
                p += shape.size();
                tape.parameter(p - shape.size(), shape)
            })
            .collect();
        let out = layer.record(&mut tape, x, &parameters);
        let rows = layer.output(&shape).expect("it fits").iter().product();
        assert_eq!(tape.shape(out), Shape::new(rows, SAMPLES), "{name}: the shape it announces");
        let weights = tape.input(tape.shape(out));
        let squares = tape.mul(out, out);
        let linear_and_squares = tape.add(squares, out);
        let losses = tape.mul(linear_and_squares, weights);
        let weights = gaussian(&name, 0, rows * SAMPLES);
        let program = Program::new(tape, out, losses);
        // Nearly all layers have no kinks; that of an activation shows itself.
        let kinked = matches!(&layer, Layer::Activate(a) if a.function.has_kink());
        let loss = Loss { program: &program, inputs: vec![&weights], kinked };
        let theta = gaussian(&name, 1, p);
        loss.check_gradient(&name, &theta);
        loss.check_product(&name, &theta);
        loss.check_symmetry(&name, Curvature::Hessian, &theta);
    }
}

/// W x + b with W outputs x inputs row by row, in plain loops.
#[test]
fn a_dense_layer_is_w_x_plus_b() {
    let (inputs, units) = (4, 3);
    let mut tape = Tape::new();
    let x = tape.input(Shape::new(inputs, SAMPLES));
    let layer = Layer::Dense(Dense { units, bias: true });
    let needs = layer.needs(&[inputs]);
    assert_eq!((needs[0].shape.as_slice(), needs[1].shape.as_slice()), (&[units, inputs][..], &[units][..]));
    let weight = tape.parameter(0, matrix(&needs[0]));
    let bias = tape.parameter(units * inputs, matrix(&needs[1]));
    let out = layer.record(&mut tape, x, &[weight, bias]);
    let program = Program::new(tape, out, out);
    let (theta, data) = (gaussian("dense", 0, units * (inputs + 1)), gaussian("dense", 1, inputs * SAMPLES));
    let (_, found) = Loss { program: &program, inputs: vec![&data], kinked: false }.forward(&theta);
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
