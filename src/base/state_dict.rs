//! The weights of somebody else's training: named tensors in a `.pt` or `.pth` of `torch.save`, or in a `.safetensors`.
//!
//! Nothing of such a file is run, and nothing is copied before its size is known to lie within the file: names and shapes
//! are read first, numbers when a network asks for them. A checkpoint may hold its tensors anywhere among dictionaries and
//! lists, and training wrappers put a word before every name, so that names are compared from their ends:
//! [`StateDict::fit`].

use crate::base::files::{self, brief};
use crate::base::npy::count;
use crate::base::pickle::{self, Element, Pickle, Value};
use crate::base::{Error, Result};
use crate::base::{npz, tensors, weight_folder};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Cursor, Read, Seek};
use std::ops::Range;
use std::path::Path;
use zip::{CompressionMethod, ZipArchive};

/// Longest pickle that is run: names and shapes of half a million tensors.
const LONGEST_PICKLE: u64 = 64 << 20;
/// Deepest dictionary that is searched for tensors.
const DEEPEST: usize = 16;

/// A tensor whose numbers still lie in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its name, with those of the dictionaries that it lies in.
    pub name: String,
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// Numbers from one index to the next along each axis.
    pub strides: Vec<usize>,
    /// Type of the numbers.
    pub element: Element,
    /// The bytes that it is a view of, and its first number among them.
    pub bytes: Range<usize>,
    /// Its first number among them.
    pub offset: usize,
}

/// All tensors of a file.
#[derive(Clone, Debug)]
pub struct StateDict {
    /// The file's name in errors.
    at: String,
    tensors: Vec<Stored>,
    bytes: Vec<u8>,
}

/// Which tensor of a file is which of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The number of each tensor asked for.
    pub tensors: Vec<usize>,
    /// What stands before the names in the file and not in the network: `model.`, `module.`.
    pub prefix: String,
    /// What stands before the names in the network and not in the file.
    pub own_prefix: String,
    /// Names of other floating-point tensors with the prefix.
    pub extra: Vec<String>,
}

impl Stored {
    /// Refuses views that reach beyond their bytes or hold numbers several times.
    fn check(&self, at: &str) -> Result<()> {
        let field = || format!("{at}: {}", brief(&self.name));
        let numbers = self.bytes.len() / self.element.size();
        let size = count(&self.shape);
        let reach = self.shape.iter().zip(&self.strides).try_fold(self.offset, |reach, (n, stride)| {
            n.saturating_sub(1).checked_mul(*stride).and_then(|more| reach.checked_add(more))
        });
        match (size, reach) {
            (Some(0), _) => Ok(()),
            (Some(size), Some(reach)) if reach < numbers && size <= numbers => Ok(()),
            (Some(size), Some(reach)) if reach < numbers => {
                let expected = "numbers of its own (call .contiguous() before saving)";
                Err(Error::expected(field(), expected, format!("{size} of {numbers} that repeat")))
            }
            _ => {
                let expected = format!("a shape within the {numbers} numbers stored");
                Err(Error::expected(field(), expected, format!("{:?} from {}", self.shape, self.offset)))
            }
        }
    }

    /// The places of its numbers among those that it is a view of, row-major.
    fn places(&self) -> impl Iterator<Item = usize> + use<'_> {
        let size: usize = self.shape.iter().product();
        let mut index = vec![0; self.shape.len()];
        let mut place = self.offset;
        (0..size).map(move |_| {
            let here = place;
            for k in (0..index.len()).rev() {
                index[k] += 1;
                place += self.strides[k];
                if index[k] < self.shape[k] {
                    break;
                }
                place -= index[k] * self.strides[k];
                index[k] = 0;
            }
            here
        })
    }
}

impl StateDict {
    /// Reads the file at `path`, by what it holds rather than by its name, or the folder or index of several files.
    pub fn read(path: &Path) -> Result<Self> {
        Ok(Self::read_with_hash(path)?.0)
    }

    /// The same with the SHA-256 of the file, or of all files.
    pub fn read_with_hash(path: &Path) -> Result<(Self, String)> {
        weight_folder::read(path)
    }

