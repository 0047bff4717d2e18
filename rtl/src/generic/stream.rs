//! Streams: the one handshake of this project.
//!
//! ```text
//!   producer               consumer
//!      | ---- valid, data ---> |      forward: a `Stream`
//!      | <------- ready ------ |      backward: one bit
//! ```
//! 1. A transfer takes place at every rising clock edge, reset low, at which `valid` and `ready` are both high.
//! 2. Once `valid` is high it stays high, and `data` stays the same, until the transfer.
//! 3. `valid` never depends combinationally on `ready`; `ready` may depend on `valid`.
//! 4. `data` means nothing while `valid` is low. During reset `valid` is low, or its transfers are ignored.

use crate::builder::Builder;
use crate::module::{Bundle, Ports, join_name};
use crate::signal::Signal;

/// The forward half of a stream; its `ready` is a signal of its own, because it goes the other way.
#[derive(Clone, Copy, Debug)]
pub struct Stream<D> {
    /// The producer offers `data`.
    pub valid: Signal,
    /// What is transferred.
    pub data: D,
}

impl<D: Bundle> Bundle for Stream<D> {
    fn map(&self, name: &str, f: &mut dyn FnMut(&str, Signal) -> Signal) -> Self {
        let valid = self.valid.map(&join_name(name, "valid"), f);
        Stream { valid, data: self.data.map(&join_name(name, "data"), f) }
    }
}

impl<D: Bundle> Stream<D> {
    /// True (one bit) in cycles that end with a transfer.
    #[track_caller]
    pub fn transfer(&self, ready: Signal) -> Signal {
        self.valid & ready
    }

    /// The same stream with its data replaced.
    pub fn with<E>(&self, data: E) -> Stream<E> {
        Stream { valid: self.valid, data }
    }

    /// Asserts rule 2 of the contract: an offer that is not taken stays as it is.
    #[track_caller]
    pub fn assert_stable(&self, m: &Builder, name: &str, ready: Signal) {
        m.scope(name, || {
            let waiting = (self.valid & !ready).register_reset("was_waiting");
            let before = self.data.register_all("was_data");
            let same = before.signals().into_iter().zip(self.data.signals()).map(|(a, b)| a.eq(b));
            let same = same.reduce(|a, b| a & b).unwrap_or(self.valid);
            m.assert("stays", !waiting | (self.valid & same));
        });
    }
}

impl Ports {
    /// Inputs `name_valid` and `name_data` (`width` bits).
    #[track_caller]
    pub fn stream(&self, name: &str, width: usize) -> Stream<Signal> {
        let ports = self.nested(name);
        Stream { valid: ports.bit("valid"), data: ports.input("data", width) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Simulator;
    use crate::{Module, bundle, elaborate};

    bundle! {
        struct In { offer: Stream<Signal>, ready: Signal }
    }
    bundle! {
        struct Out { transfer: Signal, later: Stream<Signal> }
    }

    #[derive(Debug)]
    struct Watch;

    impl Module for Watch {
        type In = In;
        type Out = Out;
        fn name(&self) -> String {
            "watch".into()
        }
        fn inputs(&self, ports: &Ports) -> In {
            In { offer: ports.stream("offer", 8), ready: ports.bit("ready") }
        }
        fn build(&self, m: &Builder, io: In) -> Out {
            io.offer.assert_stable(m, "offer", io.ready);
            Out { transfer: io.offer.transfer(io.ready), later: io.offer.with(io.offer.data + 1).register_all("later") }
        }
    }

    /// Offers 1, then `second`, with `valid` in the second cycle; the first is taken if `ready`.
    fn offer(ready: u64, valid: u64, second: u64) -> Result<(), String> {
        let mut sim = Simulator::new(&elaborate(&Watch).unwrap()).unwrap();
        let port = |name| sim.input(name).unwrap();
        let (valid_port, data, ready_port) = (port("offer_valid"), port("offer_data"), port("ready"));
        sim.reset(1).unwrap();
        sim.set(valid_port, 1);
        sim.set(data, 1);
        sim.set(ready_port, ready);
        let transfer = sim.output("transfer").unwrap();
        assert_eq!(sim.get(transfer), ready);
        sim.step(1).unwrap();
        sim.set(valid_port, valid);
        sim.set(data, second);
        sim.step(1).map_err(|failure| failure.to_string())
    }

    #[test]
    fn an_offer_that_is_not_taken_must_stay() {
        assert!(offer(1, 1, 2).is_ok() && offer(1, 0, 2).is_ok() && offer(0, 1, 1).is_ok());
        for broken in [offer(0, 1, 2), offer(0, 0, 1)] {
            assert!(broken.unwrap_err().contains("offer_stays"));
        }
    }
}
