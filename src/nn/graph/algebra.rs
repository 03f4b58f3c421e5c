//! Tensors of any rank on a tape of matrices: what operators are made of.
//!
//! Everything here checks its sizes, because they come from a file: the tape itself panics where shapes don't fit.

use super::dtype::Dtype;
use super::lowering::Lowering;
use super::value::{Data, Tensor, strides};
use crate::autodiff::primitives::map::Curve;
use crate::autodiff::{Node, Shape};
use crate::base::{Error, Result};
use std::sync::Arc;

/// Most numbers in one tensor.
pub const MOST: usize = 1 << 31;

/// How many numbers a shape has; refuses none at all and more than a machine holds.
pub fn sized(shape: &[usize]) -> Result<usize> {
    let size = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
    match size.filter(|n| (1..=MOST).contains(n)) {
        Some(size) => Ok(size),
        None => Err(Error::expected("tensor", format!("1 to {MOST} numbers"), format!("shape {shape:?}"))),
    }
}

/// A shape as the matrix that the tape has for it.
pub fn matrix(shape: &[usize]) -> Shape {
    let rows = shape.last().copied().unwrap_or(1);
    Shape::new(rows, shape.iter().rev().skip(1).product())
}

/// The shape to which two broadcast (numpy's rule).
pub fn common(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let along =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    let axis = |axis: usize| match (along(a, axis), along(b, axis)) {
        (x, y) if x == y => Ok(x),
        (1, y) => Ok(y),
        (x, 1) => Ok(x),
        _ => Err(Error::expected("tensors", "shapes that broadcast", format!("{a:?} and {b:?}"))),
    };
    let shape = (0..rank).map(axis).collect::<Result<Vec<usize>>>()?;
    sized(&shape)?;
    Ok(shape)
}

/// Channels, positions and samples of an image tensor: samples x channels x positions.
pub fn image_sizes(shape: &[usize]) -> (usize, usize, usize) {
    (shape[1], shape[2..].iter().product(), shape[0])
}

