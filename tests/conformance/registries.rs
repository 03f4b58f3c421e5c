//! Every registry: names, texts and values that read back, near misses, refusals.

use losscape::base::registry::Registry;
use losscape::data::{Shift, Source};
use losscape::landscape::{Alignment, Direction, Map, Normalization, Sampler, Sharpness};
use losscape::nn::activations::Activation;
use losscape::nn::architectures::Architecture;
use losscape::nn::inits::Initializer;
use losscape::nn::layers::Layer;
use losscape::nn::losses::Loss;
use losscape::nn::norms::Norm;
use losscape::nn::{Network, Spec};
use losscape::train::{Optimizer, Schedule};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use toml::{Table, Value};

/// A registry with all that one has.
trait Walked: Registry + PartialEq + Debug + Serialize + DeserializeOwned {}
impl<R: Registry + PartialEq + Debug + Serialize + DeserializeOwned> Walked for R {}

/// Runs a generic check on every registry: one line for each.
macro_rules! every_registry {
    ($check:ident) => {
        $check::<Activation>();
        $check::<Alignment>();
        $check::<Architecture>();
        $check::<Initializer>();
        $check::<Layer>();
        $check::<Loss>();
        $check::<Map>();
        $check::<Source>();
        $check::<Direction>();
        $check::<Norm>();
        $check::<Normalization>();
        $check::<Optimizer>();
        $check::<Sampler>();
        $check::<Schedule>();
        $check::<Sharpness>();
        $check::<Shift>();
    };
}

fn refusal<T: Debug>(result: losscape::base::Result<T>) -> String {
    let error = result.expect_err("a refusal");
    assert_eq!(error.exit_code(), 2, "{error}");
    let message = error.to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

fn names<R: Walked>() {
    let names = R::names();
    assert!(!names.is_empty());
    assert_eq!(R::default(), R::all()[0], "{}: the first kind is the default", R::WHAT);
    for (i, (name, kind)) in names.iter().zip(R::all()).enumerate() {
        assert!(!names[..i].contains(name), "{}: two kinds are called {name}", R::WHAT);
        let kebab = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        assert!(name.split('-').all(kebab), "{name} is not in kebab case");
        let summary = kind.summary();
        assert!(!summary.trim().is_empty() && !summary.contains('\n'), "{name}: a summary of one line");
        for key in kind.settings().keys() {
            assert!(key.split('-').all(kebab), "{name}: setting {key} is not in kebab case");
        }
    }
}

#[test]
fn names_are_unique_and_in_kebab_case() {
    every_registry!(names);
}

fn reads_back<R: Walked>(kind: &R) {
    let text = kind.text();
    assert_eq!(R::parse(&text).as_ref(), Ok(kind), "text `{text}`");
    assert_eq!(R::from_value(kind.to_value()).as_ref(), Ok(kind), "value {:?}", kind.to_value());
    // As a recipe holds it, and as a result does.
    let entry = |kind: &R| Table::from_iter([("entry".to_owned(), kind.to_value())]);
    let toml = toml::to_string(&entry(kind)).expect("TOML");
    let read: Table = toml::from_str(&toml).expect("TOML");
    assert_eq!(R::from_value(read["entry"].clone()).as_ref(), Ok(kind), "{toml}");
    let json = serde_json::to_string(kind).expect("JSON");
    assert_eq!(&serde_json::from_str::<R>(&json).expect("it reads back"), kind, "{json}");
}

/// Other values of the same type: numbers that most settings take, more for those that must be odd, or even, or divide.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Float(x) => [x * 0.5 + 0.13, x + 0.13].map(Value::Float).to_vec(),
        Value::Integer(n) => [n + 1, n + 2, n + 6].map(Value::Integer).to_vec(),
        Value::Boolean(b) => vec![Value::Boolean(!b)],
        Value::Array(items) if !items.is_empty() => {
            vec![Value::Array(items.iter().chain(items).cloned().collect())]
        }
        _ => Vec::new(),
    }
}

fn round_trips<R: Walked>() {
    for kind in R::all() {
        assert_eq!(kind.text(), kind.name(), "defaults have nothing to say");
        reads_back(&kind);
        let mut all = Table::new();
        for (key, value) in kind.settings() {
            let others = others(&value);
            let with = |value: &Value| {
                R::from_settings(kind.name(), Table::from_iter([(key.clone(), value.clone())]))
            };
            let Some(value) = others.iter().find(|v| with(v).is_ok()).or(others.first()) else { continue };
            let changed = with(value).unwrap_or_else(|e| panic!("{e}"));
            assert_ne!(changed, kind, "{}: {key} changes nothing", kind.name());
            assert!(changed.text().starts_with(&format!("{}:{key}=", kind.name())), "{}", changed.text());
            reads_back(&changed);
            all.insert(key, value.clone());
        }
        // Some settings rule each other out: channels that are no multiple of the groups.
        match R::from_settings(kind.name(), all) {
            Ok(kind) => reads_back(&kind),
            Err(e) => assert_eq!(e.exit_code(), 2, "{e}"),
        }
    }
}

