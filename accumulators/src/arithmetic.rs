//! The arithmetic of a lane, chosen by its configuration: which units lead from operands and state to the new state,
//! and when each of them needs what.
//!
//! ```text
//!   FP32, one term    operands ----------------> multiply_add --> new state
//!   others            operands --> dot_product --> accumulate --> new state
//! ```

use rtl::{Builder, Signal};

use crate::config::{AccumulatorKind, AmpConfig};
use crate::dot_product::{DotProduct, DotProductIn};
use crate::exact::{self, ExactAccumulate};
use crate::fp32::Fp32Accumulate;
use crate::lane::{AccumulateIn, AccumulateOut};
use crate::multiply_add::{Fp32MultiplyAdd, MultiplyAddIn};

/// The units of a lane.
#[derive(Clone, Copy, Debug)]
pub enum Arithmetic {
    /// One product and an FP32 state.
    MultiplyAdd(Fp32MultiplyAdd),
    /// Many products and an FP32 state.
    Fp32(DotProduct, Fp32Accumulate),
    /// Any products and an exact state.
    Exact(DotProduct, ExactAccumulate),
}

impl AmpConfig {
    /// The arithmetic of a lane.
    pub fn arithmetic(&self) -> Arithmetic {
        let AmpConfig { terms, accumulator, target, .. } = *self;
        let dot_product = DotProduct { terms, target };
        match accumulator {
            AccumulatorKind::Fp32 if terms == 1 => Arithmetic::MultiplyAdd(Fp32MultiplyAdd { target }),
            AccumulatorKind::Fp32 => Arithmetic::Fp32(dot_product, Fp32Accumulate { terms, target }),
            AccumulatorKind::Exact { bits } => Arithmetic::Exact(dot_product, ExactAccumulate { terms, bits, target }),
        }
    }
}

impl Arithmetic {
    /// Cycles from the operands to the state.
    pub fn state_cycles(&self) -> usize {
        match self {
            Arithmetic::MultiplyAdd(multiply_add) => multiply_add.state_cycles(),
            Arithmetic::Fp32(dot_product, fp32) => dot_product.latency_cycles() - fp32.products_cycles(),
            Arithmetic::Exact(dot_product, _) => dot_product.latency_cycles(),
        }
    }

    /// Cycles from the state to the new state.
    pub fn latency_cycles(&self) -> usize {
        match self {
            Arithmetic::MultiplyAdd(multiply_add) => multiply_add.latency_cycles(),
            Arithmetic::Fp32(_, fp32) => fp32.latency_cycles(),
            Arithmetic::Exact(..) => exact::LATENCY_CYCLES,
        }
    }

    /// Its units as instances; `state` comes [`Arithmetic::state_cycles`] after the operands.
    pub fn instances(&self, m: &Builder, operands: DotProductIn, state: Signal) -> AccumulateOut {
        let products = |dot_product| m.instance("dot_product", dot_product, operands.clone());
        match self {
            Arithmetic::MultiplyAdd(multiply_add) => {
                let DotProductIn { x, w, enable } = operands;
                m.instance("multiply_add", multiply_add, MultiplyAddIn { x: x[0].clone(), w, enable, state })
            }
            Arithmetic::Fp32(dot_product, fp32) => {
                m.instance("accumulate", fp32, AccumulateIn { products: products(dot_product), state })
            }
            Arithmetic::Exact(dot_product, exact) => {
                m.instance("accumulate", exact, AccumulateIn { products: products(dot_product), state })
            }
        }
    }
}
