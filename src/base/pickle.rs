//! Python pickles, as far as `torch.save` needs them for weights: dictionaries, lists, tuples, numbers, texts and tensors.
//!
//! A pickle is a program for a stack machine that may call anything by name. This machine calls nothing: it knows the names
//! in [`Global`], builds what they stand for, and refuses every other by name. Values lie in one list and refer to each other
//! by number, so that sharing costs nothing, and a pickle of n bytes makes at most n of them.
//!
//! <https://docs.python.org/3/library/pickletools.html>

use crate::base::files::brief;
use crate::base::{Error, Result};
use std::collections::HashMap;

/// Values that one pickle may make, and entries that it may copy.
const MOST_VALUES: usize = 1 << 22;
/// Most axes of a tensor, as PyTorch has it.
const MOST_AXES: usize = 64;
/// Longest name of an archive's entry.
const LONGEST_KEY: usize = 255;

/// The number of a value in its pickle.
pub type Id = usize;

/// What a pickle builds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`, and the settings of objects that nothing here asks for.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A number; whole ones beyond 2^53 are rounded.
    Number(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes,
    /// A list or a tuple.
    List(Vec<Id>),
    /// A dictionary, in its order.
    Dict(Vec<(Id, Id)>),
    /// A name that is known.
    Global(Global),
    /// A storage: numbers of one type in an entry of the archive.
    Storage(Storage),
    /// A tensor.
    Tensor(Tensor),
}

/// The names that a pickle may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`.
    RebuildParameter,
    /// `torch.FloatStorage` and its kind.
    Storage(Element),
}

/// The element types of storages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 64 bits.
    F64,
    /// 32 bits.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of an F32.
    BF16,
    /// Whole numbers or truth values of so many bytes: counters and masks, which are no weights.
    Whole(usize),
}

impl Element {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Whole(bytes) => bytes,
        }
    }

    /// Floating-point number `index` of those that lie in `bytes`, little-endian; 0 of whole numbers.
    pub fn read(self, bytes: &[u8], index: usize) -> f64 {
        fn at<const N: usize>(bytes: &[u8], index: usize) -> [u8; N] {
            bytes[index * N..].first_chunk().copied().unwrap_or([0; N])
        }
        match self {
            Self::F64 => f64::from_le_bytes(at(bytes, index)),
            Self::F32 => f64::from(f32::from_le_bytes(at(bytes, index))),
            Self::F16 => half(u16::from_le_bytes(at(bytes, index))),
            Self::BF16 => f64::from(f32::from_bits(u32::from(u16::from_le_bytes(at(bytes, index))) << 16)),
            Self::Whole(_) => 0.0,
        }
    }
}

/// IEEE half precision: 1 bit of sign, 5 of exponent, 10 of fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1024.0 + fraction) * 2f64.powi(e - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Numbers in an entry of the archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// Type of the numbers.
    pub element: Element,
    /// Name of the entry.
    pub key: String,
    /// How many numbers it holds.
    pub numbers: usize,
}

/// A view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Where its numbers are.
    pub storage: Storage,
    /// The first of them.
    pub offset: usize,
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// Numbers from one index to the next along each axis.
    pub strides: Vec<usize>,
}

/// All values of a pickle, and the one that it is.
#[derive(Clone, Debug)]
pub struct Pickle {
    /// The values.
    pub values: Vec<Value>,
    /// The pickled one.
    pub root: Id,
}

/// Runs a pickle; `at` is its name in errors.
pub fn read(at: &str, bytes: &[u8]) -> Result<Pickle> {
    let mut machine = Machine {
        at,
        bytes,
        next: 0,
        values: vec![Value::None],
        stack: Vec::new(),
        memo: HashMap::new(),
        copied: 0,
    };
    loop {
        if let Some(root) = machine.step()? {
            return Ok(Pickle { values: machine.values, root });
        }
    }
}

/// What lies on the stack.
#[derive(Clone, Copy)]
enum Item {
    Mark,
    Value(Id),
}

struct Machine<'a> {
    at: &'a str,
    bytes: &'a [u8],
    next: usize,
    /// The first is `None`, which many share.
    values: Vec<Value>,
    stack: Vec<Item>,
    memo: HashMap<u64, Id>,
    /// Entries copied from lists into dictionaries.
    copied: usize,
}