#[test]
fn texts_and_values_read_back() {
    every_registry!(round_trips);
}

/// Settings that hold a kind with settings of its own.
#[test]
fn nested_kinds_read_back() {
    for text in [
        "mlp:activation=tanh",
        "mlp:activation=leaky-relu:slope=0.25",
        "mlp:activation=leaky-relu:slope=0.25,bias=false,hidden=[24,16]",
        "mlp:hidden=[]",
    ] {
        let model = Architecture::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_ne!(model, Architecture::default());
        reads_back(&model);
    }
    for text in [
        "random-labels:base=moons",
        "random-labels:base={kind=\"spirals\",noise=0.5},inputs=gaussian",
        "idx:directory=\"a,b=c\"",
        "csv:label=species,header=true",
        "csv:label=3,header=false",
    ] {
        let source = Source::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_ne!(source, Source::default());
        reads_back(&source);
    }
    let layer = Layer::parse("activate:function=leaky-relu:slope=0.25").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(layer.settings()["function"]["slope"].as_float(), Some(0.25));
    reads_back(&layer);
}

/// Integers serve where numbers are asked for, in text and in TOML.
#[test]
fn whole_numbers_are_numbers() {
    assert_eq!(Loss::parse("cross-entropy:smoothing=1"), Loss::parse("cross-entropy:smoothing=1.0"));
    assert!(Loss::parse("cross-entropy:smoothing=0").is_ok());
}

/// The name with two neighbouring letters exchanged.
fn misspelled(name: &str, taken: &[&str]) -> Option<String> {
    let letters: Vec<char> = name.chars().collect();
    (1..letters.len()).rev().find_map(|i| {
        let mut other = letters.clone();
        other.swap(i - 1, i);
        let other: String = other.iter().collect();
        (letters.len() >= 3 && other != name && !taken.contains(&other.as_str())).then_some(other)
    })
}

fn near_misses<R: Walked>() {
    let names = R::names();
    for kind in R::all() {
        let name = kind.name();
        let hint = format!("did you mean `{name}`");
        if let Some(wrong) = misspelled(name, &names) {
            for message in [refusal(R::parse(&wrong)), refusal(R::from_value(Value::String(wrong.clone())))] {
                assert!(message.contains(&hint) && message.contains(R::WHAT), "{message}");
                assert!(names.iter().all(|n| message.contains(n)), "not the whole list: {message}");
            }
        }
        let settings = kind.settings();
        let keys: Vec<&str> = settings.keys().map(String::as_str).collect();
        for key in &keys {
            let Some(wrong) = misspelled(key, &keys) else { continue };
            let message = refusal(R::parse(&format!("{name}:{wrong}=1")));
            assert!(message.contains(&format!("did you mean `{key}`")), "{message}");
            assert!(message.contains(name), "{message}");
        }
        let message = refusal(R::parse(&format!("{name}:no-such-setting=1")));
        assert!(message.contains("no-such-setting") && message.contains(name), "{message}");
        let message = refusal(R::parse(&format!("{name}:nothing")));
        assert!(message.contains("key=value"), "{message}");
    }
    for value in [Value::Integer(3), Value::Table(Table::new()), Value::String(String::new())] {
        let message = refusal(R::from_value(value));
        assert!(message.contains(R::WHAT), "{message}");
    }
}

#[test]
fn misspellings_name_the_near_miss() {
    every_registry!(near_misses);
    let message = refusal(Activation::parse("rleu"));
    assert!(message.contains("did you mean `relu`"), "{message}");
    let message = refusal(Architecture::parse("mlp:activation=rleu"));
    assert!(message.contains("did you mean `relu`"), "{message}");
}

fn wrong_types<R: Walked>() {
    for kind in R::all() {
        for (key, value) in kind.settings() {
            let mut wrong = vec![Value::Table(Table::new())];
            match value {
                Value::Float(_) => {
                    wrong.extend([f64::NAN, f64::INFINITY].map(Value::Float));
                    wrong.push(Value::String("much".to_owned()));
                }
                Value::Integer(_) => {
                    wrong.extend([Value::Float(1.5), Value::Float(f64::NAN)]);
                    // The label of the first class, or of one that does not count, may be any whole number; all else counts something.
                    if key != "first" && key != "ignore" {
                        wrong.push(Value::Integer(-1));
                    }
                }
                Value::Boolean(_) => wrong.push(Value::Integer(1)),
                // One number may stand for a list of one; a truth value is neither.
                Value::Array(_) => wrong.push(Value::Boolean(true)),
                _ => {}
            }
            for value in wrong {
                let shown = format!("{} with {key} = {value}", kind.name());
                let message = R::from_settings(kind.name(), Table::from_iter([(key.clone(), value)]));
                assert!(message.is_err(), "{shown} is accepted");
                let message = refusal(message);
                assert!(message.contains(kind.name()), "{shown}: {message}");
            }
        }
    }
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    every_registry!(wrong_types);
}

