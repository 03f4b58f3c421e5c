//! The loss of a network as a potential: heights over all training samples, slopes of one mini-batch a step at all pivots.
//!
//! Slopes are of training, with the statistics of the mini-batch where norms have some; heights are of the network as it
//! is evaluated, with statistics recomputed by a pass over the training samples, since those of the ends are of other
//! networks; or with those of the ends, which move along with the weights.

use super::checkpoint::sha256;
use super::{BandSettings, Potential};
use crate::autodiff::Element;
use crate::base::{Precision, Result, Streams, parallel, pool::Pool};
use crate::nn::{Network, Objective, Samples, Statistics};
use crate::train::Batches;
use crate::train::batch::{BatchGradient, Noise};
use crate::with_precision;
use rand::seq::SliceRandom;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// The mean loss of a network.
#[derive(Debug)]
pub struct NetworkLoss<E> {
    network: Arc<Network>,
    train: Arc<Samples<E>>,
    on_train: Objective<E>,
    /// What statistics are recomputed from, where there are some.
    groups: Option<Objective<E>>,
    batches: Batches,
    seed: u64,
    /// For the two sizes of batches that occur.
    gradients: [Pool<BatchGradient<E>>; 2],
    /// The order of samples in an epoch.
    order: Mutex<Option<(u64, Vec<u32>)>>,
}

/// The loss of a network, by which a band between others may be measured in either way.
pub trait NetworkPotential: Potential {
    /// The same with the state of two ends, moved along with the weights instead of recomputed.
    fn moving<'a>(&'a self, states: [&'a [f64]; 2]) -> Box<dyn Potential + 'a>;
}

impl<E: Element> NetworkPotential for NetworkLoss<E> {
    fn moving<'a>(&'a self, states: [&'a [f64]; 2]) -> Box<dyn Potential + 'a> {
        Box::new(Moving { loss: self, states })
    }
}

/// The mean loss of a network over samples in a precision, as [`NetworkLoss::new`].
pub fn network_loss(
    network: &Arc<Network>,
    train: &crate::data::Samples,
    precision: Precision,
    settings: &BandSettings,
    seed: u64,
) -> Result<Box<dyn NetworkPotential>> {
    with_precision!(precision, E => {
        let train = crate::train::samples::<E>(network, train);
        Ok(Box::new(NetworkLoss::new(network, &train, settings, seed)?))
    })
}

impl<E: Element> NetworkLoss<E> {
    /// Over `train`, in mini-batches as the settings have them, in an order of its own for each seed. Refuses batches that are
    /// too small for the network's statistics.
    pub fn new(
        network: &Arc<Network>,
        train: &Arc<Samples<E>>,
        settings: &BandSettings,
        seed: u64,
    ) -> Result<Self> {
        let batches = settings.batches(train.len(), network.layout())?.told();
        let objective = |statistics| Objective::new(network.clone(), train.clone(), statistics);
        let couples = network.layout().couples_samples;
        let groups = Statistics::Groups(settings.batch(train.len()));
        Ok(Self {
            on_train: objective(Statistics::Running),
            groups: couples.then(|| objective(groups)),
            network: network.clone(),
            train: train.clone(),
            batches,
            seed,
            gradients: Default::default(),
            order: Mutex::new(None),
        })
    }

    /// Parameters in the element type and the state that belongs to them, before statistics.
    fn place(&self, theta: &[f64]) -> (Vec<E>, Vec<E>) {
        let theta: Vec<E> = theta.iter().map(|x| E::from_f64(*x)).collect();
        let state = self.network.start(&theta);
        (theta, state)
    }

    /// The samples of a step.
    fn indices(&self, step: u64) -> Vec<u32> {
        let n = self.train.len();
        let in_epoch = self.batches.count().max(1) as u64;
        let (epoch, at) = (step / in_epoch, (step % in_epoch) as usize);
        let mut kept = self.order.lock().unwrap_or_else(|e| e.into_inner());
        if kept.as_ref().is_none_or(|(of, _)| *of != epoch) {
            let mut order: Vec<u32> = (0..n as u32).collect();
            order.shuffle(&mut Streams::new(self.seed).stream("band/order", epoch));
            *kept = Some((epoch, order));
        }
        let order = kept.as_ref().map_or(&[][..], |(_, order)| order);
        self.batches.of(order).nth(at).unwrap_or_default().to_vec()
    }
}

impl<E: Element> Potential for NetworkLoss<E> {
    fn value(&self, theta: &[f64], _: f64) -> f64 {
        let (theta, state) = self.place(theta);
        let state = match &self.groups {
            Some(groups) => groups.refresh(&theta, &state),
            None => state,
        };
        self.on_train.evaluate(&theta, &state).loss
    }

    fn slopes(&self, step: u64, chain: &[Vec<f64>]) -> Vec<(f64, Vec<f64>)> {
        let indices = self.indices(step);
        let pool = &self.gradients[usize::from(indices.len() != self.batches.sizes().0)];
        let streams = Streams::new(self.seed);
        let noise = Noise { streams, step, epoch: 1, vary: None };
        let at = |theta: &Vec<f64>| {
            let (theta, state) = self.place(theta);
            let make = || BatchGradient::new(&self.network, indices.len(), self.train.beside(), None);
            pool.with(make, |batch| {
                let loss = batch.run(&theta, &state, &self.train, &indices, &noise);
                let mut gradient = vec![E::ZERO; theta.len()];
                batch.gradient(0, &mut gradient);
                (loss, gradient.iter().map(|g| g.to_f64()).collect())
            })
        };
        parallel::map(chain.len(), &|i| at(&chain[i]))
    }

    fn identity(&self) -> Value {
        json!({
            "network": self.network.spec(),
            "samples": self.train.len(),
            "seed": self.seed,
            "precision": E::NAME,
        })
    }
}

/// The loss of a network between two others whose state moves along with the weights.
struct Moving<'a, E> {
    loss: &'a NetworkLoss<E>,
    states: [&'a [f64]; 2],
}

impl<E: Element> Potential for Moving<'_, E> {
    fn value(&self, theta: &[f64], t: f64) -> f64 {
        let narrow = |v: &[f64]| -> Vec<E> { v.iter().map(|x| E::from_f64(*x)).collect() };
        let state = narrow(&self.loss.network.mixed(self.states, t));
        self.loss.on_train.evaluate(&narrow(theta), &state).loss
    }

    fn slopes(&self, step: u64, chain: &[Vec<f64>]) -> Vec<(f64, Vec<f64>)> {
        self.loss.slopes(step, chain)
    }

    fn identity(&self) -> Value {
        let mut identity = self.loss.identity();
        identity["states_sha256"] = sha256(self.states).into();
        identity
    }
}
