//! Weights laid over a graph: those of another archive of the same network, or of a file of torch.save or safetensors.

use super::exported::is_graph;
use crate::base::state_dict::StateDict;
use crate::base::{Error, Result, apart, files, notes};
use crate::nn::Network;
use crate::nn::graph::Graph;
use std::path::Path;

/// Parameters and state of the network from a file, and the SHA-256 of that; buffers that the file does not have stay as in
/// `own_state`.
pub fn read(path: &Path, network: &Network, own_state: Vec<f64>) -> Result<(Vec<f64>, Vec<f64>, String)> {
    let at = files::named(path);
    let layout = network.layout();
    if is_graph(path) {
        let (graph, sha256) = Graph::read_with_hash(path)?;
        let shapes =
            |g: &Graph| g.parameters.iter().map(|p| (p.name.clone(), p.shape.clone())).collect::<Vec<_>>();
        let own = layout.parameters.iter().map(|p| (p.name.clone(), p.shape.clone()));
        let state = graph.state();
        if !shapes(&graph).into_iter().eq(own) || state.len() != layout.state_size() {
            return Err(Error::expected(at, "the parameters of the same network", "others"));
        }
        return Ok((graph.theta, state, sha256));
    }
    apart::input(path)?;
    let (dict, sha256) = StateDict::read_with_hash(path)?;
    let parameters = layout.parameters.iter().map(|p| (p.name.clone(), p.shape.clone()));
    let mut wanted: Vec<(String, Vec<usize>)> = parameters.collect();
    let count = wanted.len();
    wanted.extend(layout.buffers.iter().map(|b| (b.name.clone(), vec![b.size])));
    // Buffers that PyTorch does not save stay as they were exported.
    let fit = dict.fit(&wanted).or_else(|fault| dict.fit(&wanted[..count]).map_err(|_| fault))?;
    let (first, last) = fit.tensors.split_at(count);
    if !fit.prefix.is_empty() {
        notes::say(&format!("{at}: its names begin with `{}`", files::brief(&fit.prefix)));
    }
    match (last.is_empty(), layout.buffers.first()) {
        (true, Some(buffer)) => {
            notes::say(&format!("{at}: it has no {}; buffers stay as exported", files::brief(&buffer.name)));
        }
        _ if !fit.extra.is_empty() => {
            let first = files::brief(&fit.extra[0]);
            notes::say(&format!("{at}: {} tensors are not in the graph: {first}, ..", fit.extra.len()));
        }
        _ => {}
    }
    let state = if last.is_empty() { own_state } else { dict.all(last)? };
    Ok((dict.all(first)?, state, sha256))
}
