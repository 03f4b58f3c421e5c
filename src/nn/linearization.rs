//! Products with the curvature at one theta: the gradient program's primal values are kept, and a product is one
//! tangent sweep for a block of vectors.
//!
//! Cost of a Hessian product for dense layers, in products of matrices: two for the first layer and six for each
//! other, against one a layer for the loss; about 3 times the loss where the first layer is most of the work, up
//! to 6 times in deep networks. Chunks that do not fit into the memory given
//! are computed again in every product; the bits are the same either way.

use super::Objective;
use super::chunks::Chunk;
use crate::autodiff::{Bindings, Curvature, Element, ProductPlan, Workspace};
use crate::base::{interrupt, pool::Pool};

/// The curvature of an objective at one point, as something to multiply by.
#[derive(Debug)]
pub struct Linearization<'a, E> {
    objective: &'a Objective<E>,
    theta: Vec<E>,
    state: Vec<E>,
    plans: Vec<ProductPlan>,
    kept: Vec<Option<Workspace<E>>>,
    tangents: Vec<Pool<(usize, Workspace<E>)>>,
}

impl<'a, E: Element> Linearization<'a, E> {
    pub(super) fn new(
        objective: &'a Objective<E>,
        theta: &[E],
        state: &[E],
        curvature: Curvature,
        memory: usize,
    ) -> Self {
        let plans: Vec<ProductPlan> = objective.programs().map(|p| p.product_plan(curvature)).collect();
        let tangents = plans.iter().map(|_| Pool::default()).collect();
        let (theta, state) = (theta.to_vec(), state.to_vec());
        let mut this = Self { objective, theta, state, plans, kept: Vec::new(), tangents };
        let bytes = |chunk: &Chunk| this.plans[chunk.program].primal.bytes::<E>();
        this.kept = objective.within_memory(memory, bytes, |chunk| this.primal(chunk));
        this
    }

    /// Number of parameters.
    pub fn dimension(&self) -> usize {
        self.theta.len()
    }

    fn bindings<'b>(&'b self, inputs: &'b [&'b [E]]) -> Bindings<'b, E> {
        Bindings { theta: &self.theta, state: &self.state, inputs }
    }

    fn primal(&self, chunk: &Chunk) -> Workspace<E> {
        let plan = &self.plans[chunk.program].primal;
        let mut workspace = plan.workspace();
        let inputs = self.objective.inputs(chunk);
        plan.run(&self.bindings(&inputs), &mut workspace);
        workspace
    }

    /// The curvature of the mean loss times each of k vectors; `directions` and the result are p x k,
    /// column-major. Vectors are rounded to the element type; sums over chunks are in f64. Once a signal asks for a stop, the
    /// rest of the samples is left out and the result is NaN: who gets one asks [`interrupt::requested`] before believing it.
    pub fn products(&self, directions: &[f64], k: usize) -> Vec<f64> {
        assert_eq!(directions.len(), self.theta.len() * k, "p x k numbers");
        if k == 0 {
            return Vec::new();
        }
        let directions: Vec<E> = directions.iter().map(|d| E::from_f64(*d)).collect();
        let work = |chunk: &Chunk, out: &mut [E]| {
            if interrupt::requested().is_some() {
                return out.fill(E::from_f64(f64::NAN));
            }
            let plan = &self.plans[chunk.program];
            let again;
            let primal = match &self.kept[chunk.index] {
                Some(kept) => kept,
                None => {
                    again = self.primal(chunk);
                    &again
                }
            };
            let inputs = self.objective.inputs(chunk);
            let values = plan.primal.values(self.bindings(&inputs), primal);
            let fresh = || (k, plan.tangents.workspace(k));
            self.tangents[chunk.program].with(fresh, |(size, workspace)| {
                if *size != k {
                    (*size, *workspace) = fresh();
                }
                plan.tangents.run(&values, &directions, k, workspace);
                plan.read(workspace, k, out);
            });
        };
        self.objective.sum_over_chunks(directions.len(), work).1
    }
}
