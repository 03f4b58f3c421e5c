//! Weights laid over a graph: those of another archive of the same network, or of a safetensors file.

use super::exported::is_graph;
use crate::base::tensors::{Data, TensorFile};
use crate::base::{Error, Result, apart, files};
use crate::nn::Network;
use crate::nn::graph::Graph;
use std::path::Path;

/// Prefixes that wrappers put before the names of a network's parameters.
const PREFIXES: &[&str] = &["", "module.", "_orig_mod.", "model.", "net.", "network."];

/// Parameters and state of the network from a file.
pub fn read(path: &Path, network: &Network) -> Result<(Vec<f64>, Vec<f64>)> {
    let at = files::named(path);
    let layout = network.layout();
    if is_graph(path) {
        let graph = Graph::read(path)?;
        let shapes =
            |g: &Graph| g.parameters.iter().map(|p| (p.name.clone(), p.shape.clone())).collect::<Vec<_>>();
        let own = layout.parameters.iter().map(|p| (p.name.clone(), p.shape.clone()));
        let state = graph.state();
        if !shapes(&graph).into_iter().eq(own) || state.len() != layout.state_size() {
            return Err(Error::expected(at, "the parameters of the same network", "others"));
        }
        return Ok((graph.theta, state));
    }
    apart::input(path)?;
    let file = TensorFile::read(path)?;
    let names = layout.parameters.iter().map(|p| (&p.name, p.shape.clone()));
    let names = names.chain(layout.buffers.iter().map(|b| (&b.name, vec![b.size])));
    // The wrapper that exported the loss puts a prefix before the names; the file may have another.
    let found = |name: &str| {
        let stripped = |prefix: &str| name.strip_prefix(prefix);
        PREFIXES
            .iter()
            .filter_map(|p| stripped(p))
            .find_map(|bare| PREFIXES.iter().find_map(|prefix| file.get(&format!("{prefix}{bare}"))))
    };
    let mut all = Vec::new();
    for (name, shape) in names {
        let at = format!("{at}: {}", files::brief(name));
        let Some(tensor) = found(name) else {
            return Err(Error::expected(at, format!("a tensor of shape {shape:?}"), "none"));
        };
        if tensor.shape != shape {
            return Err(Error::expected(at, format!("shape {shape:?}"), format!("{:?}", tensor.shape)));
        }
        match &tensor.data {
            Data::F32(v) => all.extend(v.iter().map(|x| f64::from(*x))),
            Data::F64(v) => all.extend(v),
            Data::U8(_) => return Err(Error::expected(at, "floating numbers", "bytes")),
        }
    }
    if let Some(x) = all.iter().find(|x| !x.is_finite()) {
        return Err(Error::expected(at, "finite numbers", x));
    }
    let state = all.split_off(layout.size());
    Ok((all, state))
}
