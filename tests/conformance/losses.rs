//! Every loss, by itself: the outputs are the parameters.

use crate::check::{self, difference, gaussian, identity, norm};
use crate::reference::sample_loss;
use losscape::autodiff::{Curvature, Program, Shape, Tape};
use losscape::base::registry::Registry;
use losscape::nn::losses::{Criterion, Loss};

const CLASSES: usize = 4;
const SAMPLES: usize = 5;

/// Every kind with its defaults, and some with settings of their own.
pub fn tried() -> Vec<Loss> {
    let mut all = Loss::all();
    for text in ["cross-entropy:smoothing=0.1", "cross-entropy:smoothing=1"] {
        all.push(Loss::parse(text).expect("a valid loss"));
    }
    all
}

fn program(loss: &Loss, samples: usize) -> Program {
    let mut tape = Tape::new();
    let shape = Shape::new(CLASSES, samples);
    let (outputs, targets) = (tape.parameter(0, shape), tape.input(shape));
    let losses = loss.record(&mut tape, outputs, targets, None);
    assert_eq!(tape.shape(losses), Shape::new(1, samples), "{loss}: one number a sample");
    Program::new(tape, outputs, losses)
}

fn targets(loss: &Loss, labels: &[usize]) -> Vec<f64> {
    let mut targets = vec![f64::NAN; labels.len() * CLASSES];
    targets.chunks_exact_mut(CLASSES).zip(labels).for_each(|(column, label)| loss.target(*label, column));
    targets
}

const LABELS: [usize; SAMPLES] = [0, 3, 1, 2, 3];

#[test]
fn every_loss_has_true_derivatives() {
    for kind in tried() {
        let name = format!("loss {kind}");
        let (program, targets) = (program(&kind, SAMPLES), targets(&kind, &LABELS));
        let loss = check::Loss { program: &program, inputs: vec![&targets], state: &[], kinked: false };
        let outputs = gaussian(&name, 0, CLASSES * SAMPLES);
        loss.check_gradient(&name, &outputs);
        loss.check_product(&name, &outputs);
        loss.check_symmetry(&name, Curvature::Hessian, &outputs);
        // Outputs that are the parameters have the identity for a Jacobian.
        let v = gaussian(&name, 1, outputs.len());
        let [hessian, gauss_newton] =
            [Curvature::Hessian, Curvature::GaussNewton].map(|c| loss.products(c, &outputs, &v, 1));
        let error = difference(&hessian, &gauss_newton);
        assert!(error <= 1e-14 * norm(&hessian), "{name}: Gauss-Newton differs by {error:e}");
    }
}

#[test]
fn losses_are_the_functions_of_their_names() {
    let mut known = 0;
    for kind in tried() {
        let (program, targets) = (program(&kind, 1), targets(&kind, &LABELS));
        for (i, (label, target)) in LABELS.iter().zip(targets.chunks_exact(CLASSES)).enumerate() {
            let outputs = gaussian("a column of outputs", i as u64, CLASSES);
            let Some(expected) = sample_loss(&kind, &outputs, *label) else { continue };
            known += 1;
            let found =
                check::Loss { program: &program, inputs: vec![target], state: &[], kinked: false }.value(&outputs);
            // Rounding on both sides.
            assert!((found - expected).abs() <= 1e-14 * (1.0 + expected), "{kind}: {found}, not {expected}");
        }
    }
    assert!(known >= 4 * SAMPLES);
}

/// Samples do not see each other: the Hessian in the outputs has a block for each.
#[test]
fn every_loss_treats_samples_one_by_one() {
    for kind in tried() {
        let (program, targets) = (program(&kind, SAMPLES), targets(&kind, &LABELS));
        let loss = check::Loss { program: &program, inputs: vec![&targets], state: &[], kinked: false };
        let p = CLASSES * SAMPLES;
        let outputs = gaussian("samples one by one", 0, p);
        let hessian = loss.products(Curvature::Hessian, &outputs, &identity(p), p);
        for (i, entry) in hessian.iter().enumerate() {
            let (row, column) = (i % p, i / p);
            assert!(row / CLASSES == column / CLASSES || *entry == 0.0, "{kind}: samples mix, by {entry:e}");
        }
        assert!(norm(&hessian) > 1e-2, "{kind}: no curvature");
    }
}
