//! Read-out: the state of an accumulator becomes an FP32 or FP16 result, with one rounding.
//!
//! ```text
//!             +---------+
//!  state ---->|         |----> result     FP32, or FP16 in the low 16 bits
//!  fp16 ----->| ReadOut |----> flags      invalid, overflow, underflow, inexact
//!  saturate ->|         |
//!  relu ----->|         |
//!  advance -->|         |
//!             +---------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 3 cycles with `advance`                                     |
//! | Throughput | one result a cycle                                                               |
//! | Handshake  | `advance` moves every stage by one; without it all hold                          |
//! | Numerics   | RNE, directly from the state; underflow is tiny before rounding and inexact      |
//! |            | ReLU after rounding: positive numbers and NaN pass, the rest becomes +0          |

use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, cat, lit, mux};

use crate::config::AccumulatorKind;
use crate::exact::ExactState;
use crate::format::{FIXED_LSB_EXPONENT, FP16, FP32, Format};
use crate::round::{Aligned, leading_zeros};
use crate::unpack::unpack;

/// Cycles from state to result.
pub const LATENCY_CYCLES: usize = 3;

/// A read-out unit for one kind of accumulator.
#[derive(Clone, Copy, Debug)]
pub struct ReadOut {
    /// Kind of accumulator.
    pub accumulator: AccumulatorKind,
    /// Whether it can deliver FP32 as well as FP16.
    pub with_fp32: bool,
}

bundle! {
    /// How a result leaves.
    pub struct ReadOutMode {
        /// As FP16; else FP32.
        pub fp16: Signal,
        /// FP16 overflow gives the largest finite number; else infinity.
        pub saturate: Signal,
        /// Negative results become +0.
        pub relu: Signal,
    }
}

bundle! {
    /// State and mode.
    pub struct ReadOutIn {
        /// Moves the pipeline.
        pub advance: Signal,
        /// State of the accumulator.
        pub state: Signal,
        /// How the result leaves.
        pub mode: ReadOutMode,
    }
}

bundle! {
    /// Flags of a result.
    pub struct ResultFlags {
        /// NV.
        pub invalid: Signal,
        /// OF.
        pub overflow: Signal,
        /// UF.
        pub underflow: Signal,
        /// NX.
        pub inexact: Signal,
    }
}

bundle! {
    /// Result and flags.
    pub struct ReadOutOut {
        /// FP32, or FP16 below zeros.
        pub result: Signal,
        /// What happened.
        pub flags: ResultFlags,
    }
}

bundle! {
    /// What is to be rounded: a magnitude in fixed point, or a special value.
    struct Exact {
        magnitude: Signal,
        sign: Signal,
        nan: Signal,
        infinite: Signal,
        /// An operand was a signalling NaN.
        signalling: Signal,
    }
}

impl ReadOutMode {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> ReadOutMode {
        ReadOutMode { fp16: ports.bit("fp16"), saturate: ports.bit("saturate"), relu: ports.bit("relu") }
    }
}

impl Module for ReadOut {
    type In = ReadOutIn;
    type Out = ReadOutOut;

    fn name(&self) -> String {
        let kind = match self.accumulator {
            AccumulatorKind::Fp32 => "fp32".to_string(),
            AccumulatorKind::Exact { bits } => format!("exact{bits}"),
        };
        let results = if self.with_fp32 { "" } else { "_fp16" };
        format!("{kind}_read_out{results}")
    }

    fn inputs(&self, ports: &Ports) -> ReadOutIn {
        ReadOutIn {
            advance: ports.bit("advance"),
            state: ports.input("state", self.accumulator.state_bits()),
            mode: ReadOutMode::ports(&ports.nested("mode")),
        }
    }

    fn build(&self, m: &Builder, io: ReadOutIn) -> ReadOutOut {
        m.unused(io.mode.fp16); // where there is no choice
        match self.accumulator {
            AccumulatorKind::Exact { bits } => self.build_exact(m, io, bits),
            AccumulatorKind::Fp32 => self.build_fp32(m, io),
        }
    }
}

