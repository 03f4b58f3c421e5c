//! Every primitive, on the shapes it names: tangent, pullback, and the two together to second order.
//!
//! The loss is a weighted sum of squares of the primitive's output, all of whose inputs are parameters: its
//! gradient goes through the pullback, its Hessian through the tangents of value and pullback.

use crate::conformance::check::{Loss, along, difference, gaussian, norm, unit};
use losscape::autodiff::primitives::{Primitive, examples};
use losscape::autodiff::{Bindings, Curvature, Degree, Node, Plan, Program, Shape, TangentPlan, Tape};
use std::sync::Arc;

/// The primitive applied to parameters: tape, parameters with their range in theta, output.
fn applied(op: &Primitive, shapes: &[Shape]) -> (Tape, Vec<(Node, usize, usize)>, Node, usize) {
    let mut tape = Tape::new();
    let mut p = 0;
    let mut parameters = Vec::new();
    for shape in shapes {
        parameters.push((tape.parameter(p, *shape), p, p + shape.size()));
        p += shape.size();
    }
    let nodes: Vec<Node> = parameters.iter().map(|(node, ..)| *node).collect();
    let out = tape.push(op.clone(), &nodes);
    (tape, parameters, out, p)
}

fn named() -> Vec<(String, Primitive, Vec<Shape>)> {
    let examples = examples();
    assert!(examples.len() >= 10, "the walk found no primitives");
    let name = |i, op, shapes| (format!("primitive {i}: {op:?} of {shapes:?}"), op, shapes);
    examples.into_iter().enumerate().map(|(i, (op, shapes))| name(i, op, shapes)).collect()
}

#[test]
fn every_primitive_has_true_derivatives() {
    for (name, op, shapes) in named() {
        let (mut tape, _, out, p) = applied(&op, &shapes);
        let weights = tape.input(tape.shape(out));
        let squares = tape.mul(out, out);
        let linear_and_squares = tape.add(squares, out);
        let losses = tape.mul(linear_and_squares, weights);
        let weights = gaussian(&name, 0, tape.shape(out).size());
        let program = Program::new(tape, out, losses);
        let loss = Loss { program: &program, inputs: vec![&weights], state: &[], kinked: false };
        // Drawn indices may all lie outside, where there is nothing to check.
        let mut draws = (1..20).map(|stream| gaussian(&name, stream, p));
        let theta = draws.find(|theta| loss.forward(theta).0 != 0.0).expect("some draw has a loss");
        loss.check_gradient(&name, &theta);
        loss.check_product(&name, &theta);
        loss.check_symmetry(&name, Curvature::Hessian, &theta);
    }
}

/// The values of `node` at theta, on a tape without inputs.
fn value(plan: &Plan, node: Node, theta: &[f64]) -> Vec<f64> {
    let bindings = Bindings { theta, state: &[], inputs: &[] };
    let mut workspace = plan.workspace();
    plan.run(&bindings, &mut workspace);
    plan.values(bindings, &workspace).of(node).data.to_vec()
}

/// The tangents alone, as each input moves by itself and all together: the structural zeros of the others take
/// branches of their own.
#[test]
fn every_primitive_has_true_tangents() {
    for (name, op, shapes) in named() {
        let (tape, parameters, out, p) = applied(&op, &shapes);
        let theta = gaussian(&name, 2, p);
        for subset in 1..1u32 << parameters.len() {
            let moves = |n: Node| {
                parameters.iter().enumerate().any(|(i, (node, ..))| *node == n && subset >> i & 1 == 1)
            };
            let mut directions = Vec::new();
            for j in 0..3 {
                let mut d = unit(&name, 10 + j, p);
                for (_, start, end) in parameters.iter().filter(|(node, ..)| !moves(*node)) {
                    d[*start..*end].fill(0.0);
                }
                directions.extend(d);
            }
            let (tangents, mut reads) = TangentPlan::new(&tape, &[out], moves, None);
            reads.push(out);
            let plan = Plan::new(tangents.tape().clone(), &reads, &[]);
            let bindings = Bindings { theta: &theta, state: &[], inputs: &[] };
            let mut primal = plan.workspace();
            plan.run(&bindings, &mut primal);
            // What the tangents do not write must not be zero by luck.
            let mut workspace = tangents.workspace(3);
            tangents.run(&plan.values(bindings, &primal), &gaussian(&name, 20, 3 * p), 3, &mut workspace);
            tangents.run(&plan.values(bindings, &primal), &directions, 3, &mut workspace);
            // No tangent at all is zero: the index of a maximum stands still.
            let block = tangents.tangent(out, &directions, p, &workspace);
            let still = vec![0.0; tape.shape(out).size()];
            for (j, d) in directions.chunks_exact(p).enumerate() {
                let at = |t: f64| value(&plan, out, &along(&theta, t, d));
                let slope: Vec<f64> = at(1e-5).iter().zip(at(-1e-5)).map(|(u, d)| (u - d) / 2e-5).collect();
                let error = difference(&slope, block.map_or(&still[..], |block| block.slab(j).data));
                // Central differences of numbers of size 1 with a step of 1e-5.
                assert!(error <= 1e-9 * (1.0 + norm(&slope)), "{name}, moving {subset:b}: off by {error:e}");
            }
        }
    }
}

/// What claims to be affine, or constant, in the inputs that move is so: slices are extrapolated on the strength
/// of it.
#[test]
fn every_primitive_is_of_the_degree_it_claims() {
    let mut affine = 0;
    for (name, op, shapes) in named() {
        let (tape, parameters, out, p) = applied(&op, &shapes);
        let tape = Arc::new(tape);
        let plan = Plan::new(tape.clone(), &[out], &[]);
        let theta = gaussian(&name, 3, p);
        for subset in 0..1u32 << parameters.len() {
            let moves = |n: Node| {
                parameters.iter().enumerate().any(|(i, (node, ..))| *node == n && subset >> i & 1 == 1)
            };
            let mut d = gaussian(&name, 4, p);
            for (_, start, end) in parameters.iter().filter(|(node, ..)| !moves(*node)) {
                d[*start..*end].fill(0.0);
            }
            let [before, here, after] = [-1.0, 0.0, 1.0].map(|t| value(&plan, out, &along(&theta, t, &d)));
            let bend = difference(&along(&along(&before, -2.0, &here), 1.0, &after), &vec![0.0; here.len()]);
            let size = norm(&before) + 2.0 * norm(&here) + norm(&after);
            let degrees = tape.degrees(|leaf| match leaf {
                Primitive::Parameter(offset) => {
                    let moving = parameters.iter().any(|(node, start, _)| start == offset && moves(*node));
                    if moving { Degree::Affine } else { Degree::Constant }
                }
                _ => Degree::Constant,
            });
            let degree =
                tape.nodes().zip(degrees).find(|(node, _)| *node == out).expect("it is on the tape").1;
            match degree {
                Degree::Constant => assert_eq!(before, after, "{name}, moving {subset:b}"),
                Degree::Affine => {
                    affine += 1;
                    assert!(bend <= 1e-14 * size, "{name}, moving {subset:b}: bends by {bend:e}");
                }
                Degree::General => {}
            }
        }
    }
    assert!(affine >= 10, "hardly anything is affine");
}
