//! Weights of other programs: what `torch.save` leaves (`tests/reference/state_dicts.py`) and safetensors of every type are
//! read by name, and files that were tampered with are refused at once.

use crate::files::refused;
use losscape::base::pickle::{self, Element};
use losscape::base::state_dict::{Fit, StateDict};
use losscape::base::{Result, Streams};
use rand::RngExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn read(name: &str) -> StateDict {
    StateDict::from_bytes(name, bytes(name)).unwrap()
}

/// Number i of every tensor of the files is sin(i + 1) plus the length of its name in the network, in single precision.
fn numbers(name: &str, size: usize) -> Vec<f64> {
    let number = |i| (f64::from(i as u32 + 1).sin() + name.len() as f64) as f32;
    (0..size).map(|i| f64::from(number(i))).collect()
}

fn named(dict: &StateDict, name: &str) -> Vec<f64> {
    let found = dict.tensors().iter().position(|t| t.name == name);
    dict.numbers(found.unwrap_or_else(|| panic!("no tensor {name} in {:?}", dict.tensors()))).unwrap()
}

/// The network's parameters and running statistics.
const NET: [(&str, &[usize]); 8] = [
    ("0.weight", &[4, 3]),
    ("0.bias", &[4]),
    ("1.weight", &[4]),
    ("1.bias", &[4]),
    ("2.weight", &[2, 4]),
    ("2.bias", &[2]),
    ("1.running_mean", &[4]),
    ("1.running_var", &[4]),
];

fn wanted(prefix: &str) -> Vec<(String, Vec<usize>)> {
    NET.iter().map(|(name, shape)| (format!("{prefix}{name}"), shape.to_vec())).collect()
}

/// The fit of the network called with `prefix`, checked number for number.
fn fit(dict: &StateDict, prefix: &str) -> Fit {
    let fit = dict.fit(&wanted(prefix)).unwrap();
    for ((name, shape), i) in NET.iter().zip(&fit.tensors) {
        let expected = match *name {
            "1.running_mean" => vec![0.0; 4],
            "1.running_var" => vec![1.0; 4],
            name => numbers(name, shape.iter().product()),
        };
        assert_eq!(dict.numbers(*i).unwrap(), expected, "{name}");
    }
    fit
}

#[test]
fn a_state_dict_is_found_by_names_and_shapes() {
    let plain = fit(&read("plain.pt"), "");
    assert_eq!((&*plain.prefix, &*plain.own_prefix, plain.extra.len()), ("", "", 0));
    // A network that holds the saved one, as a loss does.
    let held = fit(&read("plain.pt"), "net.");
    assert_eq!((&*held.prefix, &*held.own_prefix), ("", "net."));
    // A wrapped network in a checkpoint, beside the state of an optimizer.
    let checkpoint = read("checkpoint.pth");
    let found = fit(&checkpoint, "");
    assert_eq!((&*found.prefix, &*found.own_prefix), ("state_dict.module.", ""));
    assert_eq!(found.extra, Vec::<String>::new());
    assert_eq!(fit(&checkpoint, "loss.net.").own_prefix, "loss.net.");
    let some = checkpoint.fit(&wanted("")[..2]).unwrap();
    assert_eq!(some.extra[0], "state_dict.module.1.weight");
}

#[test]
fn what_does_not_fit_is_named() {
    let dict = read("plain.pt");
    let refusal = |wanted: &[(&str, &[usize])]| {
        let wanted: Vec<_> = wanted.iter().map(|(n, s)| ((*n).to_owned(), s.to_vec())).collect();
        refused(dict.fit(&wanted))
    };
    assert_eq!(
        refusal(&[("0.weight", &[4, 3]), ("2.weight", &[10, 4])]),
        "plain.pt: 2.weight: expected a tensor of shape [10, 4], found one of [2, 4]"
    );
    assert_eq!(
        refusal(&[("0.weight", &[4, 3]), ("3.weight", &[4])]),
        "plain.pt: 3.weight: expected a tensor of shape [4], found none"
    );
    assert_eq!(
        refusal(&[("conv1.gamma", &[4])]),
        "plain.pt: expected the network's tensors, conv1.gamma first, found 9 tensors: 0.weight, 0.bias, 1.weight, .."
    );
}

#[test]
fn views_and_every_precision_are_read() {
    let dict = read("views.pt");
    let rounded = |name: &str, size: usize, bits: i32| -> Vec<f64> {
        let round = |x: f64| {
            let unit = 2f64.powi(x.abs().log2().floor() as i32 - bits);
            (x / unit).round_ties_even() * unit
        };
        numbers(name, size).into_iter().map(round).collect()
    };
    assert_eq!(named(&dict, "half"), rounded("half", 5, 10));
    assert_eq!(named(&dict, "brain"), rounded("brain", 5, 7));
    assert_eq!(named(&dict, "double"), numbers("double", 4));
    let base = numbers("base", 24);
    let turned: Vec<f64> = (0..24).map(|i| base[i % 4 * 6 + i / 4]).collect();
    assert_eq!(named(&dict, "turned"), turned);
    let part: Vec<f64> = [8, 9, 10, 14, 15, 16].map(|i| base[i]).to_vec();
    assert_eq!(named(&dict, "part"), part);
    assert_eq!(named(&dict, "tied"), base);
    assert_eq!(named(&dict, "lone"), numbers("lone", 3));
    assert_eq!(named(&dict, "scalar"), numbers("scalar", 1));
    let whole = |name: &str| dict.tensors().iter().position(|t| t.name == name).unwrap();
    assert_eq!(
        refused(dict.numbers(whole("count"))),
        "views.pt: count: expected floating-point numbers, found whole numbers of 64 bits"
    );
    assert_eq!(dict.tensors()[whole("mask")].element, Element::Whole(1));
}

