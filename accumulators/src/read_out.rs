//! Read-out: the state of an accumulator becomes an FP32 or FP16 result, with one rounding.
//!
//! ```text
//!             +---------+
//!  state ---->|         |----> result     FP32, or FP16 in the low 16 bits
//!  mode ----->| ReadOut |----> flags      invalid, overflow, underflow, inexact
//!  random --->|         |----> events     what the host's counters count
//!  advance -->|         |
//!             +---------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 3 cycles with `advance`                                     |
//! | Throughput | one result a cycle                                                               |
//! | Handshake  | `advance` moves every stage by one; without it all hold                          |
//! | Numerics   | RNE, or stochastic to FP16: up where `random` is below the top 32 discarded bits |
//! |            | directly from the state; underflow is tiny before rounding and inexact           |
//! |            | ReLU after rounding: positive numbers and NaN pass, the rest becomes +0          |
//! | Does not   | deliver FP32 where [`ReadOut::with_fp32`] is not set: `fp16` must be one there   |

use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, cat, lit, mux};

use crate::config::AccumulatorKind;
use crate::exact::ExactState;
use crate::format::{FIXED_LSB_EXPONENT, FP16, FP32, Format};
use crate::round::{Aligned, leading_zeros};
use crate::unpack::unpack;

/// Cycles from state to result.
pub const LATENCY_CYCLES: usize = 3;

/// Random bits of a result that is rounded stochastically.
pub const RANDOM_BITS: usize = 32;

/// What FP16 results are rounded from: a significand, and bits that meet the random ones.
const FP16_ROUNDED_BITS: usize = FP16.significand_bits() + RANDOM_BITS;

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
        /// FP16 results are rounded stochastically; else to nearest even.
        pub stochastic: Signal,
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
        /// [`RANDOM_BITS`].
        pub random: Signal,
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
    /// What the host's counters count of a result.
    pub struct Events {
        /// It is NaN.
        pub nan: Signal,
        /// It overflowed.
        pub overflow: Signal,
        /// It was rounded to zero, and is not zero.
        pub zeroed: Signal,
    }
}

bundle! {
    /// Result and flags.
    pub struct ReadOutOut {
        /// FP32, or FP16 below zeros.
        pub result: Signal,
        /// What happened.
        pub flags: ResultFlags,
        /// What is counted.
        pub events: Events,
    }
}

bundle! {
    /// What a result can be other than a rounded number.
    struct Special {
        sign: Signal,
        nan: Signal,
        infinite: Signal,
        /// The state is a signalling NaN, where that can be.
        signalling: Option<Signal>,
    }
}

bundle! {
    /// Exact kind, after stage 1: sign and magnitude.
    struct SignMagnitude {
        magnitude: Signal,
        special: Special,
        mode: ReadOutMode,
        random: Signal,
    }
}

bundle! {
    /// FP32 kind, after stage 1: the state as it came.
    struct Held {
        state: Signal,
        mode: ReadOutMode,
        random: Signal,
    }
}

bundle! {
    /// A magnitude on the last step to its format.
    struct Unrounded {
        /// Biased exponent less one; 0 for subnormals.
        exponent: Signal,
        aligned: Aligned,
    }
}

bundle! {
    /// As [`Unrounded`]; a zero has no exponent.
    struct UnroundedFp32 {
        exponent: Signal,
        aligned: Aligned,
        zero: Signal,
    }
}

bundle! {
    /// After stage 2: what the last stage rounds and selects from.
    struct Normalised {
        fp16: Unrounded,
        /// The bits below FP16's significand that meet the random ones.
        fp16_discarded: Signal,
        /// Below FP16's normal range.
        fp16_tiny: Signal,
        /// Exact kind with FP32 results.
        fp32: Option<UnroundedFp32>,
        /// FP32 kind with FP32 results: the state.
        state: Option<Signal>,
        special: Special,
        mode: ReadOutMode,
        random: Signal,
    }
}

