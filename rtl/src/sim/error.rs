//! What the simulator refuses, and how it says so.

use crate::bits::Bits;

/// A name that does not exist, or a design that cannot be simulated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulatorError {
    /// No port, register or memory has this name.
    #[error("no {kind} `{name}`; there {}", listed(available))]
    Unknown {
        /// "input", "output", "register" or "memory".
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        available: Vec<String>,
    },
    /// A path through several instances that [`crate::check`] has not refused leads back to itself.
    #[error("combinational loop through `{name}`")]
    CombinationalLoop {
        /// Hierarchical name of a signal on the loop.
        name: String,
    },
}

/// "is `a`, `b`, ..." with at most twenty names.
fn listed(names: &[String]) -> String {
    const LONGEST: usize = 20;
    if names.is_empty() {
        return "is none".into();
    }
    let shown: Vec<String> = names.iter().take(LONGEST).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(LONGEST);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} {}{rest}", if names.len() == 1 { "is" } else { "are" }, shown.join(", "))
}

/// An assertion of the design did not hold at a rising clock edge without reset. The edge is not taken: registers
/// and memories are as they were before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("assertion `{name}` failed in cycle {cycle}: {text}")]
pub struct AssertionFailure {
    /// Hierarchical name: instance names from below the top, and the property's (or the memory's).
    pub name: String,
    /// What was stated, and where.
    pub text: String,
    /// How many edges had been taken before.
    pub cycle: u64,
}

/// Why [`crate::sim::Simulator::run_until`] gave up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// An assertion of the design failed.
    #[error(transparent)]
    Assertion(#[from] AssertionFailure),
    /// The output did not take the value.
    #[error("`{port}` was not {expected:?} within {limit} cycles; it is {found:?} in cycle {cycle}")]
    TimeOut {
        /// Name of the output.
        port: String,
        /// The value that was waited for.
        expected: Bits,
        /// The value that it has.
        found: Bits,
        /// How many cycles were allowed.
        limit: u64,
        /// The cycle in which it was given up.
        cycle: u64,
    },
}