#[test]
fn safetensors_of_others_need_no_metadata() {
    let header = r#"{"model.a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"model.b":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]},"model.n":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}"#;
    let halves = [0x3c00_u16, 0xc500, 0x3fc0, 0xc000];
    let data: Vec<u8> = halves.iter().flat_map(|h| h.to_le_bytes()).chain([9, 0, 0, 0, 0, 0, 0, 0]).collect();
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat();
    let dict = StateDict::from_bytes("w.safetensors", file).unwrap();
    let fit = dict.fit(&[("b".to_owned(), vec![2]), ("a".to_owned(), vec![2])]).unwrap();
    assert_eq!((&*fit.prefix, fit.extra.len()), ("model.", 0));
    assert_eq!(dict.numbers(fit.tensors[0]).unwrap(), [1.5, -2.0]);
    assert_eq!(dict.numbers(fit.tensors[1]).unwrap(), [1.0, -5.0]);
}

#[test]
fn what_is_no_set_of_weights_is_refused_with_what_to_do() {
    let refusal =
        |name: &str| refused(StateDict::read(&path(name))).replace(&path(name).display().to_string(), name);
    assert!(refusal("module.pt").contains(
        "expected tensors, dictionaries, lists, numbers and texts alone (torch.save(model.state_dict(), ..)), found `torch.nn.modules.container.Sequential`"
    ));
    assert!(
        refusal("old.pt")
            .contains("a pickle, as torch before 1.6 saved it; convert it with: torch.save(torch.load(")
    );
    assert!(
        refusal("expanded.pt")
            .contains("expected numbers of its own (call .contiguous() before saving), found 1000 of 1")
    );
    assert!(refusal("state_dicts.py").contains("state_dicts.py"));
}

fn torn(name: &str, change: impl Fn(&mut Vec<u8>)) -> Result<StateDict> {
    let mut file = bytes(name);
    change(&mut file);
    StateDict::from_bytes(name, file)
}

#[test]
fn changed_numbers_are_noticed() {
    let first = (numbers("0.weight", 1)[0] as f32).to_le_bytes();
    let at = bytes("plain.pt").windows(4).position(|w| w == first).unwrap();
    let found = refused(torn("plain.pt", |file| file[at] ^= 1));
    assert!(found.starts_with("plain.pt: plain/data/0: expected a whole entry, found "), "{found}");
}

