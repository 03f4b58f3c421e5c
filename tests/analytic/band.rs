//! Bands on landscapes whose passes are known, and between two minima of a network.

use losscape::analyses::minima::explore::explore;
use losscape::base::Precision;
use losscape::base::graph::{Edge, bottlenecks, spanning_tree};
use losscape::data::Dataset;
use losscape::landscape::path::{Evaluator, Path, barrier};
use losscape::landscape::{Curve, path::Between};
use losscape::nn::{Samples, Statistics};
use losscape::train::band::{BandEvent, Potential};
use losscape::train::blend::Blend;
use losscape::train::{self, Band, BandSettings, BlendSettings, Keep, NetworkLoss, Status, TrainSettings};
use losscape::train::{relax, train_blend};
use rand::RngExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A function of the plane with its gradient, the same at every step.
struct Plane(fn(f64, f64) -> (f64, [f64; 2]));

impl Potential for Plane {
    fn value(&self, theta: &[f64], _: f64) -> f64 {
        (self.0)(theta[0], theta[1]).0
    }

    fn slopes(&self, _: u64, chain: &[Vec<f64>]) -> Vec<(f64, Vec<f64>)> {
        let at = |w: &Vec<f64>| {
            let (value, gradient) = (self.0)(w[0], w[1]);
            (value, gradient.to_vec())
        };
        chain.iter().map(at).collect()
    }

    fn identity(&self) -> Value {
        json!("plane")
    }
}

/// (x^2 - 1)^2 + 10 (y - (1 - x^2) / 2)^2: minima of height 0 at (-1, 0) and (1, 0), and between them, not on the line, a
/// pass of height 1 at (0, 1/2); on the line the height is 3.5 at 0.
fn bent(x: f64, y: f64) -> (f64, [f64; 2]) {
    let (well, off) = (x * x - 1.0, y - (1.0 - x * x) / 2.0);
    (well * well + 10.0 * off * off, [4.0 * x * well + 20.0 * off * x, 20.0 * off])
}

/// Mueller and Brown 1979: the usual trial of such methods. Minima at (-.558, 1.442) and (.623, .028), the higher of the
/// two passes between them of height -40.665 at (-.822, .624).
fn mueller_brown(x: f64, y: f64) -> (f64, [f64; 2]) {
    let terms = [
        (-200.0, -1.0, 0.0, -10.0, 1.0, 0.0),
        (-100.0, -1.0, 0.0, -10.0, 0.0, 0.5),
        (-170.0, -6.5, 11.0, -6.5, -0.5, 1.5),
        (15.0, 0.7, 0.6, 0.7, -1.0, 1.0),
    ];
    let (mut value, mut gradient) = (0.0, [0.0; 2]);
    for (height, a, b, c, x0, y0) in terms {
        let (dx, dy) = (x - x0, y - y0);
        let term: f64 = height * (a * dx * dx + b * dx * dy + c * dy * dy).exp();
        value += term;
        gradient[0] += term * (2.0 * a * dx + b * dy);
        gradient[1] += term * (b * dx + 2.0 * c * dy);
    }
    (value, gradient)
}

fn settings(text: &str) -> BandSettings {
    toml::from_str(text).expect("settings")
}

fn on_plane(text: &str, f: fn(f64, f64) -> (f64, [f64; 2]), ends: [[f64; 2]; 2]) -> Band {
    let band = relax(&settings(text), &Plane(f), [&ends[0], &ends[1]], None, &mut |_| {}).expect("a band");
    assert_eq!(band.status, Status::Done, "{}", band.reason);
    let last = band.chain.len() - 1;
    assert_eq!([&band.chain[0], &band.chain[last]], [&ends[0].to_vec(), &ends[1].to_vec()]);
    band
}

