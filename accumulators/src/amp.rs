//! AMP: 16 lanes that multiply rows of FP16 inputs by a 16x16 block of FP16 weights.
//!
//! ```text
//!                +---------------------------------------------------------+
//!  weights ----->| weight_store ----+ w                                    |
//!                |                  v                                      |
//!  step -------->| unpack --x--> lane_0 .. lane_15 --+--------------------->|----> done, flags
//!                |                  ^                v state               |
//!  preload ----->| partial sum -----+            read_out ---------------->|----> result, flags, counts
//!  drain ------->|                                  ^                      |
//!  random ------>|----------------------------------+                      |----> draw
//!                +---------------------------------------------------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | `step` to `done`: [`AmpConfig::step_cycles`]; `drain` to `result`:               |
//! |            | [`DRAIN_CYCLES`] = 5 cycles with `advance`; `preload` to memory: 2               |
//! | Throughput | one step (T products a lane), one result word, one preload word a cycle          |
//! | Handshake  | `valid` only; the drain pipeline moves with `advance`                            |
//! | Order      | steps of one row at least [`AmpConfig::loop_cycles`] apart; a row that was       |
//! |            | preloaded can be stepped one cycle later, drained from 2 cycles later; a         |
//! |            | half is not read by a step while a drained word waits in it for `advance`        |
//! | Numerics   | see [`crate::fp32`], [`crate::exact`], [`crate::read_out`]                       |
//!
//! Widths: G = max(1, T/4); an access word has 64 G bits: 4 G FP16 inputs, weights or results, or 2 G FP32 partial
//! sums or results. A step takes T inputs from its access word, those of its phase.

use rtl::generic::tree::count_bits;
use rtl::wave::Format;
use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, cat, lit, mux, select};

use crate::config::{AccumulatorKind, AmpConfig, EXACT_SUM_BITS, LANES};
use crate::dot_product::DotProductIn;
use crate::drain::{drain, word_index};
use crate::exact::ExactState;
use crate::format::FP16;
use crate::lane::{HalfControl, Lane, LaneIn, LaneOut, StepFlags};
use crate::partial_sum::{ExactPartial, PartialIn, PartialOut};
use crate::random;
use crate::read_out::{self, ReadOutMode};
use crate::unpack::unpack;
use crate::weight_store::{WeightRead, WeightStore, WeightStoreIn, WeightWrite};

/// Cycles from `drain` to `result`: memory, lane selection, read-out.
pub const DRAIN_CYCLES: usize = 2 + read_out::LATENCY_CYCLES;

impl AmpConfig {
    /// Cycles from a step to its `done`, which is also the cycle in which its state is written.
    pub fn step_cycles(&self) -> usize {
        // One for the operands to arrive at the lanes.
        1 + self.state_cycles() + self.accumulate_cycles()
    }
}

/// The AMP unit.
#[derive(Clone, Copy, Debug)]
pub struct Amp {
    /// Configuration.
    pub config: AmpConfig,
}

bundle! {
    /// Where an accumulator row is.
    pub struct RowAddress {
        /// Half, 0 or 1.
        pub half: Signal,
        /// Row in the half.
        pub row: Signal,
    }
}

bundle! {
    /// T products a lane for one row.
    pub struct Step {
        /// Do it.
        pub valid: Signal,
        /// Accumulator row.
        pub at: RowAddress,
        /// Begin from +0 instead of the row's state.
        pub start: Signal,
        /// Weights of the phase.
        pub weights: WeightRead,
        /// Access word that holds the inputs of the phase.
        pub inputs: Signal,
        /// One bit a term: it takes part.
        pub enable: Signal,
        /// One bit a lane: its flags count.
        pub lanes: Signal,
    }
}

bundle! {
    /// One access word of partial sums.
    pub struct Preload {
        /// Do it.
        pub valid: Signal,
        /// Accumulator row.
        pub at: RowAddress,
        /// Which access word of the row ([`AmpConfig::word_bits`]): of FP32 numbers, lanes `2 G word` and up.
        pub word: Signal,
        /// 2 G FP32 numbers, or G / 2 exact sums; with G = 1 half of one, the low half first.
        pub data: Signal,
        /// The sums are exact; where accumulators are.
        pub exact: Option<Signal>,
        /// One bit a lane: its flags count.
        pub lanes: Signal,
    }
}

