//! Native and Verilator show the same.

use rtl::wave::TraceOptions;
use tile::TileConfig;

use super::collect::{Collected, SIMULATORS, collect};

/// Every name of one is in the other, with every change. Returns how many names and changes were compared.
fn assert_same(one: &Collected, other: &Collected) -> (usize, usize) {
    let names = |collected: &Collected| collected.names.keys().cloned().collect::<Vec<_>>();
    let (ones, others) = (names(one), names(other));
    let missing: Vec<&String> = ones.iter().filter(|name| !other.names.contains_key(*name)).collect();
    assert!(
        missing.is_empty(),
        "{} names are only in one waveform: {:?}",
        missing.len(),
        &missing[..missing.len().min(9)]
    );
    assert_eq!(ones, others);
    let mut changes = 0;
    for (name, (kind, variable)) in &one.names {
        let (other_kind, other_variable) = other.names[name];
        assert_eq!(*kind, other_kind, "{name}");
        assert_eq!(one.changes[*variable], other.changes[other_variable], "{name}");
        changes += one.changes[*variable].len();
    }
    (ones.len(), changes)
}

#[test]
fn both_simulators_show_the_same_names_and_changes() {
    // With FP32 and with exact accumulators.
    for config in [TileConfig::ipu64(), TileConfig::small16()] {
        let [native, verilator] = SIMULATORS.map(|simulator| collect(&config, simulator, TraceOptions::default()));
        let (names, changes) = assert_same(&native, &verilator);
        println!("{}: {names} names with {changes} changes are the same", config.name);
        assert!(names > 1000 && changes > 100_000, "{}: {names} names, {changes} changes", config.name);
    }
}