/// The bundle one advance later.
fn stage<B: Bundle>(bundle: &B, name: &str, advance: Signal) -> B {
    bundle.map(name, &mut |name, signal| signal.register_if(name, advance))
}

impl ReadOut {
    fn build_exact(&self, m: &Builder, io: ReadOutIn, bits: usize) -> ReadOutOut {
        m.summary("Rounds the state of an exact accumulator once, to FP32 or FP16.");
        let advance = io.advance;
        let state = ExactState::unpack(io.state);

        // Stage 1: sign and magnitude.
        let sign = state.number.msb();
        let exact = Exact {
            magnitude: (state.number ^ sign.repeat(bits)) + sign.zero_extend(bits),
            sign: mux(state.positive_infinity | state.negative_infinity, state.negative_infinity, sign),
            nan: state.nan,
            infinite: (state.positive_infinity | state.negative_infinity) & !state.nan,
            signalling: lit(0, 1),
        };
        let (exact, mode) = (stage(&exact, "exact", advance), stage(&io.mode, "mode_1", advance));

        // Stage 2: the leading one to the top; for FP16 no further than the place of its smallest normal number, so
        // that subnormals keep their scale. Bit `bits - 1` weighs 2^top.
        let top = bits as i32 - 1 + FIXED_LSB_EXPONENT;
        let smallest_normal = (1 - FP16.bias() - FIXED_LSB_EXPONENT) as usize;
        let stop = (lit(1, 1) & mode.fp16).zero_extend(bits) << smallest_normal;
        let shift = leading_zeros(exact.magnitude | stop);
        let normalised = exact.magnitude.shift_left(shift);
        let mut results = vec![];
        let fp16 = Rounding::new(normalised, top, shift, FP16, "fp16", advance);
        results.push(fp16);
        if self.with_fp32 {
            results.push(Rounding::new(normalised, top, shift, FP32, "fp32", advance));
        }
        let zero = exact.magnitude.is_zero().register_if("zero_2", advance);
        let special =
            Special { sign: exact.sign, nan: exact.nan, infinite: exact.infinite, signalling: exact.signalling };
        let (special, mode) = (stage(&special, "special_2", advance), stage(&mode, "mode_2", advance));

        // Stage 3: rounding.
        let rounded = results.iter().map(|rounding| rounding.finish(&special, &mode, zero)).collect::<Vec<_>>();
        let result = match rounded.as_slice() {
            [fp16, fp32] => mux(mode.fp16, fp16.clone(), fp32.clone()),
            [fp16] => fp16.clone(),
            _ => unreachable!("one result or two"),
        };
        stage(&result, "result_3", advance)
    }

    fn build_fp32(&self, m: &Builder, io: ReadOutIn) -> ReadOutOut {
        m.summary("Delivers an FP32 accumulator as it is, or rounded to FP16.");
        let advance = io.advance;
        let (state, mode) = (io.state.register_if("state_1", advance), stage(&io.mode, "mode_1", advance));
        let number = unpack("state", state, FP32);

        // Stage 2: the significand where FP16 keeps 11 bits. A number below FP16's normal range moves right by its
        // distance from it; past 12 places only a sticky bit remains.
        let lowest = (FP32.bias() + 1 - FP16.bias()) as u64;
        let below = number.exponent.lt(lowest);
        let distance = lit(lowest, 8) - number.exponent;
        let distance = mux(below, mux(distance.gt(12), lit(12, 8), distance), lit(0, 8)).bits(0..4);
        let lowered = cat([number.significand, lit(0, 12)]).shift_right(distance);
        // Past 12 places the leading one stands below the round bit: a sticky bit for any number that is not zero.
        let aligned = Aligned::split(lowered, FP16);
        let exponent = mux(below, lit(0, 8), number.exponent - lit(lowest, 8));
        let rounding = Rounding {
            format: FP16,
            exponent: exponent.register_if("exponent_2", advance),
            aligned: aligned.stage("aligned_2", advance),
            tiny: below.register_if("tiny_2", advance),
        };
        let special =
            Special { sign: number.sign, nan: number.nan, infinite: number.infinite, signalling: number.signalling };
        let (special, mode) = (stage(&special, "special_2", advance), stage(&mode, "mode_2", advance));
        let zero = number.zero.register_if("zero_2", advance);
        let state = state.register_if("state_2", advance);

        // Stage 3: rounding.
        let fp16 = rounding.finish_keeping_zero_sign(&special, &mode, zero);
        let result = if self.with_fp32 {
            let negative = state.msb() & !special.nan & mode.relu;
            let none = lit(0, 1);
            let fp32 = ReadOutOut {
                result: state & (!negative).repeat(32),
                flags: ResultFlags { invalid: none, overflow: none, underflow: none, inexact: none },
            };
            mux(mode.fp16, fp16, fp32)
        } else {
            fp16
        };
        stage(&result, "result_3", advance)
    }
}