    /// The bytes that its tensors are views of.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Reads a file; `at` is its name in errors.
    pub fn from_bytes(at: &str, bytes: Vec<u8>) -> Result<Self> {
        let tensors = match bytes[..] {
            [b'P', b'K', 3, 4, ..] => torch_zip(at, &bytes)?,
            // An opcode follows; zeros would make it the length of a safetensors header.
            [0x80, 2..=5, 1..=255, ..] => {
                let convert = format!("torch.save(torch.load('{at}', map_location='cpu'), '{at}')");
                let found = format!("a pickle, as torch before 1.6 saved it; convert it with: {convert}");
                return Err(Error::expected(at, "a zip archive of torch.save, or a safetensors file", found));
            }
            _ => tensors::listing(at, &bytes)?,
        };
        Self::new(at, tensors, bytes)
    }

    /// Refuses a file that is none by its first bytes, its header or the end of an archive; the rest is not read.
    pub(super) fn look(path: &Path) -> Result<()> {
        let at = &files::named(path);
        let failed = |e| Error::machine(at, e);
        let (mut file, length) = files::open_regular(path)?;
        let mut first = Vec::new();
        file.by_ref().take(4).read_to_end(&mut first).map_err(failed)?;
        match first[..] {
            [b'P', b'K', 3, 4] if npz::ends_as_archive(&mut file).map_err(failed)? => Ok(()),
            [b'P', b'K', 3, 4] | [0x80, 2..=5, 1..=255, _] => Self::from_bytes(at, first).map(drop),
            _ => {
                file.rewind().map_err(failed)?;
                tensors::look(at, &mut BufReader::new(file), length)
            }
        }
    }

    /// Views of the bytes of a file. Refuses those that reach beyond them.
    pub fn new(at: &str, tensors: Vec<Stored>, bytes: Vec<u8>) -> Result<Self> {
        tensors.iter().try_for_each(|tensor| tensor.check(at))?;
        Ok(Self { at: at.to_owned(), tensors, bytes })
    }

    /// The tensors, in the order of the file.
    pub fn tensors(&self) -> &[Stored] {
        &self.tensors
    }

    /// The numbers of a tensor, row-major. Refuses what is no floating-point number, and NaN and infinities.
    pub fn numbers(&self, tensor: usize) -> Result<Vec<f64>> {
        let stored = &self.tensors[tensor];
        let at = || format!("{}: {}", self.at, brief(&stored.name));
        if let Element::Whole(bytes) = stored.element {
            let found = format!("whole numbers of {} bits", 8 * bytes);
            return Err(Error::expected(at(), "floating-point numbers", found));
        }
        let bytes = &self.bytes[stored.bytes.clone()];
        let numbers: Vec<f64> = stored.places().map(|i| stored.element.read(bytes, i)).collect();
        match numbers.iter().position(|x| !x.is_finite()) {
            Some(bad) => {
                Err(Error::expected(at(), "finite numbers", format!("{} at element {bad}", numbers[bad])))
            }
            None => Ok(numbers),
        }
    }

    /// The numbers of several tensors, one after another.
    pub fn all(&self, tensors: &[usize]) -> Result<Vec<f64>> {
        Ok(tensors.iter().map(|i| self.numbers(*i)).collect::<Result<Vec<_>>>()?.concat())
    }

