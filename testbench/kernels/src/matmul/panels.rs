//! Which rows and columns each command computes.
//!
//! A command computes 16 columns of up to D rows. While it does, the results of the one before leave; those of the
//! last leave alone. So the last command is cut by rows into pieces that get smaller, each long enough to hide the
//! results of the piece before, and only the smallest is waited for; commands with partial sums begin in the same
//! way. Which pieces are best, the cycle model says.

use std::ops::Range;

use isa::LANES;
use tile::TileConfig;

use crate::timing::{CommandWork, Stored, Timeline};

/// Most pieces that a command is cut into.
pub const MAX_PIECES: usize = 6;

/// Blocks of K beyond which a command is not cut: its results are a small part of its time, and each piece needs a
/// list of its own.
const MAX_BLOCKS_TO_CUT: usize = 128;

/// What one command computes, in rows and columns of its chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// Rows, at most D.
    pub rows: Range<usize>,
    /// Columns, at most 16.
    pub columns: Range<usize>,
}

/// What all commands of a chunk have in common.
#[derive(Debug, Clone, Copy)]
pub struct Common<'a> {
    pub config: &'a TileConfig,
    pub k_counts: &'a [usize],
    pub partial: Option<Stored>,
    pub result: Stored,
}

/// The commands of a chunk of `m` x `n`, in order, and the cycles that they take.
pub fn panels(common: Common, m: usize, n: usize) -> (Vec<Panel>, u64) {
    let candidates = row_splits(m, common.config.rows).into_iter().map(|rows| {
        let mut columns: Vec<Vec<usize>> = vec![rows; n.div_ceil(LANES as usize)];
        cut_ends(common, n, &mut columns);
        let cycles = predict(common, n, &columns);
        (columns, cycles)
    });
    let (columns, cycles) = candidates.min_by_key(|&(_, cycles)| cycles).expect("at least one split");
    let mut panels = vec![];
    for (columns, rows) in column_ranges(n).zip(&columns) {
        let mut first = 0;
        for count in rows {
            panels.push(Panel { rows: first..first + count, columns: columns.clone() });
            first += count;
        }
    }
    (panels, cycles)
}

/// Cuts the first command, if it waits for partial sums, and the last.
fn cut_ends(common: Common, n: usize, columns: &mut [Vec<usize>]) {
    if common.k_counts.len() > MAX_BLOCKS_TO_CUT {
        return;
    }
    if common.partial.is_some() {
        let first = columns[0][0];
        let cuts = tapers(first).map(|mut pieces| {
            pieces.reverse();
            pieces
        });
        cut_best(common, n, columns, (0, 0), cuts);
    }
    let last = columns.len() - 1;
    let command = columns[last].len() - 1;
    let cuts = tapers(columns[last][command]);
    cut_best(common, n, columns, (last, command), cuts);
}

/// Replaces one command by the pieces that make the whole shortest, if any do.
fn cut_best(
    common: Common,
    n: usize,
    columns: &mut [Vec<usize>],
    (column, command): (usize, usize),
    cuts: impl Iterator<Item = Vec<usize>>,
) {
    let whole = columns[column].clone();
    let mut best = (predict(common, n, columns), whole.clone());
    for pieces in cuts {
        let mut rows = whole.clone();
        rows.splice(command..=command, pieces);
        columns[column] = rows;
        let cycles = predict(common, n, columns);
        if cycles < best.0 {
            best = (cycles, columns[column].clone());
        }
    }
    columns[column] = best.1;
}

/// Cycles from START to DONE.
fn predict(common: Common, n: usize, columns: &[Vec<usize>]) -> u64 {
    let commands = column_ranges(n).zip(columns);
    timeline(common, commands.flat_map(|(columns, rows)| rows.iter().map(move |&rows| (rows, columns.len())))).end()
}

/// The engine after commands of so many rows and columns.
pub fn timeline(common: Common, commands: impl Iterator<Item = (usize, usize)>) -> Timeline {
    let mut timeline = Timeline::new(common.config.amp());
    for (rows, columns) in commands {
        let Common { result, partial, k_counts, .. } = common;
        timeline.push(&CommandWork { rows, columns, result, partial, k_counts });
    }
    timeline
}

/// Column panels: 16 columns each, the last what is left.
fn column_ranges(n: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(LANES as usize).map(move |first| first..n.min(first + LANES as usize))
}

/// Ways to cut `m` rows into panels of at most `most`: equal ones, or full ones with the rest at the end, or with the
/// rest and the last full one shared equally.
fn row_splits(m: usize, most: usize) -> Vec<Vec<usize>> {
    let equal = |m: usize, count: usize| (0..count).map(move |i| (m + i) / count).rev();
    let (full, rest) = (m / most, m % most);
    let mut splits = vec![equal(m, m.div_ceil(most)).collect()];
    if rest > 0 && full > 0 {
        splits.push(std::iter::repeat_n(most, full).chain([rest]).collect());
        splits.push(std::iter::repeat_n(most, full - 1).chain(equal(most + rest, 2)).collect());
    }
    splits
}

/// Ways to cut `rows` into falling pieces: the smallest last, each of the others a multiple of the next.
fn tapers(rows: usize) -> impl Iterator<Item = Vec<usize>> {
    // Each piece is so many thirds of the next.
    const RATIOS_IN_THIRDS: [usize; 6] = [3, 4, 5, 6, 9, 192];
    (1..rows).flat_map(move |smallest| {
        RATIOS_IN_THIRDS.into_iter().filter_map(move |ratio| {
            let mut pieces = vec![];
            let (mut left, mut piece) = (rows, smallest);
            while left > 0 && pieces.len() < MAX_PIECES {
                pieces.push(piece.min(left));
                left -= piece.min(left);
                piece = piece * ratio / 3;
            }
            pieces.sort_by(|a, b| b.cmp(a));
            (left == 0).then_some(pieces)
        })
    })
}
