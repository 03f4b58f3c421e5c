//! Every reader of a file or a text, as one function of bytes: what `fuzz/` calls with bytes of libFuzzer's, and the test
//! beside this with mutations of the seeds in `fuzz/corpus`. None may panic, hang, or take much memory, whatever the bytes.
//!
//! To add one: its line in [`READERS`], a few small seeds in `fuzz/corpus/NAME`, and a target in `fuzz/fuzz_targets`.

use losscape::analyses::{self, Run, Saved, SliceSettings};
use losscape::base::registry::Registry;
use losscape::base::section::Section;
use losscape::base::shard::Shard;
use losscape::base::state_dict::StateDict;
use losscape::base::{Error, Result, files, log, npz::Npz, tensors::TensorFile};
use losscape::data::{Dataset, Preparation, Source, Standardize};
use losscape::figure::Figure;
use losscape::landscape::{Alignment, Curve, Direction, Map, Normalization, Sharpness};
use losscape::nn::Mode;
use losscape::nn::activations::Activation;
use losscape::nn::architectures::Architecture;
use losscape::nn::graph::{Graph, Sizes};
use losscape::nn::inits::Initializer;
use losscape::nn::layers::Layer;
use losscape::nn::losses::Loss;
use losscape::nn::norms::Norm;
use losscape::render::{Style, draw};
use losscape::study::expression::Expression;
use losscape::study::{Asked, Recipe, StudyResult};
use losscape::train::checkpoint::{self, Keep, Vectors};
use losscape::train::settings::SHORTHANDS;
use losscape::train::{Optimizer, Schedule, TrainSettings};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the bytes of a reader are built, so that mutations get past the first check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Bytes,
    Text,
    Toml,
    Json,
    /// safetensors.
    Tensors,
    /// safetensors with the hash of a checkpoint.
    Checkpoint,
    /// A zip archive of arrays.
    Npz,
    /// A zip archive of JSON, pickles and numbers, stored; or safetensors.
    Archive,
    /// A log of finished pieces.
    Log,
}

/// A reader of bytes.
#[derive(Clone, Copy)]
pub struct Reader {
    /// The name of its target and of its folder of seeds.
    pub name: &'static str,
    pub form: Form,
    /// Reads the bytes, with an empty directory to work in.
    pub read: fn(&Path, &[u8]) -> Result<()>,
}

/// All of them.
pub const READERS: &[Reader] = &[
    Reader { name: "weights", form: Form::Tensors, read: weights },
    Reader { name: "trajectory", form: Form::Tensors, read: trajectory },
    Reader { name: "tensors", form: Form::Tensors, read: tensors },
    Reader { name: "state-dict", form: Form::Archive, read: state_dict },
    Reader { name: "onnx", form: Form::Bytes, read: onnx },
    Reader { name: "pickle", form: Form::Bytes, read: pickle },
    Reader { name: "graph", form: Form::Archive, read: graph },
    Reader { name: "checkpoint", form: Form::Checkpoint, read: checkpoint },
    Reader { name: "log", form: Form::Log, read: pieces },
    Reader { name: "npz", form: Form::Npz, read: npz },
    Reader { name: "npy", form: Form::Bytes, read: npy },
    Reader { name: "tokens", form: Form::Npz, read: tokens },
    Reader { name: "arguments", form: Form::Npz, read: arguments },
    Reader { name: "text", form: Form::Bytes, read: characters },
    Reader { name: "idx", form: Form::Bytes, read: idx },
    Reader { name: "cifar", form: Form::Bytes, read: cifar },
    Reader { name: "images", form: Form::Bytes, read: images },
    Reader { name: "csv", form: Form::Text, read: csv },
    Reader { name: "config", form: Form::Toml, read: config },
    Reader { name: "recipe", form: Form::Toml, read: recipe },
    Reader { name: "formula", form: Form::Text, read: formula },
    Reader { name: "kinds", form: Form::Text, read: kinds },
    Reader { name: "saved", form: Form::Json, read: saved },
    Reader { name: "arrays", form: Form::Npz, read: arrays },
    Reader { name: "metrics", form: Form::Text, read: metrics },
    Reader { name: "figures", form: Form::Json, read: figures },
    Reader { name: "scheduler", form: Form::Text, read: scheduler },
    Reader { name: "record", form: Form::Json, read: record },
];

/// The reader of this name.
#[allow(dead_code)] // Each user of this file needs a part of it.
pub fn reader(name: &str) -> &'static Reader {
    READERS.iter().find(|reader| reader.name == name).expect("a reader of this name")
}

/// Where the seeds are.
pub fn corpus() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join(if here.ends_with("fuzz") { "corpus" } else { "fuzz/corpus" })
}

