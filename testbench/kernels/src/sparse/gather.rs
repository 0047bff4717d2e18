//! Panels: which 16 sums are computed together, and which strips of W they need.
//!
//! ```text
//!            K: 0 4 8 ...                         a strip: 4 K of the 16 sums of a panel
//!   row 0      . x . . x .
//!   row 1      . x . . . .     rows 0 and 1 share a panel: strips 1 and 4
//!   row 2      x . . x . .     it and a row like it share another: strips 0 and 3
//! ```

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
    let mut left: Vec<(Vec<usize>, StripSet)> = (0..matrix.rows)
        .step_by(block)
        .map(|first| {
            let rows: Vec<usize> = (first..matrix.rows.min(first + block)).collect();
            let mut strips = StripSet::new(matrix.columns.div_ceil(width));
            rows.iter().flat_map(|&row| matrix.row(row)).for_each(|(k, _)| strips.insert(k / width));
            (rows, strips)
        })
        .collect();
    // Taken from the end, of equal ones the first.
    left.reverse();
    if block < lanes {
        left.sort_by_key(|(_, strips)| strips.len());
    }
    let mut panels = vec![];
    while let Some((mut sums, mut strips)) = left.pop() {
        while sums.len() + block <= lanes {
            let gain = |(_, other): &(Vec<usize>, StripSet)| {
                let shared = strips.shared(other);
                (shared, std::cmp::Reverse(other.len() - shared))
            };
            let Some((best, _)) = left.iter().enumerate().max_by_key(|(_, block)| gain(block)) else { break };
            let (more, others) = left.remove(best);
            sums.extend(more);
            strips.union(&others);
        }
        panels.push(Panel { sums, strips: strips.iter().collect() });
    }
    panels
}

/// A set of strips, a bit each.
struct StripSet(Vec<u64>);

impl StripSet {
    fn new(strips: usize) -> Self {
        StripSet(vec![0; strips.div_ceil(64)])
    }

    fn insert(&mut self, strip: usize) {
        self.0[strip / 64] |= 1 << (strip % 64);
    }

    fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    fn shared(&self, other: &StripSet) -> usize {
        self.0.iter().zip(&other.0).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    fn union(&mut self, other: &StripSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        (0..64 * self.0.len()).filter(|strip| self.0[strip / 64] >> (strip % 64) & 1 == 1)
    }
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