#[test]
fn a_band_finds_the_pass_between_two_wells() {
    let start = "pivots = 3\noptimizer = \"sgd:momentum=0\"\nlr = 0.02\nschedule = \"constant\"\nsteps = 400\n\
                 tolerance = 0";
    let band = on_plane(&format!("{start}\ncycles = 6\ninsert = 0.001"), bent, [[-1.0, 0.0], [1.0, 0.0]]);
    // The straight line first, and a band that grew.
    assert!((band.cycles[0].saddle - 3.5).abs() < 1e-12);
    assert!(band.cycles[1].inserted > 0 && band.chain.len() > 5, "{:?}", band.cycles);
    // Chords of a parabola of curvature 1, of length h, are h^2 / 8 off: 10 (h^2 / 8)^2 of height.
    let height = band.saddle.loss;
    assert!((height - 1.0).abs() < 1e-3, "{height} with {} pivots", band.chain.len());
    assert!((band.saddle.position - 0.5).abs() < 0.02, "{}", band.saddle.position);
    assert!(band.saddle.theta[0].abs() < 0.05 && (band.saddle.theta[1] - 0.5).abs() < 0.01);
    // Without inserting, fewer pivots stay, and the rule is what put them in.
    let few = start.replace("pivots = 3", "pivots = 2");
    let few = on_plane(&format!("{few}\ncycles = 6\ninsert = 10.0"), bent, [[-1.0, 0.0], [1.0, 0.0]]);
    assert_eq!(few.chain.len(), 4);
    // A chord of length .7 at least passes below the pass: 10 (.7^2 / 8)^2 higher.
    assert!(few.saddle.loss > 1.03, "{}", few.saddle.loss);
}

#[test]
fn a_band_finds_the_higher_pass_of_mueller_and_brown() {
    let ends = [[-0.558224, 1.441726], [0.623499, 0.028038]];
    let band = on_plane(
        "pivots = 7\nmost-pivots = 100\noptimizer = \"sgd:momentum=0\"\nlr = 0.0002\nschedule = \"constant\"\n\
         steps = 500\ncycles = 8\ninsert = 0.002\ntolerance = 0",
        mueller_brown,
        ends,
    );
    // Of a range of 106.
    assert!((band.saddle.loss + 40.6648).abs() < 0.1, "{:?}, {} pivots", band.saddle, band.chain.len());
    assert!((band.saddle.theta[0] + 0.822).abs() < 0.02 && (band.saddle.theta[1] - 0.624).abs() < 0.02);
    let dense = band.dense.iter().map(|d| d.1).fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(dense, band.saddle.loss);
    assert!(band.dense.windows(2).all(|d| d[0].0 < d[1].0));
}

/// A double well along an axis: minima of height -tilt and tilt at -1 and 1, and between them a pass of height
/// [`pass`]. h (1 - x^2)^2 + tilt (3 x - x^3) / 2, whose derivative is (1 - x^2) (1.5 tilt - 4 h x).
fn well(h: f64, tilt: f64, x: f64) -> (f64, f64) {
    let (off, slope) = (1.0 - x * x, 1.5 * tilt - 4.0 * h * x);
    (h * off * off + tilt * (3.0 * x - x * x * x) / 2.0, off * slope)
}

fn pass(h: f64, tilt: f64) -> f64 {
    well(h, tilt, 3.0 * tilt / (8.0 * h)).0
}

/// Height and tilt of the wells along x and along y.
const WELLS: [(f64, f64); 2] = [(3.0, 0.2), (1.0, 0.1)];

/// Four minima, at (+-1, +-1).
fn four(x: f64, y: f64) -> (f64, [f64; 2]) {
    let [(u, du), (v, dv)] = [well(WELLS[0].0, WELLS[0].1, x), well(WELLS[1].0, WELLS[1].1, y)];
    (u + v, [du, dv])
}

