//! Every architecture, and every activation, loss and initializer inside a small network: gradients, Hessian
//! and Gauss-Newton products, in both precisions, against differences and against plain loops.

use crate::conformance::check::{self, difference, dot, gaussian, identity, norm, unit};
use crate::conformance::layers::kinked;
use crate::conformance::reference;
use crate::conformance::{activations, losses};
use losscape::autodiff::{Curvature, Program, Shape, Tape};
use losscape::base::Streams;
use losscape::base::registry::Registry;
use losscape::nn::activations::Activation;
use losscape::nn::architectures::{Architecture, Mlp, Unfold};
use losscape::nn::inits::Initializer;
use losscape::nn::losses::{Criterion, Loss};
use losscape::nn::{Mode, Network, Objective, Samples, Spec, Statistics};
use std::sync::Arc;

const OUTPUTS: usize = 3;

/// A network at a point, with samples.
struct Case {
    name: String,
    network: Network,
    theta: Vec<f64>,
    state: Vec<f64>,
    data: Vec<f64>,
    targets: Vec<f64>,
    labels: Vec<u32>,
    kinked: bool,
}

/// A number that f32 holds too, so that both precisions see the same network.
fn rounded(v: &mut [f64]) {
    v.iter_mut().for_each(|x| *x = f64::from(*x as f32));
}

impl Case {
    fn new(name: &str, network: Network, init: &Initializer, samples: usize) -> Self {
        let mut theta = network.init(init, &Streams::new(11));
        // Off the initial point: no bias is zero, and no weight all but zero.
        let shift = gaussian(name, 50, theta.len());
        theta.iter_mut().zip(shift).for_each(|(t, s)| *t += 0.1 * s);
        let mut data = gaussian(name, 51, samples * network.features());
        let labels: Vec<u32> = (0..samples).map(|i| (i % OUTPUTS) as u32).collect();
        rounded(&mut theta);
        rounded(&mut data);
        let targets = network.targets(&labels);
        let spec = network.spec();
        let items = spec.model.layers(&spec.input, OUTPUTS);
        let kinked = spec.loss.has_kink() || items.iter().any(|item| kinked(&item.layer));
        // Running statistics that are not those of the start.
        let mut state = network.start(&theta);
        state.iter_mut().for_each(|s| *s += 0.25);
        rounded(&mut state);
        Self { name: name.to_owned(), network, theta, state, data, targets, labels, kinked }
    }

    fn loss<'a>(&'a self, program: &'a Program) -> check::Loss<'a> {
        check::Loss {
            program,
            inputs: vec![&self.data, &self.targets],
            state: &self.state,
            kinked: self.kinked,
        }
    }

    /// In every mode: with running statistics, and with those of the samples where there are such.
    fn check(&self) {
        self.check_in(Mode::Running, Statistics::Running);
        if self.network.layout().couples_samples {
            self.check_in(Mode::Batch, Statistics::Groups(usize::MAX));
        }
    }

    fn check_in(&self, mode: Mode, statistics: Statistics) {
        let program = self.network.record(self.labels.len(), mode, false).program;
        let loss = self.loss(&program);
        loss.check_gradient(&self.name, &self.theta);
        loss.check_product(&self.name, &self.theta);
        loss.check_symmetry(&self.name, Curvature::Hessian, &self.theta);
        loss.check_symmetry(&self.name, Curvature::GaussNewton, &self.theta);
        if self.network.spec().loss.piecewise_linear() {
            // J^T 0 J.

            let v = unit(&self.name, 53, self.theta.len());
            let product = loss.products(Curvature::GaussNewton, &self.theta, &v, 1);
            assert!(product.iter().all(|x| *x == 0.0), "{}: Gauss-Newton is not zero", self.name);
        } else {
            loss.check_gauss_newton(&self.name, &self.theta, |outputs, change| {
                self.loss_curvature(outputs, change)
            })
        }
        self.check_precisions(statistics);
    }

