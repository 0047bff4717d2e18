//! Events and their counters.

use accumulators::amp::ResultCounts;
use isa::Register;
use isa::register;
use rtl::{Builder, Ports, Signal, bundle, lit};

use super::state::State;
use crate::vector_engine;

/// Bits of the counters; `CYCLES` wraps after 78 hours at 1 GHz.
const COUNTER_BITS: usize = 48;

bundle! {
    /// What is counted while a program runs: one bit an event, or how many there are of it.
    pub struct Events {
        /// A row was issued.
        pub amp_rows: Signal,
        /// Results of the AMP that are not what they should be.
        pub amp_results: ResultCounts,
        /// The stepper waits for weights.
        pub stall_weights: Signal,
        /// The stepper waits for an accumulator row.
        pub stall_accumulator: Signal,
        /// The stepper waits for a half.
        pub stall_drain: Signal,
        /// The results port waits for its bank.
        pub conflict_results: Signal,
        /// The inputs port waits for its bank.
        pub conflict_inputs: Signal,
        /// The weights port waits for its bank.
        pub conflict_weights: Signal,
        /// The partials port waits for its bank.
        pub conflict_partials: Signal,
        /// The lists port waits for its bank.
        pub conflict_lists: Signal,
        /// The sequencer port waits for its bank.
        pub conflict_sequencer: Signal,
        /// The host port waits for its bank.
        pub conflict_host: Signal,
        /// Of the vector engine.
        pub vector: Option<VectorEvents>,
        /// Of the exchange.
        pub exchange: Option<ExchangeEvents>,
    }
}

bundle! {
    /// What is counted of the vector engine.
    pub struct VectorEvents {
        /// A command is under way.
        pub running: Signal,
        /// A port waits for its bank.
        pub conflict: Signal,
        /// Results that are not what they should be.
        pub results: ResultCounts,
    }
}

bundle! {
    /// What is counted of the exchange.
    pub struct ExchangeEvents {
        /// A SYNC waits.
        pub sync: Signal,
        /// An exchange is under way.
        pub words: Signal,
    }
}

impl Events {
    /// Declares the ports, for so many results of the AMP in a cycle, with or without a vector engine and
    /// an exchange.
    pub fn ports(ports: &Ports, amp_results: usize, vector: bool, exchange: bool) -> Events {
        let bit = |name| ports.bit(name);
        Events {
            amp_rows: bit("amp_rows"),
            amp_results: ResultCounts::ports(&ports.nested("amp_results"), amp_results),
            stall_weights: bit("stall_weights"),
            stall_accumulator: bit("stall_accumulator"),
            stall_drain: bit("stall_drain"),
            conflict_results: bit("conflict_results"),
            conflict_inputs: bit("conflict_inputs"),
            conflict_weights: bit("conflict_weights"),
            conflict_partials: bit("conflict_partials"),
            conflict_lists: bit("conflict_lists"),
            conflict_sequencer: bit("conflict_sequencer"),
            conflict_host: bit("conflict_host"),
            vector: vector.then(|| VectorEvents {
                running: bit("vector_running"),
                conflict: bit("vector_conflict"),
                results: ResultCounts::ports(&ports.nested("vector_results"), vector_engine::COUNTED_LANES),
            }),
            exchange: exchange.then(|| ExchangeEvents { sync: bit("exchange_sync"), words: bit("exchange_words") }),
        }
    }

    /// The counters: they run with the program and are cleared when one starts.
    pub fn count(&self, m: &Builder, state: &State) -> Vec<(Register, Signal)> {
        let counter = |(register, events): (Register, Signal)| {
            let counter = m.register(&register.name.to_lowercase(), COUNTER_BITS).reset(0);
            let more = counter.q + events.zero_extend(COUNTER_BITS);
            m.when(state.starts, || counter.set(0)).or_when(state.running & events.any(), || counter.set(more));
            (register, counter.q)
        };
        self.by_register().into_iter().map(counter).collect()
    }

    /// Each event with the register that counts it; every cycle is one.
    fn by_register(&self) -> Vec<(Register, Signal)> {
        let mut events = vec![
            (register::CYCLES, lit(1, 1)),
            (register::AMP_ROWS, self.amp_rows),
            (register::AMP_NANS, self.amp_results.nans),
            (register::AMP_OVERFLOWS, self.amp_results.overflows),
            (register::AMP_ZEROED, self.amp_results.zeroed),
            (register::STALL_WEIGHTS, self.stall_weights),
            (register::STALL_ACCUMULATOR, self.stall_accumulator),
            (register::STALL_DRAIN, self.stall_drain),
            (register::CONFLICT_RESULTS, self.conflict_results),
            (register::CONFLICT_INPUTS, self.conflict_inputs),
            (register::CONFLICT_WEIGHTS, self.conflict_weights),
            (register::CONFLICT_PARTIALS, self.conflict_partials),
            (register::CONFLICT_LISTS, self.conflict_lists),
            (register::CONFLICT_SEQUENCER, self.conflict_sequencer),
            (register::CONFLICT_HOST, self.conflict_host),
        ];
        if let Some(VectorEvents { running, conflict, results }) = &self.vector {
            events.extend([
                (register::VECTOR_CYCLES, *running),
                (register::CONFLICT_VECTOR, *conflict),
                (register::VECTOR_NANS, results.nans),
                (register::VECTOR_OVERFLOWS, results.overflows),
                (register::VECTOR_ZEROED, results.zeroed),
            ]);
        }
        if let Some(ExchangeEvents { sync, words }) = self.exchange {
            events.extend([(register::SYNC_CYCLES, sync), (register::EXCHANGE_CYCLES, words)]);
        }
        events
    }
}
