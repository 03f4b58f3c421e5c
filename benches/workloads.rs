//! The workloads that losscape's speed is judged by, one JSON line each:
//! `cargo bench --bench workloads -- [--threads N] [NAME ...]`.
//!
//! Data are random (timing does not depend on content). Each workload is warmed up once, then run three times;
//! the fastest run counts. Rates mean something only as ratios to another program measured in the same sitting
//! on a quiet machine.

use losscape::analyses::{DataSettings, training};
use losscape::autodiff::Curvature;
use losscape::base::Streams;
use losscape::base::pool::on_workers;
use losscape::base::random::{Rng, normal};
use losscape::base::section::Section;
use losscape::landscape::directions::gaussian::gaussian;
use losscape::landscape::hessian::Curved;
use losscape::landscape::slice::Point;
use losscape::landscape::topology::{self, Adjacency};
use losscape::landscape::{Normalization, Slicer, State};
use losscape::nn::architectures::Exported;
use losscape::nn::graph::{Dtype, Graph, Sizes};
use losscape::nn::losses::Excess;
use losscape::nn::{Network, Objective, Samples, Spec, Statistics};
use losscape::spectral::{Operator, Settings, Wanted, ends, quadrature};
use losscape::study::{Asked, Recipe, engine};
use losscape::train::batch::{BatchGradient, Noise};
use losscape::train::blend::Blend;
use losscape::train::optimizers::Stepper;
use losscape::train::{BlendSettings, TrainSettings, train_blend};
use rand::RngExt;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

/// A network and the number of samples it sees.
struct Shape {
    input: &'static [usize],
    model: &'static str,
    samples: usize,
    /// A graph of torch.export in place of the model, as `graphs/` holds it.
    graph: Option<&'static str>,
}

const MLP: Shape = Shape { input: &[784], model: "mlp:hidden=[256,256]", samples: 4096, graph: None };
const DIGITS: Shape = Shape { input: &[64], model: "mlp:hidden=[32]", samples: 1797, graph: None };
/// Batch norm is frozen but in training.
const CNN: Shape = Shape { input: &[3, 32, 32], model: "resnet:depth=8", samples: 512, graph: None };
/// A transformer of 4 layers, width 128 and 4 heads over 64 of 65 tokens, its head tied to its embedding.
const GPT: Shape = Shape { input: &[], model: "", samples: 32, graph: Some(include_str!("graphs/gpt.json")) };
/// torchvision's ResNet-18 for ten classes, on images of 32 by 32.
const RESNET18: Shape =
    Shape { input: &[], model: "", samples: 128, graph: Some(include_str!("graphs/resnet18.json")) };
const MEMORY: usize = 4 << 30;

struct Case {
    network: Arc<Network>,
    samples: Arc<Samples<f32>>,
    theta: Vec<f64>,
    state: Vec<f64>,
}

impl Case {
    fn new(shape: &Shape) -> Self {
        match shape.graph {
            Some(text) => Self::exported(text, shape.samples),
            None => Self::layers(shape),
        }
    }

