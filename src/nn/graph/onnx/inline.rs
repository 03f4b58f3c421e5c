//! The operations of a graph with its own functions put in place of their calls.

use super::proto::{Attribute, GraphProto, Model, Node, Setting};
use crate::base::files::brief;
use crate::base::{Error, Result};
use std::collections::{BTreeMap, HashMap};

/// An operation whose names are those of the whole graph.
#[derive(Clone, Debug)]
pub struct Op<'a> {
    /// Its name, after its domain where that is not ONNX's own.
    pub operator: String,
    /// Version of the operators of its domain.
    pub version: i64,
    pub name: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub attributes: Vec<(String, Setting<'a>)>,
    /// Constants by the names of the settings that hold them.
    pub tensors: BTreeMap<String, String>,
}

impl Op<'_> {
    /// Where it stands, for errors.
    pub fn at(&self) -> String {
        match self.name.as_str() {
            "" => brief(&self.operator),
            name => format!("{} in {}", brief(&self.operator), brief(name)),
        }
    }
}

/// Deepest call of functions within functions.
const DEEPEST: usize = 32;

struct Inliner<'m, 'a> {
    model: &'m Model<'a>,
    at: &'m str,
    most: usize,
    calls: usize,
    ops: Vec<Op<'a>>,
}

/// The graph's operations, at most so many.
pub fn inlined<'a>(at: &str, model: &Model<'a>, graph: &GraphProto<'a>, most: usize) -> Result<Vec<Op<'a>>> {
    let mut inliner = Inliner { model, at, most, calls: 0, ops: Vec::new() };
    for node in &graph.nodes {
        inliner.node(node, &model.opsets, &|name| name.to_owned(), &[], 0)?;
    }
    Ok(inliner.ops)
}

impl<'a> Inliner<'_, 'a> {
    fn node(
        &mut self,
        node: &Node<'a>,
        opsets: &[(&str, i64)],
        named: &dyn Fn(&str) -> String,
        given: &[Attribute<'a>],
        depth: usize,
    ) -> Result<()> {
        let domain = if node.domain == "ai.onnx" { "" } else { node.domain };
        // What the caller says of a setting; a setting that nobody says is not there.
        let attributes: Vec<Attribute<'a>> = node
            .attributes
            .iter()
            .filter_map(|a| match &a.value {
                Setting::Reference(name) => {
                    let found = given.iter().find(|g| g.name == *name)?;
                    Some(Attribute { name: a.name, value: found.value.clone() })
                }
                _ => Some(a.clone()),
            })
            .collect();
        if self.ops.len() >= self.most || self.calls >= self.most {
            return Err(Error::expected(self.at, format!("at most {} operations", self.most), "more"));
        }
        let model = self.model;
        let function = model
            .functions
            .iter()
            .find(|f| f.name == node.operator && f.domain == node.domain && f.overload == node.overload);
        let Some(function) = function else {
            let operator = match domain {
                "" => node.operator.to_owned(),
                domain => format!("{domain}.{}", node.operator),
            };
            let version = opsets
                .iter()
                .find(|(d, _)| *d == node.domain || (domain.is_empty() && matches!(*d, "" | "ai.onnx")))
                .map_or(1, |(_, version)| *version);
            let all = |names: &[&str]| -> Vec<String> {
                names.iter().map(|n| if n.is_empty() { String::new() } else { named(n) }).collect()
            };
            self.ops.push(Op {
                operator,
                version,
                name: node.name.to_owned(),
                inputs: all(&node.inputs),
                outputs: all(&node.outputs),
                attributes: attributes.into_iter().map(|a| (a.name.to_owned(), a.value)).collect(),
                tensors: BTreeMap::new(),
            });
            return Ok(());
        };
        if depth >= DEEPEST {
            return Err(Error::expected(self.at, format!("functions at most {DEEPEST} deep"), "more"));
        }
        self.calls += 1;
        let call = self.calls;
        let mut names: HashMap<&str, String> = HashMap::new();
        for (formal, actual) in function.inputs.iter().zip(&node.inputs) {
            names.insert(formal, if actual.is_empty() { String::new() } else { named(actual) });
        }
        // Inputs that the caller leaves out are missing.
        function.inputs.iter().skip(node.inputs.len()).for_each(|formal| {
            names.insert(formal, String::new());
        });
        for (formal, actual) in function.outputs.iter().zip(&node.outputs) {
            if !actual.is_empty() {
                names.insert(formal, named(actual));
            }
        }
        let mut settings = attributes;
        for default in &function.defaults {
            if !settings.iter().any(|a| a.name == default.name) {
                settings.push(default.clone());
            }
        }
        let inner = |name: &str| names.get(name).cloned().unwrap_or_else(|| format!("call/{call}/{name}"));
        let opsets = if function.opsets.is_empty() { opsets } else { &function.opsets };
        for node in &function.nodes {
            self.node(node, opsets, &inner, &settings, depth + 1)?;
        }
        Ok(())
    }
}
