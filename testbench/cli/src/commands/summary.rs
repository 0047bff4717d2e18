//! What is said about the run of a kernel: a table for people, an object for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use golden::reference::ErrorSummary;
use golden::{Epilogue, EpilogueFunction, Flags, OutputType, Shape};
use isa::Register;
use isa::register as counter;
use kernels::comparison::Comparison;
use kernels::device::Counters;
use kernels::matmul::MatmulProblem;
use kernels::report::KernelReport;
use serde::Serialize;
use tile::{Accumulator, TileConfig};

/// Cycles that were lost, by cause: key, words for people, and the tile's counter.
pub const STALLS: [(&str, &str, Register); 11] = [
    ("weights", "weights not loaded", counter::STALL_WEIGHTS),
    ("accumulator", "accumulator loop", counter::STALL_ACCUMULATOR),
    ("drain", "accumulators not drained or preloaded", counter::STALL_DRAIN),
    ("conflict_results", "bank conflicts of results", counter::CONFLICT_RESULTS),
    ("conflict_inputs", "bank conflicts of inputs", counter::CONFLICT_INPUTS),
    ("conflict_weights", "bank conflicts of weights", counter::CONFLICT_WEIGHTS),
    ("conflict_partials", "bank conflicts of partial sums", counter::CONFLICT_PARTIALS),
    ("conflict_lists", "bank conflicts of lists", counter::CONFLICT_LISTS),
    ("conflict_vector", "bank conflicts of the vector engine", counter::CONFLICT_VECTOR),
    ("conflict_sequencer", "bank conflicts of commands", counter::CONFLICT_SEQUENCER),
    ("conflict_host", "bank conflicts of the host", counter::CONFLICT_HOST),
];

/// Results that are not what they should be, by cause: key, words for people, and the tile's counter.
const LOST: [(&str, &str, Register); 6] = [
    ("nan", "NaN", counter::AMP_NANS),
    ("overflow", "beyond FP16's largest number", counter::AMP_OVERFLOWS),
    ("zeroed", "rounded to zero", counter::AMP_ZEROED),
    ("vector_nan", "NaN of the vector engine", counter::VECTOR_NANS),
    ("vector_overflow", "overflows of the vector engine", counter::VECTOR_OVERFLOWS),
    ("vector_zeroed", "rounded to zero by the vector engine", counter::VECTOR_ZEROED),
];

/// What there is to say about a run on one tile as on many.
pub struct Outcome<'a> {
    pub config: &'a TileConfig,
    pub work: Work,
    pub cycles: u64,
    pub predicted_cycles: u64,
    pub utilisation: f64,
    pub macs_per_cycle: u64,
    /// Of the tile, or of the one that took longest.
    pub counters: &'a Counters,
    pub flags: Flags,
    pub simulated_cycles: u64,
    pub simulation: Duration,
    pub comparison: &'a Comparison,
    /// Against FP64, where that was computed.
    pub error: Option<&'a ErrorSummary>,
}

/// What was computed.
#[derive(Clone, Copy)]
pub struct Work {
    pub sizes: Sizes,
    pub output: OutputType,
    /// The seed of stochastic rounding.
    pub stochastic: Option<u32>,
    /// What makes results of the sums.
    pub epilogue: Epilogue,
    /// Useful multiply-accumulates.
    pub macs: u64,
}

/// Sizes of what was computed. Pairs are vertical, horizontal.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum Sizes {
    Product {
        m: usize,
        n: usize,
        k: usize,
    },
    Convolution {
        batch: usize,
        image: [usize; 2],
        channels: usize,
        filters: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        dilation: [usize; 2],
        /// Top, bottom, left, right.
        padding: [usize; 4],
        groups: usize,
    },
    Sparse {
        /// The sparse matrix comes second.
        dense_times_sparse: bool,
        /// Rows of the result where the sparse matrix comes first, else columns; what is summed over; the others.
        s: usize,
        k: usize,
        n: usize,
        /// Rows and columns of a block.
        block: [usize; 2],
        /// Numbers that the sparse matrix stores, and what part of all that is.
        stored: usize,
        density: f64,
    },
}

