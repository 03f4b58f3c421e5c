//! The closed set of primitives. Each is one file with its value, its *tangent* (JVP, computed) and its
//! *pullback* (VJP, recorded in primitives again, so that the reverse sweep has tangents too).
//!
//! To add one: write a file with a struct that implements [`Rule`], and add a line below. The conformance
//! tests then check its derivatives, first and second, on the shapes its `examples` name.

mod blocks;
mod share;
pub mod window;

use super::{Block, Element, Node, Shape, Tape, View};
pub use conv::{ConvGeometry, Role};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
pub use strided::Axis;
pub use window::Window;

/// How the value depends on the coordinates along which the parameters move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Degree {
    /// Not at all.
    Constant,
    /// A constant plus something linear: known at every point from its value and tangents at one.
    Affine,
    /// In any other way.
    General,
}

/// What a tangent rule may look at.
pub struct TangentArgs<'a, 'b, E> {
    /// Primal values of the inputs that [`Rule::reads`] names; shapes of the others.
    pub inputs: &'b [View<'a, E>],
    /// Primal values of the nodes that [`Rule::coefficients`] asked for.
    pub coefficients: &'b [View<'a, E>],
    /// The inputs' tangents; `None` is a structural zero and costs nothing.
    pub tangents: &'b [Option<Block<'a, E>>],
    /// Number of tangent vectors in every block.
    pub k: usize,
    /// Shape of the output.
    pub shape: Shape,
}

/// One primitive: `out = f(inputs)` with its two derivative rules.
pub trait Rule: Sized {
    /// Whether `value` and `tangent` may work in place: `out` then holds the first input (its tangents) already,
    /// and that input's view is empty. Used where nothing else needs the input any more.
    const IN_PLACE: bool = false;

    /// Shape of the output.
    fn shape(&self, inputs: &[Shape]) -> Shape;

    /// Multiply-adds of a value, about: of what is no product, an operation an element.
    fn multiply_adds(&self, _inputs: &[Shape], shape: Shape) -> usize {
        shape.size()
    }

    /// Writes `f(inputs)` over `out`.
    fn value<E: Element>(&self, inputs: &[View<E>], shape: Shape, out: &mut [E]);

    /// Nodes whose primal values the tangent needs besides the inputs, so that no product computes anything
    /// primal again. The tape shares them with nodes that the reverse sweep has already recorded.
    fn coefficients(&self, _tape: &mut Tape, _inputs: &[Node]) -> Vec<Node> {
        Vec::new()
    }

    /// Whether the tangent is zero whatever the values, given which inputs have one.
    fn still(&self, active: &[bool]) -> bool {
        !active.contains(&true)
    }

    /// Whether the tangent reads the primal value of input `which`, given which inputs have a tangent; views of
    /// the others have their shape and no data.
    fn reads(&self, _which: usize, _active: &[bool]) -> bool {
        false
    }

    /// Writes the k tangents `f'(inputs) tangents` over `out`, side by side.
    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]);

    /// Records the cotangent of input `which` from the cotangent `g` of the output.
    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node;

    /// Degree of the output in the coordinates; linear primitives keep the highest of their inputs'.
    fn degree(&self, inputs: &[Degree]) -> Degree {
        inputs.iter().copied().max().unwrap_or(Degree::Constant)
    }

    /// Instances with input shapes for the conformance tests, which draw their inputs from N(0, 1).
    fn examples() -> Vec<(Self, Vec<Shape>)>;
}

/// Fixed numbers on the tape: equal where their bits are.
#[derive(Clone, Debug)]
pub struct Constant(pub Arc<[f64]>);

impl PartialEq for Constant {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.0.iter().map(|x| x.to_bits()), other.0.iter().map(|x| x.to_bits()));
        Arc::ptr_eq(&self.0, &other.0) || a.eq(b)
    }
}

impl Primitive {
    /// Feeds `state` with what tells most primitives apart: the kind, and what a leaf holds. Equal ones feed it alike.
    pub(super) fn hash(&self, state: &mut impl Hasher) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Parameter(n) | Self::Input(n) | Self::State(n) => n.hash(state),
            // Both zeros are equal.
            Self::Fill(x) => (x + 0.0).to_bits().hash(state),
            Self::Constant(Constant(numbers)) => numbers.iter().for_each(|x| x.to_bits().hash(state)),
            _ => {}
        }
    }
}

/// An instance of any primitive with the input shapes to try it on.
pub type Example = (Primitive, Vec<Shape>);

macro_rules! primitives {
    ($($file:ident => $Type:ident;)+) => {
        $(pub mod $file; pub use $file::$Type;)+

        /// One of the tape's primitives, or a leaf.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Primitive {
            /// A matrix cut out of theta at an offset, column-major.
            Parameter(usize),
            /// A matrix supplied at run time, by index: data, targets, masks. It never moves.
            Input(usize),
            /// A matrix cut out of the network's state at an offset, column-major. It never moves.
            State(usize),
            /// A matrix of one repeated number.
            Fill(f64),
            /// A matrix of fixed numbers, column-major. It never moves.
            Constant(Constant),
            $(
                #[doc = concat!("See [`", stringify!($Type), "`].")]
                $Type($Type),
            )+
        }

        macro_rules! each_primitive {
            ($value:expr, leaf => $leaf:expr, $rule:ident => $body:expr) => {
                match $value {
                    Primitive::Parameter(_) | Primitive::Input(_) | Primitive::State(_) | Primitive::Fill(_)
                    | Primitive::Constant(_) => $leaf,
                    $(Primitive::$Type($rule) => $body,)+
                }
            };
        }
        pub(super) use each_primitive;

        /// Instances of every primitive in the set, for the conformance tests.
        pub fn examples() -> Vec<Example> {
            let mut all = Vec::new();
            $(all.extend($Type::examples().into_iter().map(|(rule, shapes)| (Primitive::$Type(rule), shapes)));)+
            all
        }

        $(impl From<$Type> for Primitive {
            fn from(rule: $Type) -> Self {
                Self::$Type(rule)
            }
        })+
    };
}

primitives! {
    matmul => MatMul;
    add => Add;
    mul => Mul;
    scale => Scale;
    map => Map;
    sum_rows => SumRows;
    sum_cols => SumCols;
    broadcast => Broadcast;
    softmax => Softmax;
    softmax_pullback => SoftmaxPullback;
    cross_entropy => CrossEntropy;
    permute => Permute;
    pad_rows => PadRows;
    conv => Conv;
    block_mean => BlockMean;
    block_broadcast => BlockBroadcast;
    variance => Variance;
    standardize => Standardize;
    row_dot => RowDot;
    arg_max => ArgMax;
    pick => Pick;
    average_pool => AveragePool;
    reshape => Reshape;
    strided => Strided;
    concat => Concat;
    batched_matmul => BatchedMatMul;
    take => Take;
    keep => Keep;
    compare => Compare;
    arg_max_rows => ArgMaxRows;
    cumulative_sum => CumulativeSum;
    log_sum_exp => LogSumExp;
}
