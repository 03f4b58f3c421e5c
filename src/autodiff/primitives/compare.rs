//! 1 where a relation holds between A and B, 0 elsewhere; B may also be a column, a row or a number, repeated over A. It is
//! constant almost everywhere and has no derivative. NaN is unequal to all and in no order.

use super::add::{broadcast_examples, broadcast_shape, zip};
use super::softmax::nonlinear;
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// A relation between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// a = b.
    Equal,
    /// a is not b.
    Unequal,
    /// a < b.
    Less,
    /// a <= b.
    LessOrEqual,
    /// a > b.
    Greater,
    /// a >= b.
    GreaterOrEqual,
}

impl Rule for Compare {
    const IN_PLACE: bool = true;

    fn shape(&self, inputs: &[Shape]) -> Shape {
        broadcast_shape(inputs)
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        let (a, b) = (inputs[0], inputs[1]);
        let number = |holds: bool| if holds { E::ONE } else { E::ZERO };
        match self {
            Self::Equal => zip(a, b, out, |a, b| number(a == b)),
            Self::Unequal => zip(a, b, out, |a, b| number(a != b)),
            Self::Less => zip(a, b, out, |a, b| number(a < b)),
            Self::LessOrEqual => zip(a, b, out, |a, b| number(a <= b)),
            Self::Greater => zip(a, b, out, |a, b| number(a > b)),
            Self::GreaterOrEqual => zip(a, b, out, |a, b| number(a >= b)),
        }
    }

    fn still(&self, _active: &[bool]) -> bool {
        true
    }

    fn tangent<E: Element>(&self, _args: &TangentArgs<E>, out: &mut [E]) {
        out.fill(E::ZERO);
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], _g: Node, which: usize) -> Node {
        let shape = tape.shape(inputs[which]);
        tape.fill(0.0, shape)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        nonlinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let kinds = [Self::Less, Self::LessOrEqual, Self::Greater, Self::GreaterOrEqual];
        let of = |kind| broadcast_examples().map(|shapes| (kind, shapes));
        // Equality says nothing of numbers drawn at random, and is tested by itself.
        kinds.into_iter().flat_map(of).collect()
    }
}
