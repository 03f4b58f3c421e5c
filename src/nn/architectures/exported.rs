//! A network that another program wrote: the graph in a `.pt2` file of torch.export, loss and all.
//!
//! It is made by `--run model.pt2 --data npz:file=batch.npz`, which fills in what the data say of the graph's symbols, and
//! stands in weight files in place of layers: the file must still be where it was, with the same contents.

use super::Unfold;
use crate::base::registry::Kind;
use crate::base::{Error, Result, files};
use crate::nn::graph::{Graph, Sizes};
use crate::nn::layers::Item;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The graph in a file of torch.export.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exported {
    /// The file.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The symbol that counts samples; empty where the batch has a fixed size.
    pub batch: String,
    /// Lengths that other symbols stand for, as `s5=12`.
    pub sizes: Vec<String>,
    /// Whether the loss of a batch is no mean over its samples.
    pub coupled: bool,
    /// Whether the graph shows the loss of each sample.
    pub apart: bool,
    /// The loss that completes a graph which ends in outputs; empty where the graph has its own.
    pub loss: String,
}

impl Kind for Exported {
    const NAME: &'static str = "exported";
    const SUMMARY: &'static str =
        "a network of torch.export, as --model model.pt2 (or --run) with --data npz:file=BATCH";
    const PATHS: &'static [&'static str] = &["file"];
    const ENDINGS: &'static [&'static str] = &[".pt2", ".onnx"];
}

impl Exported {
    /// The file's name without folders and ending.
    pub fn title(&self) -> String {
        let stem = Path::new(&self.file).file_stem();
        stem.map_or_else(String::new, |stem| files::brief(&stem.to_string_lossy()))
    }

    /// The lengths of the graph's symbols.
    pub fn sizes(&self) -> Sizes {
        let pair = |text: &String| {
            text.split_once('=').and_then(|(name, n)| Some((name.to_owned(), n.parse().ok()?)))
        };
        Sizes { batch: self.batch.clone(), others: self.sizes.iter().filter_map(pair).collect() }
    }

    /// Reads the graph; refuses a file that has changed.
    pub fn read(&self) -> Result<Graph> {
        if self.file.is_empty() {
            return Err(Error::expected("model exported", "a graph, by --run model.pt2", "none"));
        }
        let path = Path::new(&self.file);
        let (graph, found) = Graph::read_with_hash(path)?;
        if found == self.sha256 {
            self.completed(graph)
        } else {
            Err(Error::expected(files::named(path), format!("a graph with SHA-256 {}", self.sha256), found))
        }
    }

    /// The graph with the loss that completes it, if one does.
    pub fn completed(&self, mut graph: Graph) -> Result<Graph> {
        if !self.loss.is_empty() {
            graph.complete(&self.loss.parse()?)?;
        }
        Ok(graph)
    }
}

impl Unfold for Exported {
    fn layers(&self, _input: &[usize], _outputs: usize) -> Vec<Item> {
        Vec::new()
    }

    fn exported(&self) -> Option<&Exported> {
        Some(self)
    }
}