    /// Finds the tensors of a network by their names and shapes (of a vector, by its length alone). The names may follow a word in the file that the network's
    /// don't, or the other way round: that of a dictionary of the checkpoint (`state_dict.`), of a wrapper (`module.`,
    /// `_orig_mod.`), of a module that holds the other (`model.`). Where several sets of tensors fit, the one with the
    /// usual name of a state dict is taken, and no other.
    pub fn fit(&self, wanted: &[(String, Vec<usize>)]) -> Result<Fit> {
        let Some((first, _)) = wanted.first() else {
            return Err(Error::expected(&self.at, "a network with parameters", "one without"));
        };
        // torch.compile puts its word within names, too.
        let plain: Vec<String> = self.tensors.iter().map(|t| t.name.replace("_orig_mod.", "")).collect();
        let by_name: BTreeMap<&str, usize> = plain.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect();
        let prefixes: BTreeSet<(&str, &str)> =
            plain.iter().filter_map(|name| prefixes(first, name)).collect();
        let mut best: Option<(usize, Error)> = None;
        let mut fits = Vec::new();
        for (own_prefix, prefix) in prefixes {
            let mut found = Vec::new();
            let mut fault = None;
            for (name, shape) in wanted {
                let there =
                    name.strip_prefix(own_prefix).and_then(|rest| by_name.get(&*format!("{prefix}{rest}")));
                match there.map(|i| (*i, &self.tensors[*i].shape)) {
                    Some((i, has)) if alike(has, shape) => found.push(i),
                    has => {
                        let at = format!("{}: {}", self.at, brief(name));
                        let has = has.map_or("none".to_owned(), |(_, has)| format!("one of {has:?}"));
                        fault = Some(Error::expected(at, format!("a tensor of shape {shape:?}"), has));
                        break;
                    }
                }
            }
            match fault {
                None => fits.push((own_prefix, prefix, found)),
                Some(fault) if best.as_ref().is_none_or(|(most, _)| found.len() > *most) => {
                    best = Some((found.len(), fault));
                }
                Some(_) => {}
            }
        }
        if fits.len() > 1 {
            const USUAL: [&str; 7] =
                ["", "model", "net", "network", "state_dict", "model_state_dict", "weights"];
            let word = |prefix: &str| {
                prefix.trim_end_matches('.').trim_end_matches("module").trim_end_matches('.').to_owned()
            };
            let usual: Vec<usize> = (0..fits.len()).filter(|i| USUAL.contains(&&*word(fits[*i].1))).collect();
            match usual[..] {
                [one] => fits = vec![fits.swap_remove(one)],
                _ => {
                    let names: Vec<String> =
                        fits.iter().map(|(_, prefix, _)| format!("`{}`", brief(prefix))).collect();
                    let found = format!("several, whose names begin with {}", names.join(", "));
                    return Err(Error::expected(&self.at, "one set of tensors that fits", found));
                }
            }
        }
        let Some((own_prefix, prefix, tensors)) = fits.pop() else {
            return Err(best.map_or_else(|| self.none(first), |(_, fault)| fault));
        };
        let extra = |i: &usize| {
            let whole = matches!(self.tensors[*i].element, Element::Whole(_));
            !whole && plain[*i].starts_with(prefix) && !tensors.contains(i)
        };
        let extra = (0..plain.len()).filter(extra).map(|i| self.tensors[i].name.clone()).collect();
        Ok(Fit { prefix: prefix.to_owned(), own_prefix: own_prefix.to_owned(), extra, tensors })
    }

    /// Finds the tensors of a network by their order, where their shapes in this order are the network's: parameters first
    /// and then running statistics, as files have them in turns. For networks that somebody else has named.
    pub fn fit_in_order(&self, parameters: &[&[usize]], statistics: &[&[usize]]) -> Option<Fit> {
        let statistic = |name: &str| name.ends_with("running_mean") || name.ends_with("running_var");
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, tensor) in self.tensors.iter().enumerate() {
            if !matches!(tensor.element, Element::Whole(_)) {
                let ends = tensor.name.match_indices('.').map(|(at, _)| at + 1).take(DEEPEST);
                ends.chain([0]).for_each(|end| groups.entry(&tensor.name[..end]).or_default().push(i));
            }
        }
        let count = parameters.len() + statistics.len();
        let fits = |group: &[usize]| {
            let (last, first): (Vec<usize>, Vec<usize>) =
                group.iter().partition(|i| statistic(&self.tensors[**i].name));
            let alike = |found: &[usize], wanted: &[&[usize]]| {
                found.len() == wanted.len()
                    && found.iter().zip(wanted).all(|(i, w)| self.tensors[*i].shape == **w)
            };
            (alike(&first, parameters) && alike(&last, statistics)).then(|| [first, last].concat())
        };
        // The longest prefix that the same tensors have in common.
        let (prefix, tensors) =
            groups.iter().rev().filter(|(_, g)| g.len() == count).find_map(|(p, g)| Some((*p, fits(g)?)))?;
        Some(Fit { tensors, prefix: prefix.to_owned(), own_prefix: String::new(), extra: Vec::new() })
    }

    /// No tensor has a name like the first of the network.
    fn none(&self, first: &str) -> Error {
        let names: Vec<&str> = self.tensors.iter().take(3).map(|t| t.name.as_str()).collect();
        let found = if names.is_empty() {
            "no tensors".to_owned()
        } else {
            format!("{} tensors: {}, ..", self.tensors.len(), brief(&names.join(", ")))
        };
        Error::expected(&self.at, format!("the network's tensors, {first} first"), found)
    }
}