    /// A graph with weights and data drawn at random: whole numbers are below 10 or the number of tokens.
    fn exported(text: &str, samples: usize) -> Self {
        let parts: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let mut rng: Rng = Streams::new(0).stream("bench/weights", 0);
        let mut files = vec![("models/model.json".to_owned(), parts["model"].to_string().into_bytes())];
        for (name, kind) in [("weights", "model_weights_config"), ("constants", "model_constants_config")] {
            files.push((format!("data/{name}/{kind}.json"), parts[name].to_string().into_bytes()));
        }
        for (name, tensor) in parts["weights"]["config"].as_object().expect("weights") {
            let sizes = tensor["tensor_meta"]["sizes"].as_array().expect("sizes");
            let size: u64 = sizes.iter().map(|d| d["as_int"].as_u64().expect("a size")).product();
            let bytes: Vec<u8> = match tensor["tensor_meta"]["dtype"].as_u64() {
                Some(7) => {
                    // Variances and scales around 1, everything else around 0.
                    let center = if sizes.len() == 1 && !name.ends_with("bias") { 1.0 } else { 0.0 };
                    (0..size)
                        .map(|_| (center + 0.05 * normal(&mut rng)) as f32)
                        .flat_map(f32::to_le_bytes)
                        .collect()
                }
                _ => vec![0; 8 * size as usize],
            };
            files.push((format!("data/weights/{}", tensor["path_name"].as_str().expect("a name")), bytes));
        }
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let stored =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for (name, bytes) in files {
            archive.start_file(name, stored).expect("an entry");
            archive.write_all(&bytes).expect("its bytes");
        }
        let bytes = archive.finish().expect("an archive").into_inner();
        let graph = Graph::from_bytes("graph", &bytes).expect("a graph");
        let batch = graph.batch_symbol().unwrap_or_default().to_owned();
        let packing = graph.packing(&Sizes { batch: batch.clone(), ..Sizes::default() }).expect("a packing");
        let exported = Exported { batch, apart: true, ..Exported::default() };
        let spec =
            Spec { model: exported.into(), loss: Excess.into(), input: vec![packing.features], outputs: 1 };
        let whole: Vec<bool> = packing
            .arguments
            .iter()
            .flat_map(|a| vec![a.dtype != Dtype::Float; a.shape.iter().product()])
            .collect();
        let theta = graph.theta.clone();
        let state = graph.state();
        let network = Arc::new(Network::of_graph(graph, spec).expect("a network"));
        let draw = |i: usize| {
            if whole[i % whole.len()] { f64::from(rng.random_range(0..10)) } else { normal(&mut rng) }
        };
        let data: Vec<f64> = (0..samples * whole.len()).map(draw).collect();
        let samples = Arc::new(Samples::regression(&network, &data, &vec![0.0; samples]));
        Self { network, samples, theta, state }
    }

    fn layers(shape: &Shape) -> Self {
        let spec = Spec {
            model: shape.model.parse().expect("a model"),
            loss: Default::default(),
            input: shape.input.to_vec(),
            outputs: 10,
        };
        let network = Arc::new(Network::new(spec).expect("a network"));
        let streams = Streams::new(0);
        let mut rng: Rng = streams.stream("bench/data", 0);
        let data: Vec<f64> = (0..shape.samples * network.features()).map(|_| normal(&mut rng)).collect();
        let labels: Vec<u32> = (0..shape.samples).map(|_| rng.random_range(0..10)).collect();
        let theta = network.init(&Default::default(), &streams);
        let samples = Arc::new(Samples::new(&network, &data, &labels));
        let state = network.start(&theta);
        Self { network, samples, theta, state }
    }

    /// Parameters and state in single precision.
    fn single(&self) -> (Vec<f32>, Vec<f32>) {
        let single = |v: &[f64]| v.iter().map(|x| *x as f32).collect();
        (single(&self.theta), single(&self.state))
    }

