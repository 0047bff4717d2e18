//! Arbiter: at most one of several requests is granted, the first in the list before the others.
//!
//! ```text
//!  requests[0] ----> +----------------+ ----> grants[0]   granted whenever it asks
//!  requests[1] ----> | fixed_priority | ----> grants[1]   granted while 0 does not ask
//!  requests[n] ----> +----------------+ ----> grants[n]   granted while no other asks
//! ```
//! | Contract   |                                                                      |
//! |------------|----------------------------------------------------------------------|
//! | Latency    | none: combinational                                                  |
//! | Grants     | at most one; exactly one while anything is requested                  |
//! | Does not   | remember: a low priority waits as long as a higher one asks           |

use super::tree::tree;
use crate::signal::Signal;

/// One grant for each request (one bit each); the first request has the highest priority.
#[track_caller]
pub fn fixed_priority(requests: &[Signal]) -> Vec<Signal> {
    let grant = |(i, &request): (usize, &Signal)| match i {
        0 => request,
        _ => request & !tree(&requests[..i], |a, b| a | b),
    };
    requests.iter().enumerate().map(grant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Simulator;
    use crate::{Builder, Module, Ports, bundle, elaborate};

    bundle! {
        struct In { requests: Vec<Signal> }
    }
    bundle! {
        struct Out { grants: Vec<Signal> }
    }

    #[derive(Debug)]
    struct Arbiter;

    impl Module for Arbiter {
        type In = In;
        type Out = Out;
        fn name(&self) -> String {
            "arbiter".into()
        }
        fn inputs(&self, ports: &Ports) -> In {
            In { requests: ports.array("requests", 7, 1) }
        }
        fn build(&self, _: &Builder, io: In) -> Out {
            Out { grants: fixed_priority(&io.requests) }
        }
    }

    #[test]
    fn the_first_request_is_granted_and_no_other() {
        let mut sim = Simulator::new(&elaborate(&Arbiter).unwrap()).unwrap();
        let requests: Vec<_> = (0..7).map(|i| sim.input(&format!("requests_{i}")).unwrap()).collect();
        let grants: Vec<_> = (0..7).map(|i| sim.output(&format!("grants_{i}")).unwrap()).collect();
        for pattern in 0..1u64 << 7 {
            for (i, &request) in requests.iter().enumerate() {
                sim.set(request, pattern >> i & 1);
            }
            let granted = (0..7).fold(0, |granted, i| granted | sim.get(grants[i]) << i);
            assert_eq!(granted, pattern & pattern.wrapping_neg(), "requests {pattern:#b}");
        }
    }
}
