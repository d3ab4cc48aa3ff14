//! What each layer of a network was given and gave back in a step, so that it can be judged by itself.

use super::arch::Unit;
use super::conv::Geometry;
use super::network::{Network, UnitSaved};
use super::{Tensor64, linear};
use std::cell::RefCell;

/// A convolution with its batch norm, as numbers lie in memory.
#[derive(Clone)]
pub(crate) struct UnitSeen {
    pub(crate) name: String,
    pub(crate) geometry: Geometry,
    /// Whether a ReLU follows the batch norm. Where something is added first, it follows that.
    pub(crate) relu: bool,
    pub(crate) x: Tensor64,
    pub(crate) weight: Tensor64,
    /// What the convolution gave.
    pub(crate) conv: Tensor64,
    /// Weight and bias of the batch norm.
    pub(crate) channels: [Tensor64; 2],
    /// What is added to the batch norm.
    pub(crate) residual: Option<Tensor64>,
    /// The gradient of what the unit gave, but for that of the sum with the residual, which a ReLU has masked already.
    pub(crate) dy: Tensor64,
    /// The gradient of what the convolution gave.
    pub(crate) dconv: Tensor64,
    /// What the gradient of x is added to.
    pub(crate) sum: Option<Tensor64>,
}

/// A linear layer of the head, in single precision.
#[derive(Clone)]
pub(crate) struct LinearSeen {
    pub(crate) name: String,
    pub(crate) x: Tensor64,
    pub(crate) weight: Tensor64,
    pub(crate) bias: Tensor64,
    pub(crate) dy: Tensor64,
}

/// The layers of a step, in the order of its backward.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) units: RefCell<Vec<UnitSeen>>,
    pub(crate) linears: RefCell<Vec<LinearSeen>>,
}

impl Seen {
    pub(super) fn unit(
        &self,
        network: &Network,
        unit: &Unit,
        saved: &UnitSaved,
        [residual, sum]: [Option<&Tensor64>; 2],
        [dy, dconv]: [&Tensor64; 2],
    ) {
        self.units.borrow_mut().push(UnitSeen {
            name: unit.conv.clone(),
            geometry: unit.geometry(),
            relu: unit.relu,
            x: saved.x.clone(),
            weight: network.weight(&unit.conv).clone(),
            conv: saved.conv.clone(),
            channels: ["weight", "bias"].map(|what| network.weight(&format!("{}.{what}", unit.bn)).clone()),
            residual: residual.cloned(),
            dy: dy.clone(),
            dconv: dconv.clone(),
            sum: sum.cloned(),
        });
    }

    pub(super) fn linear(&self, network: &Network, name: &str, x: &Tensor64, dy: &Tensor64) {
        let [weight, bias] = ["weight", "bias"].map(|what| network.weight(&format!("{name}.{what}")).clone());
        assert_eq!(linear::forward(x, &weight, Some(&bias)).shape, dy.shape, "{name}");
        self.linears.borrow_mut().push(LinearSeen {
            name: name.into(),
            x: x.clone(),
            weight,
            bias,
            dy: dy.clone(),
        });
    }
}