bundle! {
    /// One access word of results.
    pub struct Drain {
        /// Do it.
        pub valid: Signal,
        /// Accumulator row.
        pub at: RowAddress,
        /// The row was never stepped nor preloaded: it reads as +0.
        pub empty: Signal,
        /// Which access word of the row ([`AmpConfig::word_bits`]).
        pub word: Signal,
        /// Results are exact sums, as in [`Preload`]; where accumulators are exact.
        pub exact: Option<Signal>,
        /// How results leave.
        pub mode: ReadOutMode,
        /// One bit a lane: its flags count.
        pub lanes: Signal,
    }
}

bundle! {
    /// Everything that the AMP is told.
    pub struct AmpIn {
        /// Loading of weights.
        pub weights: WeightWrite,
        /// Products.
        pub step: Step,
        /// Partial sums in.
        pub preload: Preload,
        /// Results out.
        pub drain: Drain,
        /// Moves the drain pipeline.
        pub advance: Signal,
        /// 2 G random words of 64 bits: those of 64 bits of results follow one another.
        pub random: Vec<Signal>,
    }
}

bundle! {
    /// Sticky-flag pulses: what happened in this cycle, in any lane that counts.
    pub struct AmpFlags {
        /// NV.
        pub invalid: Signal,
        /// OF.
        pub overflow: Signal,
        /// UF.
        pub underflow: Signal,
        /// NX.
        pub inexact: Signal,
        /// An exact sum left its range.
        pub headroom: Signal,
    }
}

bundle! {
    /// Numbers of results of a sort.
    pub struct ResultCounts {
        /// NaN.
        pub nans: Signal,
        /// Beyond the largest finite number.
        pub overflows: Signal,
        /// Rounded to zero, but not zero.
        pub zeroed: Signal,
    }
}

bundle! {
    /// Everything that the AMP says.
    pub struct AmpOut {
        /// A step's state is written in this cycle.
        pub done: Signal,
        /// An access word of results is there.
        pub result_valid: Signal,
        /// 2 G FP32 or 4 G FP16 results, or G / 2 exact sums.
        pub result: Signal,
        /// Flags of steps, preloads and results.
        pub flags: AmpFlags,
        /// How many results that leave in this cycle are what the host's counters count.
        pub counts: ResultCounts,
        /// The random words are used: others are there in the next cycle.
        pub draw: Signal,
    }
}

impl ResultCounts {
    /// Declares the ports, for so many results in a cycle.
    pub fn ports(ports: &Ports, most: usize) -> ResultCounts {
        let count = |name| ports.input(name, count_bits(most));
        ResultCounts { nans: count("nans"), overflows: count("overflows"), zeroed: count("zeroed") }
    }
}

impl RowAddress {
    fn ports(ports: &Ports, config: &AmpConfig) -> RowAddress {
        RowAddress { half: ports.bit("half"), row: ports.input("row", config.row_bits()) }
    }
}

impl Module for Amp {
    type In = AmpIn;
    type Out = AmpOut;

    fn name(&self) -> String {
        self.config.module_name("amp")
    }

