//! What other formats of operands would cost, as `scripts/ppa` measures it:
//!
//! ```text
//! cargo run --package tessera-accumulators --example formats -- decode_e4m3|decode_e5m2|window_fp16|window_bf16
//! ```
//!
//! `decode_*` turns an OCP FP8 number into the FP16 number of the same value; it is compared with the format's definition
//! for all 256 before it is printed. `window_*` is four products placed, summed and added to an exact accumulator in one
//! window, which spans every product of the format: the same description for both.

use accumulators::sum::Sum;
use rtl::sim::Simulator;
use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, cat, lit, mux, select};

/// An FP8 number as FP16.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Decode {
    /// Bias 7, no infinities, NaN where all bits but the sign are set.
    E4m3,
    /// The upper half of an FP16 number.
    E5m2,
}

bundle! {
    struct DecodeIn { fp8: Signal }
}

bundle! {
    struct DecodeOut { fp16: Signal }
}

impl Module for Decode {
    type In = DecodeIn;
    type Out = DecodeOut;

    fn name(&self) -> String {
        format!("decode_{self:?}").to_lowercase()
    }

    fn inputs(&self, ports: &Ports) -> DecodeIn {
        DecodeIn { fp8: ports.input("fp8", 8) }
    }

    fn build(&self, _: &Builder, DecodeIn { fp8 }: DecodeIn) -> DecodeOut {
        let fp16 = match self {
            Decode::E4m3 => {
                let (sign, exponent, fraction) = (fp8.bit(7), fp8.bits(3..7), fp8.bits(0..3));
                // Subnormals m * 2^-9 are normal in FP16: 1.xx * 2^-7, 1.x * 2^-8, 2^-9.
                let subnormal =
                    |exponent: u64, bits: usize| cat([lit(exponent, 5), fraction.bits(0..bits), lit(0, 3 - bits)]);
                let below_quarter = mux(fraction.bit(0), cat([lit(6, 5), lit(0, 3)]), lit(0, 8));
                let below_half = mux(fraction.bit(1), cat([lit(7, 5), fraction.bit(0), lit(0, 2)]), below_quarter);
                let small = mux(fraction.bit(2), subnormal(8, 2), below_half);
                let normal = cat([exponent.zero_extend(5) + lit(8, 5), fraction]);
                let number = mux(exponent.is_zero(), small, normal);
                let nan = fp8.bits(0..7).all();
                cat([sign, mux(nan, lit(0b1111_1100, 8), number), lit(0, 7)])
            }
            Decode::E5m2 => {
                let nan = fp8.bits(2..7).all() & fp8.bits(0..2).any();
                cat([fp8.bits(2..8), fp8.bit(1) | nan, fp8.bit(0), lit(0, 8)])
            }
        };
        DecodeOut { fp16 }
    }
}

impl Decode {
    /// By the format's definition; `None` for NaN.
    fn value(self, fp8: u8) -> Option<f64> {
        let (fraction_bits, bias) = if self == Decode::E4m3 { (3, 7) } else { (2, 15) };
        let (magnitude, sign) = (i32::from(fp8 & 0x7f), if fp8 >> 7 == 1 { -1.0 } else { 1.0 });
        let (exponent, fraction) = (magnitude >> fraction_bits, magnitude & ((1 << fraction_bits) - 1));
        let hidden = i32::from(exponent > 0) << fraction_bits;
        let scale = 2f64.powi(exponent.max(1) - bias - fraction_bits);
        match (self, exponent, fraction) {
            (Decode::E4m3, 15, 7) | (Decode::E5m2, 31, 1..) => None,
            (Decode::E5m2, 31, 0) => Some(sign * f64::INFINITY),
            _ => Some(sign * f64::from(hidden + fraction) * scale),
        }
    }