impl From<&MatmulProblem> for Work {
    fn from(problem: &MatmulProblem) -> Work {
        let Shape { m, n, k } = problem.shape;
        let MatmulProblem { stochastic, read_out, epilogue, .. } = *problem;
        let sizes = Sizes::Product { m, n, k };
        Work { sizes, output: read_out.output, stochastic, epilogue, macs: problem.macs() }
    }
}

/// What the objects that `--json` prints have in common. Keys are stable: they are added, never renamed.
#[derive(Serialize)]
pub struct Common<'a> {
    config: &'a str,
    terms: usize,
    accumulator: &'static str,
    /// Accumulator rows of each half.
    rows: usize,
    banks: usize,
    memory_bytes: usize,
    simulator: &'a str,
    /// Of random operands.
    seed: Option<u64>,
    #[serde(flatten)]
    sizes: Sizes,
    out_type: &'static str,
    /// Rounding of FP16 results, and the seed of its random bits.
    round: &'static str,
    seed_rounding: Option<u32>,
    /// Something was added to the sums, and the function of what that gave, by the vector engine.
    residual: bool,
    epilogue: Option<&'static str>,
    /// Cycles from START to DONE, over all launches.
    cycles: u64,
    predicted_cycles: u64,
    /// Useful multiply-accumulates of those that could have been done in `cycles`, 0 to 1.
    utilisation: f64,
    macs: u64,
    macs_per_cycle: u64,
    /// Cycles lost, by cause, on the tile that took longest; causes can overlap.
    stalls: BTreeMap<&'static str, u64>,
    /// Sticky flags that were raised.
    flags: Vec<&'static str>,
    /// Results that are NaN, overflowed, or were rounded to zero; on many tiles of the tile that took longest.
    lost: BTreeMap<&'static str, u64>,
    /// Cycles of the simulation, moving data included.
    simulated_cycles: u64,
    sim_cycles_per_second: f64,
    /// Distance from the product in FP64, in units in the last place.
    max_error_ulp: Option<f64>,
    mean_error_ulp: Option<f64>,
    compared: usize,
    bit_exact: bool,
}

impl<'a> Outcome<'a> {
    /// Of a run on one tile.
    pub fn of(
        config: &'a TileConfig,
        work: Work,
        report: &'a KernelReport,
        comparison: &'a Comparison,
        simulation: Duration,
    ) -> Self {
        Outcome {
            config,
            work,
            cycles: report.cycles,
            predicted_cycles: report.predicted_cycles,
            utilisation: report.utilisation(),
            macs_per_cycle: report.macs_per_cycle,
            counters: &report.counters,
            flags: report.flags,
            simulated_cycles: report.simulated_cycles,
            simulation,
            comparison,
            error: None,
        }
    }

