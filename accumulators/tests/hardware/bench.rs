//! Every arithmetic unit side by side: one build of each simulator serves all comparisons.
//!
//! ```text
//!   x, w, enable --> dot_product_t1 .. t16 --+--> fp32_accumulate_t*  --> fp32_steps
//!   fp32_states, exact_states -- as in a lane +--> exact*_accumulate_t* -> exact_steps
//!   read_fp32, read_exact, mode, advance -------> read_out units --------> fp32_results, exact_results
//!   number -------------------------------------> partial-sum units -----> partials
//! ```
//! Each output has a unit's flags on top of its result.

use std::collections::{BTreeMap, BTreeSet};

use accumulators::arithmetic::Arithmetic;
use accumulators::dot_product::{DotProduct, DotProductIn, DotProductOut};
use accumulators::exact::ExactAccumulate;
use accumulators::format::FP16;
use accumulators::lane::{AccumulateIn, AccumulateOut};
use accumulators::multiply_add::MultiplyAddIn;
use accumulators::partial_sum::{ExactPartial, PartialIn};
use accumulators::read_out::{self, RANDOM_BITS, ReadOut, ReadOutIn, ReadOutMode, ReadOutOut};
use accumulators::unpack::unpack;
use accumulators::{AccumulatorKind, AmpConfig, Target};
use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit};

/// Which units there are. Beside them, always: the two FP32 read-out units.
#[derive(Clone, Debug)]
pub struct Bench {
    /// Terms of the FP32 accumulators.
    pub fp32: Vec<usize>,
    /// Terms and bits of the exact accumulators.
    pub exact: Vec<(usize, usize)>,
    /// What the lanes are built for.
    pub target: Target,
    /// Bits of the exact read-out and partial-sum units.
    pub exact_bits: Vec<usize>,
}

impl Bench {
    /// Every number of terms with both kinds of the named configurations, and exact ones of the least and most bits.
    pub fn full() -> Bench {
        let terms = [1, 2, 4, 8, 16];
        let named = terms.map(|terms| (terms, 104));
        Bench {
            fp32: terms.to_vec(),
            exact: named.into_iter().chain([(4, 88), (16, 120)]).collect(),
            target: Target::StandardCells,
            exact_bits: vec![104, 88, 120],
        }
    }

    /// Lanes for FPGAs, one or many terms.
    pub fn fpga() -> Bench {
        let exact = vec![(1, 104), (4, 104), (16, 120)];
        Bench { fp32: vec![1, 4], exact, target: Target::Fpga, exact_bits: vec![] }
    }

    /// One of each, and of FP32 that of one term.
    pub fn small() -> Bench {
        let target = Target::StandardCells;
        Bench { fp32: vec![1, 4], exact: vec![(4, 104)], target, exact_bits: vec![104] }
    }

    /// The same lanes for FPGAs.
    pub fn small_fpga() -> Bench {
        Bench { target: Target::Fpga, exact_bits: vec![], ..Bench::small() }
    }

    /// Its outputs, in order.
    pub fn units(&self) -> Vec<Unit> {
        let target = self.target;
        let fp32 = self.fp32.iter().map(|&terms| Unit::Fp32Step { terms, target });
        let exact = self.exact.iter().map(|&(terms, bits)| Unit::ExactStep { terms, bits, target });
        let both = [true, false];
        let fp32_results = both.map(|with_fp32| Unit::Fp32Result { with_fp32 });
        let exact_results = both
            .into_iter()
            .flat_map(|with_fp32| self.exact_bits.iter().map(move |&bits| Unit::ExactResult { bits, with_fp32 }));
        let partials = self.exact_bits.iter().map(|&bits| Unit::Partial { bits });
        fp32.chain(exact).chain(fp32_results).chain(exact_results).chain(partials).collect()
    }
}

/// The lane that a step belongs to.
fn lane(terms: usize, accumulator: AccumulatorKind, target: Target) -> AmpConfig {
    AmpConfig { terms, rows: 16, accumulator, target }
}

/// One output of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Fp32Step { terms: usize, target: Target },
    ExactStep { terms: usize, bits: usize, target: Target },
    Fp32Result { with_fp32: bool },
    ExactResult { bits: usize, with_fp32: bool },
    Partial { bits: usize },
}

