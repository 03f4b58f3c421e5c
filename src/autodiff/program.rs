//! A gradient program: a loss recorded on a tape with its reverse sweep, and the plans to run it.

use super::primitives::{Primitive, Scale};
use super::{Element, Node, Plan, TangentPlan, Tape, Values, Workspace};
use std::ops::Range;
use std::sync::Arc;

/// A tape whose last part computes the gradient of a summed loss.
#[derive(Clone, Debug)]
pub struct Program {
    tape: Arc<Tape>,
    outputs: Node,
    losses: Node,
    /// How many of the samples are right, 1 x 1, where outputs don't say so beside labels.
    correct: Option<Node>,
    /// Gradient in the outputs; where the Gauss-Newton approximation cuts.
    residual: Option<Node>,
    gradients: Gradients,
    /// Gradient in every node up to the losses.
    cotangents: Vec<Option<Node>>,
}

/// Which second-order product a tangent plan computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curvature {
    /// The Hessian of the loss.
    Hessian,
    /// The generalized Gauss-Newton matrix J^T H_loss J, J the Jacobian of the outputs.
    GaussNewton,
    /// The sum over samples of g g^T, g the gradient of the sample's loss: the empirical Fisher matrix where targets are
    /// those of the data, the true one, sampled, where they are drawn from the network's own distribution.
    Fisher,
}

/// The plans behind a product: `primal` is run once at a point and keeps what `tangents` reads in every product.
#[derive(Clone, Debug)]
pub struct ProductPlan {
    /// Values at the point.
    pub primal: Plan,
    /// Tangents of the gradient.
    pub tangents: TangentPlan,
    gradients: Gradients,
}

/// Where each parameter lies in theta, and its gradient's node; `None` where the loss does not depend on it. In the order
/// of their starts. Parameters may share numbers of theta, whose gradient is then the sum of theirs.
type Gradients = Vec<(Range<usize>, Option<Node>)>;

/// Writes over `out` the sums of what `of` shows for each gradient; zeros where there is none.
fn gather<'a, E: Element>(gradients: &Gradients, of: impl Fn(Node) -> Option<&'a [E]>, out: &mut [E]) {
    let mut written = 0;
    for (range, node) in gradients {
        // Every number of this range below `written` belongs to the range that reaches so far, too.
        let shared = written.clamp(range.start, range.end) - range.start;
        let (old, new) = out[range.clone()].split_at_mut(shared);
        match node.and_then(&of) {
            Some(gradient) => {
                old.iter_mut().zip(gradient).for_each(|(o, g)| *o += *g);
                new.copy_from_slice(&gradient[shared..]);
            }
            None => new.fill(E::ZERO),
        }
        written = written.max(range.end);
    }
}

impl ProductPlan {
    /// Writes the k tangents of the gradient, after a run of the tangents, over `out` (p x k).
    pub fn read<E: Element>(&self, workspace: &Workspace<E>, k: usize, out: &mut [E]) {
        if k == 0 {
            return;
        }
        let parameters = out.len() / k;
        for (j, out) in out.chunks_exact_mut(parameters.max(1)).enumerate() {
            let of = |n| Some(self.tangents.tangent(n, &[], parameters, workspace)?.slab(j).data);
            gather(&self.gradients, of, out);
        }
    }
}

impl Program {
    /// Records the reverse sweep of the sum of `losses` on `tape`. `outputs` are what the loss compares with the
    /// targets.
    pub fn new(tape: Tape, outputs: Node, losses: Node) -> Self {
        Self::comparing(tape, outputs, losses, outputs)
    }

    /// The same with values of `outputs`, and the outputs that the loss compares elsewhere on the tape.
    pub fn comparing(mut tape: Tape, outputs: Node, losses: Node, compared: Node) -> Self {
        let parameters: Vec<(Range<usize>, Node)> = tape
            .nodes()
            .filter_map(|n| match tape.record(n).op {
                Primitive::Parameter(offset) => Some((offset..offset + tape.shape(n).size(), n)),
                _ => None,
            })
            .collect();
        let cotangents = tape.reverse(losses);
        // A gradient that is itself a parameter gets an entry of its own, whose tangents a plan computes.
        let mut own = |node: Node| match tape.record(tape.root(node)).op {
            Primitive::Parameter(_) => tape.push(Scale(1.0), &[node]),
            _ => node,
        };
        let mut gradients: Gradients = parameters
            .into_iter()
            .map(|(range, n)| (range, cotangents.get(n.0).copied().flatten().map(&mut own)))
            .collect();
        gradients.sort_by_key(|(range, _)| range.start);
        let residual = cotangents.get(compared.0).copied().flatten();
        Self { tape: Arc::new(tape), outputs, losses, correct: None, residual, gradients, cotangents }
    }