    /// One run evaluates `side` x `side` points, loss and accuracy.
    fn grid(&self, side: usize) -> Box<dyn FnMut() + '_> {
        let objective = Objective::new(self.network.clone(), self.samples.clone(), Statistics::Running);
        let streams = Streams::new(1);
        let directions = [0, 1].map(|i| {
            let mut d = gaussian(&streams, i, self.theta.len());
            Normalization::default().apply(self.network.layout(), &self.theta, |_| false, &mut d);
            d
        });
        let at = |i: usize| 2.0 * i as f64 / (side - 1) as f64 - 1.0;
        let points: Vec<Point> = (0..side * side).map(|i| [at(i % side), at(i / side), 0.0]).collect();
        Box::new(move || {
            let state = State::Frozen(self.state.clone());
            let slicer = Slicer::new(&objective, &self.theta, state, &directions, MEMORY);
            std::hint::black_box(slicer.evaluate(&points, &|_| {}).expect("a slice"));
        })
    }

    /// One run linearizes and takes `count` products in a row, each of the last one's normalised result.
    fn products(&self, count: usize) -> Box<dyn FnMut() + '_> {
        let objective = Objective::new(self.network.clone(), self.samples.clone(), Statistics::Running);
        let (theta, state) = self.single();
        let mut rng = Streams::new(2).stream("bench/vector", 0);
        let start: Vec<f64> = theta.iter().map(|_| normal(&mut rng)).collect();
        Box::new(move || {
            let linearization = objective.linearize(&theta, &state, Curvature::Hessian, MEMORY);
            let mut v = start.clone();
            for _ in 0..count {
                let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
                v.iter_mut().for_each(|x| *x /= norm);
                v = linearization.products(&v, 1);
            }
            std::hint::black_box(v);
        })
    }

    /// One run linearizes and takes `steps` steps of Lanczos from one start, as for a spectral density.
    fn density(&self, steps: usize) -> Box<dyn FnMut() + '_> {
        let objective = Objective::new(self.network.clone(), self.samples.clone(), Statistics::Running);
        let (theta, state) = self.single();
        Box::new(move || {
            let curved = Curved(objective.linearize(&theta, &state, Curvature::Hessian, MEMORY));
            let settings = quadrature::Settings { steps, probes: 1 };
            let found = quadrature::quadrature(&curved, &settings, &Streams::new(3)).expect("a rule");
            std::hint::black_box(found);
        })
    }

    /// One run evaluates the loss alone `count` times.
    fn losses(&self, count: usize) -> Box<dyn FnMut() + '_> {
        let objective = Objective::new(self.network.clone(), self.samples.clone(), Statistics::Running);
        let (theta, state) = self.single();
        Box::new(move || {
            for _ in 0..count {
                std::hint::black_box(objective.evaluate(std::hint::black_box(&theta), &state));
            }
        })
    }

    /// One run makes `steps` steps of SGD with momentum on consecutive batches.
    fn training(&self, batch: usize, steps: usize) -> Box<dyn FnMut() + '_> {
        let optimizer = TrainSettings::default().optimizer;
        Box::new(move || {
            let (mut theta, mut state) = self.single();
            let mut stepper = Stepper::new(&optimizer, theta.len());
            let mut compute = BatchGradient::new(&self.network, batch, false, None);
            for step in 0..steps {
                let start = (step * batch) % (self.samples.len() - batch + 1);
                let indices: Vec<u32> = (start as u32..(start + batch) as u32).collect();
                let noise = Noise { streams: Streams::new(0), step: 0, epoch: 1, vary: None };
                compute.run(&theta, &state, &self.samples, &indices, &noise);
                compute.follow(&mut state);
                stepper.step(0.01, &mut theta, |start, out| compute.gradient(start, out));
            }
            std::hint::black_box(theta);
        })
    }

    /// One run trains the bend of a Bezier curve between two networks for so many epochs, by SGD with momentum.
    fn curve(&self, batch: usize, epochs: usize) -> Box<dyn FnMut() + '_> {
        let other = self.network.init(&Default::default(), &Streams::new(1));
        let middle = self.theta.iter().zip(&other).map(|(a, b)| (a + b) / 2.0).collect();
        let control = vec![self.theta.clone(), middle, other];
        let settings =
            BlendSettings { lr: Some(0.01), batch_size: Some(batch), epochs, ..BlendSettings::default() };
        let draw = |rng: &mut Rng| {
            let t: f64 = rng.random();
            vec![(1.0 - t) * (1.0 - t), 2.0 * t * (1.0 - t), t * t]
        };
        Box::new(move || {
            let blend = Blend {
                network: &self.network,
                train: &*self.samples,
                control: &control,
                free: &[false, true, false],
                draw: &draw,
                pull: None,
                name: "bezier",
                seed: 0,
                vary: None,
            };
            std::hint::black_box(train_blend(&settings, &blend, None, &mut |_| {}).expect("a curve"));
        })
    }
}