impl ReadOutMode {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> ReadOutMode {
        ReadOutMode {
            fp16: ports.bit("fp16"),
            saturate: ports.bit("saturate"),
            relu: ports.bit("relu"),
            stochastic: ports.bit("stochastic"),
        }
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
            random: ports.input("random", RANDOM_BITS),
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

/// The bundle one advance later: registers named `name` and their fields.
pub(crate) fn stage<B: Bundle>(m: &Builder, name: &str, advance: Signal, bundle: &B) -> B {
    let mut registers = vec![];
    let staged = bundle.map(name, &mut |name, signal| {
        let register = m.register(name, signal.width());
        registers.push((register, signal));
        register.q
    });
    m.when(advance, || registers.iter().for_each(|(register, signal)| register.set(*signal)));
    staged
}

impl ReadOut {
    fn build_exact(&self, m: &Builder, io: ReadOutIn, bits: usize) -> ReadOutOut {
        m.summary("Rounds the state of an exact accumulator once, to FP32 or FP16.");
        let state = ExactState::unpack(io.state);

        // Stage 1: sign and magnitude.
        let sign = state.number.msb();
        let any_infinity = (state.positive_infinity | state.negative_infinity).named("any_infinity");
        let special = Special {
            sign: mux(any_infinity, state.negative_infinity, sign),
            nan: state.nan,
            infinite: any_infinity & !state.nan,
            signalling: None,
        };
        let magnitude = (state.number ^ sign.repeat(bits)) + sign.zero_extend(bits);
        let exact =
            stage(m, "exact_1", io.advance, &SignMagnitude { magnitude, special, mode: io.mode, random: io.random });

        // Stage 2: the leading one to the top; for FP16 no further than the place of its smallest normal number, so
        // that subnormals keep their scale. Bit `bits - 1` weighs 2^top.
        let top = bits as i32 - 1 + FIXED_LSB_EXPONENT;
        let smallest_normal = (1 - FP16.bias() - FIXED_LSB_EXPONENT) as usize;
        let above = bits - 1 - smallest_normal;
        let stop = cat([lit(0, above), exact.mode.fp16, lit(0, smallest_normal)]).named("stop");
        let stopped = (exact.magnitude | stop).named("stopped_magnitude");
        let shift = leading_zeros("magnitude", stopped).named("normalising_shift");
        let shifted = exact.magnitude.shift_left(shift).named("shifted");
        let unrounded = |format: Format| Unrounded {
            // Wide enough for the top of the range; what exceeds the format overflows when it is rounded.
            exponent: lit(top + format.bias() - 1, 8) - shift.zero_extend(8),
            aligned: Aligned::split(shifted, format),
        };
        // An exact sum of zero is +0.
        let zero = exact.magnitude.is_zero().named("zero");
        let special = Special { sign: exact.special.sign & (!zero | exact.special.infinite), ..exact.special };
        let normalised = Normalised {
            fp16: unrounded(FP16),
            fp16_discarded: fp16_discarded(shifted),
            fp16_tiny: !shifted.msb(),
            fp32: self.with_fp32.then(|| {
                let Unrounded { exponent, aligned } = unrounded(FP32);
                UnroundedFp32 { exponent, aligned, zero }
            }),
            state: None,
            special,
            mode: exact.mode,
            random: exact.random,
        };
        let normalised = stage(m, "stage_2", io.advance, &normalised);

        // Stage 3: rounding.
        let fp16 = normalised.round_fp16();
        let result = match &normalised.fp32 {
            Some(fp32) => mux(normalised.mode.fp16, fp16, normalised.round_fp32(fp32)),
            None => fp16,
        };
        stage(m, "stage_3", io.advance, &result)
    }

