//! Deliberate faults, one after the other, in a design that is sound.

use rtl::Design;
use rtl::fault::{self, Fault};

use crate::SEED;

/// The value that it hits, the fault, and what it stands for.
pub type Line = (&'static str, Fault, &'static str);

/// Injects the faults of each module, at least ten, and fails unless `run` notices every one. `run` compares up to
/// `limit` cases, and says after how many a design differs from golden.
pub fn assert_noticed(sound: &Design, faults: &[(&str, &[Line])], limit: u64, run: impl Fn(&Design) -> Option<u64>) {
    println!("seed {SEED:#x}; cases until noticed");
    let mut missed = vec![];
    for (module, faults) in faults {
        assert!(faults.len() >= 10, "{module} has {} faults", faults.len());
        println!("{module}");
        for &(name, fault, meaning) in *faults {
            let mut design = sound.clone();
            fault::inject(&mut design, module, name, fault).unwrap_or_else(|error| panic!("{error}"));
            let label = format!("{name} {fault:?}");
            match run(&design) {
                Some(after) => println!("  {after:>6}  {label:<50} {meaning}"),
                None => missed.push(format!("{module}: {label} ({meaning})")),
            }
        }
    }
    assert!(missed.is_empty(), "not noticed within {limit} cases:\n{}", missed.join("\n"));
}
