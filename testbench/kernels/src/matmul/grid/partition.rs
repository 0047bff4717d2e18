//! How a product is cut over tiles.
//!
//! ```text
//!               columns j          rows of A: m parts, columns of B: n parts, K: k parts.
//!            +-----+-----+         Tile (i, j, k) has the rows of part i, the columns of part j, and part k of K.
//!    rows i  | 0 1 | 2 3 |         The tiles of one (i, j) share a block of the result: it is cut into as many pieces
//!            +-----+-----+         of columns as K has parts, and the sums of each piece travel from tile to tile.
//!            | 4 5 | 6 7 |
//!            +-----+-----+  m = 2, n = 2, k = 2
//! ```

use std::fmt;
use std::ops::Range;

use golden::Shape;
use isa::{BLOCK, LANES};

/// Numbers of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Partition {
    /// Parts of the rows.
    pub m: usize,
    /// Parts of the columns.
    pub n: usize,
    /// Parts of K.
    pub k: usize,
}

/// Which part a tile has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Part of the rows.
    pub i: usize,
    /// Part of the columns.
    pub j: usize,
    /// Part of K.
    pub k: usize,
}

/// Part `index` of `size` things in `parts` parts, as equal as can be.
pub fn part(size: usize, parts: usize, index: usize) -> Range<usize> {
    size * index / parts..size * (index + 1) / parts
}

/// The same in whole blocks of `block`.
fn blocks(size: usize, block: usize, parts: usize, index: usize) -> Range<usize> {
    let range = part(size.div_ceil(block), parts, index);
    range.start * block..size.min(range.end * block)
}

impl Partition {
    /// Tiles that have a part.
    pub fn tiles(&self) -> usize {
        self.m * self.n * self.k
    }

    /// Every way to cut a product over at most `tiles` tiles, so that each has something to do at any time.
    pub fn all(shape: Shape, tiles: usize) -> Vec<Partition> {
        let column_panels = shape.n.div_ceil(LANES as usize);
        let (most_m, most_k) = (shape.m.min(tiles), shape.k.div_ceil(BLOCK as usize).min(tiles));
        let mut all = vec![];
        for m in 1..=most_m {
            for n in 1..=(tiles / m).min(column_panels) {
                let pieces = column_panels / n;
                all.extend((1..=(tiles / (m * n)).min(most_k).min(pieces)).map(|k| Partition { m, n, k }));
            }
        }
        all
    }

    /// The part of a tile; `None` for those that have none.
    pub fn place(&self, tile: usize) -> Option<Place> {
        let place = Place { i: tile / (self.n * self.k), j: tile / self.k % self.n, k: tile % self.k };
        (tile < self.tiles()).then_some(place)
    }

    /// The tile of a place.
    pub fn tile(&self, place: Place) -> usize {
        (place.i * self.n + place.j) * self.k + place.k
    }

    /// Rows of a place.
    pub fn rows(&self, shape: Shape, place: Place) -> Range<usize> {
        part(shape.m, self.m, place.i)
    }

    /// Columns of a place: whole panels.
    pub fn columns(&self, shape: Shape, place: Place) -> Range<usize> {
        blocks(shape.n, LANES as usize, self.n, place.j)
    }

    /// K of a place: whole blocks.
    pub fn k_range(&self, shape: Shape, place: Place) -> Range<usize> {
        blocks(shape.k, BLOCK as usize, self.k, place.k)
    }

    /// The piece of its columns that a place sums up in a stage, 0 to k - 1. What it has summed goes to the place with
    /// the next part of K, which adds to it in the next stage.
    pub fn piece(&self, shape: Shape, place: Place, stage: usize) -> Range<usize> {
        let columns = self.columns(shape, place);
        let piece = (place.k + self.k - stage) % self.k;
        let range = blocks(columns.len(), LANES as usize, self.k, piece);
        columns.start + range.start..columns.start + range.end
    }

    /// The place that gets what this one has summed in a stage.
    pub fn next(&self, place: Place) -> Place {
        Place { k: (place.k + 1) % self.k, ..place }
    }

    /// The places that need the same rows of A, this one among them, and which of them it is.
    pub fn sharing_inputs(&self, place: Place) -> (Vec<Place>, usize) {
        ((0..self.n).map(|j| Place { j, ..place }).collect(), place.j)
    }

    /// The places that need the same columns of B, this one among them, and which of them it is.
    pub fn sharing_weights(&self, place: Place) -> (Vec<Place>, usize) {
        ((0..self.m).map(|i| Place { i, ..place }).collect(), place.i)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} x {}", self.m, self.n, self.k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_every_product_once() {
        let shape = Shape { m: 37, n: 100, k: 70 };
        let mut compared = 0;
        for partition in Partition::all(shape, 12) {
            let mut visits = vec![0; shape.m * shape.n * shape.k];
            for tile in 0..partition.tiles() {
                let place = partition.place(tile).expect("a part");
                assert_eq!(partition.tile(place), tile);
                for stage in 0..partition.k {
                    for row in partition.rows(shape, place) {
                        for column in partition.piece(shape, place, stage) {
                            for k in partition.k_range(shape, place) {
                                visits[(row * shape.n + column) * shape.k + k] += 1;
                            }
                        }
                    }
                }
            }
            assert!(visits.iter().all(|&visits| visits == 1), "{partition}");
            compared += 1;
        }
        assert!(compared > 50, "{compared} partitions");
    }

    #[test]
    fn sums_go_to_whom_adds_to_them_next() {
        let shape = Shape { m: 8, n: 160, k: 64 };
        let partition = Partition { m: 2, n: 2, k: 4 };
        for tile in 0..partition.tiles() {
            let place = partition.place(tile).expect("a part");
            for stage in 0..3 {
                let piece = partition.piece(shape, place, stage);
                assert_eq!(partition.piece(shape, partition.next(place), stage + 1), piece);
                assert!(!piece.is_empty());
            }
        }
        assert_eq!(partition.place(16), None);
    }
}