/// Whether a tensor has the shape that is asked for; a vector may be any tensor of as many numbers.
fn alike(has: &[usize], wanted: &[usize]) -> bool {
    has == wanted || (wanted.len() == 1 && count(has) == Some(wanted[0]))
}

/// Whether the file at `path` is a zip archive that another program than torch.save wrote.
pub fn is_other_archive(path: &Path) -> bool {
    let Ok((file, _)) = files::open_regular(path) else { return false };
    let Ok(zip) = ZipArchive::new(std::io::BufReader::new(file)) else { return false };
    let has = |end: &str| zip.file_names().any(|name| name.is_ok_and(|name| name.ends_with(end)));
    !has("data.pkl") || has("models/model.json")
}

/// What stands before the longest common end, of whole words, of a network's name and of a file's; none where not even
/// the last word is the same.
fn prefixes<'a>(own: &'a str, name: &'a str) -> Option<(&'a str, &'a str)> {
    let common = own.bytes().rev().zip(name.bytes().rev()).take_while(|(a, b)| a == b).count();
    let starts = |text: &str, length: usize| {
        let at = text.len() - length;
        at == 0 || text.as_bytes()[at - 1] == b'.'
    };
    let ends = (1..=common).rev().find(|length| starts(own, *length) && starts(name, *length))?;
    Some((&own[..own.len() - ends], &name[..name.len() - ends]))
}

/// The tensors in the zip archive of torch.save: `NAME/data.pkl` says what they are, `NAME/data/KEY` holds their numbers.
fn torch_zip(at: &str, bytes: &[u8]) -> Result<Vec<Stored>> {
    let broken =
        |e: zip::result::ZipError| Error::expected(at, "a zip archive of torch.save", brief(&e.to_string()));
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    // Entries that share bytes would let a small file fill the memory.
    if zip.has_duplicate_names() || zip.has_overlapping_entries().map_err(broken)? {
        return Err(Error::expected(at, "separate entries", "entries that share a name or bytes"));
    }
    let names: Vec<String> = zip.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let ends = |end: &str| -> Vec<String> {
        let folder = |name: &&str| name.is_empty() || name.ends_with('/');
        names.iter().filter_map(|name| name.strip_suffix(end)).filter(folder).map(str::to_owned).collect()
    };
    let folders = ends("data.pkl");
    if !ends("models/model.json").is_empty() || !ends("serialized_exported_program.json").is_empty() {
        return Err(Error::expected(at, "weights of torch.save", "a network of torch.export.save"));
    }
    let [folder] = &folders[..] else {
        return Err(Error::expected(at, "one data.pkl, as torch.save writes it", folders.len()));
    };
    if !ends("constants.pkl").is_empty() {
        let convert = "torch.save(torch.jit.load(FILE).state_dict(), FILE)";
        return Err(Error::expected(
            at,
            "weights of torch.save",
            format!("TorchScript; convert it with: {convert}"),
        ));
    }
    let mut archive = Entries { at, bytes, zip };
    if let Some(order) = archive.entry(&format!("{folder}byteorder"))?
        && !bytes[order].starts_with(b"little")
    {
        return Err(Error::expected(format!("{at}: byteorder"), "little", "another"));
    }
    let name = format!("{folder}data.pkl");
    let program = archive.entry(&name)?.unwrap_or_default();
    if program.len() as u64 > LONGEST_PICKLE {
        return Err(Error::expected(
            format!("{at}: {name}"),
            format!("at most {LONGEST_PICKLE} bytes"),
            program.len(),
        ));
    }
    let pickle = pickle::read(&format!("{at}: data.pkl"), &bytes[program])?;
    let mut found = Vec::new();
    search(&pickle, pickle.root, String::new(), 0, &mut BTreeSet::new(), &mut found);
    let mut ranges: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    let mut tensors = Vec::new();
    for (name, tensor) in found {
        let (key, element) = (tensor.storage.key.as_str(), tensor.storage.element);
        let field = || format!("{at}: {}", brief(&name));
        let range = match ranges.get(key) {
            Some(range) => range.clone(),
            None => {
                let range = archive.entry(&format!("{folder}data/{key}"))?;
                let Some(range) = range else {
                    return Err(Error::expected(field(), format!("an entry data/{}", brief(key)), "none"));
                };
                ranges.insert(key, range.clone());
                range
            }
        };
        if tensor.storage.numbers.checked_mul(element.size()) != Some(range.len()) {
            let expected = format!("{} numbers of {} bytes", tensor.storage.numbers, element.size());
            return Err(Error::expected(field(), expected, format!("{} bytes", range.len())));
        }
        let (shape, strides) = (tensor.shape.clone(), tensor.strides.clone());
        tensors.push(Stored { name, shape, strides, element, bytes: range, offset: tensor.offset });
    }
    Ok(tensors)
}

