//! What drives a design: one value for each input and cycle, and the reset.

use rtl::Bits;
use rtl::design::ModuleDef;

use crate::random::Random;

/// The inputs of one cycle.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// Reset, for designs that have one.
    pub reset: bool,
    /// In the order of the top's inputs.
    pub inputs: Vec<Bits>,
}

/// `cycles` cycles for `top`: values change, hold or repeat corners, and reset comes now and then; every other seed
/// starts with it.
pub fn stimulus(seed: u64, top: &ModuleDef, cycles: usize) -> Vec<Cycle> {
    let random = &mut Random(seed);
    let starts_with_reset = random.below(2) == 0;
    let mut inputs: Vec<Bits> = top.inputs.iter().map(|port| random.bits(port.width)).collect();
    (0..cycles)
        .map(|cycle| {
            for (value, port) in inputs.iter_mut().zip(&top.inputs) {
                if random.below(5) != 0 {
                    *value = random.bits(port.width);
                }
            }
            let reset = random.below(24) == 0 || (cycle < 2 && starts_with_reset);
            Cycle { reset, inputs: inputs.clone() }
        })
        .collect()
}
