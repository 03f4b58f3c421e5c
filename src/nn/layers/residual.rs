//! A residual sum: shortcut(x) + scale branch(x) (He et al. 2016). The shortcut is the identity unless layers are given
//! for it.

use super::{Activate, Forward, Item, Recorder, Signal, record_all};
use crate::base::{Error, Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// Layers with a way around them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Residual {
    /// The branch.
    pub body: Vec<Item>,
    /// The way around it; none for the identity.
    pub shortcut: Vec<Item>,
    /// What the branch is multiplied by.
    pub scale: f64,
}

impl Default for Residual {
    fn default() -> Self {
        let body = vec![Item::new("", super::Layer::Activate(Activate::default()))];
        Self { body, shortcut: Vec::new(), scale: 1.0 }
    }
}

impl Kind for Residual {
    const NAME: &'static str = "residual";
    const SUMMARY: &'static str = "shortcut(x) + scale body(x), each a list of layers (He et al. 2016)";

    fn check(&self) -> Result<()> {
        if self.body.is_empty() {
            return Err(Error::expected("body", "at least one layer", "none"));
        }
        if self.scale.is_finite() {
            Ok(())
        } else {
            Err(Error::expected("scale", "a finite number", self.scale))
        }
    }
}

impl Forward for Residual {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let body = cx.branch(|cx| record_all(&self.body, "body", cx, input))?;
        let around = record_all(&self.shortcut, "shortcut", cx, input)?;
        if body.shape != around.shape {
            let expected = format!("a branch of shape {:?}, as its shortcut", around.shape);
            return Err(cx.refuse(expected, format!("{:?}", body.shape)));
        }
        cx.ties.unite(&body.units, &around.units);
        let (body, around) = (cx.channelled(&body), cx.channelled(&around));
        Ok(around.with(cx.tape.add_scaled(around.node, self.scale, body.node)))
    }
}