/// The time to a certified largest eigenvalue (residual at most 1e-3 of it) of the default network, trained on the digits,
/// linearization included; and how many products power iteration needs to be as near to the true one.
fn lambda_max() {
    let trained = training::run(&TrainSettings::default(), &mut |_| {}).expect("a network").trained;
    let (_, dataset) = DataSettings::load(&TrainSettings::default()).expect("digits");
    let network = trained.network.clone();
    let wanted = Wanted { top: 1, bottom: 0 };
    let rng = || Streams::new(4).stream("bench/start", 0);
    let exact = {
        let samples = losscape::train::samples::<f64>(&network, &dataset.train);
        let objective = Objective::new(network.clone(), samples, Statistics::Running);
        let point = &trained.point;
        let curved = Curved(objective.linearize(&point.theta, &point.state, Curvature::Hessian, MEMORY));
        let settings = Settings { tolerance: 1e-10, ..Settings::default() };
        ends(&curved, wanted, &mut rng(), &settings).expect("an eigenvalue").top[0].value
    };
    let samples = losscape::train::samples::<f32>(&network, &dataset.train);
    let objective = Objective::new(network.clone(), samples, Statistics::Running);
    let point = trained.point.to::<f32>();
    let linearize = || Curved(objective.linearize(&point.theta, &point.state, Curvature::Hessian, MEMORY));
    let find = || ends(&linearize(), wanted, &mut rng(), &Settings::default()).expect("an eigenvalue");
    let found = find();
    assert!(found.certified(), "a certificate");
    let seconds = best(Box::new(|| {
        std::hint::black_box(find());
    }));
    let error = (found.top[0].value - exact).abs().max(1e-6 * exact);
    const MOST: usize = 100_000;
    let curved = linearize();
    let mut v: Vec<f64> = (0..curved.dimension()).map(|_| 1.0).collect();
    let mut start = rng();
    v.iter_mut().for_each(|x| *x = normal(&mut start));
    let mut power = 0;
    while power < MOST {
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        v.iter_mut().for_each(|x| *x /= norm);
        let product = curved.apply(&v, 1);
        power += 1;
        let value: f64 = v.iter().zip(&product).map(|(a, b)| a * b).sum();
        if (value - exact).abs() <= error {
            break;
        }
        v = product;
    }
    let (rate, products) = (1.0 / seconds, found.products);
    let relative = (found.top[0].value - exact).abs() / exact;
    println!(
        r#"{{"workload": "lambda-max", "system": "losscape", "unit": "certified eigenvalues/s", "rate": {rate:.1}, "seconds": {seconds:.6}, "products": {products}, "relative_error": {relative:.1e}, "power_products": {power}}}"#
    );
}

fn best(mut run: Box<dyn FnMut() + '_>) -> f64 {
    run();
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..3).map(time).fold(f64::INFINITY, f64::min)
}

/// The workload that trains a network first.
const LAMBDA_MAX: &str = "lambda-max";

/// Name, shape, what one run is, how much it counts for, in which unit.
type Workload = (&'static str, &'static Shape, fn(&Case) -> Box<dyn FnMut() + '_>, usize, &'static str);

const WORKLOADS: &[Workload] = &[
    ("grid-mlp", &MLP, |c| c.grid(11), 121, "grid points/s"),
    ("grid-digits", &DIGITS, |c| c.grid(25), 625, "grid points/s"),
    ("hvp-mlp", &MLP, |c| c.products(20), 20, "HVP/s"),
    ("hvp-digits", &DIGITS, |c| c.products(100), 100, "HVP/s"),
    ("esd-mlp", &MLP, |c| c.density(40), 40, "Lanczos steps/s"),
    ("esd-digits", &DIGITS, |c| c.density(80), 80, "Lanczos steps/s"),
    ("grid-cnn", &CNN, |c| c.grid(5), 25, "grid points/s"),
    ("hvp-cnn", &CNN, |c| c.products(4), 4, "HVP/s"),
    ("grid-gpt", &GPT, |c| c.grid(5), 25, "grid points/s"),
    ("hvp-gpt", &GPT, |c| c.products(5), 5, "HVP/s"),
    ("train-gpt", &GPT, |c| c.training(16, 10), 10 * 16, "samples/s"),
    ("grid-resnet18", &RESNET18, |c| c.grid(3), 9, "grid points/s"),
    ("hvp-resnet18", &RESNET18, |c| c.products(2), 2, "HVP/s"),
    ("train-resnet18", &RESNET18, |c| c.training(64, 4), 4 * 64, "samples/s"),
    ("loss-cnn", &CNN, |c| c.losses(2), 2, "losses/s"),
    ("train-cnn", &CNN, |c| c.training(128, 10), 10 * 128, "samples/s"),
    ("loss-mlp", &MLP, |c| c.losses(20), 20, "losses/s"),
    ("loss-digits", &DIGITS, |c| c.losses(100), 100, "losses/s"),
    ("train-mlp", &MLP, |c| c.training(128, 200), 200 * 128, "samples/s"),
    ("train-digits", &DIGITS, |c| c.training(64, 500), 500 * 64, "samples/s"),
    ("train-curve", &MLP, |c| c.curve(128, 6), 6 * 4096, "samples/s"),
    ("train-curve-digits", &DIGITS, |c| c.curve(64, 18), 18 * 1797, "samples/s"),
];

const WIDTH_SWEEP: &str = "width-sweep";

