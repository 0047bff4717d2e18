//! Whole files as they should read. After a wanted change: `TESSERA_UPDATE=1 cargo test -p tessera-rtl expected`.

use std::path::Path;

use rtl::elaborate;
use rtl::generic::Fifo;
use rtl::verilog::{Options, emit};

use crate::designs::{Machine, SinglePortRam};

fn check(design: &rtl::Design) {
    let options = Options { generator: "Tessera".into(), ..Options::default() };
    let file = emit(design, &options).pop().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verilog/expected").join(&file.name);
    if std::env::var_os("TESSERA_UPDATE").is_some() {
        std::fs::write(&path, &file.text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = file.text.lines().zip(expected.lines()).position(|(a, b)| a != b);
    assert!(
        file.text == expected,
        "{} differs, first in line {:?}:\n{}",
        file.name,
        difference.map(|n| n + 1),
        file.text
    );
}

#[test]
fn a_state_machine_with_memories_and_children_reads_as_expected() {
    check(&elaborate(&Machine).unwrap());
}

#[test]
fn a_queue_reads_as_expected() {
    check(&elaborate(&Fifo { depth: 5, bits: 8 }).unwrap());
}

#[test]
fn a_single_port_memory_reads_as_expected() {
    check(&elaborate(&SinglePortRam).unwrap());
}
