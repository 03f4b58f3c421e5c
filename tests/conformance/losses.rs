//! Every loss, by itself: the outputs are the parameters.

use crate::conformance::check::{self, difference, gaussian, identity, norm};
use crate::conformance::reference::sample_loss;
use losscape::autodiff::{Curvature, Program, Shape, Tape};
use losscape::base::registry::Registry;
use losscape::nn::losses::{Criterion, Loss};

const CLASSES: usize = 4;
const SAMPLES: usize = 5;

/// Every kind with its defaults, and some with settings of their own.
pub fn tried() -> Vec<Loss> {
    let mut all = Loss::all();
    for text in
        ["cross-entropy:smoothing=0.1", "cross-entropy:smoothing=1", "hinge:squared=true", "huber:delta=0.3"]
    {
        all.push(Loss::parse(text).expect("a valid loss"));
    }
    all
}

/// Those, and some whose settings are for so many classes.
fn all_tried() -> Vec<Loss> {
    let mut all = tried();
    for text in
        ["cross-entropy:weights=[1.0,0.5,0.0,2.0]", "cross-entropy:weights=[1.0,0.5,0.0,2.0],smoothing=0.2"]
    {
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
    for kind in all_tried() {
        let name = format!("loss {kind}");
        let (program, targets) = (program(&kind, SAMPLES), targets(&kind, &LABELS));
        let loss =
            check::Loss { program: &program, inputs: vec![&targets], state: &[], kinked: kind.has_kink() };
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
    for kind in all_tried() {
        let (program, targets) = (program(&kind, 1), targets(&kind, &LABELS));
        for (i, (label, target)) in LABELS.iter().zip(targets.chunks_exact(CLASSES)).enumerate() {
            let outputs = gaussian("a column of outputs", i as u64, CLASSES);
            let Some(expected) = sample_loss(&kind, &outputs, *label) else { continue };
            known += 1;
            let found = check::Loss { program: &program, inputs: vec![target], state: &[], kinked: false }
                .value(&outputs);
            // Rounding on both sides.
            assert!(
                (found - expected).abs() <= 1e-14 * (1.0 + expected.abs()),
                "{kind}: {found}, not {expected}"
            );
        }
    }
    assert_eq!(known, all_tried().len() * SAMPLES, "every loss has a formula");
}

/// Samples do not see each other: the Hessian in the outputs has a block for each.
#[test]
fn every_loss_treats_samples_one_by_one() {
    for kind in all_tried() {
        let (program, targets) = (program(&kind, SAMPLES), targets(&kind, &LABELS));
        let loss = check::Loss { program: &program, inputs: vec![&targets], state: &[], kinked: false };
        let p = CLASSES * SAMPLES;
        let outputs = gaussian("samples one by one", 0, p);
        let hessian = loss.products(Curvature::Hessian, &outputs, &identity(p), p);
        for (i, entry) in hessian.iter().enumerate() {
            let (row, column) = (i % p, i / p);
            assert!(row / CLASSES == column / CLASSES || *entry == 0.0, "{kind}: samples mix, by {entry:e}");
        }
        let curved = norm(&hessian) > 1e-2;
        assert_eq!(curved, !kind.piecewise_linear(), "{kind}: curvature of {:e}", norm(&hessian));
    }
}

/// What was not observed has no say, and what was keeps its own: a mask of ones changes nothing.
#[test]
fn masks_leave_out_what_was_not_observed() {
    for kind in all_tried() {
        let name = format!("masked {kind}");
        let shape = Shape::new(CLASSES, SAMPLES);
        let mut tape = Tape::new();
        let (outputs, targets, mask) = (tape.parameter(0, shape), tape.input(shape), tape.input(shape));
        let losses = kind.record(&mut tape, outputs, targets, Some(mask));
        let masked = Program::new(tape, outputs, losses);
        let (whole, given) = (program(&kind, SAMPLES), targets_of(&kind));
        let z = gaussian(&name, 0, CLASSES * SAMPLES);
        let value = |mask: &[f64], targets: &[f64]| {
            let loss = check::Loss {
                program: &masked,
                inputs: vec![targets, mask],
                state: &[],
                kinked: kind.has_kink(),
            };
            (loss.value(&z), loss.gradient(&z))
        };
        let plain =
            check::Loss { program: &whole, inputs: vec![&given], state: &[], kinked: kind.has_kink() };
        let all = value(&[1.0; CLASSES * SAMPLES], &given);
        // Sums of smoothed targets round.
        assert!((all.0 - plain.value(&z)).abs() <= 1e-14 * all.0.abs(), "{name}: a mask of ones");
        assert!(difference(&all.1, &plain.gradient(&z)) <= 1e-14 * norm(&all.1), "{name}: a mask of ones");
        let none = value(&[0.0; CLASSES * SAMPLES], &given);
        assert_eq!((none.0, norm(&none.1)), (0.0, 0.0), "{name}: nothing was observed");
        // One hidden entry: whatever number stands for it, nothing changes.
        let mut mask = vec![1.0; CLASSES * SAMPLES];
        mask[CLASSES + 2] = 0.0;
        let mut other = given.clone();
        other[CLASSES + 2] = if kind.values() { 17.0 } else { other[CLASSES + 2] };
        let (hidden, changed) = (value(&mask, &given), value(&mask, &other));
        assert_eq!(hidden, changed, "{name}: a hidden target speaks");
        assert!(
            kind.name() == "cross-entropy" || hidden.1[CLASSES + 2] == 0.0,
            "{name}: a hidden output is pulled"
        );
        let loss = check::Loss {
            program: &masked,
            inputs: vec![&given, &mask],
            state: &[],
            kinked: kind.has_kink(),
        };
        loss.check_gradient(&name, &z);
        loss.check_product(&name, &z);
    }
}

fn targets_of(loss: &Loss) -> Vec<f64> {
    targets(loss, &LABELS)
}

/// Squared error takes any numbers for targets, in plain arithmetic.
#[test]
fn squared_error_takes_values() {
    let kind = Loss::parse("squared-error").expect("a loss");
    assert!(kind.values());
    let (z, y) = (gaussian("values", 0, CLASSES), gaussian("values", 1, CLASSES));
    let program = program(&kind, 1);
    let found = check::Loss { program: &program, inputs: vec![&y], state: &[], kinked: false }.value(&z);
    let expected: f64 = z.iter().zip(&y).map(|(z, y)| (z - y).powi(2) / 2.0).sum();
    assert!((found - expected).abs() <= 1e-15 * (1.0 + expected));
}

#[test]
fn losses_say_their_unit() {
    let label = |text: &str| Loss::parse(text).expect("a loss").label();
    assert_eq!(label("cross-entropy:smoothing=0.1"), "cross-entropy (nats)");
    assert_eq!(label("logistic"), "logistic (nats)");
    assert_eq!(label("squared-error"), "squared-error");
    assert_eq!(label("hinge"), "hinge");
    assert_eq!(label("excess"), "excess");
}

/// Far from the boundary nothing overflows, and a right answer by far costs nothing.
#[test]
fn losses_of_margins_survive_far_outputs() {
    for text in ["hinge", "hinge:squared=true", "logistic"] {
        let kind = Loss::parse(text).expect("a loss");
        let (program, targets) = (program(&kind, 1), targets(&kind, &[2]));
        let loss = check::Loss { program: &program, inputs: vec![&targets], state: &[], kinked: true };
        let (right, wrong) = ([-1e4, -1e4, 1e4, -1e4], [1e4, -1e4, -1e4, -1e4]);
        assert_eq!((loss.value(&right), norm(&loss.gradient(&right))), (0.0, 0.0), "{text}");
        assert!(loss.value(&wrong) >= 2e4 && loss.value(&wrong).is_finite(), "{text}");
        assert!(loss.gradient(&wrong)[0] > 0.0 && loss.gradient(&wrong)[2] < 0.0, "{text}");
        let mut lost = right;
        lost[1] = f64::NAN;
        assert!(loss.value(&lost).is_nan(), "{text}: NaN is not seen");
    }
}