    fn check(self) {
        let design = rtl::elaborate(&self).unwrap_or_else(|errors| panic!("{errors}"));
        let mut sim = Simulator::new(&design).expect("the design compiles");
        let (input, output) = (sim.input("fp8").expect("a port"), sim.output("fp16").expect("a port"));
        for fp8 in 0..=u8::MAX {
            sim.set(input, fp8.into());
            let found = sim.get(output) as u32;
            let quiet_nan = found & 0x7e00 == 0x7e00;
            let number = (!quiet_nan).then(|| golden::FP16.to_f64(found).to_bits());
            assert_eq!(number, self.value(fp8).map(f64::to_bits), "{self:?} {fp8:#04x}: {found:#06x}");
        }
    }
}

/// An exact accumulator over every product of a format.
#[derive(Clone, Copy, Debug)]
struct Window {
    name: &'static str,
    significand_bits: usize,
    exponent_bits: usize,
}

bundle! {
    struct WindowIn {
        x: Vec<Signal>,
        w: Vec<Signal>,
        exponents: Vec<Signal>,
        signs: Vec<Signal>,
    }
}

bundle! {
    struct WindowOut { state: Signal }
}

const TERMS: usize = 4;

impl Window {
    /// Exponents 1 to 2^n - 2 of two factors, and the product itself.
    fn product_bits(&self) -> usize {
        2 * self.significand_bits + 2 * ((1 << self.exponent_bits) - 3)
    }
}

impl Module for Window {
    type In = WindowIn;
    type Out = WindowOut;

    fn name(&self) -> String {
        self.name.into()
    }

    fn inputs(&self, ports: &Ports) -> WindowIn {
        WindowIn {
            x: ports.array("x", TERMS, self.significand_bits),
            w: ports.array("w", TERMS, self.significand_bits),
            exponents: ports.array("exponents", TERMS, self.exponent_bits + 1),
            signs: ports.array("signs", TERMS, 1),
        }
    }

    fn build(&self, m: &Builder, io: WindowIn) -> WindowOut {
        let bits = self.product_bits();
        let product = |i: usize| {
            let inputs = (io.x[i] * io.w[i], (io.exponents[i], io.signs[i]));
            let (magnitude, (shift, sign)) = inputs.register_all(&format!("product_{i}"));
            // Exponents are at least 1, each: the two lowest places are never used.
            let placed = (0..shift.width()).step_by(2).fold(magnitude, |word, low| {
                let steps = shift.bits(low..(low + 2).min(shift.width()));
                let width = (word.width() + (((1 << steps.width()) - 1) << low)).min(bits + 2);
                let moved: Vec<Signal> = (0..1 << steps.width())
                    .map(|n: usize| word.bits(0..word.width().min(width - (n << low))).zero_extend(width) << (n << low))
                    .collect();
                select(steps, moved)
            });
            let placed = placed.bits(2..bits + 2).zero_extend(bits + 1);
            (placed ^ sign.repeat(bits + 1), sign)
        };
        let (aligned, ones): (Vec<Signal>, Vec<Signal>) = (0..TERMS).map(product).unzip();
        let sum = Sum::carry_save(&aligned, &ones).register_all("sum");
        let state = m.register("state", bits + 24);
        state.set(sum.plus(state.q));
        WindowOut { state: state.q }
    }
}

fn verilog(module: &impl Module) -> String {
    let design = rtl::elaborate(module).unwrap_or_else(|errors| panic!("{errors}"));
    rtl::verilog::emit_string(&design, &rtl::verilog::Options::default())
}

fn main() {
    let unit = std::env::args().nth(1).unwrap_or_default();
    let decode = |decode: Decode| {
        decode.check();
        verilog(&decode)
    };
    let window = |name, significand_bits, exponent_bits| verilog(&Window { name, significand_bits, exponent_bits });
    let text = match unit.as_str() {
        "decode_e4m3" => decode(Decode::E4m3),
        "decode_e5m2" => decode(Decode::E5m2),
        "window_fp16" => window("window_fp16", 11, 5),
        "window_bf16" => window("window_bf16", 8, 8),
        _ => panic!("unit {unit}; expected decode_e4m3, decode_e5m2, window_fp16 or window_bf16"),
    };
    print!("{text}");
}
