//! What random designs (`testbench/fuzz`) have found, each as small as it gets.

use rtl::verilog::{Options, emit_string};
use rtl::{Builder, Module, Ports, Signal, bundle, elaborate};

use crate::tools::assert_clean;

bundle! {
    struct In { address: Signal, data: Signal }
}
bundle! {
    struct Out { word: Signal }
}

/// Two asynchronous reads, one of which nothing observes; the depth is not a power of two.
#[derive(Debug)]
struct UnobservedRead;

impl Module for UnobservedRead {
    type In = In;
    type Out = Out;

    fn name(&self) -> String {
        "unobserved_read".into()
    }

    fn inputs(&self, ports: &Ports) -> In {
        In { address: ports.input("address", 3), data: ports.input("data", 8) }
    }

    fn build(&self, m: &Builder, io: In) -> Out {
        let memory = m.memory("words", 5, 8);
        memory.write(io.address, io.data, io.data.any());
        memory.read("unobserved", io.address + 1);
        Out { word: memory.read("word_read", io.address) }
    }
}

#[test]
fn unobserved_asynchronous_reads_have_a_text_and_stay_in_range() {
    let design = elaborate(&UnobservedRead).unwrap();
    assert_clean(&design, &Options::default());
    let text = emit_string(&design, &Options::default());
    assert!(text.contains(">= 3'd5) $error(\"%m: read past the last word of words\")"), "{text}");
    assert!(!text.contains("unobserved ="), "{text}");
}