/// Pickles that would do something, or make much of little.
#[test]
fn pickles_run_nothing_and_stay_small() {
    let refusal = |program: &[u8]| refused(pickle::read("p", program));
    let shell = refusal(b"cos\nsystem\n(X\x02\x00\x00\x00lstR.");
    assert!(shell.ends_with("found `os.system`"), "{shell}");
    assert!(refusal(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.").ends_with("found `builtins.eval`"));
    assert!(refusal(b"(i__main__\nThing\n.").contains("instruction 0x69"));
    assert!(refusal(b"X\xff\xff\xff\xffa.").contains("expected a whole pickle, found its end"));
    assert!(refusal(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.").contains("expected a whole pickle"));
    assert!(refusal(b"h\x05.").contains("number 5, which was not"));
    assert!(refusal(b"").contains("its end"));
    assert!(refusal(b"a.").contains("a value on the stack"));
    assert!(refusal(b"(K\x01u.").contains("a key alone"));
    // A list within itself, and lists that double at each step: found once, not followed for ever.
    let mut laughs = b"]q\x00h\x00a".to_vec();
    for i in 1..60 {
        laughs.extend([b']', b'q', i, b'(', b'h', i - 1, b'h', i - 1, b'h', 0, b'e']);
    }
    laughs.push(b'.');
    assert_eq!(pickle::read("p", &laughs).unwrap().values.len(), 61);
    // The same list copied over and over.
    let mut copies = b"(".to_vec();
    copies.extend(b"NN\x86".repeat(3000));
    copies.extend(b"l\x85q\x00".iter());
    copies.extend(b"ccollections\nOrderedDict\nh\x00R0".repeat(3000));
    copies.push(b'.');
    assert!(refusal(&copies).contains("entries"));
}

/// Byte by byte and structure by structure: never a panic, a hang, or memory that the file does not pay for.
#[test]
fn mutated_files_are_read_or_refused_quickly() {
    let mut rng = Streams::new(3).stream("state-dicts", 0);
    let safetensors = bytes("spectra-relu.safetensors");
    let pickle_of = |name: &str| {
        let file = bytes(name);
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
        let mut names = zip.file_names().map(|name| name.unwrap().into_owned());
        let entry = names.find(|name| name.ends_with("data.pkl")).unwrap();
        drop(names);
        let mut text = Vec::new();
        std::io::copy(&mut zip.by_name(&entry).unwrap(), &mut text).unwrap();
        text
    };
    let pickles = ["plain.pt", "checkpoint.pth", "views.pt"].map(pickle_of);
    let files = ["plain.pt", "checkpoint.pth", "views.pt"].map(bytes);
    let start = Instant::now();
    for round in 0..5000 {
        let mut mutate = |original: &[u8]| {
            let mut file = original.to_vec();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..file.len());
                let some = rng.random_range(1..9).min(file.len() - at);
                match rng.random_range(0..6) {
                    0 => file[at] ^= 1 << rng.random_range(0..8),
                    1 => file[at] = rng.random(),
                    2 => file[at..at + some].fill(0xff),
                    3 => drop(file.drain(at..at + some)),
                    4 => {
                        let again = file[at..at + some].to_vec();
                        file.splice(at..at, again);
                    }
                    _ if file.len() > 8 => file.truncate(at.max(8)),
                    _ => {}
                }
            }
            file
        };
        let kind = round % 3;
        // What is read can be asked for its numbers.
        for file in [mutate(&files[kind]), mutate(&safetensors)] {
            if let Ok(dict) = StateDict::from_bytes("f", file) {
                (0..dict.tensors().len()).for_each(|i| drop(dict.numbers(i)));
            }
        }
        let program = mutate(&pickles[kind]);
        if let Ok(pickle) = pickle::read("f", &program) {
            assert!(pickle.values.len() <= program.len() + 1);
        }
    }
    let spent = start.elapsed();
    assert!(spent < Duration::from_secs(20), "{spent:?}");
}

/// Numbers in single precision as a safetensors file.
fn shard(tensors: &[(&str, &[f32])]) -> Vec<u8> {
    let (mut header, mut bytes) = (serde_json::Map::new(), Vec::new());
    for (name, numbers) in tensors {
        let start = bytes.len();
        numbers.iter().for_each(|x| bytes.extend(x.to_le_bytes()));
        let tensor = serde_json::json!({"dtype": "F32", "shape": [numbers.len()], "data_offsets": [start, bytes.len()]});
        header.insert((*name).to_owned(), tensor);
    }
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes()[..], &header, &bytes].concat()
}

#[test]
fn a_folder_of_shards_is_one_file_of_weights() {
    let bench = tempfile::tempdir().unwrap();
    let at = |name: &str| bench.path().join(name);
    let index = |map: serde_json::Value| {
        let text = serde_json::json!({"metadata": {"total_size": 20}, "weight_map": map}).to_string();
        std::fs::write(at("model.safetensors.index.json"), text).unwrap();
    };
    std::fs::write(at("model-1-of-2.safetensors"), shard(&[("a", &[1.0, 2.0]), ("b", &[3.0])])).unwrap();
    std::fs::write(at("model-2-of-2.safetensors"), shard(&[("c", &[4.0, 5.0])])).unwrap();
    let map = |second: &str| {
        let first = "model-1-of-2.safetensors";
        serde_json::json!({"a": first, "b": first, "c": second})
    };
    index(map("model-2-of-2.safetensors"));
    let (dict, hash) = StateDict::read_with_hash(bench.path()).unwrap();
    assert_eq!(dict.tensors().len(), 3);
    assert_eq!(
        (named(&dict, "a"), named(&dict, "b"), named(&dict, "c")),
        (vec![1.0, 2.0], vec![3.0], vec![4.0, 5.0])
    );
    assert_eq!(StateDict::read_with_hash(&at("model.safetensors.index.json")).unwrap().1, hash);
    std::fs::write(at("model-2-of-2.safetensors"), shard(&[("c", &[4.0, 6.0])])).unwrap();
    assert_ne!(StateDict::read_with_hash(bench.path()).unwrap().1, hash, "every file has a say in the hash");
    let refusal = |file: &str| {
        index(map(file));
        refused(StateDict::read(bench.path()))
    };
    assert!(refusal("../x.safetensors").contains("files beside the index"));
    assert!(refusal("model-1-of-2.safetensors").contains("c, as the index says"));
    assert!(refusal("nowhere.safetensors").contains("nowhere.safetensors"));
    std::fs::remove_file(at("model.safetensors.index.json")).unwrap();
    assert!(refused(StateDict::read(bench.path())).contains("several"));
    std::fs::remove_file(at("model-2-of-2.safetensors")).unwrap();
    assert_eq!(StateDict::read(bench.path()).unwrap().tensors().len(), 2);
    std::fs::remove_file(at("model-1-of-2.safetensors")).unwrap();
    assert!(refused(StateDict::read(bench.path())).contains("neither"));
}
