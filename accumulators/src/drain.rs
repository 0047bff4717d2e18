//! Drain: the states that the lanes read become access words of results. A part of [`crate::amp`].
//!
//! ```text
//!  cycle      0          1           2 .. 4       5
//!  request    read       pick lanes  read_out     result, flags
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`DRAIN_CYCLES`] = 5 cycles with `advance`, request to result                    |
//! | Throughput | one access word, 2 G FP32 or 4 G FP16 results, a cycle                           |
//! | Handshake  | every stage moves with `advance`; a flag counts once, when its result leaves     |
//! | Numerics   | see [`crate::read_out`]; an empty row reads as +0; exact sums leave as they are  |
//! | Random     | 128 bits for each 64 bits of FP16 results that are rounded stochastically        |
//! | Does not   | keep the read registers of the lanes from steps: `waits` says when none may come |
//!
//! With FP32 results a word has half as many lanes as with FP16, so half of the read-out units deliver FP16 only.

use rtl::generic::tree::count_ones;
use rtl::wave::Format;
use rtl::{Builder, Signal, bundle, cat, lit, mux, select};

use crate::amp::{AmpIn, DRAIN_CYCLES, ResultCounts};
use crate::config::{AmpConfig, EXACT_SUM_BITS, LANES};
use crate::exact::ExactState;
use crate::lane::LaneOut;
use crate::read_out::{RANDOM_BITS, ReadOut, ReadOutIn, ReadOutMode, ReadOutOut, ResultFlags, stage};

bundle! {
    /// The drain's side of the outputs.
    pub struct Drained {
        /// States that were read stay in the lanes' read registers at the end of this cycle.
        pub waits: Signal,
        /// A word is there.
        pub valid: Signal,
        /// Its 64 G bits.
        pub result: Signal,
        /// Its flags, in the cycle in which it leaves.
        pub flags: ResultFlags,
        /// How many of its results are what the host's counters count, likewise.
        pub counts: ResultCounts,
        /// The random words are used.
        pub draw: Signal,
    }
}

bundle! {
    /// What of a drain goes along with its states.
    struct Request {
        empty: Signal,
        word: Signal,
        exact: Option<Signal>,
        mode: ReadOutMode,
        lanes: Signal,
    }
}