/// A seed of a reader.
fn seed(reader: &str, name: &str) -> Vec<u8> {
    let path = corpus().join(reader).join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn write(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    path
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| Error::expected("text", "UTF-8", "other bytes"))
}

fn weights(directory: &Path, bytes: &[u8]) -> Result<()> {
    Run::read(&write(directory, "weights.safetensors", bytes)).map(|run| drop(run.title()))
}

fn trajectory(directory: &Path, bytes: &[u8]) -> Result<()> {
    write(directory, "trajectory.safetensors", bytes);
    let run = Run::read(&write(directory, "weights.safetensors", &seed("weights", "small")))?;
    run.trajectory().map(drop)
}

/// Weights of other programs: whatever is found is also asked for its numbers.
fn state_dict(_: &Path, bytes: &[u8]) -> Result<()> {
    let dict = StateDict::from_bytes("weights.pt", bytes.to_vec())?;
    (0..dict.tensors().len()).for_each(|tensor| drop(dict.numbers(tensor)));
    Ok(())
}

/// A model of ONNX: whatever is found is lowered for two samples, as far as it goes.
fn onnx(directory: &Path, bytes: &[u8]) -> Result<()> {
    losscape::analyses::inspect::inspect(
        &write(directory, "model.onnx", bytes),
        &Default::default(),
        &Default::default(),
    )
    .map(drop)
}

fn pickle(_: &Path, bytes: &[u8]) -> Result<()> {
    losscape::base::pickle::read("data.pkl", bytes).map(drop)
}

/// A network that PyTorch exported, recorded for some samples as every analysis does.
fn graph(_: &Path, bytes: &[u8]) -> Result<()> {
    let graph = Graph::from_bytes("model.pt2", bytes)?;
    let batch = graph.batch_symbol().unwrap_or_default().to_owned();
    let packing = graph.packing(&Sizes { batch, ..Sizes::default() })?;
    graph.lower(&packing, packing.group.unwrap_or(4), Mode::Running)?;
    graph.lower(&packing, packing.group.unwrap_or(3), Mode::Batch).map(drop)
}

fn tensors(_: &Path, bytes: &[u8]) -> Result<()> {
    TensorFile::from_bytes("file", bytes).map(|file| drop(file.to_bytes()))
}

fn checkpoint(directory: &Path, bytes: &[u8]) -> Result<()> {
    let path = write(directory, "checkpoint.safetensors", bytes);
    let settings = checkpoint::settings(&path)?;
    settings.check()?;
    let file = TensorFile::read(&path)?;
    let size = |name: &str| file.get(name).map_or(0, |tensor| tensor.data.len());
    let sizes = [size("theta"), size("theta/state")];
    let header = file.metadata.get("losscape.checkpoint").map(String::as_str).unwrap_or_default();
    let header: serde_json::Value = serde_json::from_str(header).unwrap_or_default();
    let data_sha256 = header["data_sha256"].as_str().unwrap_or_default().to_owned();
    let keep = Keep { path, every: Duration::ZERO, data_sha256 };
    let vectors = Vectors::<f32>::begin(&settings.optimizer, sizes[0]);
    checkpoint::read(&keep, &settings, sizes, &vectors, None).map(drop)
}

fn pieces(directory: &Path, bytes: &[u8]) -> Result<()> {
    let path = write(directory, "slice-0.log", bytes);
    write(directory, "directions.safetensors", &seed("tensors", "directions"));
    log::read(&path, 2)?;
    analyses::slice::merge(&[directory.to_owned()]).map(|result| drop(result.figures()))
}

fn load(text: &str) -> Result<()> {
    Dataset::load(&Source::parse(text)?, 0, &Preparation::standardized(Standardize::Feature)).map(drop)
}

fn npz(directory: &Path, bytes: &[u8]) -> Result<()> {
    let path = write(directory, "data.npz", bytes);
    Npz::read(&path)?;
    load(&format!("npz:file={}", path.display()))
}

/// Two files, one behind the other: the first four bytes are the length of the first one.
fn two(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes.split_first_chunk().unwrap_or((&[0; 4], bytes));
    rest.split_at((u32::from_le_bytes(*length) as usize).min(rest.len()))
}

/// Inputs and targets, which are also taken for weights.
fn npy(directory: &Path, bytes: &[u8]) -> Result<()> {
    let (x, y) = two(bytes);
    let [x, y] =
        [("x.npy", x), ("y.npy", y)].map(|(name, bytes)| write(directory, name, bytes).display().to_string());
    load(&format!("npy:x={x},y={y},weights={y}")).ok();
    load(&format!("npy:x={x},y={y},ignore=1"))
}