impl Unit {
    /// Cycles from the operands; of results, cycles with `advance`.
    pub fn latency_cycles(self) -> usize {
        match self {
            Unit::Fp32Step { terms, target } => {
                let lane = lane(terms, AccumulatorKind::Fp32, target);
                lane.state_cycles() + lane.accumulate_cycles()
            }
            Unit::ExactStep { terms, bits, target } => {
                let lane = lane(terms, AccumulatorKind::Exact { bits }, target);
                lane.state_cycles() + lane.accumulate_cycles()
            }
            Unit::Fp32Result { .. } | Unit::ExactResult { .. } => read_out::LATENCY_CYCLES,
            // Combinational; the register is the bench's.
            Unit::Partial { .. } => 1,
        }
    }

    /// Its events and flags, as they stand above the result, the most significant first.
    pub fn flags(self) -> &'static [&'static str] {
        match self {
            Unit::Fp32Step { .. } | Unit::ExactStep { .. } => &["NV", "NX", "HR"],
            Unit::Fp32Result { .. } | Unit::ExactResult { .. } => {
                &["nan", "overflow", "zeroed", "NV", "OF", "UF", "NX"]
            }
            Unit::Partial { .. } => &["NV", "OF", "NX"],
        }
    }

    /// Flags that it never raises.
    pub fn silent_flags(self) -> &'static [&'static str] {
        match self {
            Unit::Fp32Step { .. } => &["HR"],
            Unit::ExactStep { .. } => &["NX"],
            Unit::ExactResult { .. } => &["NV"],
            Unit::Fp32Result { .. } | Unit::Partial { .. } => &[],
        }
    }

    /// Bits below the flags.
    pub fn result_bits(self) -> usize {
        match self {
            Unit::Fp32Step { .. } | Unit::Fp32Result { .. } | Unit::ExactResult { .. } => 32,
            Unit::ExactStep { bits, .. } | Unit::Partial { bits } => bits + 3,
        }
    }

    /// It moves with `advance` only.
    pub fn is_result(self) -> bool {
        matches!(self, Unit::Fp32Result { .. } | Unit::ExactResult { .. })
    }
}

bundle! {
    pub struct BenchIn {
        /// 16 FP16 numbers, four a port.
        x: Vec<Signal>,
        w: Vec<Signal>,
        enable: Signal,
        fp32_states: Vec<Signal>,
        exact_states: Vec<Signal>,
        advance: Signal,
        mode: ReadOutMode,
        random: Signal,
        read_fp32: Signal,
        read_exact: Vec<Signal>,
        number: Signal,
    }
}

bundle! {
    pub struct BenchOut {
        fp32_steps: Vec<Signal>,
        exact_steps: Vec<Signal>,
        fp32_results: Vec<Signal>,
        exact_results: Vec<Signal>,
        partials: Vec<Signal>,
    }
}

fn step_output(out: &AccumulateOut) -> Signal {
    cat([out.flags.invalid, out.flags.inexact, out.flags.headroom, out.next_state])
}

fn result_output(out: &ReadOutOut) -> Signal {
    let (flags, events) = (&out.flags, &out.events);
    let flags = [flags.invalid, flags.overflow, flags.underflow, flags.inexact];
    cat([cat([events.nan, events.overflow, events.zeroed]), cat(flags), out.result])
}

impl Module for Bench {
    type In = BenchIn;
    type Out = BenchOut;

    fn name(&self) -> String {
        "arithmetic_bench".into()
    }

    fn inputs(&self, ports: &Ports) -> BenchIn {
        let exact = |name: &str, bits: &mut dyn Iterator<Item = usize>| {
            bits.enumerate().map(|(i, bits)| ports.input(&format!("{name}_{i}"), bits + 3)).collect()
        };
        BenchIn {
            x: ports.array("x", 4, 64),
            w: ports.array("w", 4, 64),
            enable: ports.input("enable", 16),
            fp32_states: ports.array("fp32_states", self.fp32.len(), 32),
            exact_states: exact("exact_states", &mut self.exact.iter().map(|&(_, bits)| bits)),
            advance: ports.bit("advance"),
            mode: ReadOutMode::ports(&ports.nested("mode")),
            random: ports.input("random", RANDOM_BITS),
            read_fp32: ports.input("read_fp32", 32),
            read_exact: exact("read_exact", &mut self.exact_bits.iter().copied()),
            number: ports.input("number", 32),
        }
    }

