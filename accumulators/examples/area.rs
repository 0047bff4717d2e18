//! The Verilog that `scripts/ppa` measures:
//!
//! ```text
//! cargo run --package tessera-accumulators --example area -- lane|harness|amp fp32|exact TERMS cells|fpga
//! cargo run --package tessera-accumulators --example area -- transcendental|vector_alu
//! ```
//!
//! `lane` is a lane of the AMP without its memory. The operands are bit patterns, so that what unpacks them counts. The
//! state of an FP32 accumulator comes and goes; an exact one is kept in a register, as if there were one row. `harness`
//! is that lane in one of two pins, so that paths on an FPGA run from register to register:
//!
//! ```text
//!   data --> shift register --> bare_lane --> register --> folded, one bit a cycle
//! ```
//! `amp` is the AMP of 64 rows; the last two are units of the vector engine.

use accumulators::dot_product::DotProductIn;
use accumulators::format::FP16;
use accumulators::lane::AccumulateOut;
use accumulators::unpack::unpack;
use accumulators::vector::VectorAlu;
use accumulators::{AccumulatorKind, Amp, AmpConfig, Target, Transcendental};
use rtl::{Builder, Bundle, Design, ElaborationErrors, Module, Ports, Signal, bundle, cat};

/// A lane without its memory.
#[derive(Clone, Copy, Debug)]
struct BareLane {
    terms: usize,
    accumulator: AccumulatorKind,
    target: Target,
}

bundle! {
    struct BareLaneIn {
        x: Signal,
        w: Signal,
        enable: Signal,
        start: Signal,
        state: Option<Signal>,
    }
}

impl Module for BareLane {
    type In = BareLaneIn;
    type Out = AccumulateOut;

    fn name(&self) -> String {
        "bare_lane".into()
    }

    fn inputs(&self, ports: &Ports) -> BareLaneIn {
        let bits = self.terms * FP16.bits();
        BareLaneIn {
            x: ports.input("x", bits),
            w: ports.input("w", bits),
            enable: ports.input("enable", self.terms),
            start: ports.bit("start"),
            state: (self.accumulator == AccumulatorKind::Fp32).then(|| ports.input("state", 32)),
        }
    }

    fn build(&self, m: &Builder, io: BareLaneIn) -> AccumulateOut {
        let BareLane { terms, accumulator, target } = *self;
        let x = (0..terms).map(|i| unpack(&format!("x_{i}"), io.x.bits(16 * i..16 * (i + 1)), FP16)).collect();
        let operands = DotProductIn { x, w: io.w, enable: io.enable };
        let bits = accumulator.state_bits();
        let register = io.state.is_none().then(|| m.register("accumulator", bits));
        let state = io.state.or(register.as_ref().map(|register| register.q)).expect("one of the two");
        let config = AmpConfig { terms, rows: 64, accumulator, target };
        let out = config.arithmetic().instances(m, operands, state & (!io.start).repeat(bits));
        if let Some(register) = register {
            register.set(out.next_state);
        }
        out
    }
}

/// A bare lane between shift registers.
#[derive(Debug)]
struct Harness {
    lane: BareLane,
}

bundle! {
    struct HarnessIn { data: Signal }
}

bundle! {
    struct HarnessOut { folded: Signal }
}

impl Module for Harness {
    type In = HarnessIn;
    type Out = HarnessOut;

    fn name(&self) -> String {
        "harness".into()
    }

    fn inputs(&self, ports: &Ports) -> HarnessIn {
        HarnessIn { data: ports.bit("data") }
    }

    fn build(&self, m: &Builder, io: HarnessIn) -> HarnessOut {
        let BareLane { terms, accumulator, .. } = self.lane;
        let operand_bits = terms * FP16.bits();
        let mut widths = vec![operand_bits, operand_bits, terms, 1];
        widths.extend((accumulator == AccumulatorKind::Fp32).then_some(32));
        let bits = widths.iter().sum();
        let chain = m.register("chain", bits);
        chain.set(cat([chain.q.bits(0..bits - 1), io.data]));
        let mut low = 0;
        let mut parts = widths.into_iter().map(|width| {
            low += width;
            chain.q.bits(low - width..low)
        });
        let mut part = || parts.next().expect("a part for each operand");
        let inputs = BareLaneIn { x: part(), w: part(), enable: part(), start: part(), state: parts.next() };
        let lane = m.instance("lane", &self.lane, inputs);
        let captured = cat(lane.signals()).register("captured");
        let folded = m.register("folded_bits", captured.width());
        folded.set((folded.q << 1) ^ captured);
        HarnessOut { folded: folded.q.msb() }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let design = match arguments[..] {
        ["transcendental"] => rtl::elaborate(&Transcendental),
        ["vector_alu"] => rtl::elaborate(&VectorAlu),
        [unit, kind, terms, target] => of_amp(unit, kind, terms, target),
        _ => panic!("expected: lane|harness|amp fp32|exact TERMS cells|fpga, or transcendental|vector_alu"),
    };
    let design = design.unwrap_or_else(|errors| panic!("{errors}"));
    print!("{}", rtl::verilog::emit_string(&design, &rtl::verilog::Options::default()));
}

/// A part of an AMP, or all of it.
fn of_amp(unit: &str, kind: &str, terms: &str, target: &str) -> Result<Design, ElaborationErrors> {
    let accumulator = match kind {
        "fp32" => AccumulatorKind::Fp32,
        "exact" => AccumulatorKind::EXACT,
        _ => panic!("accumulator {kind}; expected fp32 or exact"),
    };
    let target = match target {
        "cells" => Target::StandardCells,
        "fpga" => Target::Fpga,
        _ => panic!("target {target}; expected cells or fpga"),
    };
    let terms = terms.parse().expect("a number of terms");
    let lane = BareLane { terms, accumulator, target };
    match unit {
        "lane" => rtl::elaborate(&lane),
        "harness" => rtl::elaborate(&Harness { lane }),
        "amp" => rtl::elaborate(&Amp { config: AmpConfig { terms, rows: 64, accumulator, target } }),
        _ => panic!("unit {unit}; expected lane, harness or amp"),
    }
}
