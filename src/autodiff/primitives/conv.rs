//! Convolution as one trilinear form: T(W, X, G) = sum over samples and places of G . (W * X), where
//! (W * X)(o, y, x) = sum_{c,i,j} W(o, c, i, j) X(c, y S - P + i D, x S - P + j D) with zeros outside the image.
//!
//! Each role leaves one of the three free: the output, given W and X; the gradient in W, given X and G; the gradient in
//! X, given W and G. A role is bilinear in its two inputs and each pullback is one of the other two roles, so that the
//! set is closed: no role has a derivative that is not a role. The tangent is the sum of two values.
//!
//! W is a matrix (channels/groups * kernel) x outputs in PyTorch's order: column o holds outputs' channel o, row
//! (c, i, j) with j fastest. X is channels x (n H W), G and the output are outputs x (n H' W').
//!
//! Cost: samples x places x rows of W x outputs multiply-adds in each role; 4/9 of them for kernels of 3 x 3 with stride 1
//! between many channels (`winograd`).

mod correlation;
mod weights;
mod winograd;

use super::window::{Window, example_windows, whole};
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};
use crate::base::{Error, Result};

/// Which argument of the trilinear form a convolution computes, given the other two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// (W, X) to the outputs.
    Output,
    /// (X, G) to the gradient in the weights.
    Weight,
    /// (W, G) to the gradient in the image.
    Input,
}

/// Images, kernels and how they meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    /// The image and the window over it.
    pub window: Window,
    /// Channels of the output.
    pub outputs: usize,
    /// Groups of channels that do not mix: output channels of a group see the group's input channels alone.
    pub groups: usize,
}

impl ConvGeometry {
    /// Refuses what does not fit together, as `at: expected X, found Y`.
    pub fn check(&self, at: &str) -> Result<()> {
        self.window.check(at)?;
        let divides = |n: usize| n > 0 && self.groups > 0 && n.is_multiple_of(self.groups);
        if !divides(self.window.channels) || !divides(self.outputs) {
            let found = format!("{} of {} to {}", self.groups, self.window.channels, self.outputs);
            return Err(Error::expected(at, "groups that divide the input and output channels", found));
        }
        Ok(())
    }

    /// Shape of the weights.
    pub fn weights(&self) -> Shape {
        Shape::new(self.group_channels() * self.window.area(), self.outputs)
    }

    /// Input channels of a group.
    fn group_channels(&self) -> usize {
        self.window.channels / self.groups
    }

    /// Output channels of a group.
    fn group_outputs(&self) -> usize {
        self.outputs / self.groups
    }

    /// Multiply-adds for one sample.
    fn work(&self) -> usize {
        self.weights().size() * self.window.outputs()
    }

    /// Where W(c, i, j) lies in a column of the weights.
    fn row(&self, channel: usize, [i, j]: [usize; 2]) -> usize {
        let [height, width] = self.window.kernel;
        (channel * height + i) * width + j
    }

    fn output(&self, samples: usize) -> Shape {
        Shape::new(self.outputs, samples * self.window.outputs())
    }

    fn image(&self, samples: usize) -> Shape {
        Shape::new(self.window.channels, samples * self.window.positions())
    }

    /// Number of samples of outputs.
    fn samples(&self, output: Shape) -> usize {
        whole(output.cols, self.window.outputs())
    }
}

/// One role of a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Images and kernels.
    pub geometry: ConvGeometry,
    /// What is computed.
    pub role: Role,
}

/// Multiply-adds in one task; more of them are shared out among threads. A tenth of a millisecond or two.
const TASK: usize = 1 << 23;

/// Weights beyond which a core's cache does not hold them.
const LARGE: usize = 1 << 17;
/// Places for which such weights are read once.
const PLACES: usize = 64;

impl Conv {
    /// Samples in one task: a cut that follows from the sizes alone, so that the bits do not depend on the threads.
    fn samples_a_task(&self, samples: usize) -> usize {
        let task = TASK / self.geometry.work().max(1);
        task.max(self.samples_together().min(samples.div_ceil(2))).clamp(1, samples.max(1))
    }

    /// Samples that are computed side by side: several where large weights meet small images, so that they are not read from
    /// memory for every sample.
    fn samples_together(&self) -> usize {
        let window = &self.geometry.window;
        let places = if self.role == Role::Input { window.positions() } else { window.outputs() };
        if self.geometry.weights().size() < LARGE { 1 } else { PLACES.div_ceil(places.max(1)) }
    }

