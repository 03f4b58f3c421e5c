//! `models/model.json` as torch.export writes it: the graph, its signature and what its inputs are.
//!
//! The format is torch's `torch/_export/serde/schema.py`, major version 8 (torch 2.8 and later). Unions are objects of one
//! key, which is how serde tags enums. What a network's meaning doesn't depend on (source locations, devices, memory
//! layouts) is skipped and never kept.

use crate::base::files::brief;
use crate::base::{Error, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// The schema's major version that is understood.
const MAJOR: u64 = 8;

/// The whole document.
#[derive(Debug, Deserialize)]
pub struct Model {
    pub graph_module: Module,
}

/// A graph and the names of what goes in and comes out.
#[derive(Debug, Deserialize)]
pub struct Module {
    pub graph: GraphText,
    pub signature: Signature,
    #[serde(default)]
    pub module_call_graph: Vec<ModuleCall>,
}

/// Operations in order of computation.
#[derive(Clone, Debug, Deserialize)]
pub struct GraphText {
    pub inputs: Vec<Argument>,
    pub outputs: Vec<Argument>,
    pub nodes: Vec<NodeText>,
    pub tensor_values: BTreeMap<String, Meta>,
}

/// One operation.
#[derive(Clone, Debug, Deserialize)]
pub struct NodeText {
    pub target: String,
    pub inputs: Vec<Named>,
    pub outputs: Vec<Argument>,
    #[serde(default)]
    pub metadata: Metadata,
}

/// Where an operation comes from; source locations are left out.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Metadata {
    #[serde(default)]
    pub nn_module_stack: String,
}

/// An argument by the name that the operator's schema gives it.
#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    pub name: String,
    pub arg: Argument,
}

/// What an operation may take or give.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names of torch's schema")]
pub enum Argument {
    AsNone(IgnoredAny),
    AsTensor(Name),
    AsTensors(Vec<Name>),
    AsInt(i64),
    AsInts(Vec<i64>),
    AsFloat(Float),
    AsFloats(Vec<Float>),
    AsString(String),
    AsStrings(Vec<String>),
    AsSymInt(Symbolic<i64>),
    AsSymInts(Vec<Symbolic<i64>>),
    AsSymFloat(Symbolic<Float>),
    AsSymFloats(Vec<Symbolic<Float>>),
    AsSymBool(Symbolic<bool>),
    AsSymBools(Vec<Symbolic<bool>>),
    AsScalarType(u32),
    AsMemoryFormat(IgnoredAny),
    AsLayout(IgnoredAny),
    AsDevice(IgnoredAny),
    AsBool(bool),
    AsBools(Vec<bool>),
    AsGraph(Box<Subgraph>),
    AsOptionalTensor(Optional),
    AsOptionalTensors(Vec<Optional>),
    AsNestedTensors(Vec<Vec<Name>>),
    AsIntLists(Vec<Vec<i64>>),
    AsFloatLists(Vec<Vec<Float>>),
    AsComplex(IgnoredAny),
    AsOperator(IgnoredAny),
    AsCustomObj(IgnoredAny),
}

/// A name of a value.
#[derive(Clone, Debug, Deserialize)]
pub struct Name {
    pub name: String,
}

/// A graph within the graph, such as what stands under `torch.no_grad()`.
#[derive(Clone, Debug, Deserialize)]
pub struct Subgraph {
    pub graph: GraphText,
}

/// A tensor that may be missing.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Optional {
    AsTensor(Name),
    AsNone(IgnoredAny),
}

/// A number, or the name of a value that is one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Symbolic<T> {
    AsName(String),
    #[serde(alias = "as_int", alias = "as_float", alias = "as_bool")]
    Is(T),
}

/// A float as JSON has it: a number, or a word for what JSON has no number for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "FloatText")]
pub struct Float(pub f64);

#[derive(Deserialize)]
#[serde(untagged)]
enum FloatText {
    Number(f64),
    Word(String),
}

impl TryFrom<FloatText> for Float {
    type Error = String;
    fn try_from(text: FloatText) -> std::result::Result<Self, String> {
        match text {
            FloatText::Number(x) => Ok(Self(x)),
            FloatText::Word(word) => match word.as_str() {
                "Infinity" => Ok(Self(f64::INFINITY)),
                "-Infinity" => Ok(Self(f64::NEG_INFINITY)),
                "NaN" => Ok(Self(f64::NAN)),
                other => Err(format!("expected a number, found `{}`", brief(other))),
            },
        }
    }
}