/// The entries of an archive whose bytes are there.
struct Entries<'a> {
    at: &'a str,
    bytes: &'a [u8],
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

impl Entries<'_> {
    /// Where the bytes of an entry lie; none where there is no such entry. Refuses compressed ones and wrong checksums.
    fn entry(&mut self, name: &str) -> Result<Option<Range<usize>>> {
        let at = format!("{}: {}", self.at, brief(name));
        let torn = |e: &dyn std::fmt::Display| Error::expected(&at, "a whole entry", brief(&e.to_string()));
        let Some(index) = self.zip.index_for_name(name) else { return Ok(None) };
        let mut entry = self.zip.by_index(index).map_err(|e| torn(&e))?;
        if entry.compression() != CompressionMethod::Stored || entry.size() != entry.compressed_size() {
            return Err(Error::expected(at, "a stored entry", "a compressed one"));
        }
        // Reading to the end compares the checksum.
        let size = std::io::copy(&mut entry.by_ref(), &mut std::io::sink()).map_err(|e| torn(&e))?;
        let start = entry.data_start().unwrap_or(u64::MAX);
        let range = usize::try_from(start).ok().zip(usize::try_from(size).ok());
        match range.and_then(|(start, size)| Some(start..start.checked_add(size)?)) {
            Some(range) if range.end <= self.bytes.len() && size == entry.size() => Ok(Some(range)),
            _ => Err(Error::expected(at, "an entry within the file", "one beyond")),
        }
    }
}

/// Collects the tensors within dictionaries and lists, each of which is searched once.
fn search<'a>(
    pickle: &'a Pickle,
    id: pickle::Id,
    name: String,
    depth: usize,
    seen: &mut BTreeSet<pickle::Id>,
    found: &mut Vec<(String, &'a pickle::Tensor)>,
) {
    let children: Vec<(String, pickle::Id)> = match &pickle.values[id] {
        Value::Tensor(tensor) => return found.push((name, tensor)),
        Value::Dict(entries) => {
            let key = |id: pickle::Id| match &pickle.values[id] {
                Value::Text(text) => Some(text.clone()),
                Value::Number(n) => Some(n.to_string()),
                _ => None,
            };
            entries.iter().filter_map(|(k, v)| Some((key(*k)?, *v))).collect()
        }
        Value::List(items) => items.iter().enumerate().map(|(i, v)| (i.to_string(), *v)).collect(),
        _ => return,
    };
    if depth == DEEPEST || !seen.insert(id) {
        return;
    }
    for (key, child) in children {
        let name = if name.is_empty() { key } else { format!("{name}.{key}") };
        search(pickle, child, name, depth + 1, seen, found);
    }
}