    fn inputs(&self, ports: &Ports) -> AmpIn {
        let config = &self.config;
        let (step, preload, drain) = (ports.nested("step"), ports.nested("preload"), ports.nested("drain"));
        AmpIn {
            weights: WeightWrite::ports(&ports.nested("weights"), config),
            step: Step {
                valid: step.bit("valid"),
                at: RowAddress::ports(&step.nested("at"), config),
                start: step.bit("start"),
                weights: WeightRead::ports(&step.nested("weights")),
                inputs: step.input("inputs", config.access_bits()).shown_as(Format::Fp16),
                enable: step.input("enable", config.terms),
                lanes: step.input("lanes", LANES),
            },
            preload: Preload {
                valid: preload.bit("valid"),
                at: RowAddress::ports(&preload.nested("at"), config),
                word: preload.input("word", config.word_bits()),
                data: preload.input("data", config.access_bits()).shown_as(Format::Fp32),
                exact: config.accumulator.is_exact().then(|| preload.bit("exact")),
                lanes: preload.input("lanes", LANES),
            },
            drain: Drain {
                valid: drain.bit("valid"),
                at: RowAddress::ports(&drain.nested("at"), config),
                empty: drain.bit("empty"),
                word: drain.input("word", config.word_bits()),
                exact: config.accumulator.is_exact().then(|| drain.bit("exact")),
                mode: ReadOutMode::ports(&drain.nested("mode")),
                lanes: drain.input("lanes", LANES),
            },
            advance: ports.bit("advance"),
            random: ports.array("random", 2 * config.access_words(), random::WORD_BITS),
        }
    }

    fn build(&self, m: &Builder, io: AmpIn) -> AmpOut {
        m.summary("16 lanes multiply rows of FP16 inputs by a 16x16 block of FP16 weights and accumulate.");
        let config = self.config;

        // Operands: weights of the phase from the store, inputs of the phase from the access word. Both registered.
        let weights = m.instance(
            "weight_store",
            &WeightStore { config },
            WeightStoreIn { write: io.weights.clone(), read: io.step.weights.clone() },
        );
        let inputs = phase_inputs(&config, &io.step).shown_as(Format::Fp16).register("inputs");
        let x = (0..config.terms)
            .map(|i| unpack(&format!("x_{i}"), inputs.bits(16 * i..16 * (i + 1)), FP16))
            .collect::<Vec<_>>();
        let enable = io.step.enable.register("enable");

        // Control follows the operands: the state is read, used one cycle later, and written at the end.
        let control =
            StepControl { valid: io.step.valid, at: io.step.at.clone(), start: io.step.start, lanes: io.step.lanes };
        let controls = control.delayed(config.step_cycles());
        let read_cycle = config.state_cycles();
        let (read, used) = (&controls[read_cycle], &controls[read_cycle + 1]);
        let written = &controls[config.step_cycles()];

        // Partial sums become states in one cycle and are written in the next.
        let preload = io.preload.map("preload", &mut |name, signal| {
            if name == "preload_valid" {
                signal.register_reset("preload_valid_1")
            } else {
                signal.register(&format!("{name}_1"))
            }
        });
        let partial_states = partial_states(m, &config, preload.data);
        let exact_sums = ExactSums::of(&config, &preload);

        let drain_read = io.drain.valid & io.advance;
        // A step writes all lanes; a preload those of its word only.
        let lanes_a_word = 2 * config.access_words();
        let preloads: Vec<Signal> = (0..2)
            .map(|half| (preload.valid & preload.at.half.eq(half)).named(format!("half_{half}_preloads")))
            .collect();
        let steps_in_half: Vec<Signal> =
            (0..2).map(|half| (read.valid & read.at.half.eq(half)).named(format!("half_{half}_steps"))).collect();
        let halves: Vec<Vec<HalfControl>> = (0..2)
            .map(|half| {
                let name = |what: &str, signal: Signal| signal.named(format!("half_{half}_{what}"));
                let steps_here = steps_in_half[half];
                let drains_here = name("drains", drain_read & io.drain.at.half.eq(half));
                let writes_here = name("writes", written.valid & written.at.half.eq(half));
                let preloads_here = preloads[half];
                m.assert(&format!("half_{half}_is_read_by_one"), !(steps_here & drains_here));
                m.assert(&format!("half_{half}_is_written_by_one"), !(writes_here & preloads_here));
                let read_enable = name("read_enable", steps_here | drains_here);
                let read_row = name("read_row", mux(steps_here, read.at.row, io.drain.at.row));
                let write_row = name("write_row", mux(preloads_here, preload.at.row, written.at.row));
                let control = |what: String, preloads: Signal| {
                    let write_enable = name(&what, writes_here | (preloads_here & preloads));
                    HalfControl { read_enable, read_row, write_enable, write_row }
                };
                // Lanes that share a word are written together, but for exact sums.
                let of_word = |word: usize| control(format!("writes_word_{word}"), preload.word.eq(word));
                let of_lane = |lane: usize, sums: &ExactSums| {
                    let word = word_index(preload.word, LANES / lanes_a_word).eq(lane / lanes_a_word);
                    control(format!("writes_lane_{lane}"), mux(sums.exact, sums.writes[lane], word))
                };
                match &exact_sums {
                    None => {
                        let words: Vec<HalfControl> = (0..LANES / lanes_a_word).map(of_word).collect();
                        (0..LANES).map(|lane| words[lane / lanes_a_word].clone()).collect()
                    }
                    Some(sums) => (0..LANES).map(|lane| of_lane(lane, sums)).collect(),
                }
            })
            .collect();
        let preload_half = cat([preloads[1], preloads[0]]).named("preload_half");
        let drain_half = io.drain.at.half.register_if("drain_half", io.advance);

        let lanes: Vec<LaneOut> = (0..LANES)
            .map(|lane| {
                let halves = halves.iter().map(|of_lane| of_lane[lane].clone()).collect();
                let rounded = partial_states[lane % lanes_a_word].state;
                let preload_state =
                    exact_sums.as_ref().map_or(rounded, |sums| mux(sums.exact, sums.states[lane], rounded));
                m.instance(
                    &format!("lane_{lane}"),
                    &Lane { config },
                    LaneIn {
                        operands: DotProductIn { x: x.clone(), w: weights.weights[lane], enable },
                        step_half: used.at.half,
                        step_start: used.start,
                        halves,
                        preload_half,
                        preload_state,
                        drain_half,
                    },
                )
            })
            .collect();

        let drained = drain(m, &config, &io, &lanes);
        for (half, steps) in steps_in_half.into_iter().enumerate() {
            let replaced = steps & drained.waits & drain_half.eq(half);
            m.assert(&format!("half_{half}_keeps_its_drained_word"), !replaced);
        }
        let (stepped, preloaded) = (step_flags(&lanes, written), preload_flags(&config, &preload, &partial_states));
        let flags = AmpFlags {
            invalid: stepped.invalid | preloaded.invalid | drained.flags.invalid,
            overflow: preloaded.overflow | drained.flags.overflow,
            underflow: drained.flags.underflow,
            inexact: stepped.inexact | preloaded.inexact | drained.flags.inexact,
            headroom: stepped.headroom,
        };
        AmpOut {
            done: written.valid,
            result_valid: drained.valid,
            result: drained.result,
            flags,
            counts: drained.counts,
            draw: drained.draw,
        }
    }
}

