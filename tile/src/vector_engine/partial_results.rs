//! Partial results: keeps those of a reduction, and halves them at the end of a row until one is left.
//!
//! ```text
//!               +----------------+
//!  beat ------->|                |----> step       (operands of the arithmetic)
//!  settled ---->| PartialResults |
//!  in_flight -->|                |----> released   (the arithmetic is the next row's)
//!               +----------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | `beat` to `step`: combinational                                                  |
//! | Throughput | a step for each beat; then, for each row, four levels of halving that wait for   |
//! |            | one another: 8 steps in 4 times the latency of the arithmetic, and 4 cycles      |
//! | Handshake  | steps are taken with `advance`; no beat while a row is being halved              |
//! | Order      | element i joins i mod 16; then j takes in j + 8, j + 4, j + 2, j + 1             |
//! | Numerics   | the arithmetic's; what nothing has joined is -0 for sums, else NaN               |
//!
//! A slot is the partial results of both lanes. The step that is 8 beats later finds the result of the arithmetic
//! where it leaves: it need not have been written.

use accumulators::format::FP32;
use accumulators::vector;
use rtl::{Builder, Module, Ports, Signal, bundle, lit, mux};

use super::issue::SLOT_BITS;

/// Slots: as many as the arithmetic has stages, so that a step meets the one before it in its slot.
pub const SLOTS: usize = 1 << SLOT_BITS;
const _: () = assert!(SLOTS >= vector::LATENCY_CYCLES);

/// Lanes that are used.
pub const LANES: usize = isa::PARTIAL_SUMS as usize / SLOTS;

/// The partial results.
#[derive(Clone, Copy, Debug)]
pub struct PartialResults;

bundle! {
    /// Elements that join.
    pub struct ReductionBeat {
        /// There are some.
        pub valid: Signal,
        /// The last of a row.
        pub row_ends: Signal,
        /// Which partial results they join.
        pub slot: Signal,
        /// Which lanes hold elements.
        pub lanes: Signal,
        /// Elements of a.
        pub a: Vec<Signal>,
        /// Elements of b.
        pub b: Vec<Signal>,
    }
}

bundle! {
    /// Partial results that leave the arithmetic.
    pub struct Settled {
        /// There are some.
        pub valid: Signal,
        /// Which.
        pub slot: Signal,
        /// Of which lanes.
        pub lanes: Signal,
        /// FP32.
        pub values: Vec<Signal>,
    }
}

bundle! {
    /// Beats, and what becomes of steps.
    pub struct PartialResultsIn {
        /// The arithmetic moves.
        pub advance: Signal,
        /// Sums, rather than the largest or smallest number.
        pub sums: Signal,
        /// Products of a and b are added.
        pub multiplies: Signal,
        /// Elements.
        pub beat: ReductionBeat,
        /// Results of steps.
        pub settled: Settled,
        /// Steps are in the arithmetic whose results have not settled.
        pub in_flight: Signal,
    }
}

bundle! {
    /// Operands of the arithmetic: a * b + c, or the larger or smaller of a and b.
    pub struct Step {
        /// There is a step.
        pub valid: Signal,
        /// The last of a row: its result is the row's.
        pub last: Signal,
        /// Where the results go otherwise.
        pub slot: Signal,
        /// Which lanes count.
        pub lanes: Signal,
        /// Operand a.
        pub a: Vec<Signal>,
        /// Operand b.
        pub b: Vec<Signal>,
        /// Operand c.
        pub c: Vec<Signal>,
    }
}

bundle! {
    /// Steps.
    pub struct PartialResultsOut {
        /// The step.
        pub step: Step,
        /// The last step of a row is taken: from the next cycle on there may be beats.
        pub released: Signal,
    }
}

impl Module for PartialResults {
    type In = PartialResultsIn;
    type Out = PartialResultsOut;

    fn name(&self) -> String {
        "vector_partial_results".into()
    }

