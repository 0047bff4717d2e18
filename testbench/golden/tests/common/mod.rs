//! What the oracle tests share: an oracle, random operands, and a scoreboard.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod oracle;
pub mod stimulus;

use golden::Flags;
use std::collections::BTreeMap;

/// Counts comparisons and collects differences. It fails on any difference and when nothing was compared.
pub struct Scoreboard {
    claim: String,
    compared: u64,
    differences: u64,
    first_difference: Option<String>,
    notes: BTreeMap<&'static str, u64>,
}

impl Scoreboard {
    pub fn new(claim: impl Into<String>) -> Scoreboard {
        let claim = claim.into();
        Scoreboard { claim, compared: 0, differences: 0, first_difference: None, notes: BTreeMap::new() }
    }

    /// One comparison; `describe` names the operands of a difference.
    pub fn compare<T: PartialEq + std::fmt::Debug>(&mut self, actual: T, expected: T, describe: impl Fn() -> String) {
        self.compared += 1;
        if actual != expected {
            self.differences += 1;
            self.first_difference
                .get_or_insert_with(|| format!("{}: got {actual:x?}, expected {expected:x?}", describe()));
        }
    }

    /// Counts how often something of interest happened.
    pub fn note(&mut self, what: &'static str, happened: bool) {
        *self.notes.entry(what).or_default() += u64::from(happened);
    }

    pub fn noted(&self, what: &str) -> u64 {
        self.notes.get(what).copied().unwrap_or(0)
    }

    pub fn note_flags(&mut self, flags: Flags) {
        self.note("nv", flags.nv);
        self.note("of", flags.of);
        self.note("uf", flags.uf);
        self.note("nx", flags.nx);
        self.note("hr", flags.hr);
    }

    pub fn differences(&self) -> u64 {
        self.differences
    }

    /// Prints the counts; panics on a difference or if fewer than `at_least` comparisons were made.
    pub fn finish(self, at_least: u64) {
        println!("{}: {} compared, {} differ {:?}", self.claim, self.compared, self.differences, self.notes);
        assert!(self.compared >= at_least.max(1), "{}: only {} compared", self.claim, self.compared);
        assert_eq!(self.differences, 0, "{}: {}", self.claim, self.first_difference.unwrap_or_default());
    }
}
