//! Products with the curvature at one theta: the gradient program's primal values are kept, and a product is one
//! tangent sweep for a block of vectors.
//!
//! Cost of a Hessian product for dense layers: three times that of the loss (one product of matrices each way
//! for the first layer, six for the others, against one and two). Chunks that do not fit into the memory given
//! are computed again in every product; the bits are the same either way.

use super::Objective;
use crate::autodiff::{Bindings, Curvature, Element, ProductPlan, Workspace};
use crate::base::pool::Pool;
use rayon::prelude::*;
use std::ops::Range;

/// The curvature of an objective at one point, as something to multiply by.
#[derive(Debug)]
pub struct Linearization<'a, E> {
    objective: &'a Objective<E>,
    theta: Vec<E>,
    plans: Vec<ProductPlan>,
    kept: Vec<Option<Workspace<E>>>,
    tangents: Vec<Pool<(usize, Workspace<E>)>>,
}

impl<'a, E: Element> Linearization<'a, E> {
    pub(super) fn new(objective: &'a Objective<E>, theta: &[E], curvature: Curvature, memory: usize) -> Self {
        let plans: Vec<ProductPlan> = objective.programs().map(|p| p.product_plan(curvature)).collect();
        let mut left = memory;
        let fits: Vec<bool> = objective
            .chunks()
            .iter()
            .map(|chunk| {
                let bytes = plans[objective.program_of(chunk)].primal.bytes::<E>();
                let fits = bytes <= left;
                left -= if fits { bytes } else { 0 };
                fits
            })
            .collect();
        let tangents = plans.iter().map(|_| Pool::default()).collect();
        let mut this = Self { objective, theta: theta.to_vec(), plans, kept: Vec::new(), tangents };
        this.kept = objective
            .chunks()
            .par_iter()
            .zip(fits)
            .map(|(chunk, fits)| fits.then(|| this.primal(chunk)))
            .collect();
        this
    }

    fn primal(&self, chunk: &Range<usize>) -> Workspace<E> {
        let plan = &self.plans[self.objective.program_of(chunk)].primal;
        let mut workspace = plan.workspace();
        plan.run(&Bindings { theta: &self.theta, inputs: &self.objective.inputs(chunk) }, &mut workspace);
        workspace
    }

    /// Number of parameters.
    pub fn dimension(&self) -> usize {
        self.theta.len()
    }

    /// The curvature of the mean loss times each of k vectors; `directions` and the result are p x k,
    /// column-major. Vectors are rounded to the element type; sums over chunks are in f64.
    pub fn products(&self, directions: &[f64], k: usize) -> Vec<f64> {
        assert_eq!(directions.len(), self.theta.len() * k, "p x k numbers");
        if k == 0 {
            return Vec::new();
        }
        let directions: Vec<E> = directions.iter().map(|d| E::from_f64(*d)).collect();
        let first = self.objective.chunks().first().map_or(0, |c| c.start);
        let work = |chunk: &Range<usize>, out: &mut [E]| {
            let which = self.objective.program_of(chunk);
            let program = self.objective.programs().nth(which);
            let (Some(program), plan) = (program, &self.plans[which]) else { return };
            let index = self.objective.chunks().partition_point(|c| c.start < chunk.start);
            debug_assert!(chunk.start >= first);
            let again;
            let primal = match &self.kept[index] {
                Some(kept) => kept,
                None => {
                    again = self.primal(chunk);
                    &again
                }
            };
            let inputs = self.objective.inputs(chunk);
            let values = plan.primal.values(Bindings { theta: &self.theta, inputs: &inputs }, primal);
            let fresh = || (k, plan.tangents.workspace(k));
            self.tangents[which].with(fresh, |(size, workspace)| {
                if *size != k {
                    (*size, *workspace) = fresh();
                }
                plan.tangents.run(&values, &directions, k, workspace);
                program.read_products(plan, workspace, k, out);
            });
        };
        self.objective.sum_over_chunks(directions.len(), work).1
    }
}