    fn build_fp32(&self, m: &Builder, io: ReadOutIn) -> ReadOutOut {
        m.summary("Delivers an FP32 accumulator as it is, or rounded to FP16.");

        // Stage 1: the state waits; the exact kind needs the cycle for its sign.
        let held = stage(m, "stage_1", io.advance, &Held { state: io.state, mode: io.mode, random: io.random });
        let number = unpack("state", held.state, FP32);

        // Stage 2: the significand where FP16 keeps 11 bits. A number below FP16's normal range moves right by its
        // distance from it, at the most until its leading one is below all bits that meet random ones: only sticky then.
        let lowest = (FP32.bias() + 1 - FP16.bias()) as u64;
        let below = number.exponent.lt(lowest).named("below");
        let (distance, farthest) = (lit(lowest, 8) - number.exponent, FP16_ROUNDED_BITS);
        let distance = mux(below, mux(distance.gt(farthest), lit(farthest, 8), distance), lit(0, 8)).bits(0..6);
        let distance = distance.named("distance_below");
        let lowered = cat([number.significand, lit(0, farthest)]).shift_right(distance).named("lowered");
        let normalised = Normalised {
            fp16: Unrounded {
                exponent: mux(below, lit(0, 8), number.exponent - lit(lowest, 8)),
                aligned: Aligned::split(lowered, FP16),
            },
            fp16_discarded: fp16_discarded(lowered),
            fp16_tiny: below,
            fp32: None,
            state: self.with_fp32.then_some(held.state),
            special: Special {
                sign: number.sign,
                nan: number.nan,
                infinite: number.infinite,
                signalling: Some(number.signalling),
            },
            mode: held.mode,
            random: held.random,
        };
        let normalised = stage(m, "stage_2", io.advance, &normalised);

        // Stage 3: rounding.
        let fp16 = normalised.round_fp16();
        let result = match normalised.state {
            Some(state) => mux(normalised.mode.fp16, fp16, normalised.pass(state)),
            None => fp16,
        };
        stage(m, "stage_3", io.advance, &result)
    }
}

/// Of a word with an FP16 significand on top, the bits that meet the random ones.
fn fp16_discarded(word: Signal) -> Signal {
    let top = word.width();
    word.bits(top - FP16_ROUNDED_BITS..top - FP16.significand_bits())
}

impl Normalised {
    /// The number rounded to FP16, or what stands for it.
    fn round_fp16(&self) -> ReadOutOut {
        let Special { nan, infinite, signalling, .. } = self.special;
        let random_up = self.random.lt(self.fp16_discarded).named("fp16_random_up");
        let round_up = mux(self.mode.stochastic, random_up, self.fp16.aligned.nearest_even());
        let rounded = self.fp16.aligned.round("fp16", self.fp16.exponent, round_up);
        let ordinary = (!nan & !infinite).named("fp16_ordinary");
        let overflow = (rounded.ge(lit(FP16.infinity(), rounded.width())) & ordinary).named("fp16_overflow");

        let (infinity, largest) = (lit(FP16.infinity(), 15), lit(FP16.infinity() - 1, 15));
        let limit = mux(self.mode.saturate & !infinite, largest, infinity).named("fp16_limit");
        let magnitude = mux(infinite | overflow, limit, rounded.truncate(15)).named("fp16_magnitude");
        let invalid = signalling.unwrap_or_else(|| lit(0, 1));
        let inexact = ((self.fp16.aligned.inexact() | overflow) & ordinary).named("fp16_inexact");
        let underflow = (self.fp16_tiny & inexact).named("fp16_underflow");
        ReadOutOut {
            result: self.signed("fp16", magnitude, FP16).zero_extend(FP32.bits()),
            flags: ResultFlags { invalid, overflow, underflow, inexact },
            events: Events { nan, overflow, zeroed: (underflow & magnitude.is_zero()).named("fp16_zeroed") },
        }
    }

    /// The exact sum rounded to FP32, or what stands for it. A sum that is not zero lies well inside the normal
    /// range, so that neither overflow nor underflow is possible.
    fn round_fp32(&self, number: &UnroundedFp32) -> ReadOutOut {
        let Special { nan, infinite, .. } = self.special;
        let rounded = number.aligned.round_nearest_even("fp32", number.exponent);
        let finite = mux(number.zero, lit(0, 31), rounded);
        let magnitude = mux(infinite, lit(FP32.infinity(), 31), finite).named("fp32_magnitude");
        let inexact = (number.aligned.inexact() & !nan & !infinite).named("fp32_inexact");
        let none = lit(0, 1);
        ReadOutOut {
            result: self.signed("fp32", magnitude, FP32),
            flags: ResultFlags { invalid: none, overflow: none, underflow: none, inexact },
            events: Events { nan, overflow: none, zeroed: none },
        }
    }

    /// A magnitude with its sign, after ReLU; or NaN.
    fn signed(&self, name: &str, magnitude: Signal, format: Format) -> Signal {
        let cleared = (self.special.sign & self.mode.relu).named(format!("{name}_cleared"));
        let signed = cat([self.special.sign, magnitude]) & (!cleared).repeat(format.bits());
        mux(self.special.nan, lit(format.canonical_nan(), format.bits()), signed).named(format!("{name}_result"))
    }

    /// The state of an FP32 accumulator as the result: ReLU at the most, no flag.
    fn pass(&self, state: Signal) -> ReadOutOut {
        let cleared = (state.msb() & !self.special.nan & self.mode.relu).named("state_cleared");
        let none = lit(0, 1);
        ReadOutOut {
            result: state & (!cleared).repeat(FP32.bits()),
            flags: ResultFlags { invalid: none, overflow: none, underflow: none, inexact: none },
            events: Events { nan: self.special.nan, overflow: none, zeroed: none },
        }
    }
}