#[test]
fn bands_over_a_set_of_minima_find_the_tree_of_the_known_passes() {
    let minima = [[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]];
    let losses: Vec<f64> = minima.iter().map(|[x, y]| four(*x, *y).0).collect();
    let text = "pivots = 5\nmost-pivots = 60\noptimizer = \"sgd:momentum=0\"\nlr = 0.02\nschedule = \"constant\"\n\
                steps = 400\ncycles = 8\ninsert = 0.002\ntolerance = 0";
    let join = |a: usize, b: usize| Ok(on_plane(text, four, [minima[a], minima[b]]).saddle.loss);
    // Along x the pass lies at the other coordinate's minimum, and the other way round.
    let [x, y] = WELLS.map(|(h, tilt)| pass(h, tilt));
    let [(_, a), (_, b)] = WELLS;
    let known = |i: usize, j: usize, weight: f64| Edge { a: i, b: j, weight };
    let known = [known(0, 2, y - a), known(1, 3, y + a), known(0, 1, x - b), known(2, 3, x + b)];
    // By hand: the passes along y, and the lower of the two along x.
    let by_hand = [(0, 2), (1, 3), (0, 1)];
    let tree = spanning_tree(4, &known);
    assert_eq!(tree.iter().map(|e| (e.a, e.b)).collect::<Vec<_>>(), by_hand);
    // From the lowest, 0, to the others by their height; three bands are a tree, whose way to 3 is too high.
    let star = explore(&losses, 3, join).expect("bands");
    let order: Vec<(usize, usize)> = star.edges.iter().map(|e| (e.a, e.b)).collect();
    assert_eq!(order, [(0, 2), (0, 1), (0, 3)]);
    // More bands replace it.
    let found = explore(&losses, 100, join).expect("bands");
    for edge in &known {
        let own = found.edges.iter().find(|e| (e.a, e.b) == (edge.a, edge.b)).expect("a band");
        assert!((own.weight - edge.weight).abs() < 5e-3, "{own:?} and {edge:?}");
    }
    let [short, own] = [&star.edges, &found.edges].map(|edges| spanning_tree(4, edges));
    // Across the corner a band may come to lie on the two lower passes: as high as 0-1, within the same tolerance.
    assert_eq!(own[..2].iter().map(|e| (e.a, e.b)).collect::<Vec<_>>(), by_hand[..2]);
    assert!((own[2].weight - tree[2].weight).abs() < 5e-3, "{own:?}");
    assert!(short[1].weight > own[1].weight + 1.0, "{short:?}");
    let ways = [&found.edges, &known.to_vec()].map(|edges| bottlenecks(4, &spanning_tree(4, edges)));
    for (ij, (found, expected)) in ways[0].iter().zip(&ways[1]).enumerate().filter(|(ij, _)| ij % 5 != 0) {
        assert!((found - expected).abs() < 5e-3, "{ij}: {found} and {expected}");
    }
}

#[test]
fn divergence_is_a_status() {
    let ends = [[-1.0, 0.0], [1.0, 0.0]];
    let settings = settings("lr = 1e9\nsteps = 50");
    let band = relax(&settings, &Plane(bent), [&ends[0], &ends[1]], None, &mut |_| {}).expect("a band");
    assert_eq!(band.status, Status::Diverged, "{}", band.reason);
    assert!(band.chain.iter().flatten().all(|x| x.is_finite()));
}

/// Two minima of the digits: a network and what it was trained on.
fn minima(model: &str) -> (Dataset, Arc<losscape::nn::Network>, [Vec<f64>; 2]) {
    let with = |seed: u64| TrainSettings {
        model: model.parse().expect("a model"),
        seed,
        ..TrainSettings::default()
    };
    let base = with(0);
    let dataset = Dataset::load(&base.data, 0, &base.preparation).expect("digits");
    let ends = [0, 1].map(|seed| {
        train::train::<f32>(&with(seed), &dataset, None, &mut |_| {}).expect("training").point.theta
    });
    let network = Arc::new(train::network(&base, &dataset).expect("a network"));
    (dataset, network, ends)
}