    /// H_loss in the outputs, whose products are checked with the losses.
    fn loss_curvature(&self, outputs: &[f64], change: &[f64]) -> Vec<f64> {
        let mut tape = Tape::new();
        let shape = Shape::new(OUTPUTS, self.labels.len());
        let (z, targets) = (tape.parameter(0, shape), tape.input(shape));
        let losses = self.network.spec().loss.record(&mut tape, z, targets, None);
        let program = Program::new(tape, z, losses);
        let loss = check::Loss { program: &program, inputs: vec![&self.targets], state: &[], kinked: false };
        loss.products(Curvature::Hessian, outputs, change, 1)
    }

    /// f32 against f64, through what passes use.
    fn check_precisions(&self, statistics: Statistics) {
        let network = Arc::new(self.network.clone());
        let wide = Arc::new(Samples::<f64>::new(&network, &self.data, &self.labels));
        let narrow = Arc::new(Samples::<f32>::new(&network, &self.data, &self.labels));
        let wide = Objective::new(network.clone(), wide, statistics);
        let narrow = Objective::new(network, narrow, statistics);
        let single: Vec<f32> = self.state.iter().map(|s| *s as f32).collect();
        let theta: Vec<f32> = self.theta.iter().map(|t| *t as f32).collect();
        let (expected, found) = (wide.gradient(&self.theta, &self.state), narrow.gradient(&theta, &single));
        let error = (expected.0.loss - found.0.loss).abs();
        // A few hundred roundings of 6e-8 each.
        assert!(error <= 1e-5 * expected.0.loss.abs(), "{}: f32 loss off by {error:e}", self.name);
        let (error, size) = (difference(&expected.1, &found.1), norm(&expected.1));
        assert!(error <= 1e-4 * size, "{}: f32 gradient off by {error:e} of {size:e}", self.name);
        let (p, k) = (self.theta.len(), 4);
        let mut v = gaussian(&self.name, 52, p * k);
        rounded(&mut v);
        for curvature in [Curvature::Hessian, Curvature::GaussNewton] {
            let expected = wide.linearize(&self.theta, &self.state, curvature, usize::MAX).products(&v, k);
            let found = narrow.linearize(&theta, &single, curvature, usize::MAX).products(&v, k);
            let (error, size) = (difference(&expected, &found), norm(&expected));
            let flat = curvature == Curvature::GaussNewton && wide.network().spec().loss.piecewise_linear();
            assert_eq!(size > 0.0, !flat, "{}: {curvature:?}", self.name);
            assert!(error <= 1e-3 * size, "{}: f32 {curvature:?} off by {error:e} of {size:e}", self.name);
        }
    }
}

fn network(model: Architecture, loss: Loss, input: &[usize]) -> Network {
    Network::new(Spec { model, loss, input: input.to_vec(), outputs: OUTPUTS }).expect("a network")
}

fn mlp(hidden: &[usize], activation: Activation) -> Architecture {
    Architecture::Mlp(Mlp { hidden: hidden.to_vec(), activation, ..Mlp::default() })
}

#[test]
fn every_architecture_has_true_derivatives() {
    // A graph from a file has no layers of its own: tests/exported holds some against PyTorch.
    for model in Architecture::all().into_iter().filter(|model| model.exported().is_none()) {
        let fits = |shape: &&[usize]| {
            let (input, loss) = (shape.to_vec(), Loss::default());
            Network::new(Spec { model: model.clone(), loss, input, outputs: OUTPUTS }).is_ok()
        };
        let shapes: [&[usize]; 4] = [&[5], &[1, 8, 8], &[3, 8, 8], &[1, 16, 16]];
        let shape =
            shapes.into_iter().find(fits).unwrap_or_else(|| panic!("{model} takes none of {shapes:?}"));
        let network = network(model.clone(), Loss::default(), shape);
        Case::new(&format!("model {model}"), network, &Initializer::default(), 6).check();
    }
}

