//! What `tessera matmul` says about a run: a table for people, an object for programs.

use std::collections::BTreeMap;

use golden::Flags;
use isa::Register;
use isa::register as counter;
use kernels::matmul::{Comparison, MatmulReport};
use serde::Serialize;
use tile::Accumulator;

use super::{Run, type_name};

/// Cycles that were lost, by cause: key, words for people, and the tile's counter.
pub const STALLS: [(&str, &str, Register); 10] = [
    ("weights", "weights not loaded", counter::STALL_WEIGHTS),
    ("accumulator", "accumulator loop", counter::STALL_ACCUMULATOR),
    ("drain", "accumulators not drained or preloaded", counter::STALL_DRAIN),
    ("conflict_results", "bank conflicts of results", counter::CONFLICT_RESULTS),
    ("conflict_inputs", "bank conflicts of inputs", counter::CONFLICT_INPUTS),
    ("conflict_weights", "bank conflicts of weights", counter::CONFLICT_WEIGHTS),
    ("conflict_partials", "bank conflicts of partial sums", counter::CONFLICT_PARTIALS),
    ("conflict_lists", "bank conflicts of lists", counter::CONFLICT_LISTS),
    ("conflict_sequencer", "bank conflicts of commands", counter::CONFLICT_SEQUENCER),
    ("conflict_host", "bank conflicts of the host", counter::CONFLICT_HOST),
];

/// The object that `--json` prints. Keys are stable: they are added, never renamed.
#[derive(Serialize)]
pub struct Summary<'a> {
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
    m: usize,
    n: usize,
    k: usize,
    out_type: &'static str,
    /// Cycles from START to DONE, over all launches.
    cycles: u64,
    predicted_cycles: u64,
    /// Useful multiply-accumulates of those that the tile could have done in `cycles`, 0 to 1.
    utilisation: f64,
    macs: u64,
    macs_per_cycle: u64,
    launches: usize,
    /// Parts of K whose sums pass through FP32 between them; with `exact` accumulators, 1 means rounded once.
    k_parts: usize,
    /// Cycles lost, by cause; causes can overlap.
    stalls: BTreeMap<&'static str, u64>,
    /// Sticky flags that were raised.
    flags: Vec<&'static str>,
    /// Cycles of the simulation, moving data included.
    simulated_cycles: u64,
    sim_cycles_per_second: f64,
    /// Distance from the product in FP64, in units in the last place.
    max_error_ulp: Option<f64>,
    mean_error_ulp: Option<f64>,
    compared: usize,
    bit_exact: bool,
}

impl<'a> Summary<'a> {
    pub fn of(run: &'a Run, simulator: &'a str, seed: Option<u64>) -> Self {
        let Run { plan, report, comparison, error, .. } = run;
        let finite = |value: f64| value.is_finite().then_some(value);
        Summary {
            config: &plan.config.name,
            terms: plan.config.terms,
            accumulator: accumulator_name(plan.config.accumulator),
            rows: plan.config.rows,
            banks: plan.config.banks,
            memory_bytes: plan.config.memory_bytes(),
            simulator,
            seed,
            m: plan.problem.shape.m,
            n: plan.problem.shape.n,
            k: plan.problem.shape.k,
            out_type: type_name(plan.problem.read_out.output),
            cycles: report.cycles,
            predicted_cycles: report.predicted_cycles,
            utilisation: report.utilisation(),
            macs: report.macs,
            macs_per_cycle: report.macs_per_cycle,
            launches: plan.launches.len(),
            k_parts: plan.k_parts().len(),
            stalls: STALLS.iter().map(|(key, _, register)| (*key, report.counters.get(register))).collect(),
            flags: flag_names(report.flags),
            simulated_cycles: report.simulated_cycles,
            sim_cycles_per_second: run.cycles_per_second(),
            max_error_ulp: finite(error.max_ulp),
            mean_error_ulp: finite(error.mean_ulp),
            compared: comparison.compared,
            bit_exact: comparison.bit_exact(),
        }
    }
}

impl Run {
    /// Simulated cycles in a second.
    pub fn cycles_per_second(&self) -> f64 {
        self.report.simulated_cycles as f64 / self.simulation.as_secs_f64()
    }
}

/// The table for people.
pub fn table(run: &Run, simulator: &str) -> String {
    lines(run, simulator).iter().map(|(name, text)| format!("{name:<11} {text}\n")).collect()
}

/// Its lines: what each is about, and what there is to say.
pub fn lines(run: &Run, simulator: &str) -> Vec<(&'static str, String)> {
    let Run { plan, report, comparison, error, simulation } = run;
    let (config, shape) = (&plan.config, plan.problem.shape);
    let mut lines = vec![];
    let accumulator = accumulator_name(config.accumulator);
    let kib = config.memory_bytes() / 1024;
    lines.push(("tile", format!("{}: T = {}, {accumulator} accumulators, {kib} KiB", config.name, config.terms)));
    let output = type_name(plan.problem.read_out.output);
    lines.push(("product", format!("{} x {} x {} (M x N x K), fp16 to {output}", shape.m, shape.n, shape.k)));
    if plan.launches.len() > 1 {
        lines.push(("launches", format!("{}: the product is larger than the memory", plan.launches.len())));
    }
    let cycles = grouped(report.cycles);
    lines.push(("cycles", format!("{cycles} from START to DONE; {}", prediction(report))));
    let utilisation = 100.0 * report.utilisation();
    lines.push(("MACs", format!("{utilisation:.2} % of {} a cycle were useful", report.macs_per_cycle)));
    lines.push(("stalls", stalls(run)));
    let rate = grouped(run.cycles_per_second() as u64);
    let (simulated, seconds) = (grouped(report.simulated_cycles), simulation.as_secs_f64());
    lines.push(("simulation", format!("{simulator}, {simulated} cycles in {seconds:.2} s: {rate} cycles/s")));
    let flags = flag_names(report.flags);
    lines.push(("flags", if flags.is_empty() { "none".to_owned() } else { flags.join(" ") }));
    lines.push(("error", format!("at most {:.3} ulp against FP64, {:.3} on average", error.max_ulp, error.mean_ulp)));
    lines.push(("golden", golden_line(comparison)));
    lines
}

/// What was predicted of the cycles, and how far off that was.
pub fn prediction(report: &MatmulReport) -> String {
    let off = match report.prediction_error() {
        0.0 => "exactly".to_owned(),
        error => format!("{:+.2} %", 100.0 * error),
    };
    format!("predicted {} ({off})", grouped(report.predicted_cycles))
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

fn stalls(run: &Run) -> String {
    let count = |register: &Register| run.report.counters.get(register);
    let lost = STALLS.iter().filter(|(_, _, register)| count(register) > 0);
    let causes: Vec<String> =
        lost.map(|(_, words, register)| format!("{} {words}", grouped(count(register)))).collect();
    if causes.is_empty() { "none".to_owned() } else { causes.join(", ") }
}

fn accumulator_name(accumulator: Accumulator) -> &'static str {
    match accumulator {
        Accumulator::Fp32 => "fp32",
        Accumulator::Exact => "exact",
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