/// From the states that the lanes read to an access word of results.
pub fn drain(m: &Builder, config: &AmpConfig, io: &AmpIn, lanes: &[LaneOut]) -> Drained {
    let advance = io.advance;
    let words = config.access_words();
    let (fp32_units, fp16_units) = (2 * words, 4 * words);
    // What was asked goes along with the states: requests[n] is n cycles (with `advance`) old.
    let mut requests = vec![Request {
        empty: io.drain.empty,
        word: io.drain.word,
        exact: io.drain.exact,
        mode: io.drain.mode.clone(),
        lanes: io.drain.lanes,
    }];
    let mut valid = vec![io.drain.valid];
    for cycle in 1..=DRAIN_CYCLES {
        let next = m.register(&format!("drain_valid_{cycle}"), 1).reset(0);
        m.when(advance, || next.set(valid[cycle - 1]));
        valid.push(next.q);
        requests.push(stage(m, &format!("drain_{cycle}"), advance, &requests[cycle - 1]));
    }
    let (waits, draws, valid) = (valid[1] & !advance, valid[2] & advance, valid[DRAIN_CYCLES]);
    let (read, picked, last) = (&requests[1], &requests[2], &requests[DRAIN_CYCLES]);

    // The states come out of the lanes' memories; the word of the row picks those that go to the read-out units.
    // With FP32 results a word has half as many lanes as with FP16.
    let pick = |word: Signal, units: usize, unit: usize, of_lane: &dyn Fn(usize) -> Signal| {
        let options: Vec<Signal> = (0..LANES / units).map(|word| of_lane(word * units + unit % units)).collect();
        select(word_index(word, LANES / units), options)
    };
    let states: Vec<Signal> = (0..fp16_units)
        .map(|unit| {
            let of_lane = |lane: usize| lanes[lane].drained;
            let narrow = pick(read.word, fp16_units, unit, &of_lane);
            let state = if unit < fp32_units {
                mux(read.mode.fp16, narrow, pick(read.word, fp32_units, unit, &of_lane))
            } else {
                narrow
            };
            (state & (!read.empty).repeat(state.width())).named(format!("picked_state_{unit}"))
        })
        .collect();
    let states = stage(m, "read_out_state", advance, &states);
    let results: Vec<ReadOutOut> = (0..fp16_units)
        .map(|unit| {
            let unit_module = ReadOut { accumulator: config.accumulator, with_fp32: unit < fp32_units };
            // Two results share a random word, the lower half first.
            let half = unit % 2 * RANDOM_BITS;
            let random = io.random[unit / 2].bits(half..half + RANDOM_BITS);
            let inputs = ReadOutIn { advance, state: states[unit], mode: picked.mode.clone(), random };
            m.instance(&format!("read_out_{unit}"), &unit_module, inputs)
        })
        .collect();

    // Exact sums pass the read-out units by.
    let exact_sums = (config.accumulator.is_exact()).then(|| {
        let mut sums = exact_word(config, read, lanes).named("exact_word");
        for cycle in 2..=DRAIN_CYCLES {
            sums = stage(m, &format!("exact_word_{cycle}"), advance, &sums);
        }
        sums
    });

    // A flag counts once, in the cycle in which its result leaves.
    let leaves = (valid & advance & last.exact.map_or(lit(1, 1), |exact| !exact)).named("result_leaves");
    let counts: Vec<Signal> = (0..fp16_units)
        .map(|unit| {
            let of_lane = |lane: usize| last.lanes.bit(lane);
            let narrow = pick(last.word, fp16_units, unit, &of_lane);
            let counts = if unit < fp32_units {
                mux(last.mode.fp16, narrow, pick(last.word, fp32_units, unit, &of_lane))
            } else {
                narrow & last.mode.fp16
            };
            (counts & leaves).named(format!("read_out_{unit}_counts"))
        })
        .collect();
    let each = |of: &dyn Fn(&ReadOutOut) -> Signal| -> Vec<Signal> {
        results.iter().zip(&counts).map(|(out, &counts)| of(out) & counts).collect()
    };
    let any = |of: &dyn Fn(&ReadOutOut) -> Signal| cat(each(of)).any();
    let count = |of: &dyn Fn(&ReadOutOut) -> Signal| count_ones(cat(each(of)));
    let fp32: Vec<Signal> = results[..fp32_units].iter().rev().map(|out| out.result).collect();
    let fp16: Vec<Signal> = results.iter().rev().map(|out| out.result.bits(0..16)).collect();
    let rounded = mux(
        last.mode.fp16,
        cat(fp16).named("fp16_results").shown_as(Format::Fp16),
        cat(fp32).named("fp32_results").shown_as(Format::Fp32),
    );
    Drained {
        waits,
        valid,
        result: last.exact.zip(exact_sums).map_or(rounded, |(exact, sums)| mux(exact, sums, rounded)),
        flags: ResultFlags {
            invalid: any(&|out| out.flags.invalid).named("drain_invalid"),
            overflow: any(&|out| out.flags.overflow).named("drain_overflow"),
            underflow: any(&|out| out.flags.underflow).named("drain_underflow"),
            inexact: any(&|out| out.flags.inexact).named("drain_inexact"),
        },
        counts: ResultCounts {
            nans: count(&|out| out.events.nan).named("drain_nans"),
            overflows: count(&|out| out.events.overflow).named("drain_overflows"),
            zeroed: count(&|out| out.events.zeroed).named("drain_zeroed"),
        },
        draw: (draws & picked.mode.stochastic & picked.mode.fp16).named("draw"),
    }
}

/// The access word of exact sums that a drain reads: of G / 2 lanes, or with G = 1 half of one lane's.
fn exact_word(config: &AmpConfig, read: &Request, lanes: &[LaneOut]) -> Signal {
    let sums: Vec<Signal> = lanes
        .iter()
        .map(|lane| ExactState::unpack(lane.drained & (!read.empty).repeat(lane.drained.width())).to_exact_sum())
        .collect();
    let word_bits = read.word.width();
    match config.access_bits() / EXACT_SUM_BITS {
        0 => {
            let sum = select(read.word.bits(1..word_bits), sums);
            let half = EXACT_SUM_BITS / 2;
            mux(read.word.bit(0), sum.bits(half..2 * half), sum.bits(0..half))
        }
        count => {
            let words = sums.chunks(count).map(|sums| cat(sums.iter().rev().copied().collect::<Vec<_>>()));
            select(read.word, words.collect::<Vec<_>>())
        }
    }
}

/// The low bits of a word number that tell `count` words apart.
pub fn word_index(word: Signal, count: usize) -> Signal {
    word.bits(0..(count.trailing_zeros() as usize).max(1))
}