/// Barriers between two minima of the digits, over the training samples: the line, the Bezier curve, the band.
fn barriers(model: &str) -> [f64; 3] {
    let (dataset, network, [a, b]) = minima(model);
    let train: Arc<Samples<f32>> = train::samples(&network, &dataset.train);
    let [on_train, on_test] = [&dataset.train, &dataset.test]
        .map(|on| train::loss(&network, on, Precision::F32, Statistics::Running));
    let evaluator = Evaluator::new(on_train, on_test, Between::Refresh, 64).unwrap();
    let barrier = |path: &Path| {
        let profile = evaluator.profile(path, 61, &|| {});
        barrier(&profile.t, &profile.train_loss)
    };
    let curve: Curve = "bezier".parse().expect("a curve");
    let weights = |theta: &Vec<f64>| (theta.clone(), Vec::new());
    let mut path = Path::start(&curve, weights(&a), weights(&b));
    let line = barrier(&Path::line(weights(&a), weights(&b)));
    let draw = |rng: &mut losscape::base::random::Rng| curve.coefficients(rng.random());
    let blend = Blend {
        network: &network,
        train: &train,
        control: &path.control,
        free: &[false, true, false],
        draw: &draw,
        pull: None,
        name: "bezier",
        seed: 0,
        vary: None,
    };
    let started = std::time::Instant::now();
    let blended = train_blend(&BlendSettings::default(), &blend, None, &mut |_| {}).expect("training");
    let curved = started.elapsed();
    path.control = blended.control;
    let bezier = barrier(&path);
    let settings = BandSettings::default();
    let loss = NetworkLoss::new(&network, &train, &settings, 0).unwrap();
    let started = std::time::Instant::now();
    let band = relax(&settings, &loss, [&a, &b], None, &mut |_| {}).expect("a band");
    println!(
        "{model}: line {line:.4}, bezier {bezier:.5} in {curved:?}, band {:.5} in {:?}: {:?} {}",
        band.saddle.loss,
        started.elapsed(),
        band.cycles,
        band.reason
    );
    [line, bezier, band.saddle.loss]
}

#[test]
fn minima_of_the_digits_are_joined_by_a_curve_and_by_a_band() {
    let [line, bezier, band] = barriers("mlp:hidden=[32]");
    assert!(line > 0.1, "{line}");
    assert!(bezier < 0.02 * line, "{bezier} of {line}");
    assert!(band < 0.1 * line, "{band} of {line}");
}

#[test]
#[ignore = "the deeper network, for its numbers"]
fn minima_of_a_deeper_network_are_joined_too() {
    let [line, bezier, band] = barriers("mlp:hidden=[64,64]");
    assert!(bezier < 0.02 * line && band < 0.1 * line, "{line}, {bezier}, {band}");
}

#[test]
fn a_band_goes_on_after_every_cycle_on_any_number_of_threads() {
    let (dataset, network, [a, b]) = minima("mlp:hidden=[8]");
    let train: Arc<Samples<f32>> = train::samples(&network, &dataset.train);
    let settings = settings("cycles = 3\nsteps = 20\nbatch-size = 100\ninsert = 0.01");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("band.safetensors");
    let keep = Keep { path: path.clone(), every: Duration::ZERO, data_sha256: "01".to_owned() };
    let run = |threads: usize, seed: u64, keep: Option<&Keep>, each: &mut (dyn FnMut(BandEvent) + Send)| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let loss = NetworkLoss::new(&network, &train, &settings, seed).unwrap();
        pool.install(|| relax(&settings, &loss, [&a, &b], keep, each))
    };
    let mut checkpoints = Vec::new();
    let whole = run(1, 0, Some(&keep), &mut |event| {
        if let BandEvent::Cycle(_) = event {
            // What was written after the cycle before.
            checkpoints.extend(std::fs::read(&path));
        }
    });
    let whole = whole.expect("a band");
    assert_eq!((whole.cycles.len(), checkpoints.len()), (4, 3));
    assert!(whole.cycles[1].inserted + whole.cycles[0].inserted > 0, "{:?}", whole.cycles);
    for (threads, bytes) in [2, 4, 3].into_iter().zip(&checkpoints) {
        std::fs::write(&path, bytes).expect("a file");
        assert_eq!(run(threads, 0, Some(&keep), &mut |_| {}).as_ref(), Ok(&whole));
    }
    let error = run(1, 1, Some(&keep), &mut |_| {}).expect_err("another seed").to_string();
    assert!(error.contains("potential.seed = 0"), "{error}");
    let bytes = std::fs::read(&path).expect("a file");
    std::fs::write(&path, &bytes[..bytes.len() - 1]).expect("a file");
    assert_eq!(run(1, 0, Some(&keep), &mut |_| {}).map_err(|e| e.exit_code()), Err(2));
}
