//! FIFO: a queue of up to `depth` words.
//!
//! ```text
//!                +------+
//!  push_valid -->|      |--> pop_valid
//!  push_data --->| Fifo |--> pop_data
//!  push_ready <--|      |<-- pop_ready
//!                |      |--> count
//!                +------+
//! ```
//! | Contract   |                                                                           |
//! |------------|---------------------------------------------------------------------------|
//! | Latency    | `LATENCY_CYCLES` = 1: a word that enters an empty queue is offered next    |
//! | Throughput | one word in and one word out in every cycle                               |
//! | Handshake  | [`stream`](super::stream) on both sides; every output is a register, so   |
//! |            | neither `valid` nor `ready` passes through combinationally                |
//! | Reset      | empties the queue                                                         |
//! | Does not   | take a word while full, even in a cycle in which one leaves               |

use super::tree::count_bits;
use crate::builder::{Builder, address_bits};
use crate::bundle;
use crate::module::{Module, Ports};
use crate::signal::{Signal, lit, mux};

/// Cycles from a word's entry into an empty queue to its offer.
pub const LATENCY_CYCLES: usize = 1;

/// A queue; see the [module documentation](self).
#[derive(Clone, Copy, Debug)]
pub struct Fifo {
    /// Words that fit, at least 2.
    pub depth: usize,
    /// Bits of a word.
    pub bits: usize,
}

bundle! {
    /// Inputs of a [`Fifo`].
    #[derive(Copy)]
    pub struct FifoIn {
        /// A word wants to enter.
        pub push_valid: Signal,
        /// The word.
        pub push_data: Signal,
        /// The oldest word is taken, if there is one.
        pub pop_ready: Signal,
    }
}

bundle! {
    /// Outputs of a [`Fifo`].
    #[derive(Copy)]
    pub struct FifoOut {
        /// A word can enter.
        pub push_ready: Signal,
        /// There is a word.
        pub pop_valid: Signal,
        /// The oldest word.
        pub pop_data: Signal,
        /// Words inside, 0 to `depth`.
        pub count: Signal,
    }
}

impl Module for Fifo {
    type In = FifoIn;
    type Out = FifoOut;

    fn name(&self) -> String {
        format!("fifo_{}x{}", self.depth, self.bits)
    }

    fn inputs(&self, ports: &Ports) -> FifoIn {
        FifoIn {
            push_valid: ports.bit("push_valid"),
            push_data: ports.input("push_data", self.bits),
            pop_ready: ports.bit("pop_ready"),
        }
    }

    fn build(&self, m: &Builder, io: FifoIn) -> FifoOut {
        assert!(self.depth >= 2, "a FIFO of {} words; expected at least 2", self.depth);
        m.summary("A queue of words; every output is a register.");
        let count = m.register("count", count_bits(self.depth)).reset(0);
        let push_ready = m.register("push_ready", 1).reset(1);
        let pop_valid = m.register("pop_valid", 1).reset(0);
        let pop_data = m.register("pop_data", self.bits);

        let push = (io.push_valid & push_ready.q).named("push");
        let pop = (pop_valid.q & io.pop_ready).named("pop");
        let change = |bit: Signal| bit.zero_extend(count.q.width());
        let next_count = (count.q + change(push) - change(pop)).named("next_count");
        count.set(next_count);
        push_ready.set(next_count.ne(self.depth));
        pop_valid.set(next_count.any());

        // The oldest word waits in the output register, the others in the memory. A word that finds none waiting
        // goes straight to the output register when that is free.
        let none_waits = count.q.le(1).named("none_waits");
        let refill = (pop | !pop_valid.q).named("refill");
        let store = (push & !(refill & none_waits)).named("store");
        let fetch = (refill & !none_waits).named("fetch");
        let words = m.memory("words", self.depth, self.bits);
        words.write(self.pointer(m, "write_address", store), io.push_data, store);
        let oldest_waiting = words.read("oldest_waiting", self.pointer(m, "read_address", fetch));
        m.when(refill, || pop_data.set(mux(none_waits, io.push_data, oldest_waiting)));

        m.assert("count_within_depth", count.q.le(self.depth));
        m.assert("valid_unless_empty", pop_valid.q.eq(count.q.any()));
        FifoOut { push_ready: push_ready.q, pop_valid: pop_valid.q, pop_data: pop_data.q, count: count.q }
    }
}

