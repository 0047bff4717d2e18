//! The golden results of a plan.

use golden::{
    Flags, MatmulOptions, MatmulResult, Random, ReadOut, Rounding, Shape, Start, TileParameters, matmul_rounded,
};
use tile::TileConfig;

use super::MatmulProblem;
use super::layout::access_bytes;
use super::plan::MatmulPlan;
use super::run::Operands;

/// The golden model's options for products on a tile.
pub fn golden_options(config: &TileConfig, read_out: ReadOut) -> MatmulOptions {
    let TileParameters { terms, accumulator, .. } = TileParameters::of(&config.configuration(), config.memory_bytes());
    MatmulOptions { terms, accumulator, read_out }
}

/// What the plan computes, by the golden model: its product, with the same partial sums where K is cut.
///
/// Panics if the operands are not those of the plan.
pub fn expected(plan: &MatmulPlan, operands: &Operands) -> MatmulResult {
    operands.check(&plan.problem);
    let MatmulProblem { shape: Shape { n, k, .. }, epilogue, read_out, transposed_b, .. } = plan.problem;
    let transposed: Vec<u16>;
    let mut operands = *operands;
    if transposed_b {
        transposed = golden::matmul::transposed(operands.b, n, k);
        operands.b = &transposed;
    }
    if epilogue.is_none() {
        return sums(plan, &operands, read_out);
    }
    epilogue.apply(sums(plan, &operands, ReadOut::default()), n, operands.residual, read_out)
}

/// The sums as the AMP reads them out.
fn sums(plan: &MatmulPlan, operands: &Operands, read_out: ReadOut) -> MatmulResult {
    let options = MatmulOptions { read_out, ..plan.options() };
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