impl Lowering<'_> {
    /// The tensor's matrix on the tape.
    pub fn rows(&mut self, t: &Tensor) -> Node {
        let shape = matrix(&t.shape);
        match &t.data {
            Data::Rows(node) => *node,
            Data::Known(numbers) => {
                if numbers.iter().all(|x| *x == numbers[0]) {
                    self.tape.fill(numbers[0], shape)
                } else {
                    self.tape.constant(numbers.clone(), shape)
                }
            }
            Data::Image(node) => {
                let (channels, positions, _) = image_sizes(&t.shape);
                self.tape.permute(*node, channels, positions, shape)
            }
        }
    }

    /// A tensor of at least two axes as an image: channels x (samples positions).
    pub fn image(&mut self, t: &Tensor) -> Node {
        let (channels, positions, samples) = image_sizes(&t.shape);
        let shape = Shape::new(channels, positions * samples);
        match &t.data {
            Data::Image(node) => *node,
            _ => {
                let rows = self.rows(t);
                let node = self.tape.permute(rows, positions, channels, shape);
                self.tape.reshape(node, shape)
            }
        }
    }

    /// A tensor from row-major numbers on the tape, whatever matrix they are in.
    pub fn of(&mut self, node: Node, shape: &[usize], dtype: Dtype) -> Tensor {
        let node = self.tape.reshape(node, matrix(shape));
        Tensor { shape: shape.to_vec(), dtype, data: Data::Rows(node), origin: None }
    }

    /// A tensor from an image on the tape.
    pub fn of_image(&mut self, node: Node, shape: &[usize], dtype: Dtype) -> Tensor {
        match shape.len() {
            2 => self.of(node, shape, dtype),
            _ => Tensor { shape: shape.to_vec(), dtype, data: Data::Image(node), origin: None },
        }
    }

    /// The same numbers under another shape.
    pub fn reshape(&mut self, t: &Tensor, shape: &[usize]) -> Result<Tensor> {
        if shape == t.shape {
            return Ok(t.clone());
        }
        if sized(shape)? != t.size() {
            return Err(Error::expected("shape", format!("{} numbers", t.size()), format!("{shape:?}")));
        }
        if let Data::Known(numbers) = &t.data {
            return Ok(Tensor::known(shape, t.dtype, numbers.clone()));
        }
        let node = self.rows(t);
        Ok(self.of(node, shape, t.dtype))
    }

    /// Numbers read along strides: a tensor of `shape` whose number at index i is number `offset + sum_k i_k strides_k` of
    /// the tensor. All of them must lie in it.
    pub fn strided(&mut self, t: &Tensor, shape: &[usize], steps: &[isize], offset: usize) -> Result<Tensor> {
        let size = sized(shape)?;
        let reach = |sign: isize| -> i128 {
            let along = |(d, s): (&usize, &isize)| (*d as i128 - 1) * (*s as i128);
            let ends = shape.iter().zip(steps).map(along).filter(|e| e.signum() == sign as i128);
            offset as i128 + ends.sum::<i128>()
        };
        if reach(-1) < 0 || reach(1) >= t.size() as i128 {
            return Err(Error::expected("view", format!("{} numbers", t.size()), "others beyond them"));
        }
        let whole = size == t.size() && offset == 0;
        let moving = |(d, s): (&usize, &isize)| (*d > 1).then_some((*d, *s));
        let same = shape
            .iter()
            .zip(steps)
            .filter_map(moving)
            .eq(shape.iter().zip(&strides(shape)).filter_map(moving));
        if whole && same {
            return self.reshape(t, shape);
        }
        let node = self.rows(t);
        let node = self.tape.strided(node, shape, steps, offset, matrix(shape));
        Ok(self.of(node, shape, t.dtype))
    }

    /// The axes in another order.
    pub fn permute(&mut self, t: &Tensor, order: &[usize]) -> Result<Tensor> {
        let own = strides(&t.shape);
        let shape: Vec<usize> = order.iter().map(|a| t.shape[*a]).collect();
        let steps: Vec<isize> = order.iter().map(|a| own[*a]).collect();
        let mut permuted = self.strided(t, &shape, &steps, 0)?;
        permuted.origin = t.origin.clone().map(|mut origin| {
            origin.axes = order.iter().map(|a| origin.axes[*a]).collect();
            origin
        });
        Ok(permuted)
    }

    /// The tensor with an axis moved to the end.
    pub fn axis_last(&mut self, t: &Tensor, axis: usize) -> Result<Tensor> {
        let mut order: Vec<usize> = (0..t.rank()).collect();
        if axis < t.rank() {
            let moved = order.remove(axis);
            order.push(moved);
        }
        self.permute(t, &order)
    }

    /// The inverse of [`Lowering::axis_last`].
    pub fn last_to(&mut self, t: &Tensor, axis: usize) -> Result<Tensor> {
        let mut order: Vec<usize> = (0..t.rank()).collect();
        if let Some(last) = order.pop() {
            order.insert(axis.min(order.len()), last);
        }
        self.permute(t, &order)
    }

    /// Repeated to a larger shape (numpy's rule).
    pub fn expand(&mut self, t: &Tensor, shape: &[usize]) -> Result<Tensor> {
        if shape == t.shape {
            return Ok(t.clone());
        }
        if common(&t.shape, shape)? != shape {
            return Err(Error::expected(
                "expand",
                format!("a shape to which {:?} broadcasts", t.shape),
                format!("{shape:?}"),
            ));
        }
        let (own, new) = (strides(&t.shape), shape.len() - t.rank());
        let step = |axis: usize| match axis.checked_sub(new) {
            Some(axis) if t.shape[axis] != 1 => own[axis],
            _ => 0,
        };
        let steps: Vec<isize> = (0..shape.len()).map(step).collect();
        self.strided(t, shape, &steps, 0)
    }

    /// `length` entries along an axis, from `start` on, each `step` further than the one before.
    pub fn slice(
        &mut self,
        t: &Tensor,
        axis: usize,
        start: usize,
        length: usize,
        step: isize,
    ) -> Result<Tensor> {
        let own = strides(&t.shape);
        let (mut shape, mut steps) = (t.shape.clone(), own.clone());
        (shape[axis], steps[axis]) = (length, own[axis] * step);
        self.strided(t, &shape, &steps, start * own[axis] as usize)
    }

    /// One entry along an axis, which is dropped.
    pub fn pick(&mut self, t: &Tensor, axis: usize, index: usize) -> Result<Tensor> {
        let one = self.slice(t, axis, index, 1, 1)?;
        let mut shape = one.shape.clone();
        shape.remove(axis);
        self.reshape(&one, &shape)
    }

    /// Tensors one after another along an axis.
    pub fn concat(&mut self, all: &[Tensor], axis: usize) -> Result<Tensor> {
        let Some(first) = all.first() else { return Err(Error::expected("cat", "tensors", "none")) };
        let (mut shape, mut dtype) = (first.shape.clone(), first.dtype);
        shape[axis] = 0;
        for t in all {
            let alike =
                t.rank() == first.rank() && (0..t.rank()).all(|a| a == axis || t.shape[a] == first.shape[a]);
            if !alike {
                let expected = format!("shapes like {:?} but for axis {axis}", first.shape);
                return Err(Error::expected("cat", expected, format!("{:?}", t.shape)));
            }
            shape[axis] += t.shape[axis];
            dtype = promoted(dtype, t.dtype);
        }
        sized(&shape)?;
        if let [one] = all {
            return Ok(one.clone());
        }
        if axis == 1 && all.iter().all(|t| matches!(t.data, Data::Image(_))) {
            // Channels are fastest in images: they are runs of a column.
            let nodes: Vec<Node> = all.iter().map(|t| self.image(t)).collect();
            let columns: usize = shape[0] * shape[2..].iter().product::<usize>();
            let inners: Vec<usize> = all.iter().map(|t| t.shape[1]).collect();
            let node = self.tape.concat(&nodes, columns, &inners, Shape::new(shape[1], columns));
            return Ok(self.of_image(node, &shape, dtype));
        }
        let nodes: Vec<Node> = all.iter().map(|t| self.rows(t)).collect();
        let outer: usize = shape[..axis].iter().product();
        let inners: Vec<usize> = all.iter().map(|t| t.shape[axis..].iter().product()).collect();
        let node = self.tape.concat(&nodes, outer, &inners, matrix(&shape));
        Ok(self.of(node, &shape, dtype))
    }

    /// `f` of each number, in whatever order they lie.
    pub fn each(&mut self, t: &Tensor, f: impl FnOnce(&mut Self, Node) -> Node) -> Tensor {
        let (node, image) = match &t.data {
            Data::Image(node) => (*node, true),
            _ => (self.rows(t), false),
        };
        let node = f(self, node);
        let data = if image { Data::Image(node) } else { Data::Rows(node) };
        Tensor { shape: t.shape.clone(), dtype: t.dtype, data, origin: None }
    }

    /// An elementwise function with derivatives.
    pub fn map(&mut self, t: &Tensor, curve: impl Curve + PartialEq + Clone + 'static) -> Tensor {
        let curve = self.curve(curve);
        self.each(t, |this, node| this.tape.map(&curve, 0, node)).typed(Dtype::Float)
    }

    /// The one shared instance of a function: the tape compares functions by identity.
    fn curve(&mut self, curve: impl Curve + 'static) -> Arc<dyn Curve> {
        let text = format!("{curve:?}");
        self.curves.entry(text).or_insert_with(|| Arc::new(curve)).clone()
    }

    /// `c` times each number.
    pub fn scale(&mut self, t: &Tensor, c: f64) -> Tensor {
        self.each(t, |this, node| this.tape.scale(c, node))
    }

    /// Each number plus `c`.
    pub fn shift(&mut self, t: &Tensor, c: f64) -> Tensor {
        if c == 0.0 {
            return t.clone();
        }
        self.each(t, |this, node| {
            let c = this.tape.fill(c, Shape::new(1, 1));
            this.tape.add(node, c)
        })
    }

    /// Combines two tensors elementwise: `f` gets the first as a matrix, and the second as one of the same shape, or as a
    /// column, a row or a number to be repeated over it.
    pub fn pairwise(
        &mut self,
        a: &Tensor,
        b: &Tensor,
        f: impl FnOnce(&mut Self, Node, Node) -> Node,
    ) -> Result<Tensor> {
        let shape = common(&a.shape, &b.shape)?;
        let dtype = promoted(a.dtype, b.dtype);
        let a = self.expand(a, &shape)?;
        if let Data::Image(node) = a.data
            && let Some(b) = self.beside_image(&shape, b)
        {
            let node = f(self, node, b);
            return Ok(self.of_image(node, &shape, dtype));
        }
        let (a, b) = match self.split(&shape, &b.shape) {
            // Repeated over what comes before the last axes: a column.
            Some((at, false)) => {
                let rows: usize = shape[at..].iter().product();
                let (node, own) = (self.rows(&a), self.rows(b));
                let a = self.tape.reshape(node, Shape::new(rows, shape[..at].iter().product()));
                (a, self.tape.reshape(own, Shape::new(b.size(), 1)))
            }
            // Repeated over the last axes: a row.
            Some((at, true)) => {
                let mut lead = shape.clone();
                lead[at..].fill(1);
                let b = self.expand(b, &lead)?;
                let cols: usize = lead.iter().product();
                let (node, own) = (self.rows(&a), self.rows(&b));
                let a = self.tape.reshape(node, Shape::new(shape[at..].iter().product(), cols));
                (a, self.tape.reshape(own, Shape::new(1, cols)))
            }
            None => {
                let b = self.expand(b, &shape)?;
                (self.rows(&a), self.rows(&b))
            }
        };
        let node = f(self, a, b);
        Ok(self.of(node, &shape, dtype))
    }

    /// Where a shape may be cut so that a smaller one is repeated over all axes on one side and nowhere on the other, and
    /// whether over those after the cut.
    fn split(&self, shape: &[usize], small: &[usize]) -> Option<(usize, bool)> {
        let padded: Vec<usize> =
            std::iter::repeat_n(1, shape.len() - small.len()).chain(small.iter().copied()).collect();
        let repeated: Vec<bool> = shape.iter().zip(&padded).map(|(d, s)| d != s).collect();
        let trailing = padded.iter().rev().take_while(|d| **d == 1).count();
        let leading = padded.iter().take_while(|d| **d == 1).count();
        match repeated.contains(&true) {
            false => None,
            true if !repeated[leading.min(shape.len())..].contains(&true) => {
                Some((leading.min(shape.len()), false))
            }
            // Over the last axes; what is repeated before them is repeated in the row.
            true if trailing > 0 && repeated[shape.len() - trailing..].contains(&true) => {
                Some((shape.len() - trailing, true))
            }
            true => None,
        }
    }

    /// The second tensor as it goes with an image of `shape`: as an image, a column for the channels or a number.
    fn beside_image(&mut self, shape: &[usize], b: &Tensor) -> Option<Node> {
        if b.shape == shape {
            return Some(self.image(b));
        }
        let rank = shape.len();
        let padded: Vec<usize> =
            std::iter::repeat_n(1, rank - b.rank()).chain(b.shape.iter().copied()).collect();
        let others = (0..rank).filter(|a| *a != 1).all(|a| padded[a] == 1);
        (others && (padded[1] == 1 || padded[1] == shape[1])).then(|| {
            let node = self.rows(b);
            self.tape.reshape(node, Shape::new(padded[1], 1))
        })
    }

    /// `a + c b`.
    pub fn add_scaled(&mut self, a: &Tensor, c: f64, b: &Tensor) -> Result<Tensor> {
        let whole = common(&a.shape, &b.shape)?;
        let image = matches!(b.data, Data::Image(_)) && !matches!(a.data, Data::Image(_));
        // The one that is repeated comes second.
        if b.shape == whole && (a.shape != whole || image) {
            let scaled = self.scale(b, c);
            return self.pairwise(&scaled, a, |this, b, a| this.tape.add(b, a));
        }
        self.pairwise(a, b, |this, a, b| this.tape.add_scaled(a, c, b))
    }

    /// `a + b`.
    pub fn add(&mut self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        self.add_scaled(a, 1.0, b)
    }

    /// `a - b`.
    pub fn subtract(&mut self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        self.add_scaled(a, -1.0, b)
    }

    /// `a b` elementwise.
    pub fn multiply(&mut self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        if let Some(c) = constant(b).filter(|_| b.size() == 1 && b.rank() <= a.rank()) {
            return Ok(self.scale(a, c).typed(promoted(a.dtype, b.dtype)));
        }
        if let Some(c) = constant(a).filter(|_| a.size() == 1 && a.rank() <= b.rank()) {
            return Ok(self.scale(b, c).typed(promoted(a.dtype, b.dtype)));
        }
        let whole = common(&a.shape, &b.shape)?;
        let image = matches!(b.data, Data::Image(_)) && !matches!(a.data, Data::Image(_));
        if (a.shape != whole || image) && b.shape == whole {
            self.pairwise(b, a, |this, b, a| this.tape.mul(b, a))
        } else {
            self.pairwise(a, b, |this, a, b| this.tape.mul(a, b))
        }
    }

    /// Sums over axes; those are kept with length 1, or dropped.
    pub fn sum(&mut self, t: &Tensor, axes: &[usize], keep: bool) -> Result<Tensor> {
        let mut kept = t.shape.clone();
        axes.iter().for_each(|a| kept[*a] = 1);
        let shape: Vec<usize> = if keep {
            kept.clone()
        } else {
            (0..t.rank()).filter(|a| !axes.contains(a)).map(|a| t.shape[a]).collect()
        };
        let dtype = if t.dtype == Dtype::Bool { Dtype::Int } else { t.dtype };
        if kept == t.shape {
            let t = self.reshape(t, &shape)?;
            return Ok(t.typed(dtype));
        }
        // Over the last axes, the first ones, or all of them there are sums of rows and columns.
        let summed = |a: &usize| axes.contains(a) || t.shape[*a] == 1;
        let trailing = (0..t.rank()).rev().take_while(summed).count();
        let leading = (0..t.rank()).take_while(summed).count();
        let rest = (0..t.rank()).filter(|a| !summed(a)).count();
        let node = match &t.data {
            Data::Image(node)
                if axes.contains(&0) && !axes.contains(&1) && leading + trailing + 1 >= t.rank() =>
            {
                self.tape.sum_cols(*node)
            }
            _ => {
                let node = self.rows(t);
                let cut = t.rank() - trailing;
                if trailing + rest >= t.rank() || (0..cut).all(|a| !axes.contains(&a)) {
                    let rows: usize = t.shape[cut..].iter().product();
                    let node = self.tape.reshape(node, Shape::new(rows, t.size() / rows));
                    self.tape.sum_rows(node)
                } else if (leading..t.rank()).all(|a| !axes.contains(&a)) {
                    let cols: usize = t.shape[..leading].iter().product();
                    let node = self.tape.reshape(node, Shape::new(t.size() / cols, cols));
                    self.tape.sum_cols(node)
                } else {
                    let mut steps = strides(&kept);
                    axes.iter().for_each(|a| steps[*a] = 0);
                    self.tape.sum_strided(node, &t.shape, &steps, 0, matrix(&kept))
                }
            }
        };
        Ok(self.of(node, &shape, dtype))
    }

    /// Means over axes.
    pub fn mean(&mut self, t: &Tensor, axes: &[usize], keep: bool) -> Result<Tensor> {
        let count: usize = axes.iter().map(|a| t.shape[*a]).product();
        let sum = self.sum(t, axes, keep)?;
        Ok(self.scale(&sum, 1.0 / count as f64).typed(Dtype::Float))
    }

    /// `a` where the mask is not 0, else `b`.
    pub fn select(&mut self, mask: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let shape = common(&common(&mask.shape, &a.shape)?, &b.shape)?;
        let [mask, a, b] = [mask, a, b].map(|t| self.expand(t, &shape));
        let (mask, a, b) = (mask?, a?, b?);
        let dtype = promoted(a.dtype, b.dtype);
        let [mask, a, b] = [&mask, &a, &b].map(|t| self.rows(t));
        let node = self.tape.select(mask, a, b);
        Ok(self.of(node, &shape, dtype))
    }

    /// Products of matrices in the last two axes, for all indices of the axes before them (numpy's `matmul`).
    pub fn matmul(&mut self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let (mut left, mut right) = (a.shape.clone(), b.shape.clone());
        if a.rank() == 0 || b.rank() == 0 {
            return Err(Error::expected("matmul", "tensors of at least one axis", "a number"));
        }
        if a.rank() == 1 {
            left.insert(0, 1);
        }
        if b.rank() == 1 {
            right.push(1);
        }
        let ([m, k], [inner, n]) = (last_two(&left), last_two(&right));
        if k != inner {
            let found = format!("{:?} and {:?}", a.shape, b.shape);
            return Err(Error::expected("matmul", "inner axes of one length", found));
        }
        let (before_a, before_b) = (&left[..left.len() - 2], &right[..right.len() - 2]);
        let before = common(before_a, before_b)?;
        let mut shape = before.clone();
        shape.extend([m, n]);
        sized(&shape)?;
        let batch: usize = before.iter().product();
        let node = if before_b.iter().all(|d| *d == 1) {
            // One matrix for all: the rows of all others are the columns of one product.

            let (a, b) = (self.rows(a), self.rows(b));
            let a = self.tape.reshape(a, Shape::new(k, m * batch));
            let b = self.tape.reshape(b, Shape::new(n, k));
            self.tape.matmul((b, false), (a, false))
        } else {
            let whole = |last: [usize; 2]| [before.as_slice(), &last].concat();
            let a = self.reshape(a, &left)?;
            let b = self.reshape(b, &right)?;
            let (a, b) = (self.expand(&a, &whole([m, k]))?, self.expand(&b, &whole([k, n]))?);
            let (a, b) = (self.rows(&a), self.rows(&b));
            let (of_b, of_a) = (Shape::new(n, k), Shape::new(k, m));
            self.tape.batched_matmul((b, false), (a, false), batch, of_b, of_a, matrix(&shape))
        };
        let mut last = before;
        if a.rank() > 1 {
            last.push(m);
        }
        if b.rank() > 1 {
            last.push(n);
        }
        Ok(self.of(node, &last, Dtype::Float))
    }
}

fn last_two(shape: &[usize]) -> [usize; 2] {
    [shape[shape.len() - 2], shape[shape.len() - 1]]
}

/// The one number that a known tensor repeats.
pub fn constant(t: &Tensor) -> Option<f64> {
    let numbers = t.numbers()?;
    numbers.iter().all(|x| *x == numbers[0]).then(|| numbers[0])
}

/// The type of a result of two.
pub fn promoted(a: Dtype, b: Dtype) -> Dtype {
    match (a, b) {
        (Dtype::Float, _) | (_, Dtype::Float) => Dtype::Float,
        (Dtype::Int, _) | (_, Dtype::Int) => Dtype::Int,
        _ => Dtype::Bool,
    }
}
