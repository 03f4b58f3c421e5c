//! 2D convolution (cross-correlation, as everywhere in the field): each output channel is a filter over the
//! channels of its group. An image of height H becomes one of height (H + 2 padding - kernel) / stride + 1, rounded
//! down.

use super::{Forward, Recorder, Signal};
use crate::autodiff::primitives::Window;
use crate::autodiff::primitives::conv::ConvGeometry;
use crate::base::{Error, Result};
use crate::nn::layout::Role;
use crate::nn::norms::{Norm, of_weights};
use crate::nn::recorder::{Affine, Need};
use crate::nn::units::{Ties, Units, repeated};

crate::kind! {
    /// A convolution.
    Conv = "conv", "2D convolution: channels, kernel, stride, padding, groups, bias";
    // 3 x 3 that keeps the size (Simonyan and Zisserman 2015).
    /// Number of filters.
    channels: usize = 16,
    /// Height and width of a filter.
    kernel: usize = 3,
    /// Steps between neighbouring outputs.
    stride: usize = 1,
    /// Rows and columns of zeros around the image.
    padding: usize = 1,
    /// Groups of channels that do not see each other.
    groups: usize = 1,
    /// Whether outputs have a bias.
    bias: bool = true,
    /// A norm of the weights, or `none`.
    norm: Norm = Norm::default(),
}

impl Conv {
    fn refuse(&self) -> Result<()> {
        of_weights(&self.norm)?;
        check_window(self.kernel, self.stride, self.padding)?;
        match (self.channels, self.groups) {
            (0, _) => Err(Error::expected("channels", "at least 1", 0)),
            (_, 0) => Err(Error::expected("groups", "at least 1", 0)),
            (c, g) if c % g != 0 => {
                Err(Error::expected("groups", format!("a divisor of the {c} channels"), g))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses windows that make no sense: those beyond the padding would see nothing of the image.
pub(super) fn check_window(kernel: usize, stride: usize, padding: usize) -> Result<()> {
    const MOST: usize = 1 << 12;
    let settings = [("kernel", kernel, 1..=MOST), ("stride", stride, 1..=MOST)];
    for (setting, value, range) in settings.into_iter().chain([("padding", padding, 0..=kernel.max(1) - 1)]) {
        if !range.contains(&value) {
            return Err(Error::expected(setting, format!("{} to {}", range.start(), range.end()), value));
        }
    }
    Ok(())
}

/// A window that moves over an image; refuses images that it does not fit into.
pub(super) fn window(
    cx: &Recorder,
    shape: &[usize],
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Result<Window> {
    let window = Window {
        channels: shape[0],
        height: shape[1],
        width: shape[2],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        after: [padding; 2],
        dilation: [1; 2],
    };
    window.check(&format!("layer {}", cx.path()))?;
    Ok(window)
}

impl Conv {
    /// The units of outputs and inputs, as the weight's axes have them.
    fn units(&self, cx: &mut Recorder, inputs: &Units) -> (Units, Units) {
        let outputs = self.channels / self.groups;
        match (self.groups, inputs.len() / self.groups) {
            (1, _) => (cx.ties.fresh(self.channels), inputs.clone()),
            // Depthwise: each output goes with the channel that it is made from.
            (_, 1) => (repeated(inputs, outputs), Ties::fixed(1)),
            // One axis stands for other inputs in each group: inputs stay, outputs stay in their group.
            (_, within) => {
                let units = cx.ties.fresh(self.channels);
                cx.ties.hold(inputs);
                cx.ties.within_runs(&units, outputs);
                (units, Ties::fixed(within))
            }
        }
    }
}

impl Forward for Conv {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let input = cx.image(input)?;
        let window = window(cx, &input.shape, self.kernel, self.stride, self.padding)?;
        let (channels, groups) = (input.channels(), self.groups);
        if channels % groups != 0 {
            return Err(cx.refuse(format!("channels in {groups} groups"), channels));
        }
        let area = self.kernel * self.kernel;
        let shape = vec![self.channels, channels / groups, self.kernel, self.kernel];
        let (fan_in, fan_out) = (channels / groups * area, self.channels / groups * area);
        cx.room("weight", &shape)?;
        let (units, inputs) = self.units(cx, &input.units);
        let axes = vec![units.clone(), inputs];
        let need = Need { name: "weight", shape, role: Role::Weight, fan_in, fan_out, start: 0.0, axes };
        let (weight, scale) = self.norm.weight(cx, need)?;
        let geometry = ConvGeometry { window, outputs: self.channels, groups };
        let mut node = cx.tape.conv(geometry, weight, input.node);
        let mut shift = None;
        if self.bias {
            shift = Some(cx.layout.parameters.len());
            let bias = cx.column("bias", &units, Role::Bias, 0.0)?;
            node = cx.tape.add(node, bias);
        }
        if let Some(scale) = scale {
            cx.scales(Affine { scale, shift, norm: None });
        }
        let [height, width] = window.places();
        Ok(Signal { node, shape: vec![self.channels, height, width], image: true, units })
    }
}