/// The T inputs of a phase: the whole access word, or with fewer than four terms the part that the phase names.
fn phase_inputs(config: &AmpConfig, step: &Step) -> Signal {
    let bits = 16 * config.terms;
    let parts: Vec<Signal> =
        (0..config.access_bits() / bits).map(|i| step.inputs.bits(bits * i..bits * (i + 1))).collect();
    match parts.as_slice() {
        [whole] => *whole,
        _ => select(step.weights.k.bits(config.terms.trailing_zeros() as usize..2), parts),
    }
}

bundle! {
    /// What of a step goes along with its operands.
    struct StepControl {
        valid: Signal,
        at: RowAddress,
        start: Signal,
        lanes: Signal,
    }
}

impl StepControl {
    /// The control in this cycle and in each of the `cycles` that follow.
    fn delayed(self, cycles: usize) -> Vec<StepControl> {
        let mut stages = vec![self];
        for cycle in 1..=cycles {
            let last = stages.last().expect("at least the first");
            stages.push(StepControl {
                valid: last.valid.register_reset(&format!("step_valid_{cycle}")),
                at: last.at.register_all(&format!("step_{cycle}")),
                start: last.start.register(&format!("step_start_{cycle}")),
                lanes: last.lanes.register(&format!("step_lanes_{cycle}")),
            });
        }
        stages
    }
}

/// The exact sums of an access word; with G = 1, of this word and the one before it.
struct ExactSums {
    /// The preload is of exact sums.
    exact: Signal,
    /// The state for each lane.
    states: Vec<Signal>,
    /// Whose state is complete.
    writes: Vec<Signal>,
}

