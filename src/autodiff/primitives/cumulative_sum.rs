//! Running sums down each column, or, as its adjoint, up each column. Accumulated in f64.

use super::share::share;
use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Sums of each number and all before it in its column, or all after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CumulativeSum {
    /// Sum from the last row upwards.
    pub reverse: bool,
}

impl CumulativeSum {
    fn apply<E: Element>(&self, x: View<E>, out: &mut [E]) {
        fn sums<'a, E: Element>(pairs: impl Iterator<Item = (&'a mut E, &'a E)>) {
            let mut total = 0.0;
            for (o, x) in pairs {
                total += x.to_f64();
                *o = E::from_f64(total);
            }
        }
        let rows = x.shape.rows.max(1);
        share(out, rows, |start, out| {
            let columns = out.chunks_exact_mut(rows).zip(x.data[start..].chunks_exact(rows));
            for (out, x) in columns {
                let pairs = out.iter_mut().zip(x);
                if self.reverse { sums(pairs.rev()) } else { sums(pairs) }
            }
        });
    }
}

impl Rule for CumulativeSum {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        inputs[0]
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.apply(inputs[0], out);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size().max(1)).enumerate() {
            self.apply(da.slab(j), out);
        }
    }

    fn pullback(&self, tape: &mut Tape, _inputs: &[Node], g: Node, _which: usize) -> Node {
        tape.push(Self { reverse: !self.reverse }, &[g])
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        [false, true].map(|reverse| (Self { reverse }, vec![Shape::new(4, 3)])).to_vec()
    }
}
