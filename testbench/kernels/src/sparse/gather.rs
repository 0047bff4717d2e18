//! Panels: which 16 sums are computed together, and which strips of W they need.
//!
//! ```text
//!            K: 0 4 8 ...                         a strip: 4 K of the 16 sums of a panel
//!   row 0      . x . . x .
//!   row 1      . x . . . .     rows 0 and 1 share a panel: strips 1 and 4
//!   row 2      x . . x . .     it and a row like it share another: strips 0 and 3
//! ```

use std::cmp::Reverse;
use std::collections::BTreeSet;

use accumulators::AmpConfig;
use golden::SparseMatrix;
use isa::{BLOCK, LANES};

/// Sums that are computed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// The sums, a lane each.
    pub sums: Vec<usize>,
    /// What they need: strips of W, ascending. Strip s begins at K = s x width.
    pub strips: Vec<usize>,
}

/// How many K a strip has for commands of `rows` rows: the fewest that take about as long to step as a block to load, three
/// quarters of it at least, in whole accesses.
pub fn strip_width(amp: &AmpConfig, rows: usize) -> usize {
    let block = BLOCK as usize;
    let load_cycles = block * block / amp.access_values();
    let step_cycles = |width: usize| width.div_ceil(amp.terms) * rows.max(amp.loop_cycles());
    let widths = std::iter::successors(Some(amp.access_values()), |width| Some(width * 2));
    widths.take_while(|&width| width < block).find(|&width| 4 * step_cycles(width) >= 3 * load_cycles).unwrap_or(block)
}

/// Blocks among which the next of a panel is looked for, so that large matrices take a time that grows with their rows.
const LOOKED_AT: usize = 1024;

/// Rows that stay together, and the strips that they need, ascending.
struct Unit {
    rows: Vec<usize>,
    strips: Vec<usize>,
}

/// Gathers the rows of a matrix, which are sums, into panels. `block` rows stay together.
///
/// Whole panels are taken in order. Smaller blocks go where they share the most strips, one after the other: a panel
/// begins with the block that has the most strips of those left over.
pub fn gather(matrix: &SparseMatrix, block: usize, width: usize) -> Vec<Panel> {
    let lanes = LANES as usize;
    // Blocks that do not fill panels evenly are taken apart.
    let block = match block {
        whole if whole.is_multiple_of(lanes) => lanes,
        part if lanes.is_multiple_of(part) => part,
        _ => 1,
    };
    let unit = |first: usize| {
        let rows: Vec<usize> = (first..matrix.rows.min(first + block)).collect();
        let strips: BTreeSet<usize> = rows.iter().flat_map(|&row| matrix.row(row)).map(|(k, _)| k / width).collect();
        Unit { rows, strips: strips.into_iter().collect() }
    };
    let mut left: Vec<Unit> = (0..matrix.rows).step_by(block).map(unit).collect();
    // Taken from the end, of equal ones the first.
    left.reverse();
    if block < lanes {
        left.sort_by_key(|unit| unit.strips.len());
    }
    let mut panels = vec![];
    // Which strips the panel has.
    let mut has = vec![false; matrix.columns.div_ceil(width)];
    while let Some(Unit { rows: mut sums, mut strips }) = left.pop() {
        strips.iter().for_each(|&strip| has[strip] = true);
        while sums.len() + block <= lanes {
            let gain = |unit: &Unit| {
                let shared = unit.strips.iter().filter(|&&strip| has[strip]).count();
                (shared, Reverse(unit.strips.len() - shared))
            };
            let first = left.len().saturating_sub(LOOKED_AT);
            let Some((best, _)) = left.iter().enumerate().skip(first).max_by_key(|(_, unit)| gain(unit)) else { break };
            let Unit { rows, strips: more } = left.remove(best);
            sums.extend(rows);
            strips.extend(more.into_iter().filter(|&strip| !std::mem::replace(&mut has[strip], true)));
        }
        strips.sort_unstable();
        strips.iter().for_each(|&strip| has[strip] = false);
        panels.push(Panel { sums, strips });
    }
    panels
}

#[cfg(test)]
mod tests {
    use super::*;
    use tile::TileConfig;

    #[test]
    fn a_strip_takes_about_as_long_to_step_as_to_load() {
        let ipu64 = TileConfig::ipu64().amp();
        assert_eq!([64, 48, 47, 24, 23, 1].map(|rows| strip_width(&ipu64, rows)), [4, 4, 8, 8, 16, 16]);
        assert_eq!(strip_width(&TileConfig::wide256().amp(), 64), 16);
        assert_eq!(strip_width(&TileConfig::small16().amp(), 64), 4);
    }

    #[test]
    fn blocks_that_share_strips_share_a_panel() {
        // 32 rows in blocks of 4: even blocks store K 0 and 20, odd ones K 9.
        let of_row = |row: usize| if (row / 4).is_multiple_of(2) { vec![0, 20] } else { vec![9] };
        let mut row_starts = vec![0];
        row_starts.extend((0..32).scan(0, |end, row| {
            *end += of_row(row).len();
            Some(*end)
        }));
        let column_indices: Vec<usize> = (0..32).flat_map(of_row).collect();
        let values = vec![0x3C00; column_indices.len()];
        let matrix = SparseMatrix { rows: 32, columns: 24, row_starts, column_indices, values };
        for block in [1, 2, 4] {
            let panels = gather(&matrix, block, 4);
            assert_eq!(panels.iter().map(|panel| panel.strips.clone()).collect::<Vec<_>>(), [vec![0, 5], vec![2]]);
            let of_panel = |panel: &Panel| panel.sums.iter().all(|row| row / 4 % 2 == panel.sums[0] / 4 % 2);
            assert!(panels.iter().all(of_panel), "{panels:?}");
        }
        // Panels of their own, as they come.
        let whole = gather(&matrix, 16, 4);
        assert_eq!(whole.len(), 2);
        assert!(whole.iter().all(|panel| panel.strips == [0, 2, 5]));
        assert!(whole[1].sums.iter().copied().eq(16..32));
    }
}
