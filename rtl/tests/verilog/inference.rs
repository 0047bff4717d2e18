//! Memories and products become the blocks that FPGAs have for them, on two families and without any vendor primitive
//! in the text. `MULT18X18D`, `DP16KD` and `TRELLIS_DPR16X4` are the blocks of an ECP5; `DSP48E1`, `RAMB36E1` and
//! `RAM64M` those of a Xilinx 7 series.

use rtl::verilog::Options;
use rtl::{Builder, Module, Ports, Signal, bundle, elaborate};

use crate::tools::Folder;

bundle! {
    struct In { address: Signal, read_address: Signal, data: Signal, lanes: Signal, enable: Signal }
}
bundle! {
    struct Out { q: Signal }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// 2048 words of 72 bits on one port, one write enable for 9 bits.
    SinglePort,
    /// 2048 words of 72 bits, one port that writes and one that reads.
    OneWriteOneRead,
    /// 64 words of 16 bits, read asynchronously.
    Distributed,
    /// 11 x 11 bits.
    Product,
    /// The same, signed, between registers.
    SignedProduct,
}

#[derive(Debug)]
struct Block {
    kind: Kind,
}

impl Module for Block {
    type In = In;
    type Out = Out;

    fn name(&self) -> String {
        "block".into()
    }

    fn inputs(&self, ports: &Ports) -> In {
        let (address, width) = match self.kind {
            Kind::Distributed => (6, 16),
            _ => (11, 72),
        };
        In {
            address: ports.input("address", address),
            read_address: ports.input("read_address", address),
            data: ports.input("data", width),
            lanes: ports.input("lanes", 8),
            enable: ports.bit("enable"),
        }
    }

    fn build(&self, m: &Builder, io: In) -> Out {
        let q = match self.kind {
            Kind::SinglePort => m.memory("words", 2048, 72).access("word", io.enable, io.address, io.data, io.lanes),
            Kind::OneWriteOneRead => {
                let words = m.memory("words", 2048, 72).collision_free();
                words.write(io.address, io.data, io.lanes.bit(0));
                words.read_registered("word", io.read_address, io.enable)
            }
            Kind::Distributed => {
                let words = m.memory("words", 64, 16);
                words.write(io.address, io.data, io.enable);
                words.read("word", io.read_address)
            }
            Kind::Product => io.address * io.read_address,
            Kind::SignedProduct => {
                io.address.register("a").mul_signed(io.read_address.register("b")).register("product")
            }
        };
        Out { q }
    }
}

/// Asserts how many of which cells synthesis makes.
fn assert_cells(kind: Kind, ecp5: &str, xilinx: &str) {
    let design = elaborate(&Block { kind }).unwrap();
    let folder = Folder::new(&design, &Options::default());
    for (synthesis, cells) in [("synth_ecp5", ecp5), ("synth_xilinx -noiopad", xilinx)] {
        let (count, cell) = cells.split_once(' ').unwrap();
        folder.yosys(&format!("read_verilog *.v; {synthesis} -top block; select -assert-count {count} t:{cell}"));
    }
}

#[test]
fn a_single_port_memory_with_lanes_is_block_ram() {
    assert_cells(Kind::SinglePort, "8 DP16KD", "4 RAMB36E1");
}

#[test]
fn a_memory_with_one_write_and_one_read_port_is_block_ram() {
    assert_cells(Kind::OneWriteOneRead, "8 DP16KD", "4 RAMB36E1");
}

#[test]
fn an_asynchronously_read_memory_is_distributed_ram() {
    assert_cells(Kind::Distributed, "16 TRELLIS_DPR16X4", "6 RAM64M");
}

#[test]
fn products_are_dsp_blocks() {
    assert_cells(Kind::Product, "1 MULT18X18D", "1 DSP48E1");
    assert_cells(Kind::SignedProduct, "1 MULT18X18D", "1 DSP48E1");
}