    /// `out (+)=` this role of `a` and `b`.
    fn apply<E: Element>(&self, a: View<E>, b: View<E>, accumulate: bool, out: &mut [E]) {
        // A cache line of output channels side by side: 16 in f32, 8 in f64.
        match (self.role, size_of::<E>()) {
            (Role::Weight, 4) => weights::sum::<E, 16>(self, a.data, b.data, accumulate, out),
            (Role::Weight, _) => weights::sum::<E, 8>(self, a.data, b.data, accumulate, out),
            (_, 4) => correlation::correlate::<E, 16>(self, a.data, b.data, accumulate, out),
            (_, _) => correlation::correlate::<E, 8>(self, a.data, b.data, accumulate, out),
        }
    }

    /// The role with the same geometry.
    fn other(&self, role: Role) -> Self {
        Self { role, ..*self }
    }
}

impl Rule for Conv {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        let geometry = &self.geometry;
        let (first, second) = (inputs[0], inputs[1]);
        match self.role {
            Role::Output => {
                assert_eq!(first, geometry.weights(), "weights under {self:?}");
                geometry.output(geometry.window.samples(second))
            }
            Role::Weight => {
                let samples = geometry.window.samples(first);
                assert_eq!(second, geometry.output(samples), "outputs under {self:?}");
                geometry.weights()
            }
            Role::Input => {
                assert_eq!(first, geometry.weights(), "weights under {self:?}");
                let image = geometry.image(geometry.samples(second));
                assert_eq!(second, geometry.output(geometry.window.samples(image)), "outputs under {self:?}");
                image
            }
        }
    }

    fn multiply_adds(&self, inputs: &[Shape], _shape: Shape) -> usize {
        let samples = match self.role {
            Role::Output => self.geometry.window.samples(inputs[1]),
            Role::Weight => self.geometry.window.samples(inputs[0]),
            Role::Input => self.geometry.samples(inputs[1]),
        };
        samples * self.geometry.work()
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.apply(inputs[0], inputs[1], false, out);
    }

    fn reads(&self, which: usize, active: &[bool]) -> bool {
        active[1 - which]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let mut written = false;
        if let Some(db) = args.tangents[1] {
            // With the same weights, k signals side by side are one of k times the samples.
            match db.side_by_side(args.k).filter(|_| self.role != Role::Weight) {
                Some(wide) => self.apply(args.inputs[0], wide, false, out),
                None => {
                    for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
                        self.apply(args.inputs[0], db.slab(j), false, out);
                    }
                }
            }
            written = true;
        }
        if let Some(da) = args.tangents[0] {
            for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
                self.apply(da.slab(j), args.inputs[1], written, out);
            }
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        let (a, b) = (inputs[0], inputs[1]);
        match (self.role, which) {
            (Role::Output, 0) => tape.push(self.other(Role::Weight), &[b, g]),
            (Role::Output, _) => tape.push(self.other(Role::Input), &[a, g]),
            (Role::Weight, 0) => tape.push(self.other(Role::Input), &[g, b]),
            (Role::Weight, _) => tape.push(self.other(Role::Output), &[g, a]),
            (Role::Input, 0) => tape.push(self.other(Role::Weight), &[g, b]),
            (Role::Input, _) => tape.push(self.other(Role::Output), &[a, g]),
        }
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        super::mul::bilinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let [square, halved, flat, point, wide, tall, odd] = example_windows();
        let geometry = |window, outputs, groups| ConvGeometry { window, outputs, groups };
        let geometries = [
            geometry(square, 3, 1),
            geometry(halved, 17, 1),
            geometry(flat, 4, 2),
            geometry(point, 2, 1),
            geometry(wide, 4, 2),
            geometry(tall, 3, 1),
            geometry(odd, 2, 1),
            // Rows and columns that no window reaches, and a stride beyond the kernel.
            geometry(Window { kernel: [1, 2], stride: [2, 3], ..square }, 2, 1),
            geometry(Window { channels: 18, height: 3, width: 2, ..square }, 36, 18),
        ];
        let roles = |g: ConvGeometry| {
            let (w, x, y) = (g.weights(), g.image(2), g.output(2));
            [(Role::Output, vec![w, x]), (Role::Weight, vec![x, y]), (Role::Input, vec![w, y])]
                .map(|(role, shapes)| (Self { geometry: g, role }, shapes))
        };
        geometries.into_iter().flat_map(roles).collect()
    }
}