#[test]
fn every_activation_has_true_derivatives_in_a_network() {
    for activation in activations::tried() {
        let name = format!("mlp of {activation}");
        let network = network(mlp(&[7, 6], activation), Loss::default(), &[4]);
        Case::new(&name, network, &Initializer::default(), 5).check();
    }
}

#[test]
fn every_loss_has_true_derivatives_in_a_network() {
    for loss in losses::tried() {
        let name = format!("mlp with {loss}");
        let network = network(mlp(&[7, 6], "gelu".parse().expect("gelu")), loss, &[4]);
        Case::new(&name, network, &Initializer::default(), 5).check();
    }
}

#[test]
fn every_initializer_starts_where_derivatives_are_true() {
    for init in Initializer::all() {
        let network = network(mlp(&[7, 6], "tanh".parse().expect("tanh")), Loss::default(), &[4]);
        Case::new(&format!("mlp from {init}"), network, &init, 5).check();
    }
}

/// Farthest that a hidden unit or an output moves while the reference takes its differences: nearer to a kink they say nothing.
const MARGIN: f64 = 0.03;

/// The whole Hessian, against one that was made from values of plain loops alone; whether they know the loss.
fn check_plain_loops(sizes: &[usize], activation: &Activation, loss: &Loss) -> bool {
    let hidden = &sizes[1..sizes.len() - 1];
    let network = network(mlp(hidden, activation.clone()), loss.clone(), &sizes[..1]);
    let name = format!("mlp {hidden:?} of {activation} with {loss}");
    // Another network until no hidden unit is near its kink, where there is one.
    let found = (0..10_000).find_map(|attempt| {
        let case = Case::new(&format!("{name} {attempt}"), network.clone(), &Initializer::default(), 4);
        let (data, labels) = (case.data.clone(), case.labels.clone());
        let (kinks, activation, loss) = (activation.kinks(), activation.curve(), loss.clone());
        let plain = reference::Mlp { sizes: sizes.to_vec(), activation, kinks, loss, data, labels };
        // Where an exponential of outputs is steep, differences say nothing, either.
        let steep = matches!(plain.loss, Loss::Poisson(_));
        let calm = !steep || plain.value(&case.theta).is_none_or(|value| value.abs() < 100.0);
        let smooth = !case.kinked || plain.margin(&case.theta) > MARGIN;
        (calm && smooth).then_some((case, plain))
    });
    let (case, plain) = found.unwrap_or_else(|| panic!("{name}: always near a kink"));
    let (p, program) = (case.theta.len(), network.program(case.labels.len()));
    let subject = case.loss(&program);
    let Some(value) = plain.value(&case.theta) else { return false };
    let error = (value - subject.value(&case.theta)).abs();
    assert!(error <= 1e-13 * value.abs(), "{name}: value {value} off by {error:e}");
    let expected = plain.hessian(&case.theta, 2e-3).expect("it has a value");
    let found = subject.products(Curvature::Hessian, &case.theta, &identity(p), p);
    // Rounding of the differences: 64 * 1e-16 / (12 h^2), about 1e-9 of the loss, in each entry.
    let (error, size) = (difference(&expected, &found), norm(&expected));
    assert!(error <= 1e-6 * size, "{name}: Hessian off by {error:e} of {size:e}");
    true
}

#[test]
fn the_hessian_is_that_of_plain_loops() {
    let mut checked = 0;
    for activation in activations::tried() {
        for loss in losses::tried() {
            checked += usize::from(check_plain_loops(&[3, 4, 3, OUTPUTS], &activation, &loss));
        }
    }
    assert!(checked >= 16 * 7, "{checked} networks were compared");
}

/// The default width: 32 hidden units, 291 parameters.
#[test]
fn the_hessian_of_the_default_network_is_that_of_plain_loops() {
    assert!(check_plain_loops(&[5, 32, OUTPUTS], &Activation::default(), &Loss::default()));
}

