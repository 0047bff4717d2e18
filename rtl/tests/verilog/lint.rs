//! Every tool accepts the text, with every warning on and none waived.

use rtl::elaborate;
use rtl::generic::Fifo;
use rtl::verilog::Options;

use crate::designs::{Machine, Operators, SinglePortRam};
use crate::tools::{Folder, assert_clean};

#[test]
fn operators_are_clean_at_odd_widths() {
    for width in [2, 7, 33, 64, 65, 130] {
        assert_clean(&elaborate(&Operators { width }).unwrap(), &Options::default());
    }
}

#[test]
fn state_machines_memories_and_instances_are_clean() {
    for options in [Options::default(), Options::simulation()] {
        assert_clean(&elaborate(&Machine).unwrap(), &options);
        assert_clean(&elaborate(&SinglePortRam).unwrap(), &options);
        assert_clean(&elaborate(&Fifo { depth: 5, bits: 9 }).unwrap(), &options);
    }
}

#[test]
fn properties_are_there_for_formal_tools() {
    let design = elaborate(&Machine).unwrap();
    let folder = Folder::new(&design, &Options::default());
    // The two that are stated, and three about memories.
    folder.yosys(
        "read_verilog -formal *.v; hierarchy -check -top machine; proc; async2sync; chformal -lower; \
         select -assert-count 4 machine/t:$assert; select -assert-count 1 machine/t:$cover; check -assert",
    );
}
