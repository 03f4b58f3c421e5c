//! Permutation symmetry: hidden units change places and the function stays, for every architecture, layer and norm.

use crate::conformance::check::{difference, gaussian, norm};
use losscape::autodiff::{Bindings, Plan};
use losscape::base::Streams;
use losscape::base::registry::Registry;
use losscape::nn::architectures::{Architecture, Unfold};
use losscape::nn::inits::Initializer;
use losscape::nn::layers::Layer;
use losscape::nn::losses::Loss;
use losscape::nn::norms::Norm;
use losscape::nn::{Mode, Network, Spec};

const OUTPUTS: usize = 3;
const SAMPLES: usize = 5;

/// A network at a point where no two units are alike, and no parameter or statistic is what it starts at.
pub struct Point {
    pub name: String,
    pub network: Network,
    pub theta: Vec<f64>,
    pub state: Vec<f64>,
}

impl Point {
    pub fn new(model: &Architecture, input: &[usize]) -> Option<Self> {
        let spec =
            Spec { model: model.clone(), loss: Loss::default(), input: input.to_vec(), outputs: OUTPUTS };
        let network = Network::new(spec).ok()?;
        let name = format!("{model} on {input:?}");
        let mut theta = network.init(&Initializer::default(), &Streams::new(3));
        let shift = gaussian(&name, 0, theta.len());
        theta.iter_mut().zip(shift).for_each(|(t, s)| *t += 0.1 * s);
        let mut state = network.start(&theta);
        let shift = gaussian(&name, 1, state.len());
        state.iter_mut().zip(shift).for_each(|(s, x)| *s += 0.1 * x.abs());
        Some(Self { name, network, theta, state })
    }

    pub fn outputs(&self, mode: Mode, theta: &[f64], state: &[f64]) -> Vec<f64> {
        let recording = self.network.record(SAMPLES, mode, false);
        let out = recording.program.outputs();
        let plan = Plan::new(recording.program.tape().clone(), &[out], &[]);
        let data = gaussian("symmetry/data", 0, SAMPLES * self.network.features());
        let targets = vec![0.0; SAMPLES * OUTPUTS];
        let bindings = Bindings { theta, state, inputs: &[&data, &targets] };
        let mut workspace = plan.workspace();
        plan.run(&bindings, &mut workspace);
        plan.values(bindings, &workspace).of(out).data.to_vec()
    }

    /// Random permutations change nothing but where units stand; whether there was something to permute.
    fn check(&self) -> bool {
        let symmetry = self.network.symmetry();
        let hidden = !symmetry.groups().is_empty();
        for index in 0..3 {
            let permutation = symmetry.random(&Streams::new(5), index);
            let (theta, state) = permutation.apply(&self.theta, &self.state);
            for mode in [Mode::Running, Mode::Batch] {
                let expected = self.outputs(mode, &self.theta, &self.state);
                let found = self.outputs(mode, &theta, &state);
                let (error, size) = (difference(&expected, &found), norm(&expected));
                assert!(size.is_finite() && size > 0.0, "{}: outputs of size {size}", self.name);
                // Sums in another order: some hundred roundings of 1e-16, that later norms may amplify.
                assert!(error <= 1e-12 * size, "{}: {mode:?} off by {error:e} of {size:e}", self.name);
            }
            if permutation.moved() > 0 {
                let moved = difference(&theta, &self.theta);
                assert!(moved > 1e-3 * norm(&self.theta), "{}: moved by {moved:e} alone", self.name);
            }
            let back = permutation.inverse().apply(&theta, &state);
            assert_eq!(back, (self.theta.clone(), self.state.clone()), "{}: the way back", self.name);
            let other = symmetry.random(&Streams::new(5), index + 100);
            assert_eq!(permutation.then(&other).apply(&self.theta, &self.state), other.apply(&theta, &state));
            assert_eq!(permutation.then(&permutation.inverse()), symmetry.identity());
        }
        hidden
    }
}

/// Networks of every kind, and of every residual, norm and shortcut that one can have.
pub fn models() -> Vec<Architecture> {
    let mut all: Vec<Architecture> =
        Architecture::all().into_iter().filter(|model| model.exported().is_none()).collect();
    let texts = [
        "mlp:hidden=[9,8]",
        "mlp:hidden=[8,8,8],residual=1",
        "mlp:hidden=[8,8,8,8,8],residual=2,branch-scale=0.5",
        "mlp:hidden=[8,8,8],residual=2,scalars=true,activation=tanh",
        "cnn:channels=[6,5],hidden=[7],norm=none",
        "resnet:width=0.25,projection=false",
        "resnet:width=0.25,norm=none,scalars=true",
        "resnet:width=0.25,skip=false",
        "resnet:width=0.25,depth=14,norm=group",
        "student:train-outputs=true",
    ];
    all.extend(texts.map(|t| t.parse().unwrap_or_else(|e| panic!("{t}: {e}"))));
    for norm in Norm::all() {
        for text in [format!("mlp:hidden=[8,12],norm={norm}"), format!("cnn:channels=[4,8],norm={norm}")] {
            all.push(text.parse().unwrap_or_else(|e| panic!("{text}: {e}")));
        }
    }
    all
}

/// The first of some shapes that a network takes.
pub fn point(model: &Architecture) -> Option<Point> {
    let shapes: [&[usize]; 4] = [&[5], &[1, 8, 8], &[3, 8, 8], &[1, 16, 16]];
    shapes.into_iter().find_map(|shape| Point::new(model, shape))
}