    fn build(&self, m: &Builder, io: BenchIn) -> BenchOut {
        m.summary("All arithmetic units side by side.");
        let (x, w) = (cat(reversed(&io.x)), cat(reversed(&io.w)));
        let most = self.fp32.iter().copied().chain(self.exact.iter().map(|&(terms, _)| terms)).max().unwrap_or(1);
        m.unused((vec![x, w], io.enable));
        let x: Vec<_> = (0..most).map(|i| unpack(&format!("x_{i}"), x.bits(16 * i..16 * (i + 1)), FP16)).collect();

        let target = self.target;
        let terms: BTreeSet<usize> =
            self.fp32.iter().copied().chain(self.exact.iter().map(|&(terms, _)| terms)).collect();
        let products: BTreeMap<usize, DotProductOut> = terms
            .into_iter()
            .map(|terms| {
                let (w, enable) = (w.bits(0..16 * terms), io.enable.bits(0..terms));
                let inputs = DotProductIn { x: x[..terms].to_vec(), w, enable };
                (terms, m.instance(&format!("dot_product_{terms}"), &DotProduct { terms, target }, inputs))
            })
            .collect();
        // The states come as late as in a lane.
        let accumulate_in = |name: String, terms: usize, state: Signal, cycles: usize| AccumulateIn {
            products: products[&terms].clone(),
            state: state.delay(&name, cycles, false),
        };
        let fp32_steps = self.fp32.iter().zip(&io.fp32_states).enumerate().map(|(i, (&terms, &state))| {
            let arithmetic = lane(terms, AccumulatorKind::Fp32, target).arithmetic();
            let (name, instance) = (format!("fp32_state_{i}"), format!("fp32_accumulate_{i}"));
            step_output(&match &arithmetic {
                Arithmetic::MultiplyAdd(multiply_add) => {
                    let state = state.delay(&name, arithmetic.state_cycles(), false);
                    let (x, w, enable) = (x[0].clone(), w.bits(0..16), io.enable.bit(0));
                    m.instance(&instance, multiply_add, MultiplyAddIn { x, w, enable, state })
                }
                Arithmetic::Fp32(_, fp32) => {
                    m.instance(&instance, fp32, accumulate_in(name, terms, state, arithmetic.state_cycles()))
                }
                Arithmetic::Exact(..) => unreachable!("an FP32 accumulator"),
            })
        });
        let exact_steps = self.exact.iter().zip(&io.exact_states).enumerate().map(|(i, (&(terms, bits), &state))| {
            let cycles = lane(terms, AccumulatorKind::Exact { bits }, target).state_cycles();
            let inputs = accumulate_in(format!("exact_state_{i}"), terms, state, cycles);
            step_output(&m.instance(&format!("exact_accumulate_{i}"), &ExactAccumulate { terms, bits, target }, inputs))
        });

        // Units without FP32 results are always told to deliver FP16.
        let read_out = |name: String, accumulator: AccumulatorKind, with_fp32: bool, state: Signal| {
            let fp16 = if with_fp32 { io.mode.fp16 } else { lit(1, 1) };
            let mode = ReadOutMode { fp16, ..io.mode.clone() };
            let inputs = ReadOutIn { advance: io.advance, state, mode, random: io.random };
            result_output(&m.instance(&name, &ReadOut { accumulator, with_fp32 }, inputs))
        };
        let suffix = |with_fp32: bool| if with_fp32 { "" } else { "_fp16" };
        let fp32_results = [true, false].map(|with_fp32| {
            read_out(format!("fp32_read_out{}", suffix(with_fp32)), AccumulatorKind::Fp32, with_fp32, io.read_fp32)
        });
        let exact_results = [true, false].into_iter().flat_map(|with_fp32| {
            self.exact_bits.iter().zip(&io.read_exact).map(move |(&bits, &state)| {
                let name = format!("exact{bits}_read_out{}", suffix(with_fp32));
                read_out(name, AccumulatorKind::Exact { bits }, with_fp32, state)
            })
        });

        let partials = self.exact_bits.iter().map(|&bits| {
            let name = format!("exact{bits}_partial");
            let out = m.instance(&name, &ExactPartial { bits }, PartialIn { number: io.number });
            cat([out.invalid, out.overflow, out.inexact, out.state]).register(&format!("{name}_1"))
        });
        BenchOut {
            fp32_steps: fp32_steps.collect(),
            exact_steps: exact_steps.collect(),
            fp32_results: fp32_results.to_vec(),
            exact_results: exact_results.collect(),
            partials: partials.collect(),
        }
    }
}

fn reversed(signals: &[Signal]) -> Vec<Signal> {
    signals.iter().rev().copied().collect()
}