    /// The recorded tape.
    pub fn tape(&self) -> &Arc<Tape> {
        &self.tape
    }

    /// The network's outputs, classes x samples.
    pub fn outputs(&self) -> Node {
        self.outputs
    }

    /// The loss of each sample, 1 x samples.
    pub fn losses(&self) -> Node {
        self.losses
    }

    /// The same with a count of samples that are right (1 x 1), for a program whose outputs are no classes.
    pub fn judging(self, correct: Option<Node>) -> Self {
        Self { correct, ..self }
    }

    /// That count.
    pub fn correct(&self) -> Option<Node> {
        self.correct
    }

    /// What evaluations read: losses, outputs, and the count of samples that are right, where there is one.
    pub fn values(&self) -> Vec<Node> {
        [self.losses, self.outputs].into_iter().chain(self.correct).collect()
    }

    /// The gradient of the summed loss in a node; `None` where the loss does not depend on it, or it not on theta.
    pub fn cotangent(&self, node: Node) -> Option<Node> {
        self.cotangents.get(node.0).copied().flatten()
    }

    fn gradient_nodes(&self) -> Vec<Node> {
        self.gradients.iter().filter_map(|(_, n)| *n).collect()
    }

    /// A plan for losses and outputs, without derivatives.
    pub fn value_plan(&self) -> Plan {
        Plan::new(self.tape.clone(), &self.values(), &[])
    }

    /// A plan for losses and the gradient.
    pub fn gradient_plan(&self) -> Plan {
        self.gradient_plan_with(&[])
    }

    /// A plan for losses, the gradient and other nodes.
    pub fn gradient_plan_with(&self, others: &[Node]) -> Plan {
        let mut wanted = self.gradient_nodes();
        wanted.extend(self.values());
        wanted.extend(others);
        Plan::new(self.tape.clone(), &wanted, &[])
    }

    /// Plans for products with the curvature at a point.
    pub fn product_plan(&self, curvature: Curvature) -> ProductPlan {
        let cut = match curvature {
            Curvature::Hessian => None,
            Curvature::GaussNewton => self.residual,
            Curvature::Fisher => return self.squared().product_plan(Curvature::GaussNewton),
        };
        let (tangents, reads) = TangentPlan::new(&self.tape, &self.gradient_nodes(), |_| true, cut);
        let primal = Plan::new(tangents.tape().clone(), &reads, &[]);
        ProductPlan { primal, tangents, gradients: self.gradients.clone() }
    }

    /// The program of half the sum of squared losses, with the losses for outputs: its Gauss-Newton matrix J^T J has
    /// for J the gradients of the losses, a row a sample.
    fn squared(&self) -> Self {
        let mut tape = (*self.tape).clone();
        let squares = tape.mul(self.losses, self.losses);
        let halves = tape.scale(0.5, squares);
        Self::new(tape, self.losses, halves)
    }

    /// Shows `read` the gradient of a finished run of [`Program::gradient_plan`], run by run, within a range of
    /// theta; parameters that the loss does not depend on are left out. Runs of parameters that share numbers of theta
    /// are to be added.
    #[inline(always)]
    pub fn gradient_runs<E: Element>(
        &self,
        values: &Values<E>,
        range: Range<usize>,
        mut read: impl FnMut(usize, &[E]),
    ) {
        for (parameter, node) in &self.gradients {
            let (start, end) = (range.start.max(parameter.start), range.end.min(parameter.end));
            if let (true, Some(node)) = (start < end, node) {
                read(start, &values.of(*node).data[start - parameter.start..end - parameter.start]);
            }
        }
    }

    /// Writes the gradient of a finished run of [`Program::gradient_plan`] over `out` (p numbers).
    pub fn read_gradient<E: Element>(&self, values: &Values<E>, out: &mut [E]) {
        gather(&self.gradients, |node| Some(values.of(node).data), out);
    }
}