/// Eight seeds of six widths, each trained to the end of its epochs.
const SWEEP: &str = r#"
seeds = 8
[train]
data = "digits"
epochs = 20
[[vary]]
name = "width"
set = "train.hidden"
values = [4, 8, 16, 32, 64, 128]
[[measure]]
name = "loss"
of = "train.final.test_loss"
"#;

/// Runs a second of a study on all cores, and its efficiency T1 / (N TN) against one.
fn width_sweep() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
        let section = Section::parse("sweep", SWEEP).expect("a table");
        let recipe = Recipe::new("sweep", section, &Asked::default()).expect("a recipe");
        let directory = tempfile::tempdir().expect("a directory");
        let started = Instant::now();
        let result = pool.install(|| engine::run(&recipe, directory.path(), None, 1e-6, &|_| ()));
        result.expect("a study");
        started.elapsed().as_secs_f64()
    };
    let threads = rayon::current_num_threads();
    // In turn, so that both see the same machine.
    let times = [0, 1, 2].map(|_| [run(1), run(threads)]);
    let least = |i: usize| times.iter().map(|t| t[i]).fold(f64::INFINITY, f64::min);
    let (alone, seconds) = (least(0), least(1));
    let (rate, efficiency) = (48.0 / seconds, alone / (threads as f64 * seconds));
    println!(
        r#"{{"workload": "{WIDTH_SWEEP}", "system": "losscape", "unit": "runs/s", "rate": {rate:.1}, "seconds": {seconds:.6}, "efficiency": {efficiency:.3}}}"#
    );
}

/// The workload of a finished map.
const TOPOLOGY: &str = "topology";

/// Minima, holes and profile of Himmelblau's function on 201 x 201 points, with as much of ripples as a slice has of rounding.
fn topology_of_a_plane() {
    let at = |i: usize| -5.0 + 10.0 * i as f64 / 200.0;
    let value = |k: usize| {
        let (x, y) = (at(k % 201), at(k / 201));
        (x * x + y - 11.0).powi(2) + (x + y * y - 7.0).powi(2) + 0.1 * (k as f64 * 0.7).sin()
    };
    let values: Vec<f64> = (0..201 * 201).map(value).collect();
    let seconds = best(Box::new(|| {
        let bars = topology::components(&values, &[201, 201], Adjacency::Faces);
        let holes = topology::holes(&values, &[201, 201], Adjacency::Faces);
        let basins = topology::kept(&bars, 0.2);
        let profile = topology::profile(&values, &[201, 201], Adjacency::Faces, &bars, &basins);
        assert!(!holes.is_empty() && !profile.place.is_empty());
    }));
    let rate = values.len() as f64 / seconds;
    println!(
        r#"{{"workload": "{TOPOLOGY}", "system": "losscape", "unit": "grid points/s", "rate": {rate:.1}, "seconds": {seconds:.6}}}"#
    );
}

fn main() {
    // cargo passes --bench; everything else is a name or --threads N.
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let (mut threads, mut names) = (0, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--threads" => threads = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(0),
            _ => names.push(argument),
        }
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("a thread pool");
    for name in &names {
        let others = [LAMBDA_MAX, WIDTH_SWEEP, TOPOLOGY];
        if !others.contains(&name.as_str()) && !WORKLOADS.iter().any(|w| w.0 == name) {
            let known: Vec<&str> = WORKLOADS.iter().map(|w| w.0).chain(others).collect();
            eprintln!("error: workload: expected one of {}, found `{name}`", known.join(", "));
            std::process::exit(2);
        }
    }
    if names.is_empty() || names.iter().any(|n| n == LAMBDA_MAX) {
        on_workers(lambda_max);
    }
    if names.is_empty() || names.iter().any(|n| n == WIDTH_SWEEP) {
        width_sweep();
    }
    if names.is_empty() || names.iter().any(|n| n == TOPOLOGY) {
        topology_of_a_plane();
    }
    for (name, shape, run, units, unit) in WORKLOADS {
        if names.is_empty() || names.iter().any(|n| n == name) {
            let case = Case::new(shape);
            let seconds = on_workers(|| best(run(&case)));
            let rate = *units as f64 / seconds;
            println!(
                r#"{{"workload": "{name}", "system": "losscape", "unit": "{unit}", "rate": {rate:.1}, "seconds": {seconds:.6}}}"#
            );
        }
    }
}
