//! Issue: takes the operands' words apart into beats: up to four elements that go through the arithmetic together.
//!
//! ```text
//!             +-------+
//!  shape ---->|       |----> beat      (registered: lanes of a, b, c, which count, and where the results go)
//!  words ---->| Issue |
//!  advance -->|       |----> take      (words that are used up)
//!  released ->|       |
//!             +-------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | one cycle with `advance`                                                         |
//! | Throughput | a beat a cycle: four elements, two, or one: [`Shape`]                            |
//! | Handshake  | with `advance` a beat, or none, replaces the one before; without it all holds     |
//! | Order      | elements of a row, then rows; behind a row that is reduced, waits for `released` |
//! | Numerics   | two elements a beat are FP32: FP16 operands are widened exactly                  |

use accumulators::widen::widen;
use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit, mux};

use super::walk::INDEX_BITS;

/// Lanes of the arithmetic.
pub const LANES: usize = accumulators::vector::LANES.len();

/// The issue of beats.
#[derive(Clone, Copy, Debug)]
pub struct Issue;

bundle! {
    /// How a command is cut into beats; stays the same while it runs.
    pub struct Shape {
        /// Number of the last row.
        pub last_row: Signal,
        /// Number of the last column.
        pub last_column: Signal,
        /// Elements of a beat, less one: 0, 1 or 3.
        pub step: Signal,
        /// Results are FP16.
        pub result_fp16: Signal,
        /// A row gives one result.
        pub reduces: Signal,
    }
}

bundle! {
    /// An operand as issue sees it.
    pub struct IssueOperand {
        /// There is a word.
        pub valid: Signal,
        /// The word.
        pub word: Signal,
        /// Its elements are FP16.
        pub fp16: Signal,
        /// Each row has words of elements, not one for all of it.
        pub stream: Signal,
    }
}

bundle! {
    /// The command and its operands.
    pub struct IssueIn {
        /// Begins.
        pub start: Signal,
        /// The command.
        pub shape: Shape,
        /// a, b and c.
        pub operands: Vec<IssueOperand>,
        /// The arithmetic moves.
        pub advance: Signal,
        /// The reduction of the last row leaves the arithmetic to the next.
        pub released: Signal,
    }
}

bundle! {
    /// Where results of a beat belong.
    pub struct Place {
        /// Which lanes hold elements of the row.
        pub lanes: Signal,
        /// Place of lane 0's result in its word of results, in elements.
        pub position: Signal,
        /// The word of results is complete.
        pub completes: Signal,
    }
}

bundle! {
    /// Up to four elements.
    pub struct Beat {
        /// There are some.
        pub valid: Signal,
        /// The last of a row.
        pub row_ends: Signal,
        /// For a reduction: which partial results it joins.
        pub slot: Signal,
        /// Where results belong.
        pub place: Place,
        /// For each operand and lane an element.
        pub operands: Vec<Vec<Signal>>,
    }
}

bundle! {
    /// The beat, and words that are used up.
    pub struct IssueOut {
        /// The beat.
        pub beat: Beat,
        /// For each operand.
        pub take: Vec<Signal>,
    }
}

/// Bits of the number of a slot of partial results: a slot for both lanes.
pub const SLOT_BITS: usize = isa::PARTIAL_SUMS.trailing_zeros() as usize - 1;

impl Shape {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> Shape {
        Shape {
            last_row: ports.input("last_row", INDEX_BITS),
            last_column: ports.input("last_column", INDEX_BITS),
            step: ports.input("step", 2),
            result_fp16: ports.bit("result_fp16"),
            reduces: ports.bit("reduces"),
        }
    }
}

impl Place {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> Place {
        Place {
            lanes: ports.input("lanes", LANES),
            position: ports.input("position", 2),
            completes: ports.bit("completes"),
        }
    }
}

impl Module for Issue {
    type In = IssueIn;
    type Out = IssueOut;

    fn name(&self) -> String {
        "vector_issue".into()
    }

