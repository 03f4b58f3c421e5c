//! A graph that ends in outputs, completed by a loss: one more argument, the targets, and the operators of the loss.
//!
//! All losses are means over samples (and over positions, where a sample has several): cross-entropy of classes, of which -100
//! (or `ignore`) does not count; the others of numbers of the outputs' shape, for logistic 0 and 1. Over the outputs of a sample they are what
//! they are elsewhere: half the sum of squares, their mean, the sum of the binary cross-entropies.

use super::schema::{Argument, Float, Meta, Metadata, Name, Named, NodeText, Size};
use super::scores::Scores;
use super::{Graph, Source, nodes, operators};
use crate::base::files::brief;
use crate::base::registry::Registry;
use crate::base::{Error, Result};
use crate::nn::losses::Loss;

/// torch's numbers for f32 and i64.
const FLOAT: u32 = 7;
const LONG: u32 = 5;

fn tensor(name: &str) -> Argument {
    Argument::AsTensor(Name { name: name.to_owned() })
}

fn float(x: f64) -> Argument {
    Argument::AsFloat(Float(x))
}

impl Graph {
    /// Completes the graph by a loss of its first output and of targets, an argument called `y`, or `target` if the graph has a
    /// `y`. Classes lie along axis 1 of the outputs, or along the last of three.
    pub fn complete(&mut self, loss: &Loss) -> Result<()> {
        let refuse = |expected: &str, found: &str| Err(Error::expected("--loss", expected, found));
        if self.loss.is_some() {
            return refuse("none, since the graph returns its own", &loss.to_string());
        }
        let Some((_, output)) = self.outputs.first().cloned() else {
            return refuse("a graph that returns outputs", "none");
        };
        let Some(Meta { sizes, .. }) = self.text.tensor_values.get(&output).cloned() else {
            return refuse("outputs with a shape", "none");
        };
        if sizes.is_empty() {
            return refuse("outputs samples x classes, or samples x values", "a single number");
        }
        let output = self.before_probabilities(loss, output, &sizes)?;
        let free = |name: &&str| !self.text.tensor_values.contains_key(*name);
        let Some(target) = ["y", "target", "targets"].into_iter().find(free) else {
            return refuse("a free name for the targets", "y, target and targets in the graph");
        };
        // A sum over the outputs of a sample as a multiple of their mean.
        let each = sizes.iter().skip(1).map(|size| if let Size::AsInt(n) = size { Some(*n) } else { None });
        let each: Option<i64> = each.product();
        let each = match loss {
            Loss::CrossEntropy(_) | Loss::MeanSquaredError(_) => 1,
            _ => each.ok_or_else(|| {
                let expected = "mean-squared-error or cross-entropy for outputs whose number is open";
                Error::expected("--loss", expected, loss)
            })?,
        };
        let value = match loss {
            Loss::CrossEntropy(entropy) if !entropy.weights.is_empty() => {
                return refuse(
                    "a loss without weights, or an exported graph that returns its own",
                    "weights",
                );
            }
            Loss::CrossEntropy(entropy) => {
                let (mut output, mut wanted, mut axis) = (output, sizes.clone(), 1);
                match sizes.len() {
                    1 => return refuse("outputs samples x classes", "a number a sample"),
                    3 => {
                        let mut turned = sizes;
                        turned.swap(1, 2);
                        let axes = [
                            ("self", tensor(&output)),
                            ("dim0", Argument::AsInt(1)),
                            ("dim1", Argument::AsInt(2)),
                        ];
                        output = self.append("transpose.int", &axes, turned);
                        axis = 2;
                    }
                    _ => {}
                }
                wanted.remove(axis);
                self.add_argument(target, wanted, LONG)?;
                let inputs = [
                    ("self", tensor(&output)),
                    ("target", tensor(target)),
                    ("label_smoothing", float(entropy.smoothing)),
                    ("ignore_index", Argument::AsInt(entropy.ignore)),
                ];
                self.append("cross_entropy_loss.default", &inputs, Vec::new())
            }
            Loss::SquaredError(_) | Loss::MeanSquaredError(_) | Loss::Logistic(_) => {
                if matches!(loss, Loss::Logistic(logistic) if logistic.single) && each != 1 {
                    return refuse("single=false for several outputs a sample", &loss.to_string());
                }
                self.add_argument(target, sizes, FLOAT)?;
                let (operator, factor) = match loss {
                    Loss::Logistic(_) => ("binary_cross_entropy_with_logits.default", each as f64),
                    Loss::SquaredError(_) => ("mse_loss.default", each as f64 / 2.0),
                    _ => ("mse_loss.default", 1.0),
                };
                let inputs = [("self", tensor(&output)), ("target", tensor(target))];
                let mean = self.append(operator, &inputs, Vec::new());
                if factor == 1.0 {
                    mean
                } else {
                    let inputs = [("self", tensor(&mean)), ("other", float(factor))];
                    self.append("mul.Scalar", &inputs, Vec::new())
                }
            }
            Loss::Huber(_) | Loss::AbsoluteError(_) | Loss::Poisson(_) => {
                self.add_argument(target, sizes, FLOAT)?;
                let [first, operator] = match loss {
                    Loss::Huber(_) => ["self", "huber_loss.default"],
                    Loss::AbsoluteError(_) => ["self", "l1_loss.default"],
                    _ => ["input", "poisson_nll_loss.default"],
                };
                let mut inputs = vec![(first, tensor(&output)), ("target", tensor(target))];
                if let Loss::Huber(huber) = loss {
                    inputs.push(("delta", float(huber.delta)));
                }
                let mean = self.append(operator, &inputs, Vec::new());
                let inputs = [("self", tensor(&mean)), ("other", float(each as f64))];
                self.append("mul.Scalar", &inputs, Vec::new())
            }
            _ => {
                let expected = "cross-entropy, squared-error, mean-squared-error, logistic, huber, absolute-error or poisson for an exported graph";
                return refuse(expected, loss.name());
            }
        };
        self.loss = Some(value);
        Ok(())
    }

