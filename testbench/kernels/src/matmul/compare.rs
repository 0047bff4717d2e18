//! The golden results of a plan, and how a run's differ from them.

use std::fmt;

use golden::{Flags, MatmulOptions, MatmulResult, OutputType, Random, ReadOut, Rounding, Shape, Start, matmul_rounded};

use super::MatmulProblem;
use super::layout::access_bytes;
use super::plan::MatmulPlan;
use super::run::Operands;

/// What the plan computes, by the golden model: its product, with the same partial sums where K is cut.
///
/// Panics if the operands are not those of the plan.
pub fn expected(plan: &MatmulPlan, operands: &Operands) -> MatmulResult {
    operands.check(&plan.problem);
    let options = plan.options();
    let Shape { m, n, k } = plan.problem.shape;
    let parts = plan.k_parts();
    let roundings = roundings(plan);
    let rounding = |row: usize, column: usize| roundings[row * n + column];
    // Sums that keep all their bits are those of one product: the parts follow each other in the order of K.
    if parts.len() == 1 || plan.problem.exact_sums {
        return matmul_rounded(plan.problem.shape, operands.a, operands.b, operands.start, &options, rounding);
    }
    let between = MatmulOptions { read_out: ReadOut::default(), ..options };
    let mut sums: Option<MatmulResult> = None;
    let mut flags = Flags::NONE;
    for part in &parts {
        let a: Vec<u16> = (0..m).flat_map(|row| operands.a[row * k..][part.clone()].iter().copied()).collect();
        let b = &operands.b[part.start * n..part.end * n];
        let start = sums.as_ref().map_or(operands.start, |sums| Start::PartialSums(&sums.bits));
        let options = if part.end == k { &options } else { &between };
        let result = matmul_rounded(Shape { m, n, k: part.len() }, &a, b, start, options, rounding);
        flags |= result.flags;
        sums = Some(result);
    }
    MatmulResult { flags, ..sums.expect("at least one part") }
}

/// How each result is rounded, row by row: stochastically by the random bits of its place in the order in which the
/// commands store words.
fn roundings(plan: &MatmulPlan) -> Vec<Rounding> {
    let Shape { m, n, k } = plan.problem.shape;
    let mut roundings = vec![Rounding::NearestEven; m * n];
    let Some(seed) = plan.problem.stochastic else { return roundings };
    let mut random = Random::from_seed(seed);
    let results_in_access = access_bytes(&plan.config) as usize / plan.problem.results().bytes();
    for launch in plan.launches.iter().filter(|launch| launch.k.end == k) {
        for panel in &plan.programs[launch.program].panels {
            for row in panel.rows.clone() {
                let first = (launch.rows.start + row) * n + launch.columns.start + panel.columns.start;
                let stored = random.roundings(panel.columns.len().next_multiple_of(results_in_access));
                roundings[first..][..panel.columns.len()].copy_from_slice(&stored[..panel.columns.len()]);
            }
        }
    }
    roundings
}

/// How a run compares with the golden model.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Results that were compared.
    pub compared: usize,
    /// Those that differ.
    pub different: usize,
    /// The first of them.
    pub first: Option<Difference>,
    /// Flags of the run and of the golden model.
    pub flags: (Flags, Flags),
}

/// A result that is not the golden model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Row of the result.
    pub row: usize,
    /// Column of the result.
    pub column: usize,
    /// Bit pattern of the run.
    pub found: u32,
    /// Bit pattern of the golden model.
    pub expected: u32,
    /// Type of the result.
    pub output: OutputType,
}

impl Comparison {
    /// Compares every result of a run, bit for bit, and its flags. Panics unless both have as many, and at least one.
    pub fn of(problem: &MatmulProblem, found: (&[u32], Flags), expected: &MatmulResult) -> Self {
        Self::of_rows(problem.shape.n, problem.read_out.output, found, expected)
    }

    /// The same of results in rows of so many columns.
    pub fn of_rows(
        columns: usize,
        output: OutputType,
        (bits, flags): (&[u32], Flags),
        expected: &MatmulResult,
    ) -> Self {
        assert_eq!(bits.len(), expected.bits.len(), "as many results as the golden model has");
        assert!(!expected.bits.is_empty(), "nothing to compare");
        let pairs = bits.iter().zip(&expected.bits).enumerate();
        let mut differences =
            pairs.filter(|(_, (found, expected))| found != expected).map(|(index, (&found, &expected))| Difference {
                row: index / columns,
                column: index % columns,
                found,
                expected,
                output,
            });
        let first = differences.next();
        Comparison {
            compared: bits.len(),
            different: differences.count() + usize::from(first.is_some()),
            first,
            flags: (flags, expected.flags),
        }
    }

    /// Whether every result and every flag is the golden model's.
    pub fn bit_exact(&self) -> bool {
        self.different == 0 && self.flags.0 == self.flags.1
    }
}

impl Difference {
    /// Both bit patterns and both numbers.
    pub fn values(&self) -> String {
        let format = self.output.format();
        let digits = if self.output == OutputType::Fp16 { 4 } else { 8 };
        let Difference { found, expected, .. } = *self;
        let (number, golden) = (format.to_f64(found), format.to_f64(expected));
        format!("simulated 0x{found:0digits$x} ({number}), golden 0x{expected:0digits$x} ({golden})")
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}, column {}: {}", self.row, self.column, self.values())
    }
}
