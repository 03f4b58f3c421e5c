//! Masks: which elements of theta are left; the others are exactly zero, and stay so while a network is trained.
//!
//! A pruned element starts at zero, and so does all that the optimizer remembers of it. Its gradient is set to zero before
//! anything looks at it: before its norm is taken, before it is clipped, before SAM climbs along it, before L-BFGS makes a
//! direction of it. Every step then leaves it where it is: decay pulls zero to zero, and averages of zero are zero.

use crate::autodiff::Element;
use crate::base::tensors::{Data, Tensor, TensorFile};
use crate::base::{Error, Result};
use std::ops::Range;
use std::sync::Arc;

/// Which elements of theta are left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    kept: Arc<[bool]>,
}

impl Mask {
    /// With an element for each of theta: whether it is left.
    pub fn new(kept: Vec<bool>) -> Self {
        Self { kept: kept.into() }
    }

    /// All p elements.
    pub fn full(p: usize) -> Self {
        Self::new(vec![true; p])
    }

    /// For each element of theta whether it is left.
    pub fn kept(&self) -> &[bool] {
        &self.kept
    }

    /// Whether nothing is pruned.
    pub fn is_full(&self) -> bool {
        self.kept.iter().all(|kept| *kept)
    }

    /// How many of some elements are left.
    pub fn count(&self, of: Range<usize>) -> usize {
        self.kept[of].iter().filter(|kept| **kept).count()
    }

    /// Sets what is pruned to zero, in a block that begins at element `start` of theta.
    #[inline]
    pub fn apply<E: Element>(&self, start: usize, block: &mut [E]) {
        for (x, kept) in block.iter_mut().zip(&self.kept[start..]) {
            // Assigned, not multiplied: no negative zero, and no NaN, is left over.
            if !kept {
                *x = E::ZERO;
            }
        }
    }

    /// As ones and zeros.
    pub fn bytes(&self, of: Range<usize>) -> Vec<u8> {
        self.kept[of].iter().map(|kept| u8::from(*kept)).collect()
    }

    /// As the tensor called `name`.
    pub fn tensor(&self, name: &str) -> Tensor {
        let bytes = self.bytes(0..self.kept.len());
        Tensor { name: name.to_owned(), shape: vec![bytes.len()], data: Data::U8(bytes) }
    }

    /// Reads the tensor called `name`, which must be `size` ones and zeros.
    pub fn read(at: &str, file: &TensorFile, name: &str, size: usize) -> Result<Self> {
        let at = format!("{at}: {name}");
        match file.get(name).map(|tensor| (&tensor.data, tensor.shape.as_slice())) {
            Some((Data::U8(bytes), [n])) if *n == size && bytes.iter().all(|b| *b <= 1) => {
                Ok(Self::new(bytes.iter().map(|b| *b == 1).collect()))
            }
            Some(_) => {
                Err(Error::expected(at, format!("[{size}] in U8, of ones and zeros"), "another tensor"))
            }
            None => Err(Error::expected(at, format!("{size} bytes"), "none")),
        }
    }
}

/// What a run has been pruned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// What is left.
    pub mask: Mask,
    /// The step after which it was pruned.
    pub step: u64,
}

impl Pruned {
    /// In words, for what is refused.
    pub fn words(this: Option<&Self>) -> String {
        match this {
            None => "nothing pruned".to_owned(),
            Some(Self { mask, step }) => {
                let p = mask.kept.len();
                format!("a mask that leaves {} of {p} parameters after step {step}", mask.count(0..p))
            }
        }
    }
}