#[test]
fn permuted_networks_are_the_same_function() {
    let mut without = Vec::new();
    for model in models() {
        // Instance norm takes no vectors.
        let Some(point) = point(&model) else {
            assert!(model.to_string().contains("instance"), "{model} takes nothing");
            continue;
        };
        if !point.check() {
            without.push(model.to_string());
        }
    }
    assert!(without.is_empty(), "no hidden units in {without:?}");
}

/// Each layer between others that could be permuted: what it does not say must stay where it is.
#[test]
fn layers_between_others_leave_the_function_alone() {
    let texts = [
        "conv:channels=8,groups=8",
        "conv:channels=16,groups=8,kernel=1,padding=0",
        "conv:channels=12,groups=4",
        "conv:channels=6,groups=2,norm=weight",
        "conv:channels=8,norm=spectral",
        "dense:units=6,norm=spectral",
        "dense:units=6,norm=weight",
        "subsample:stride=2,channels=11",
        "residual:body=[{kind=\"conv\",channels=8},\"activate\",{kind=\"conv\",channels=8,groups=8}]",
        "residual:body=[{kind=\"conv\",channels=12}],shortcut=[{kind=\"subsample\",stride=1,channels=12}]",
        "residual:body=[\"flatten\",{kind=\"dense\",units=288}],shortcut=[\"flatten\"]",
        "residual:body=[{kind=\"conv\",channels=8,groups=4}]",
    ];
    let mut layers = Layer::all();
    layers.extend(texts.map(|t| t.parse::<Layer>().unwrap_or_else(|e| panic!("{t}: {e}"))));
    for norm in Norm::all().into_iter().filter(|n| !n.of_weights() && *n != Norm::default()) {
        layers.push(format!("normalize:norm={norm}").parse().expect("a layer"));
    }
    let mut tried = 0;
    for layer in &layers {
        let between = |before: &str, after: &str| -> Architecture {
            let items = format!("layers:layers=[{before}{}{after}]", quoted(layer));
            items.parse().unwrap_or_else(|e| panic!("{items}: {e}"))
        };
        let convs = [
            "{kind=\"conv\",channels=8},\"activate\",",
            ",\"activate\",{kind=\"conv\",channels=6},\"activate\"",
        ];
        let dense =
            ["{kind=\"dense\",units=8},\"activate\",", ",\"activate\",{kind=\"dense\",units=6},\"activate\""];
        let flat = ["{kind=\"conv\",channels=8},\"flatten\",", ",\"activate\",{kind=\"dense\",units=6}"];
        for (around, input) in [(convs, &[2, 6, 6][..]), (dense, &[5]), (flat, &[2, 6, 6])] {
            if let Some(point) = Point::new(&between(around[0], around[1]), input) {
                assert!(point.check(), "{}: nothing to permute", point.name);
                tried += 1;
            }
        }
    }
    assert!(tried >= layers.len(), "{tried} networks with {} layers", layers.len());
}

/// A layer as an entry of a list.
fn quoted(layer: &Layer) -> String {
    layer.to_value().to_string()
}

#[test]
fn groups_are_those_of_the_graph() {
    let groups = |model: &str, input: &[usize], outputs: usize| {
        let model = model.parse().unwrap_or_else(|e| panic!("{model}: {e}"));
        let spec = Spec { model, loss: Loss::default(), input: input.to_vec(), outputs };
        Network::new(spec).expect("a network").symmetry().groups().to_vec()
    };
    assert_eq!(groups("mlp:hidden=[32,16]", &[64], 10), [32, 16]);
    assert_eq!(groups("mlp:hidden=[]", &[64], 10), [0; 0]);
    assert_eq!(groups("mlp:hidden=[8,8,8],residual=1", &[4], 3), [8], "one stream");
    assert_eq!(groups("mlp:hidden=[8,8,8],residual=2", &[4], 3), [8, 8], "the stream, and inside");
    assert_eq!(groups("cnn:channels=[6,5],hidden=[7]", &[1, 8, 8], 3), [6, 5, 7]);
    assert_eq!(groups("cnn:channels=[8],norm=group:groups=4", &[1, 8, 8], 3), [2, 2, 2, 2]);
    // Option B: a stream and the inside of one block each stage.
    assert_eq!(groups("resnet:depth=8", &[3, 8, 8], 10), [16, 16, 32, 32, 64, 64]);
    // Option A: a stage's stream is that of the stage before, and the channels added to it.
    let mut option_a = groups("resnet:depth=8,projection=false", &[3, 8, 8], 10);
    option_a.sort_unstable();
    assert_eq!(option_a, [16, 16, 16, 32, 32, 64]);
    assert_eq!(groups("resnet:depth=8,skip=false", &[3, 8, 8], 10), [16, 16, 16, 32, 32, 64, 64]);
    assert_eq!(groups("student:units=8", &[4], 1), [8]);
    assert_eq!(groups("population-student:units=8", &[1, 6, 4], 1), [8]);
    // Through a depthwise convolution, two outputs a channel; none of what goes into groups of several.
    let layers = |middle: &str| {
        let text =
            format!("layers:layers=[{{kind=\"conv\",channels=4}},{middle},{{kind=\"conv\",channels=3}}]");
        groups(&text, &[2, 6, 6], 3)
    };
    assert_eq!(layers("{kind=\"conv\",channels=8,groups=4}"), [4, 3]);
    assert_eq!(layers("{kind=\"conv\",channels=8,groups=2}"), [4, 4, 3]);
}
