//! What random designs (`testbench/fuzz`) have found, each as small as it gets.

use rtl::verilog::{Options, emit_string};
use rtl::{Builder, Module, Ports, Signal, bundle, cat, elaborate, lit, mux, select};

use crate::meaning::compare;
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

bundle! {
    struct ConstantOut { value: Signal }
}

/// Conditions that never change: nothing would start a block that waits for a change.
#[derive(Debug)]
struct ConstantConditions;

impl Module for ConstantConditions {
    type In = ();
    type Out = ConstantOut;

    fn name(&self) -> String {
        "constant_conditions".into()
    }

    fn inputs(&self, _: &Ports) {}

    fn build(&self, m: &Builder, _: ()) -> ConstantOut {
        let zero = m.register("zero", 2).reset(0);
        zero.set(lit(0, 2));
        let value = m.wire("value_wire", 4);
        value.set(5u8);
        m.when(lit(0, 1), || value.set(6u8)).otherwise(|| {
            m.when(lit(1, 1), || value.set(7u8));
        });
        m.when(lit(0, 1), || value.set(zero.q.zero_extend(4)));
        // Made of constants in every way that there is.
        let (a, b) = (lit(11, 4), lit(6, 4));
        let shifted = a.shift_left(lit(1, 2)) ^ a.shift_right(lit(2, 2)) ^ a.shift_right_signed(lit(7, 3));
        let products = (a * b).truncate(4) + a.mul_signed(b).truncate(4);
        let bits = [(a & b).any(), (a | b).all(), (a ^ b).parity(), a.lt(b), a.lt_signed(b), (a - b).eq(shifted)];
        let never = bits.into_iter().fold(products.eq(5u8), |all, bit| all ^ bit);
        // A choice between equals is one, whatever decides it.
        let equal = mux(zero.q.msb(), lit(0, 2), cat([lit(0, 1), lit(0, 1)]));
        m.when(select(zero.q, [equal, lit(0, 2), equal]).any(), || value.set(9u8));
        m.when(never, || value.set(8u8)).otherwise(|| value.set(select(a, [shifted, products, !shifted])));
        ConstantOut { value: value.value }
    }
}

#[test]
fn blocks_whose_conditions_never_change_have_a_value_from_the_start() {
    let design = elaborate(&ConstantConditions).unwrap();
    assert_clean(&design, &Options::simulation());
    assert_eq!(compare(&design, 3, |_| vec![rtl::Bits::zero(1)]), 3);
}

bundle! {
    struct BitOut { found: Signal }
}

/// A memory whose words are single bits.
#[derive(Debug)]
struct BitMemory;

impl Module for BitMemory {
    type In = In;
    type Out = BitOut;

    fn name(&self) -> String {
        "bit_memory".into()
    }

    fn inputs(&self, ports: &Ports) -> In {
        In { address: ports.input("address", 3), data: ports.bit("data") }
    }

    fn build(&self, m: &Builder, io: In) -> BitOut {
        let memory = m.memory("flags", 8, 1);
        memory.write(io.address, io.data, lit(1, 1));
        BitOut { found: memory.read("flag", io.address) }
    }
}

#[test]
fn verilator_can_tell_the_words_of_a_memory_of_bits() {
    let design = elaborate(&BitMemory).unwrap();
    assert_clean(&design, &Options::simulation());
    assert!(
        emit_string(&design, &Options::simulation()).contains("reg [0:0] flags [0:7] /*verilator public_flat_rw*/")
    );
    assert!(emit_string(&design, &Options::default()).contains("reg flags [0:7];"));
}