    /// Leaves out metrics that are made with operators that nobody knows here: a loss would be refused.
    pub(super) fn leave_out_metrics(&mut self) {
        let Some(loss) = &self.loss else { return };
        let unknown = |value: &str| {
            let live = nodes::live(&self.text, &[value]);
            let names = self.text.nodes.iter().zip(live).filter(|(_, live)| *live);
            let names = names.map(|(node, _)| operators::name(&node.target).0);
            names
                .filter(|name| operators::find(name).is_none() && !operators::WRAPPERS.contains(name))
                .map(brief)
                .next()
        };
        if unknown(loss).is_some() {
            return;
        }
        let found: Vec<Option<String>> = self.metrics.iter().map(|(_, value)| unknown(value)).collect();
        let mut kept = Vec::new();
        for (metric, unknown) in std::mem::take(&mut self.metrics).into_iter().zip(found) {
            match unknown {
                None => kept.push(metric),
                Some(operator) => {
                    let name = brief(&metric.0);
                    self.doubts.push(format!(
                        "the metric `{name}` is left out: its operator `{operator}` is not known"
                    ));
                }
            }
        }
        self.metrics = kept;
    }

    /// Whether it returns a loss of its own.
    pub fn has_loss(&self) -> bool {
        self.loss.is_some()
    }

    /// The scores in place of probabilities that are of them, where the loss is one of probabilities.
    fn before_probabilities(&mut self, loss: &Loss, output: String, sizes: &[Size]) -> Result<String> {
        let refuse = |expected: &str| Err(Error::expected("--loss", expected, loss.name()));
        match (loss, self.scores(&output)) {
            (Loss::CrossEntropy(_), Some(Scores::Softmax(z)))
            | (Loss::Logistic(_), Some(Scores::Sigmoid(z))) => Ok(z),
            // Scores 0 and z have the probabilities 1 - s(z) and s(z).
            (Loss::CrossEntropy(_), Some(Scores::Pair(z))) => {
                let one = vec![sizes[0].clone(), Size::AsInt(1)];
                let zero = self.append("mul.Scalar", &[("self", tensor(&z)), ("other", float(0.0))], one);
                let both = [zero, z].map(|name| Name { name });
                let inputs = [("tensors", Argument::AsTensors(both.to_vec())), ("dim", Argument::AsInt(1))];
                Ok(self.append("cat.default", &inputs, sizes.to_vec()))
            }
            (Loss::CrossEntropy(_), Some(Scores::Sigmoid(_))) => {
                refuse("logistic for a graph that ends in a sigmoid")
            }
            (Loss::Logistic(_), Some(Scores::Softmax(_) | Scores::Pair(_))) => {
                refuse("cross-entropy for a graph that ends in probabilities of classes")
            }
            _ => Ok(output),
        }
    }

    /// One more argument.
    fn add_argument(&mut self, name: &str, sizes: Vec<Size>, dtype: u32) -> Result<()> {
        self.text.tensor_values.insert(name.to_owned(), plain(sizes, dtype));
        self.declare(name, Source::Argument(self.arguments.len()));
        let argument = self.argument("--loss", name)?;
        self.arguments.push(argument);
        Ok(())
    }

    /// One more operation, and the name of its result.
    fn append(&mut self, operator: &str, inputs: &[(&str, Argument)], sizes: Vec<Size>) -> String {
        let name = format!("loss/{}", self.text.nodes.len());
        self.text.tensor_values.insert(name.clone(), plain(sizes, FLOAT));
        let named = |(name, arg): &(&str, Argument)| Named { name: (*name).to_owned(), arg: arg.clone() };
        self.text.nodes.push(NodeText {
            target: format!("torch.ops.aten.{operator}"),
            inputs: inputs.iter().map(named).collect(),
            outputs: vec![tensor(&name)],
            metadata: Metadata::default(),
        });
        name
    }
}

/// A tensor of these lengths and type.
fn plain(sizes: Vec<Size>, dtype: u32) -> Meta {
    Meta { dtype, sizes, strides: Vec::new(), storage_offset: Size::AsInt(0), layout: 7 }
}
