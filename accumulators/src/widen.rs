//! FP16 to FP32, exactly.
//!
//! ```text
//!   | sign | exponent | fraction |  -->  | sign | exponent + 112 | fraction, 13 zeros |
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | combinational                                                                    |
//! | Numerics   | exact: subnormals become normal; NaNs keep their bits, signalling ones stay so   |

use rtl::generic::tree::leading_zeros;
use rtl::{Signal, cat, lit, mux};

use crate::format::{FP16, FP32};

/// The FP32 number that an FP16 number is. Combinational.
pub fn widen(number: Signal) -> Signal {
    let exponent = number.bits(FP16.fraction_bits..FP16.bits() - 1);
    let fraction = number.bits(0..FP16.fraction_bits);
    let (subnormal, special) = (exponent.is_zero(), exponent.all());

    // A subnormal number's leading one becomes the hidden bit.
    let zeros = leading_zeros(fraction);
    let normalised = fraction.shift_left(zeros) << 1;
    let rebias = lit(FP32.bias() - FP16.bias(), FP32.exponent_bits);
    let normal_exponent = exponent.zero_extend(FP32.exponent_bits) + rebias;
    let subnormal_exponent = rebias - zeros.zero_extend(FP32.exponent_bits);

    let zero = subnormal & fraction.is_zero();
    let finite_exponent = mux(subnormal, subnormal_exponent, normal_exponent) & (!zero).repeat(FP32.exponent_bits);
    let wide_exponent = finite_exponent | special.repeat(FP32.exponent_bits);
    let wide_fraction = mux(subnormal, normalised, fraction);
    cat([number.msb(), wide_exponent, wide_fraction, lit(0, FP32.fraction_bits - FP16.fraction_bits)])
}

#[cfg(test)]
mod tests {
    use rtl::sim::Simulator;
    use rtl::{Builder, Module, Ports, bundle, elaborate};

    use super::*;

    bundle! {
        struct Out { wide: Signal }
    }

    #[derive(Debug)]
    struct Widen;

    impl Module for Widen {
        type In = Signal;
        type Out = Out;
        fn name(&self) -> String {
            "widen".into()
        }
        fn inputs(&self, ports: &Ports) -> Signal {
            ports.input("number", FP16.bits())
        }
        fn build(&self, _: &Builder, number: Signal) -> Out {
            Out { wide: widen(number) }
        }
    }

    #[test]
    fn every_number_stays_itself() {
        let mut sim = Simulator::new(&elaborate(&Widen).unwrap()).unwrap();
        let (number, wide) = (sim.input("number").unwrap(), sim.output("wide").unwrap());
        for bits in 0..=u16::MAX {
            sim.set(number, bits.into());
            let found = sim.get(wide) as u32;
            let narrow = golden::FP16.to_f64(bits.into());
            if narrow.is_nan() {
                let (sign, fraction) = (u32::from(bits) >> 15 << 31, u32::from(bits) & 0x3ff);
                assert_eq!(found, sign | 0x7f80_0000 | fraction << 13, "{bits:#06x}");
            } else {
                assert_eq!(golden::FP32.to_f64(found).to_bits(), narrow.to_bits(), "{bits:#06x}");
            }
        }
    }
}