/// Numbers of tokens, looked up in a table.
fn tokens(directory: &Path, bytes: &[u8]) -> Result<()> {
    let path = write(directory, "data.npz", bytes);
    let table = "layers:layers=[{kind=\"embedding\",vocabulary=5,width=2},\"flatten\"]";
    let settings = TrainSettings {
        data: Source::parse(&format!("npz:file={}", path.display()))?,
        model: Architecture::parse(table)?,
        ..TrainSettings::default()
    };
    let settings = losscape::train::exported::settle(settings)?;
    let dataset = Dataset::load(&settings.data, 0, &settings.preparation)?;
    losscape::train::network(&settings, &dataset).map(drop)
}

/// Arguments of an exported network, with weights of samples.
fn arguments(directory: &Path, bytes: &[u8]) -> Result<()> {
    let graph = write(directory, "model.pt2", &seed("graph", "mlp"));
    let path = write(directory, "data.npz", bytes);
    let data = Source::parse(&format!("npz:file={},weights=sample_weight", path.display()))?;
    losscape::train::exported::understand(&graph, Some(&data), None).map(drop)
}

fn characters(directory: &Path, bytes: &[u8]) -> Result<()> {
    let path = write(directory, "text.txt", bytes);
    load(&format!("text:file={},context=3,unit=byte", path.display())).ok();
    load(&format!("text:file={},context=3,encoding=tokens", path.display()))
}

/// Images and labels.
fn idx(directory: &Path, bytes: &[u8]) -> Result<()> {
    let (images, labels) = two(bytes);
    let images = write(directory, "images", images);
    let labels = write(directory, "labels", labels);
    load(&format!("idx:images={},labels={}", images.display(), labels.display()))
}

fn cifar(directory: &Path, bytes: &[u8]) -> Result<()> {
    write(directory, "train.bin", bytes);
    write(directory, "test.bin", bytes);
    load(&format!("cifar100:directory={}", directory.display()))
}

/// A folder of one class with one image, PNG or JPEG by its first bytes.
fn images(directory: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::create_dir(directory.join("class")).map_err(|e| Error::machine("class", e))?;
    write(&directory.join("class"), "image.png", bytes);
    load(&format!("images:directory={},size=4,test=0", directory.display()))
}

fn csv(directory: &Path, bytes: &[u8]) -> Result<()> {
    let path = write(directory, "table.csv", bytes);
    let aligned = load(&format!("csv:file={},delimiter=whitespace,categories=index", path.display()));
    load(&format!("csv:file={}", path.display())).or(aligned)
}

fn config(directory: &Path, bytes: &[u8]) -> Result<()> {
    let path = write(directory, "config.toml", bytes);
    let mut section = Section::read(&path)?;
    let slice: SliceSettings = section.take(&[])?;
    let settings: TrainSettings = section.take(SHORTHANDS)?;
    let style: Style = section.take(&[])?;
    section.finish()?;
    settings.check()?;
    settings.resolved();
    slice.check(1)?;
    style.check()
}

fn recipe(directory: &Path, bytes: &[u8]) -> Result<()> {
    let path = write(directory, "recipe.toml", bytes);
    for scale in [None, Some("quick".to_owned())] {
        let asked = Asked { scale, ..Asked::default() };
        Recipe::new("recipe", Section::read(&path)?, &asked)?.record();
    }
    Ok(())
}

fn formula(_: &Path, bytes: &[u8]) -> Result<()> {
    let formula = Expression::parse("formula", text(bytes)?)?;
    formula.value(&|name| formula.names().len() as f64 + name.len() as f64);
    Ok(())
}

fn kinds(_: &Path, bytes: &[u8]) -> Result<()> {
    fn of<R: Registry>(text: &str) -> Result<String> {
        R::parse(text).and_then(|kind| R::from_value(kind.to_value())).map(|kind| kind.text())
    }
    let all = [
        of::<Source>,
        of::<Architecture>,
        of::<Layer>,
        of::<Norm>,
        of::<Activation>,
        of::<Initializer>,
        of::<Loss>,
        of::<Optimizer>,
        of::<Schedule>,
        of::<Direction>,
        of::<Normalization>,
        of::<Curve>,
        of::<Alignment>,
        of::<Map>,
        of::<Sharpness>,
    ];
    let text = text(bytes)?;
    let results: Vec<Result<String>> = all.iter().map(|parse| parse(text)).collect();
    if results.iter().any(Result::is_ok) {
        Ok(())
    } else {
        results.into_iter().next().map_or(Ok(()), |first| first.map(drop))
    }
}

type Load = fn(&Path) -> Result<Vec<Figure>>;