#[test]
fn bad_values_are_refused_by_name() {
    fn names_setting<R: Walked>(text: &str, setting: &str) {
        let message = refusal(R::parse(text));
        assert!(message.contains(setting), "{text}: {message}");
    }
    names_setting::<Loss>("cross-entropy:smoothing=-0.1", "smoothing");
    names_setting::<Loss>("cross-entropy:smoothing=1.1", "smoothing");
    names_setting::<Loss>("cross-entropy:smoothing=nan", "smoothing");
    names_setting::<Activation>("leaky-relu:slope=inf", "slope");
    names_setting::<Initializer>("naive:std=-1.0", "std");
    names_setting::<Activation>("celu:alpha=0", "alpha");
    names_setting::<Activation>("elu:alpha=-1", "alpha");
    names_setting::<Initializer>("geometric:c=-1", "c");
    names_setting::<Initializer>("orthogonal:gain=inf", "gain");
    names_setting::<Initializer>("delta-orthogonal:gain=-1", "gain");
    names_setting::<Optimizer>("adam:beta1=1", "beta1");
    names_setting::<Optimizer>("adamw:eps=0", "eps");
    names_setting::<Optimizer>("rmsprop:momentum=1", "momentum");
    names_setting::<Optimizer>("nadam:momentum-decay=-1", "momentum-decay");
    names_setting::<Optimizer>("lion:weight-decay=-1", "weight-decay");
    names_setting::<Shift>("noise:std=-1", "std");
    names_setting::<Shift>("blur:width=101", "width");
    names_setting::<Shift>("labels:alpha=0", "alpha");
    names_setting::<Shift>("imbalance:ratio=0", "ratio");
    names_setting::<Schedule>("multi-step:at=[0.5,2]", "at");
    names_setting::<Schedule>("exponential:gamma=1.1", "gamma");
    names_setting::<Schedule>("sgdr:mult=0", "mult");
    names_setting::<Schedule>("triangular:half-cycle=0", "half-cycle");
    names_setting::<Schedule>("one-cycle:div=0.5", "div");
    names_setting::<Sharpness>("sam:rho=0", "rho");
    names_setting::<Sharpness>("worst-case:steps=0", "steps");
    names_setting::<Sharpness>("average-case:draws=7", "draws");
    names_setting::<Sharpness>("pac-bayes:fall=1.5", "fall");
    names_setting::<Sharpness>("basin-radius:normalize=none", "normalize");
    names_setting::<Sharpness>("keskar:eps=-1", "eps");
    names_setting::<Alignment>("weights:restarts=0", "restarts");
    names_setting::<Alignment>("straight-through:lr=0", "lr");
    names_setting::<Layer>("dense:units=0", "units");
    names_setting::<Architecture>("mlp:hidden=[8,0]", "hidden");
    names_setting::<Source>("blobs:classes=1", "classes");
    names_setting::<Source>("spirals:samples=0", "samples");
    names_setting::<Source>("teacher-student:units=11", "units");
    names_setting::<Source>("csv:delimiter=ab", "delimiter");
    names_setting::<Source>("random-labels:base=blobs:classes=1", "classes");
    // Inside another kind as well.
    names_setting::<Architecture>("mlp:activation=leaky-relu:slope=nan", "slope");
}

/// Weight files carry specifications: those of impossible size are refused before anything is allocated.
#[test]
fn networks_of_impossible_size_are_refused() {
    let network = |model: &str, input: &[usize], outputs| {
        let model = model.parse().expect("a model");
        Network::new(Spec { model, loss: Loss::default(), input: input.to_vec(), outputs })
    };
    assert!(network("mlp", &[4], 3).is_ok());
    for (model, input, outputs) in [
        ("mlp:hidden=[1000000000000]", &[4][..], 3),
        ("mlp:hidden=[100000,100000]", &[4], 3),
        ("mlp", &[4], usize::MAX),
        ("mlp", &[usize::MAX], 3),
        // Products that wrap around to something small.
        ("mlp", &[1 << 32, 1 << 32], 3),
        ("mlp", &[1 << 33, 1 << 31], 3),
        ("mlp", &[4], 0),
        ("mlp", &[4, 0], 3),
    ] {
        let result = network(model, input, outputs);
        assert!(result.is_err(), "{model} from {input:?} to {outputs} is accepted");
        refusal(result.map(|_| ()));
    }
}