/// A size: a number, or an expression of symbols.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    AsInt(i64),
    AsExpr(Expression),
}

/// An expression as sympy writes it: `Symbol('s17', positive=True, integer=True)`.
#[derive(Clone, Debug, Deserialize)]
pub struct Expression {
    pub expr_str: String,
}

impl Expression {
    /// The symbol's name, if the expression is one symbol.
    pub fn symbol(&self) -> Option<&str> {
        let (name, rest) = self.expr_str.strip_prefix("Symbol('")?.split_once('\'')?;
        let alone = rest.strip_suffix(')').is_some_and(|rest| {
            !rest.contains(['(', ')', '*', '/', ' '].as_slice())
                || rest.starts_with(", ") && !rest.contains(['(', ')'])
        });
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (alone && plain).then_some(name)
    }
}

/// What is known of a tensor before anything runs.
#[derive(Clone, Debug, Deserialize)]
pub struct Meta {
    pub dtype: u32,
    pub sizes: Vec<Size>,
    #[serde(default)]
    pub strides: Vec<Size>,
    #[serde(default = "zero")]
    pub storage_offset: Size,
    #[serde(default = "strided")]
    pub layout: u32,
}

fn zero() -> Size {
    Size::AsInt(0)
}

/// torch's number for tensors that have strides.
fn strided() -> u32 {
    7
}

/// What the graph's inputs and outputs are.
#[derive(Debug, Deserialize)]
pub struct Signature {
    pub input_specs: Vec<InputSpec>,
    pub output_specs: Vec<OutputSpec>,
}

/// One input of the graph.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputSpec {
    UserInput { arg: Argument },
    Parameter { arg: Name, parameter_name: String },
    Buffer { arg: Name, buffer_name: String },
    TensorConstant { arg: Name, tensor_constant_name: String },
    CustomObj(IgnoredAny),
    Token(IgnoredAny),
    ConstantInput(IgnoredAny),
}

/// One output of the graph.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputSpec {
    UserOutput { arg: Argument },
    LossOutput { arg: Name },
    BufferMutation(IgnoredAny),
    GradientToParameter(IgnoredAny),
    GradientToUserInput(IgnoredAny),
    UserInputMutation(IgnoredAny),
    ParameterMutation(IgnoredAny),
    Token(IgnoredAny),
}

/// How a module was called; the first is the whole one.
#[derive(Debug, Deserialize)]
pub struct ModuleCall {
    #[serde(default)]
    pub signature: Option<CallSignature>,
}

/// What a call took and gave, as trees.
#[derive(Debug, Deserialize)]
pub struct CallSignature {
    #[serde(default)]
    pub out_spec: String,
}

impl Module {
    /// Names of what the module returns, where it returns a dictionary or an object with fields.
    pub fn output_names(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Tree {
            context: Option<String>,
        }
        let call = self.module_call_graph.first().and_then(|call| call.signature.as_ref());
        let tree = call.and_then(|call| serde_json::from_str::<(u32, Tree)>(&call.out_spec).ok());
        let context = tree.and_then(|(_, tree)| tree.context).unwrap_or_default();
        serde_json::from_str(&context).unwrap_or_default()
    }
}

/// Reads the document; refuses another version of the schema before anything else in it.
pub fn parse(at: &str, text: &[u8]) -> Result<Module> {
    #[derive(Deserialize)]
    struct Head {
        schema_version: Version,
    }
    #[derive(Deserialize)]
    struct Version {
        major: u64,
    }
    let bad = |e: serde_json::Error| Error::value(at, &brief(&e.to_string()));
    let head: Head = serde_json::from_slice(text).map_err(bad)?;
    if head.schema_version.major != MAJOR {
        let expected = format!("an exported graph of schema {MAJOR}, as torch 2.8 and later write it");
        return Err(Error::expected(at, expected, format!("schema {}", head.schema_version.major)));
    }
    let model: Model = serde_json::from_slice(text).map_err(bad)?;
    Ok(model.graph_module)
}