impl Fifo {
    /// An address that moves to the next word at each clock edge with `step`, and from the last to the first.
    fn pointer(&self, m: &Builder, name: &str, step: Signal) -> Signal {
        let pointer = m.register(name, address_bits(self.depth)).reset(0);
        let next = if self.depth.is_power_of_two() {
            pointer.q + 1
        } else {
            mux(pointer.q.eq(self.depth - 1), lit(0, pointer.q.width()), pointer.q + 1)
        };
        m.when(step, || pointer.set(next));
        pointer.q
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::elaborate;
    use crate::sim::Simulator;

    /// A generator of random bits (xorshift); the seed is in every message.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn one_in(&mut self, n: u64) -> bool {
            self.next().is_multiple_of(n)
        }
    }

    /// Sends random words with random stalls on both sides through a queue, and compares with a software queue.
    fn words_arrive_in_order(depth: usize, input_stall: u64, output_stall: u64) {
        let seed = 0x7e55_e1a0 + depth as u64;
        let mut random = Random(seed);
        let mut sim = Simulator::new(&elaborate(&Fifo { bits: 16, depth }).unwrap()).unwrap();
        let input = |sim: &Simulator, name| sim.input(name).unwrap();
        let output = |sim: &Simulator, name| sim.output(name).unwrap();
        let (valid, data) = (input(&sim, "push_valid"), input(&sim, "push_data"));
        let ready = input(&sim, "pop_ready");
        let (in_ready, count) = (output(&sim, "push_ready"), output(&sim, "count"));
        let (out_valid, out_data) = (output(&sim, "pop_valid"), output(&sim, "pop_data"));
        sim.reset(2).unwrap();
        let (mut model, mut offer, mut received, mut fullest) = (VecDeque::new(), None, 0, 0);
        for cycle in 0..4000 {
            offer = offer.or_else(|| (!random.one_in(input_stall)).then(|| random.next() & 0xffff));
            sim.set(valid, offer.is_some() as u64);
            sim.set(data, offer.unwrap_or(0xdead));
            let take = !random.one_in(output_stall);
            sim.set(ready, take as u64);
            let place = format!("seed {seed:#x}, depth {depth}, cycle {cycle}");
            assert_eq!(sim.get(count), model.len() as u64, "{place}");
            assert_eq!(sim.get(in_ready) == 1, model.len() < depth, "{place}");
            assert_eq!(sim.get(out_valid) == 1, !model.is_empty(), "{place}");
            let enters = sim.get(in_ready) == 1 && offer.is_some();
            if take && let Some(word) = model.pop_front() {
                assert_eq!(sim.get(out_data), word, "{place}");
                received += 1;
            }
            if enters {
                model.extend(offer.take());
            }
            fullest = fullest.max(model.len());
            sim.step(1).unwrap();
        }
        assert!(received > 500, "only {received} words arrived");
        assert!(output_stall > 2 || fullest == depth, "never full");
    }

    #[test]
    fn words_arrive_once_and_in_order_under_random_stalls() {
        for depth in [2, 3, 4, 5, 8, 16] {
            words_arrive_in_order(depth, 2, 2);
            words_arrive_in_order(depth, 100, 2);
            words_arrive_in_order(depth, 2, 100);
        }
    }

    #[test]
    fn a_word_is_offered_one_cycle_after_it_enters_and_every_cycle_moves_one() {
        let mut sim = Simulator::new(&elaborate(&Fifo { bits: 8, depth: 2 }).unwrap()).unwrap();
        let (valid, data) = (sim.input("push_valid").unwrap(), sim.input("push_data").unwrap());
        let ready = sim.input("pop_ready").unwrap();
        let (out_valid, out_data) = (sim.output("pop_valid").unwrap(), sim.output("pop_data").unwrap());
        sim.reset(1).unwrap();
        sim.set(valid, 1);
        sim.set(ready, 1);
        for word in 0..20 {
            sim.set(data, word);
            sim.step(LATENCY_CYCLES as u64).unwrap();
            assert_eq!((sim.get(out_valid), sim.get(out_data)), (1, word));
        }
    }

    #[test]
    #[should_panic(expected = "a FIFO of 1 words; expected at least 2")]
    fn a_queue_of_one_word_is_refused() {
        let _ = elaborate(&Fifo { bits: 8, depth: 1 });
    }
}
