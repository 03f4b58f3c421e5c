//! Every primitive, on the shapes it names: tangent, pullback, and the two together to second order.
//!
//! The loss is a weighted sum of squares of the primitive's output, all of whose inputs are parameters: its
//! gradient goes through the pullback, its Hessian through the tangents of value and pullback.

use crate::check::{Loss, gaussian};
use losscape::autodiff::primitives::{Primitive, examples};
use losscape::autodiff::{Curvature, Program, Shape, Tape};

fn program(op: &Primitive, shapes: &[Shape]) -> (Program, usize, usize) {
    let mut tape = Tape::new();
    let mut p = 0;
    let inputs: Vec<_> = shapes
        .iter()
        .map(|shape| {
            p += shape.size();
            tape.parameter(p - shape.size(), *shape)
        })
        .collect();
    let out = tape.push(op.clone(), &inputs);
    let weights = tape.input(tape.shape(out));
    let squares = tape.mul(out, out);
    let linear_and_squares = tape.add(squares, out);
    let loss = tape.mul(linear_and_squares, weights);
    let size = tape.shape(out).size();
    (Program::new(tape, out, loss), p, size)
}

#[test]
fn every_primitive_has_true_derivatives() {
    let examples = examples();
    assert!(examples.len() >= 10, "the walk found no primitives");
    for (i, (op, shapes)) in examples.iter().enumerate() {
        let (program, p, size) = program(op, shapes);
        let name = format!("primitive {i}: {op:?} of {shapes:?}");
        let weights = gaussian(&name, 0, size);
        let loss = Loss { program: &program, inputs: vec![&weights] };
        let theta = gaussian(&name, 1, p);
        loss.check_gradient(&name, &theta, 1e-8);
        loss.check_product(&name, &theta, 1e-8);
        loss.check_symmetry(&name, Curvature::Hessian, &theta);
    }
}