impl<'a> Machine<'a> {
    fn refuse<T>(&self, expected: &str, found: impl std::fmt::Display) -> Result<T> {
        Err(Error::expected(format!("{}: byte {}", self.at, self.next), expected, found))
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let Some(bytes) = self.bytes.get(self.next..).and_then(|rest| rest.get(..n)) else {
            return self.refuse("a whole pickle", "its end");
        };
        self.next += n;
        Ok(bytes)
    }

    /// A number of so many bytes, little-endian.
    fn unsigned(&mut self, bytes: usize) -> Result<u64> {
        let bytes = self.take(bytes)?;
        Ok(bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    /// So many bytes as that number says.
    fn counted(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let length = self.unsigned(bytes)?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = self.bytes.get(self.next..).unwrap_or_default();
        let Some(length) = rest.iter().position(|b| *b == b'\n') else {
            return self.refuse("a line of text", "its end");
        };
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).or_else(|_| self.refuse("text in UTF-8", "other bytes"))
    }

    fn text(&self, bytes: &[u8]) -> Result<Value> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => self.refuse("text in UTF-8", "other bytes"),
        }
    }

    fn push(&mut self, value: Value) -> Result<()> {
        if self.values.len() >= MOST_VALUES {
            return self.refuse(&format!("at most {MOST_VALUES} values"), "more");
        }
        self.stack.push(Item::Value(self.values.len()));
        self.values.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id> {
        match self.stack.pop() {
            Some(Item::Value(id)) => Ok(id),
            _ => self.refuse("a value on the stack", "none"),
        }
    }

    fn top(&self) -> Result<Id> {
        match self.stack.last() {
            Some(Item::Value(id)) => Ok(*id),
            _ => self.refuse("a value on the stack", "none"),
        }
    }

    /// The values since the last mark.
    fn marked(&mut self) -> Result<Vec<Id>> {
        let mut ids = Vec::new();
        loop {
            match self.stack.pop() {
                Some(Item::Value(id)) => ids.push(id),
                Some(Item::Mark) => break,
                None => return self.refuse("a mark on the stack", "none"),
            }
        }
        ids.reverse();
        Ok(ids)
    }

    fn pairs(&self, ids: &[Id]) -> Result<Vec<(Id, Id)>> {
        let (pairs, rest) = ids.as_chunks::<2>();
        if rest.is_empty() {
            Ok(pairs.iter().map(|[k, v]| (*k, *v)).collect())
        } else {
            self.refuse("a value for each key", "a key alone")
        }
    }

    fn append(&mut self, new: Vec<Id>) -> Result<()> {
        let list = self.top()?;
        match &mut self.values[list] {
            Value::List(items) => {
                items.extend(new);
                Ok(())
            }
            _ => self.refuse("a list to append to", "another value"),
        }
    }

    fn insert(&mut self, new: Vec<(Id, Id)>) -> Result<()> {
        let dict = self.top()?;
        match &mut self.values[dict] {
            Value::Dict(entries) => {
                entries.extend(new);
                Ok(())
            }
            _ => self.refuse("a dictionary to add to", "another value"),
        }
    }

    fn remember(&mut self, key: u64) -> Result<()> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Result<()> {
        match self.memo.get(&key) {
            Some(id) => {
                self.stack.push(Item::Value(*id));
                Ok(())
            }
            None => self.refuse("a value that was kept", format!("number {key}, which was not")),
        }
    }

    fn decimal(&mut self) -> Result<u64> {
        let line = self.line()?;
        line.parse().or_else(|_| self.refuse("a number", format!("`{}`", brief(line))))
    }

    /// A whole number in two's complement.
    fn long(&self, bytes: &[u8]) -> Value {
        let sign = if bytes.last().is_some_and(|b| b & 0x80 != 0) { -1.0 } else { 0.0 };
        Value::Number(bytes.iter().rev().fold(sign, |n, b| n * 256.0 + f64::from(*b)))
    }

    /// One instruction; the pickled value at the last.
    fn step(&mut self) -> Result<Option<Id>> {
        let [code] = *self.take(1)? else { return self.refuse("an instruction", "none") };
        match code {
            b'.' => return self.pop().map(Some),
            // Which protocol, and how the bytes are framed.
            0x80 => {
                self.take(1)?;
            }
            0x95 => {
                self.take(8)?;
            }
            b'(' => self.stack.push(Item::Mark),
            b'0' => {
                self.stack.pop();
            }
            b'1' => {
                self.marked()?;
            }
            b'2' => {
                let top = self.top()?;
                self.stack.push(Item::Value(top));
            }
            b'N' => self.stack.push(Item::Value(0)),
            0x88 => self.push(Value::Bool(true))?,
            0x89 => self.push(Value::Bool(false))?,
            b'I' => match self.line()? {
                "00" => self.push(Value::Bool(false))?,
                "01" => self.push(Value::Bool(true))?,
                line => self.number(line)?,
            },
            b'L' => {
                let line = self.line()?;
                self.number(line.trim_end_matches('L'))?;
            }
            b'F' => {
                let line = self.line()?;
                self.number(line)?;
            }
            b'J' => {
                let n = self.unsigned(4)? as u32 as i32;
                self.push(Value::Number(f64::from(n)))?;
            }
            b'K' => {
                let n = self.unsigned(1)?;
                self.push(Value::Number(n as f64))?;
            }
            b'M' => {
                let n = self.unsigned(2)?;
                self.push(Value::Number(n as f64))?;
            }
            0x8a | 0x8b => {
                let bytes = self.counted(if code == 0x8a { 1 } else { 4 })?;
                self.push(self.long(bytes))?;
            }
            b'G' => {
                let bits = self.unsigned(8)?.swap_bytes();
                self.push(Value::Number(f64::from_bits(bits)))?;
            }
            b'X' | 0x8c | 0x8d => {
                let bytes = self.counted(match code {
                    b'X' => 4,
                    0x8c => 1,
                    _ => 8,
                })?;
                let text = self.text(bytes)?;
                self.push(text)?;
            }
            b'U' | b'T' => {
                let bytes = self.counted(if code == b'U' { 1 } else { 4 })?;
                let text = self.text(bytes)?;
                self.push(text)?;
            }
            b'C' | b'B' | 0x8e | 0x96 => {
                self.counted(match code {
                    b'C' => 1,
                    b'B' => 4,
                    _ => 8,
                })?;
                self.push(Value::Bytes)?;
            }
            b']' | b')' => self.push(Value::List(Vec::new()))?,
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.marked()?;
                self.append(items)?;
            }
            b'l' | b't' => {
                let items = self.marked()?;
                self.push(Value::List(items))?;
            }
            0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0..code - 0x84 {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.push(Value::List(items))?;
            }
            b'}' => self.push(Value::Dict(Vec::new()))?,
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.insert(vec![(key, value)])?;
            }
            b'u' => {
                let items = self.marked()?;
                let pairs = self.pairs(&items)?;
                self.insert(pairs)?;
            }
            b'd' => {
                let items = self.marked()?;
                let pairs = self.pairs(&items)?;
                self.push(Value::Dict(pairs))?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                let global = self.global(module, name)?;
                self.push(Value::Global(global))?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) = (&self.values[module], &self.values[name])
                else {
                    return self.refuse("a name", "another value");
                };
                let global = self.global(module, name)?;
                self.push(Value::Global(global))?;
            }
            b'R' => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                // A list may be copied many times over.
                if let Value::List(arguments) = &self.values[arguments]
                    && let [items] = arguments[..]
                    && let Value::List(items) = &self.values[items]
                {
                    self.copied += items.len();
                }
                if self.copied > MOST_VALUES {
                    return self.refuse(&format!("at most {MOST_VALUES} entries"), "more");
                }
                let value = self.call(function, arguments)?;
                self.push(value)?;
            }
            // The attributes of a dictionary (`_metadata`): nothing here asks for them.
            b'b' => {
                self.pop()?;
                let object = self.top()?;
                if !matches!(self.values[object], Value::Dict(_)) {
                    return self.refuse("a dictionary", "an object with attributes");
                }
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = self.storage(id)?;
                self.push(Value::Storage(storage))?;
            }
            b'q' => {
                let key = self.unsigned(1)?;
                self.remember(key)?;
            }
            b'r' => {
                let key = self.unsigned(4)?;
                self.remember(key)?;
            }
            b'p' => {
                let key = self.decimal()?;
                self.remember(key)?;
            }
            0x94 => self.remember(self.memo.len() as u64)?,
            b'h' => {
                let key = self.unsigned(1)?;
                self.recall(key)?;
            }
            b'j' => {
                let key = self.unsigned(4)?;
                self.recall(key)?;
            }
            b'g' => {
                let key = self.decimal()?;
                self.recall(key)?;
            }
            _ => {
                let found = format!("instruction 0x{code:02x}, which builds something else");
                return self.refuse("tensors, dictionaries, lists, numbers and texts", found);
            }
        }
        Ok(None)
    }

    fn number(&mut self, text: &str) -> Result<()> {
        match text.parse() {
            Ok(number) => self.push(Value::Number(number)),
            Err(_) => self.refuse("a number", format!("`{}`", brief(text))),
        }
    }

    /// What a name stands for.
    fn global(&self, module: &str, name: &str) -> Result<Global> {
        let element = match (module, name) {
            ("collections", "OrderedDict") => return Ok(Global::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2") => return Ok(Global::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => return Ok(Global::RebuildParameter),
            ("torch", "DoubleStorage") => Element::F64,
            ("torch", "FloatStorage") => Element::F32,
            ("torch", "HalfStorage") => Element::F16,
            ("torch", "BFloat16Storage") => Element::BF16,
            ("torch", "LongStorage") => Element::Whole(8),
            ("torch", "IntStorage") => Element::Whole(4),
            ("torch", "ShortStorage") => Element::Whole(2),
            ("torch", "CharStorage" | "ByteStorage" | "BoolStorage") => Element::Whole(1),
            _ => {
                let found = format!("`{}`", brief(&format!("{module}.{name}")));
                let expected = "tensors, dictionaries, lists, numbers and texts alone (torch.save(model.state_dict(), ..))";
                return self.refuse(expected, found);
            }
        };
        Ok(Global::Storage(element))
    }

    fn list(&self, id: Id) -> Result<&[Id]> {
        match &self.values[id] {
            Value::List(items) => Ok(items),
            _ => self.refuse("a tuple", "another value"),
        }
    }

    fn size(&self, id: Id) -> Result<usize> {
        match self.values[id] {
            Value::Number(n) if n >= 0.0 && n < 2f64.powi(53) && n.fract() == 0.0 => Ok(n as usize),
            _ => self.refuse("a size", "another value"),
        }
    }

    /// Shape or strides.
    fn sizes(&self, id: Id) -> Result<Vec<usize>> {
        let list = self.list(id)?;
        if list.len() > MOST_AXES {
            return self.refuse(&format!("at most {MOST_AXES} axes"), list.len());
        }
        list.iter().map(|i| self.size(*i)).collect()
    }

    /// `("storage", type, key, location, numbers)`.
    fn storage(&self, id: Id) -> Result<Storage> {
        let [word, kind, key, _, numbers] = *self.list(id)? else {
            return self.refuse("a storage of 5 fields", "another number of them");
        };
        match (&self.values[word], &self.values[kind], &self.values[key]) {
            (Value::Text(word), Value::Global(Global::Storage(element)), Value::Text(key))
                if word == "storage" && key.len() <= LONGEST_KEY =>
            {
                Ok(Storage { element: *element, key: key.clone(), numbers: self.size(numbers)? })
            }
            _ => self.refuse("a storage", "another value"),
        }
    }

    fn call(&self, function: Id, arguments: Id) -> Result<Value> {
        let arguments = self.list(arguments)?;
        let Value::Global(global) = &self.values[function] else {
            return self.refuse("a name to call", "another value");
        };
        match (global, arguments) {
            (Global::OrderedDict, []) => Ok(Value::Dict(Vec::new())),
            (Global::OrderedDict, [items]) => {
                let pair = |id: &Id| match *self.list(*id)? {
                    [key, value] => Ok((key, value)),
                    _ => self.refuse("pairs of a key and a value", "another list"),
                };
                Ok(Value::Dict(self.list(*items)?.iter().map(pair).collect::<Result<_>>()?))
            }
            (Global::RebuildTensor, [storage, offset, shape, strides, _, _, ..]) => {
                let Value::Storage(storage) = &self.values[*storage] else {
                    return self.refuse("a storage", "another value");
                };
                let tensor = Tensor {
                    storage: storage.clone(),
                    offset: self.size(*offset)?,
                    shape: self.sizes(*shape)?,
                    strides: self.sizes(*strides)?,
                };
                if tensor.shape.len() == tensor.strides.len() {
                    Ok(Value::Tensor(tensor))
                } else {
                    self.refuse("a stride for each axis", "another number of them")
                }
            }
            (Global::RebuildParameter, [tensor, ..]) => match &self.values[*tensor] {
                Value::Tensor(tensor) => Ok(Value::Tensor(tensor.clone())),
                _ => self.refuse("a tensor", "another value"),
            },
            _ => self.refuse("arguments that fit", format!("{} for {global:?}", arguments.len())),
        }
    }
}