    /// The keys of an object that a run of either kind has.
    pub fn common(&self, simulator: &'a str, seed: Option<u64>) -> Common<'a> {
        let finite = |value: f64| value.is_finite().then_some(value);
        let Outcome { config, work, .. } = *self;
        Common {
            config: &config.name,
            terms: config.terms,
            accumulator: accumulator_name(config.accumulator),
            rows: config.rows,
            banks: config.banks,
            memory_bytes: config.memory_bytes(),
            simulator,
            seed,
            sizes: work.sizes,
            out_type: type_name(work.output),
            cycles: self.cycles,
            predicted_cycles: self.predicted_cycles,
            utilisation: self.utilisation,
            macs: work.macs,
            macs_per_cycle: self.macs_per_cycle,
            round: if work.stochastic.is_some() { "sr" } else { "rne" },
            seed_rounding: work.stochastic,
            residual: work.epilogue.residual,
            epilogue: function_name(work.epilogue.function),
            stalls: STALLS.iter().map(|(key, _, register)| (*key, self.counters.get(register))).collect(),
            flags: flag_names(self.flags),
            lost: lost(self.counters),
            simulated_cycles: self.simulated_cycles,
            sim_cycles_per_second: self.cycles_per_second(),
            max_error_ulp: self.error.and_then(|error| finite(error.max_ulp)),
            mean_error_ulp: self.error.and_then(|error| finite(error.mean_ulp)),
            compared: self.comparison.compared,
            bit_exact: self.comparison.bit_exact(),
        }
    }

    /// Simulated cycles in a second.
    fn cycles_per_second(&self) -> f64 {
        self.simulated_cycles as f64 / self.simulation.as_secs_f64()
    }

    /// The configuration, in words.
    pub fn tile_line(&self) -> String {
        let (config, kib) = (self.config, self.config.memory_bytes() / 1024);
        let accumulator = accumulator_name(config.accumulator);
        format!("{}: T = {}, {accumulator} accumulators, {kib} KiB", config.name, config.terms)
    }

    /// Sizes and types.
    pub fn work_line(&self) -> (&'static str, String) {
        let (name, sizes) = match self.work.sizes {
            Sizes::Product { m, n, k } => ("product", format!("{m} x {n} x {k} (M x N x K)")),
            Sizes::Convolution { batch, image: [h, w], channels, filters, kernel: [rows, columns], groups, .. } => {
                let images = format!("{batch} x {h} x {w} x {channels} (N x H x W x C)");
                let groups = if groups > 1 { format!(" in {groups} groups") } else { String::new() };
                ("convolution", format!("{images} with {filters} filters of {rows} x {columns}{groups}"))
            }
            Sizes::Sparse { dense_times_sparse, s, k, n, block: [rows, columns], density, .. } => {
                let blocks = format!("blocks of {rows} x {columns}, density {density:.4}");
                let sizes = match dense_times_sparse {
                    false => format!("sparse {s} x {k} times dense {k} x {n}"),
                    true => format!("dense {n} x {k} times sparse {k} x {s}"),
                };
                ("product", format!("{sizes}, {blocks}"))
            }
        };
        let residual = if self.work.epilogue.residual { ", a residual added" } else { "" };
        let function = function_name(self.work.epilogue.function).map(|name| format!(", then {name}"));
        let epilogue = format!("{residual}{}", function.unwrap_or_default());
        let seed = self.work.stochastic.map(|seed| format!(", stochastic rounding from seed {seed}"));
        (name, format!("{sizes}, fp16 to {}{epilogue}{}", type_name(self.work.output), seed.unwrap_or_default()))
    }

    /// Cycles, and what was predicted of them.
    pub fn cycles_line(&self) -> String {
        let prediction = prediction(self.cycles, self.predicted_cycles);
        format!("{} from START to DONE; {prediction}", grouped(self.cycles))
    }

    /// The lines about a run on one tile, in so many parts.
    pub fn lines_on_a_tile(&self, launches: usize, simulator: &str) -> Lines {
        let mut lines = vec![("tile", self.tile_line()), self.work_line()];
        if launches > 1 {
            let why = match self.work.sizes {
                Sizes::Convolution { batch: 2.., .. } => {
                    "one for each image, or more where it is larger than the memory"
                }
                _ => "it is larger than the memory",
            };
            lines.push(("launches", format!("{launches}: {why}")));
        }
        lines.push(("cycles", self.cycles_line()));
        lines.extend(self.lines(simulator));
        lines
    }

    /// What follows on how long it took.
    pub fn lines(&self, simulator: &str) -> Lines {
        let mut lines = vec![];
        let utilisation = 100.0 * self.utilisation;
        lines.push(("MACs", format!("{utilisation:.2} % of {} a cycle were useful", grouped(self.macs_per_cycle))));
        lines.push(("stalls", nonzero(&STALLS, self.counters)));
        let rate = grouped(self.cycles_per_second() as u64);
        let (simulated, seconds) = (grouped(self.simulated_cycles), self.simulation.as_secs_f64());
        lines.push(("simulation", format!("{simulator}, {simulated} cycles in {seconds:.2} s: {rate} cycles/s")));
        lines.extend(numeric_lines(self.flags, self.counters));
        if let Some(ErrorSummary { max_ulp, mean_ulp, .. }) = self.error {
            lines.push(("error", format!("at most {max_ulp:.3} ulp against FP64, {mean_ulp:.3} on average")));
        }
        lines.push(("golden", golden_line(self.comparison)));
        lines
    }
}

/// Lines of a table: what each is about, and what there is to say.
pub type Lines = Vec<(&'static str, String)>;

/// The table for people.
pub fn table(lines: &[(&'static str, String)]) -> String {
    lines.iter().map(|(name, text)| format!("{name:<11} {text}\n")).collect()
}

/// Results that are not what they should be, by cause.
pub fn lost(counters: &Counters) -> BTreeMap<&'static str, u64> {
    LOST.iter().map(|(key, _, register)| (*key, counters.get(register))).collect()
}

/// The lines about numeric trouble: flags that were raised, and results that are not what they should be.
pub fn numeric_lines(flags: Flags, counters: &Counters) -> Lines {
    let flags = flag_names(flags);
    let mut lines = vec![("flags", if flags.is_empty() { NOTHING.to_owned() } else { flags.join(" ") })];
    let lost = nonzero(&LOST, counters);
    if lost != NOTHING {
        lines.push(("lost", lost));
    }
    lines
}

/// What was predicted of the cycles, and how far off that was.
pub fn prediction(cycles: u64, predicted_cycles: u64) -> String {
    let off = if predicted_cycles == cycles {
        "exactly".to_owned()
    } else {
        format!("{:+.2} %", 100.0 * (predicted_cycles as f64 / cycles as f64 - 1.0))
    };
    format!("predicted {} ({off})", grouped(predicted_cycles))
}

/// How the results compare with the golden model's.
pub fn golden_line(comparison: &Comparison) -> String {
    let compared = grouped(comparison.compared as u64);
    if comparison.bit_exact() {
        format!("{compared} results and the flags compared: all bit-exact")
    } else {
        format!("{compared} results compared: {} DIFFER", comparison.different)
    }
}

/// What there is to say where counters say nothing.
const NOTHING: &str = "none";

/// The counters of a list that are not zero, in words.
fn nonzero(list: &[(&str, &str, Register)], counters: &Counters) -> String {
    let counts = list.iter().map(|(_, words, register)| (counters.get(register), words));
    let causes: Vec<String> =
        counts.filter(|(count, _)| *count > 0).map(|(count, words)| format!("{} {words}", grouped(count))).collect();
    if causes.is_empty() { NOTHING.to_owned() } else { causes.join(", ") }
}

/// How a type of results is called.
fn type_name(output: OutputType) -> &'static str {
    match output {
        OutputType::Fp32 => "fp32",
        OutputType::Fp16 => "fp16",
    }
}

fn accumulator_name(accumulator: Accumulator) -> &'static str {
    match accumulator {
        Accumulator::Fp32 => "fp32",
        Accumulator::Exact => "exact",
    }
}

/// How a function is called, as its option is.
fn function_name(function: EpilogueFunction) -> Option<&'static str> {
    match function {
        EpilogueFunction::None => None,
        EpilogueFunction::Relu => Some("relu"),
        EpilogueFunction::Gelu => Some("gelu"),
        EpilogueFunction::Sigmoid => Some("sigmoid"),
        EpilogueFunction::Tanh => Some("tanh"),
        EpilogueFunction::Softmax => Some("softmax"),
    }
}

/// Flags that were raised.
pub fn flag_names(flags: Flags) -> Vec<&'static str> {
    let Flags { nv, of, uf, nx, hr } = flags;
    let named = [(nv, "NV"), (of, "OF"), (uf, "UF"), (nx, "NX"), (hr, "HR")];
    named.into_iter().filter(|(raised, _)| *raised).map(|(_, name)| name).collect()
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0, 999, 1000, 1_234_567].map(grouped));
    }
}