    fn inputs(&self, ports: &Ports) -> PartialResultsIn {
        let (beat, settled) = (ports.nested("beat"), ports.nested("settled"));
        PartialResultsIn {
            advance: ports.bit("advance"),
            sums: ports.bit("sums"),
            multiplies: ports.bit("multiplies"),
            beat: ReductionBeat {
                valid: beat.bit("valid"),
                row_ends: beat.bit("row_ends"),
                slot: beat.input("slot", SLOT_BITS),
                lanes: beat.input("lanes", LANES),
                a: beat.array("a", LANES, FP32.bits()),
                b: beat.array("b", LANES, FP32.bits()),
            },
            settled: Settled {
                valid: settled.bit("valid"),
                slot: settled.input("slot", SLOT_BITS),
                lanes: settled.input("lanes", LANES),
                values: settled.array("values", LANES, FP32.bits()),
            },
            in_flight: ports.bit("in_flight"),
        }
    }

    fn build(&self, m: &Builder, io: PartialResultsIn) -> PartialResultsOut {
        m.summary("Keeps the partial results of a reduction, and halves them at the end of a row.");
        let PartialResultsIn { advance, beat, settled, .. } = io;

        // Halving: a level is SLOTS / 2, then SLOTS / 4, ... steps, and begins when the one before has settled. In the
        // last level, the two lanes of slot 0 meet.
        let halving = m.register("halving", 1).reset(0);
        let level = m.register("level", 2);
        let index = m.register("index", SLOT_BITS);
        let distance = lit(SLOTS / 2, SLOT_BITS).shift_right(level.q).named("distance");
        let last_level = level.q.eq(SLOT_BITS).named("last_level");
        let level_ends = (last_level | (index.q + 1).eq(distance)).named("level_ends");
        let halves = (halving.q & (index.q.any() | !io.in_flight)).named("halves");
        let released = (halves & last_level & advance).named("releases");
        m.when(halves & advance, || {
            index.set(mux(level_ends, lit(0, SLOT_BITS), index.q + 1));
            m.when(level_ends, || level.set(level.q + 1));
            m.when(last_level, || halving.set(0));
        });
        m.when(beat.valid & beat.row_ends & advance, || {
            halving.set(1);
            level.set(0);
            index.set(0);
        });

        // A step reads the slot that it writes and, when halving, the one at the distance.
        let slot = mux(halving.q, index.q, beat.slot).named("slot");
        let partner_slot = (index.q + distance).named("partner_slot");
        let valid = (beat.valid | halves).named("valid");
        let lanes = mux(halving.q, lit((1 << LANES) - 1, LANES), beat.lanes).named("lanes");
        let neutral = mux(io.sums, lit(1u64 << 31, 32), lit(FP32.canonical_nan(), 32)).named("neutral");
        let (mut own, mut partners) = (vec![], vec![]);
        for lane in 0..LANES {
            m.scope(format!("lane_{lane}"), || {
                let joined = m.register("joined", SLOTS).reset(0);
                let here = rtl::generic::tree::decode(slot, SLOTS) & lanes.bit(lane).repeat(SLOTS);
                m.when(valid & advance, || joined.set(joined.q | here));
                m.when(released, || joined.set(0));

                let settles = (settled.valid & settled.lanes.bit(lane)).named("settles");
                let value = settled.values[lane];
                let words = m.memory("words", SLOTS, FP32.bits());
                words.write(settled.slot, value, settles & advance);
                let read = |name: &str, slot: Signal| {
                    let fresh = settles & settled.slot.eq(slot);
                    let partial = mux(fresh, value, words.read(name, slot));
                    mux(joined.q.shift_right(slot).bit(0), partial, neutral)
                };
                own.push(read("own", slot));
                partners.push(read("partner", partner_slot));
            });
        }
        partners[0] = mux(last_level, own[1], partners[0]);

        let one = lit(0x3f80_0000, 32);
        let lane = |lane: usize| {
            let partner = mux(halving.q, partners[lane], own[lane]);
            let factor = mux(io.multiplies & !halving.q, beat.b[lane], one);
            (mux(halving.q, own[lane], beat.a[lane]), mux(io.sums, factor, partner), partner)
        };
        let operands: Vec<_> = (0..LANES).map(lane).collect();
        let last = (halving.q & last_level).named("last");
        PartialResultsOut {
            step: Step {
                valid,
                last,
                slot,
                lanes: mux(last, lit(1, LANES), lanes),
                a: operands.iter().map(|operand| operand.0).collect(),
                b: operands.iter().map(|operand| operand.1).collect(),
                c: operands.iter().map(|operand| operand.2).collect(),
            },
            released,
        }
    }
}