/// Eigenvalues of a symmetric matrix, ascending.
fn eigenvalues(matrix: &[f64], p: usize) -> Vec<f64> {
    let symmetric = faer::Mat::from_fn(p, p, |i, j| (matrix[i * p + j] + matrix[j * p + i]) / 2.0);
    symmetric.self_adjoint_eigenvalues(faer::Side::Lower).expect("finite")
}

#[test]
fn gauss_newton_is_positive_semidefinite_where_the_hessian_is_not() {
    for loss in losses::tried().into_iter().filter(|l| !l.piecewise_linear()) {
        let name = format!("gauss-newton with {loss}");
        let network = network(mlp(&[6], "tanh".parse().expect("tanh")), loss, &[4]);
        let case = Case::new(&name, network, &Initializer::default(), 6);
        let (p, program) = (case.theta.len(), case.network.program(6));
        let loss = case.loss(&program);
        let spectrum = |c| eigenvalues(&loss.products(c, &case.theta, &identity(p), p), p);
        let (gauss_newton, hessian) = (spectrum(Curvature::GaussNewton), spectrum(Curvature::Hessian));
        let (least, most) = (gauss_newton[0], gauss_newton[p - 1]);
        assert!(most > 0.0 && least >= -1e-13 * most, "{name}: eigenvalues from {least:e} to {most:e}");
        assert!(hessian[0] < -1e-6 * most, "{name}: the test is too easy, the Hessian has no negative side");
    }
}

#[test]
fn gauss_newton_is_the_hessian_of_models_linear_in_their_parameters_only() {
    for loss in losses::tried().into_iter().filter(|l| !l.piecewise_linear()) {
        let relative = |hidden: &[usize]| {
            let name = format!("linear {hidden:?} with {loss}");
            let network = network(mlp(hidden, "identity".parse().expect("identity")), loss.clone(), &[4]);
            let case = Case::new(&name, network, &Initializer::default(), 6);
            let program = case.network.program(6);
            let v = unit(&name, 0, case.theta.len());
            let [h, g] = [Curvature::Hessian, Curvature::GaussNewton]
                .map(|c| case.loss(&program).products(c, &case.theta, &v, 1));
            difference(&h, &g) / norm(&h)
        };
        let (one, two) = (relative(&[]), relative(&[4]));
        assert!(one <= 1e-13, "{loss}: one linear layer differs by {one:e}");
        assert!(two >= 1e-2, "{loss}: two linear layers differ by no more than {two:e}");
    }
}

/// Directions one at a time, in blocks of any size, and a block of none.
#[test]
fn blocks_of_products_are_the_single_ones() {
    for activation in activations::tried() {
        let name = format!("blocks of {activation}");
        let network = Arc::new(network(mlp(&[7, 6], activation), Loss::default(), &[4]));
        let case = Case::new(&name, (*network).clone(), &Initializer::default(), 9);
        let samples = Arc::new(Samples::<f64>::new(&network, &case.data, &case.labels));
        let objective = Objective::new(network, samples, Statistics::Running);
        let (p, k) = (case.theta.len(), 7);
        let v = gaussian(&name, 60, p * k);
        for curvature in [Curvature::Hessian, Curvature::GaussNewton] {
            let linearization = objective.linearize(&case.theta, &[], curvature, usize::MAX);
            let block = linearization.products(&v, k);
            assert!(linearization.products(&[], 0).is_empty());
            for (v, expected) in v.chunks_exact(p).zip(block.chunks_exact(p)) {
                let alone = linearization.products(v, 1);
                let error = difference(&alone, expected);
                // Wide and narrow products of matrices may add in another order.
                assert!(error <= 1e-13 * norm(expected), "{name}: {curvature:?} differs by {error:e}");
                // A product is what its quadratic form is made of: none is all zeros here.
                assert!(dot(v, v) > 0.0 && norm(&alone) > 0.0);
            }
        }
    }
}