    fn inputs(&self, ports: &Ports) -> IssueIn {
        let operand = |ports: &Ports| IssueOperand {
            valid: ports.bit("valid"),
            word: ports.input("word", 64),
            fp16: ports.bit("fp16"),
            stream: ports.bit("stream"),
        };
        IssueIn {
            start: ports.bit("start"),
            shape: Shape::ports(&ports.nested("shape")),
            operands: (0..3).map(|i| operand(&ports.nested(&format!("operands_{i}")))).collect(),
            advance: ports.bit("advance"),
            released: ports.bit("released"),
        }
    }

    fn build(&self, m: &Builder, io: IssueIn) -> IssueOut {
        m.summary("Takes words of operands apart into beats of up to four elements.");
        let Shape { last_row, last_column, step, result_fp16, reduces } = io.shape;
        let busy = m.register("busy", 1).reset(0);
        let reducing = m.register("reducing", 1).reset(0);
        let row = m.register("row", INDEX_BITS);
        let column = m.register("column", INDEX_BITS);

        let valid = io.operands.iter().map(|operand| operand.valid).reduce(|a, b| a & b).expect("operands");
        let fires = (busy.q & valid & io.advance & (!reducing.q | io.released)).named("fires");

        // The beat that begins at `column` ends a word where all bits of its last element's place are ones.
        let low = column.q.truncate(2);
        let last = (low | step).named("last_place");
        let same_words = column.q.bits(2..INDEX_BITS).eq(last_column.bits(2..INDEX_BITS));
        let row_ends = (same_words & last.eq(last_column.truncate(2) | step)).named("row_ends");
        let word_ends = |fp16: Signal| mux(fp16, last.all(), last.bit(0));
        let last_lane = mux(row_ends, last_column.truncate(2) & step, step).named("last_lane");

        let next_column = (column.q + step.zero_extend(INDEX_BITS) + 1).named("next_column");
        m.when(io.released, || reducing.set(0));
        m.when(fires, || {
            column.set(mux(row_ends, lit(0, INDEX_BITS), next_column));
            m.when(row_ends, || {
                row.set(row.q + 1);
                reducing.set(reduces);
                m.when(row.q.eq(last_row), || busy.set(0));
            });
        });
        m.when(io.start, || {
            busy.set(1);
            row.set(0);
            column.set(0);
        });

        let place = Place {
            lanes: cat((0..LANES).rev().map(|lane| last_lane.ge(lane)).collect::<Vec<_>>()),
            position: cat([low.bit(1) & result_fp16, low.bit(0)]),
            completes: row_ends | word_ends(result_fp16),
        };
        let operands: Vec<Vec<Signal>> = io.operands.iter().map(|operand| elements(operand, low, step)).collect();
        let slot = column.q.bits(1..1 + SLOT_BITS);

        let registered = (row_ends, (slot, (place, operands)));
        let (row_ends_1, (slot, (place, operands))) =
            rtl::Bundle::map(&registered, "beat", &mut |name, signal| signal.register_if(name, fires));
        let beat_valid = m.register("beat_valid", 1).reset(0);
        m.when(io.advance, || beat_valid.set(fires));
        let take =
            io.operands.iter().map(|operand| fires & (row_ends | (operand.stream & word_ends(operand.fp16)))).collect();
        IssueOut { beat: Beat { valid: beat_valid.q, row_ends: row_ends_1, slot, place, operands }, take }
    }
}

/// The elements of a word from the place `low` on, one for each lane.
fn elements(operand: &IssueOperand, low: Signal, step: Signal) -> Vec<Signal> {
    let halves: Vec<Signal> = (0..2).map(|i| operand.word.bits(32 * i..32 * (i + 1))).collect();
    // One element a beat may be in the upper place of two; of two FP16 a beat, both may be in the upper half.
    let second = !step.bit(0) & low.bit(0);
    let pair = mux(low.bit(1), halves[1], halves[0]);
    let (lower, upper) = (pair.bits(0..16), pair.bits(16..32));
    let fp16 = [mux(second, upper, lower), upper, halves[1].bits(0..16), halves[1].bits(16..32)];
    let fp32 = [mux(second, halves[1], halves[0]), halves[1]];
    let widens = step.eq(1);
    (0..LANES)
        .map(|lane| match fp32.get(lane) {
            Some(&fp32) => {
                let narrow = mux(widens, widen(fp16[lane]), fp16[lane].zero_extend(32));
                mux(operand.fp16, narrow, fp32)
            }
            None => fp16[lane],
        })
        .collect()
}