bundle! {
    /// What a result can be other than a rounded number.
    struct Special {
        sign: Signal,
        nan: Signal,
        infinite: Signal,
        signalling: Signal,
    }
}

impl Aligned {
    fn stage(&self, name: &str, advance: Signal) -> Aligned {
        Aligned {
            significand: self.significand.register_if(&format!("{name}_significand"), advance),
            round: self.round.register_if(&format!("{name}_round"), advance),
            sticky: self.sticky.register_if(&format!("{name}_sticky"), advance),
        }
    }
}

/// A number on the last step to its format.
struct Rounding {
    format: Format,
    /// Biased exponent less one; 0 for subnormals.
    exponent: Signal,
    aligned: Aligned,
    /// Below the normal range.
    tiny: Signal,
}

impl Rounding {
    /// From a magnitude whose top bit, weighing 2^top before the shift, is the hidden bit.
    fn new(normalised: Signal, top: i32, shift: Signal, format: Format, name: &str, advance: Signal) -> Rounding {
        let biased_top = top + format.bias() - 1;
        // Wide enough for the top of the range; what exceeds the format overflows when it is rounded.
        let exponent = lit(biased_top, 8) - shift.zero_extend(8);
        let tiny = !normalised.msb();
        Rounding {
            format,
            exponent: exponent.register_if(&format!("{name}_exponent_2"), advance),
            aligned: Aligned::split(normalised, format).stage(&format!("{name}_aligned_2"), advance),
            tiny: tiny.register_if(&format!("{name}_tiny_2"), advance),
        }
    }

    fn finish(&self, special: &Special, mode: &ReadOutMode, zero: Signal) -> ReadOutOut {
        // An exact sum of zero is +0.
        let special = Special { sign: special.sign & (!zero | special.infinite), ..special.clone() };
        self.finish_keeping_zero_sign(&special, mode, zero)
    }

    fn finish_keeping_zero_sign(&self, special: &Special, mode: &ReadOutMode, zero: Signal) -> ReadOutOut {
        let format = self.format;
        let rounded = self.aligned.round_nearest_even(self.exponent);
        let ordinary = !special.nan & !special.infinite & !zero;
        let magnitude_bits = format.bits() - 1;
        let overflow = rounded.ge(lit(format.infinity(), rounded.width())) & ordinary;
        let infinity = lit(format.infinity(), magnitude_bits);
        let limit = mux(mode.saturate & !special.infinite, infinity - 1, infinity);
        let finite = mux(zero, lit(0, magnitude_bits), rounded.truncate(magnitude_bits));
        let magnitude = mux(special.infinite | overflow, limit, finite);
        let signed = cat([special.sign, magnitude]);
        let negative = special.sign & mode.relu;
        let number =
            mux(special.nan, lit(format.canonical_nan(), format.bits()), signed & (!negative).repeat(format.bits()));
        let inexact = (self.aligned.inexact() | overflow) & ordinary;
        ReadOutOut {
            result: number.zero_extend(FP32.bits()),
            flags: ResultFlags { invalid: special.signalling, overflow, underflow: self.tiny & inexact, inexact },
        }
    }
}
