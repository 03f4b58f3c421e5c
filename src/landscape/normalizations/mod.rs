//! Normalizations: what a step of length 1 along a direction means for each weight.
//!
//! Only parameters whose role is weight are scaled. The others (biases, scales and shifts of norms) stand still, or,
//! when asked to move, go along themselves, d = w (Li et al. 2018). What a direction leaves where it is, with an exact zero,
//! no normalization moves.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Normalize`], and a line below.

use crate::nn::{Layout, Parameter, Role};
use crate::registry;

/// Scales one weight tensor's part of a direction.
pub trait Normalize {
    /// Scales `d`, the whole direction, where `parameter` lies, by what `theta` is there.
    fn normalize(&self, parameter: &Parameter, theta: &[f64], d: &mut [f64]);
}

registry! {
    /// What a step of length 1 means.
    Normalization, "normalization", match_normalization {
        filter => Filter;
        layer => Layer;
        weight => Weight;
        none => Nothing;
    }
}

impl Normalization {
    /// Normalises `d` for a network at `theta`; `moves` says which roles besides weights move too, along themselves.
    pub fn apply(&self, layout: &Layout, theta: &[f64], moves: impl Fn(Role) -> bool, d: &mut [f64]) {
        for p in &layout.parameters {
            match p.role {
                Role::Weight => match_normalization!(self, kind => kind.normalize(p, theta, d)),
                role if moves(role) => {
                    let own = d[p.range()].iter_mut().zip(&theta[p.range()]);
                    own.filter(|(d, _)| **d != 0.0).for_each(|(d, w)| *d = *w);
                }
                _ => d[p.range()].fill(0.0),
            }
        }
    }
}

/// Scales `d` to the norm of `w`: d ||w|| / (||d|| + 1e-10). A zero w gets a zero d, and a zero d stays.
fn match_norm(w: &[f64], d: &mut [f64]) {
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    if d.iter().all(|x| *x == 0.0) {
        return;
    }
    let scale = norm(w) / (norm(d) + 1e-10); // Li et al. 2018
    d.iter_mut().for_each(|x| *x *= scale);
}
