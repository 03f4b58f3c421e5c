//! Directions from a file, as `directions.safetensors` of another slice or of any other tool: the network's tensors with
//! `x/`, `y/` (and `z/`) in front of their names.

use super::{Axis, Draw, Frame, Length, Place};
use crate::base::tensors::TensorFile;
use crate::base::{Error, Result, apart, files};
use crate::nn::weights;
use std::path::Path;

crate::kind! {
    /// Directions from a file.
    FromFile = "file",
        "from the safetensors file path=FILE: the network's tensors, x/ or y/ in front of their names";
    /// The file.
    path: String,
}

impl Draw for FromFile {
    fn draw(&self, place: &dyn Place, count: usize) -> Result<Frame> {
        self.fits(count)?;
        let path = &files::at_home(Path::new(&self.path));
        let at = files::named(path);
        apart::input(path)?;
        let network = place.network();
        let ((), file) = TensorFile::read_after(path, |outline| {
            for p in &network.layout().parameters {
                let name = format!("x/{}", p.name);
                if !outline.tensors.iter().any(|tensor| tensor.name == name) {
                    let expected = format!("a tensor of shape {:?}", p.shape);
                    return Err(Error::expected(format!("{at}: {name}"), expected, "none"));
                }
            }
            Ok(())
        })?;
        let axis = |prefix: &&str| {
            let direction = weights::theta(&at, &file, network, &format!("{prefix}/"))?;
            let label = "given direction".to_owned();
            Ok(Axis { direction, label, ends: (-1.0, 1.0), ..Axis::default() })
        };
        let axes = ["x", "y", "z"][..count].iter().map(axis).collect::<Result<_>>()?;
        Ok(Frame { axes, ..Frame::default() })
    }

    fn fits(&self, _count: usize) -> Result<()> {
        if self.path.is_empty() {
            return Err(Error::expected("--directions file: path", "a safetensors file", "none"));
        }
        Ok(())
    }

    fn length(&self) -> Length {
        Length::Own
    }

    fn adjective(&self) -> &'static str {
        "given"
    }

    fn inputs(&self) -> Vec<&str> {
        vec![&self.path]
    }
}