/// Saved results: the stem of their files, and what reads them.
pub const SAVED: &[(&str, Load)] = &[
    ("slice", |d| Ok(analyses::SliceResult::load(d)?.figures())),
    ("sharpness", |d| Ok(analyses::SharpnessResult::load(d)?.figures())),
    ("connect", |d| Ok(analyses::ConnectResult::load(d)?.figures())),
    ("run", analyses::training::load_figures),
    ("seeds", |d| Ok(analyses::SeedsResult::load(d)?.figures())),
    ("smoothness", |d| Ok(analyses::SmoothnessResult::load(d)?.figures())),
    ("critical", |d| Ok(analyses::CriticalResult::load(d)?.figures())),
    ("instability", |d| Ok(analyses::InstabilityResult::load(d)?.figures())),
    ("minima", |d| Ok(analyses::MinimaResult::load(d)?.figures())),
    ("ticket", |d| Ok(analyses::TicketResult::load(d)?.figures())),
    ("simplex", |d| Ok(analyses::SimplexResult::load(d)?.figures())),
    ("ensemble", |d| Ok(analyses::EnsembleResult::load(d)?.figures())),
    ("propagate", |d| Ok(analyses::PropagateResult::load(d)?.figures())),
    ("lr-range", |d| Ok(analyses::LrRangeResult::load(d)?.figures())),
    ("study", |d| Ok(StudyResult::load(d, "study")?.figures())),
];

/// A saved result, of which one file has the given contents and all others are those of the seeds; `bytes` begin with a line
/// that says of which result.
fn result(directory: &Path, bytes: &[u8], kind: &str) -> Result<()> {
    let end = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
    let stem = std::str::from_utf8(&bytes[..end]).unwrap_or_default();
    let Some((stem, load)) = SAVED.iter().find(|(name, _)| *name == stem) else {
        return Err(Error::expected("result", "a known one", "another"));
    };
    for (folder, end) in [("saved", "json"), ("arrays", "npz")] {
        let whole = corpus().join(folder).join(stem);
        if let Ok(seed) = std::fs::read(whole) {
            write(directory, &format!("{stem}.{end}"), &seed[stem.len() + 1..]);
        }
    }
    write(directory, "metrics.jsonl", &seed("metrics", "small"));
    write(directory, "figures.json", &seed("figures", "small"));
    write(directory, &format!("{stem}.{kind}"), &bytes[(end + 1).min(bytes.len())..]);
    drawn(&load(directory)?)
}

/// Draws what was read, as `plot` does.
fn drawn(figures: &[Figure]) -> Result<()> {
    let style = Style { dpi: 20, ..Style::default() };
    figures.iter().try_for_each(|figure| draw(figure, &style).map(drop))
}

fn saved(directory: &Path, bytes: &[u8]) -> Result<()> {
    result(directory, bytes, "json")
}

fn arrays(directory: &Path, bytes: &[u8]) -> Result<()> {
    result(directory, bytes, "npz")
}

fn metrics(directory: &Path, bytes: &[u8]) -> Result<()> {
    write(directory, "run.json", &seed("saved", "run")[4..]);
    write(directory, "metrics.jsonl", bytes);
    drawn(&analyses::training::load_figures(directory)?)
}

fn figures(directory: &Path, bytes: &[u8]) -> Result<()> {
    write(directory, "study.json", b"{}");
    write(directory, "study.npz", &seed("arrays", "study")[6..]);
    write(directory, "figures.json", bytes);
    drawn(&StudyResult::load(directory, "study")?.figures())
}

/// A line for `--shard`, and `NAME=value` a line.
fn scheduler(_: &Path, bytes: &[u8]) -> Result<()> {
    let text = text(bytes)?;
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables = text.lines().skip(1).filter_map(pair).collect();
    let shard = Shard::parse(text.lines().next().unwrap_or_default(), &variables)?;
    let part = shard.range(1_000_000);
    assert!(part.start <= part.end && part.end <= 1_000_000, "{shard:?}");
    Ok(())
}

/// A record beside a file that it may speak of.
fn record(directory: &Path, bytes: &[u8]) -> Result<()> {
    write(directory, "machine.json", bytes);
    write(directory, "run.json", bytes);
    let path = write(directory, "weights.safetensors", b"weights");
    files::read_regular(&path, 100).map(drop)
}

/// Reads bytes once, in a directory of its own: what a target of `fuzz/` does.
#[allow(dead_code)]
pub fn once(name: &str, bytes: &[u8]) {
    let directory = tempfile::tempdir().expect("a directory");
    let _ = (reader(name).read)(directory.path(), bytes);
}
