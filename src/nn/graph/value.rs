//! What an exported graph computes with: tensors of any rank, on the tape or known, and numbers and lists of them.

use super::dtype::Dtype;
use crate::autodiff::Node;
use std::sync::Arc;

/// A value of the graph.
#[derive(Clone, Debug)]
pub enum Value {
    /// No value was given.
    None,
    /// Numbers along axes.
    Tensor(Tensor),
    /// A whole number, such as a size.
    Int(i64),
    /// A number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A word.
    Text(String),
    /// Several values.
    List(Vec<Value>),
    /// A graph within the graph, by its number.
    Graph(usize),
}

/// Numbers along axes. A tensor of shape d0 x ... x dk, row-major, is the column-major matrix of dk rows and as many columns
/// as there are numbers along the other axes; a single number is 1 x 1.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// What kind of numbers.
    pub dtype: Dtype,
    /// Where the numbers are.
    pub data: Data,
    /// The parameter that it is, if its axes are that one's in some order.
    pub origin: Option<Origin>,
}

/// Where numbers are.
#[derive(Clone, Debug)]
pub enum Data {
    /// Known: they depend on neither parameters nor inputs.
    Known(Arc<[f64]>),
    /// On the tape, row-major.
    Rows(Node),
    /// On the tape as an image: axis 1, the channels, fastest, then the positions of each sample.
    Image(Node),
}

/// A parameter whose axes are those of a tensor in some order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Position among the parameters.
    pub parameter: usize,
    /// Which of the parameter's axes each axis of the tensor is.
    pub axes: Vec<usize>,
}

impl Tensor {
    /// Known numbers, row-major.
    pub fn known(shape: &[usize], dtype: Dtype, numbers: impl Into<Arc<[f64]>>) -> Self {
        Self { shape: shape.to_vec(), dtype, data: Data::Known(numbers.into()), origin: None }
    }

    /// One known number.
    pub fn number(x: f64, dtype: Dtype) -> Self {
        Self::known(&[], dtype, vec![x])
    }

    /// How many numbers.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// How many axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The numbers, if they are known.
    pub fn numbers(&self) -> Option<&Arc<[f64]>> {
        match &self.data {
            Data::Known(numbers) => Some(numbers),
            _ => None,
        }
    }

    /// The same numbers as another kind of them.
    pub fn typed(self, dtype: Dtype) -> Self {
        Self { dtype, ..self }
    }
}

impl From<Tensor> for Value {
    fn from(tensor: Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

impl Value {
    /// As a tensor: numbers become known ones.
    pub fn tensor(&self) -> Option<Tensor> {
        match self {
            Self::Tensor(tensor) => Some(tensor.clone()),
            Self::Int(n) => Some(Tensor::number(*n as f64, Dtype::Int)),
            Self::Float(x) => Some(Tensor::number(*x, Dtype::Float)),
            Self::Bool(b) => Some(Tensor::number(f64::from(u8::from(*b)), Dtype::Bool)),
            _ => None,
        }
    }

    /// Whether everything in it is known.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Tensor(tensor) => tensor.numbers().is_some(),
            Self::List(values) => values.iter().all(Self::is_known),
            _ => true,
        }
    }

    /// Whether there is a tensor in it.
    pub fn has_tensor(&self) -> bool {
        match self {
            Self::Tensor(_) => true,
            Self::List(values) => values.iter().any(Self::has_tensor),
            _ => false,
        }
    }

    /// What it is, in a word.
    pub fn what(&self) -> String {
        match self {
            Self::None => "nothing".to_owned(),
            Self::Tensor(t) => format!("a tensor of shape {:?}", t.shape),
            Self::Int(n) => n.to_string(),
            Self::Float(x) => x.to_string(),
            Self::Bool(b) => b.to_string(),
            Self::Text(text) => format!("`{}`", crate::base::files::brief(text)),
            Self::List(values) => format!("a list of {}", values.len()),
            Self::Graph(_) => "a graph".to_owned(),
        }
    }
}

/// Row-major strides of a shape.
pub fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1isize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}