impl ExactSums {
    /// `None` where accumulators are not exact.
    fn of(config: &AmpConfig, preload: &Preload) -> Option<ExactSums> {
        let (AccumulatorKind::Exact { bits }, Some(exact)) = (config.accumulator, preload.exact) else { return None };
        let state = |sum: Signal| ExactState::from_exact_sum(sum, bits).pack();
        let (sums, first_lane): (Vec<Signal>, _) = match config.access_bits() / EXACT_SUM_BITS {
            0 => {
                let low_half = preload.data.register_if("exact_low_half", preload.valid);
                (vec![cat([preload.data, low_half])], preload.word.bits(1..preload.word.width()))
            }
            1 => (vec![preload.data], preload.word),
            count => {
                let sum = |i: usize| preload.data.bits(EXACT_SUM_BITS * i..EXACT_SUM_BITS * (i + 1));
                ((0..count).map(sum).collect(), preload.word)
            }
        };
        let complete = if config.access_bits() < EXACT_SUM_BITS { preload.word.bit(0) } else { lit(1, 1) };
        let count = sums.len();
        let states: Vec<Signal> = sums.into_iter().map(state).collect();
        Some(ExactSums {
            exact,
            states: (0..LANES).map(|lane| states[lane % count]).collect(),
            writes: (0..LANES).map(|lane| complete & first_lane.eq(lane / count)).collect(),
        })
    }
}

/// The states of the 2 G partial sums of an access word.
fn partial_states(m: &Builder, config: &AmpConfig, data: Signal) -> Vec<PartialOut> {
    (0..2 * config.access_words())
        .map(|i| {
            let number = data.bits(32 * i..32 * (i + 1));
            match config.accumulator {
                AccumulatorKind::Exact { bits } => {
                    m.instance(&format!("partial_{i}"), &ExactPartial { bits }, PartialIn { number })
                }
                AccumulatorKind::Fp32 => {
                    let none = lit(0, 1);
                    PartialOut { state: number, invalid: none, overflow: none, inexact: none }
                }
            }
        })
        .collect()
}

fn step_flags(lanes: &[LaneOut], written: &StepControl) -> StepFlags {
    let any = |name: &str, of: &dyn Fn(&LaneOut) -> Signal| {
        let each = cat(lanes.iter().rev().map(of).collect::<Vec<_>>()).named(format!("lanes_{name}"));
        ((each & written.lanes).any() & written.valid).named(format!("steps_{name}"))
    };
    StepFlags {
        invalid: any("invalid", &|lane| lane.flags.invalid),
        inexact: any("inexact", &|lane| lane.flags.inexact),
        headroom: any("headroom", &|lane| lane.flags.headroom),
    }
}

bundle! {
    /// Flags of a preload.
    struct PreloadFlags {
        invalid: Signal,
        overflow: Signal,
        inexact: Signal,
    }
}

fn preload_flags(config: &AmpConfig, preload: &Preload, states: &[PartialOut]) -> PreloadFlags {
    let lanes_a_word = 2 * config.access_words();
    let counts: Vec<Signal> = (0..lanes_a_word)
        .map(|i| {
            let options: Vec<Signal> =
                (0..LANES / lanes_a_word).map(|word| preload.lanes.bit(word * lanes_a_word + i)).collect();
            let rounds = preload.exact.map_or(preload.valid, |exact| preload.valid & !exact);
            let counts = select(word_index(preload.word, LANES / lanes_a_word), options) & rounds;
            counts.named(format!("partial_{i}_counts"))
        })
        .collect();
    let any = |of: &dyn Fn(&PartialOut) -> Signal| {
        states.iter().zip(&counts).map(|(state, &counts)| of(state) & counts).reduce(|a, b| a | b).expect("states")
    };
    PreloadFlags {
        invalid: any(&|state| state.invalid).named("preload_invalid"),
        overflow: any(&|state| state.overflow).named("preload_overflow"),
        inexact: any(&|state| state.inexact).named("preload_inexact"),
    }
}
