//! The transfers of collectives that only move words. Addresses and lengths are in words of 32 bits, and on every tile
//! the same.

use std::ops::Range;

use exchange::schedule::{Destination, Transfer};

use crate::matmul::grid::part;

/// A matrix whose rows are shared out over tiles, as equally as can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Words of a row.
    pub columns: usize,
}

/// The part of a vector of `words` words that a tile has.
pub fn share(words: usize, tiles: usize, tile: usize) -> Range<usize> {
    part(words, tiles, tile)
}

fn everywhere(tiles: usize, address: usize) -> impl Iterator<Item = Destination> {
    (0..tiles).map(move |tile| Destination { tile, address })
}

/// Tiles with a share, and their shares.
fn shares(words: usize, tiles: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
    (0..tiles).map(move |tile| (tile, share(words, tiles, tile))).filter(|(_, share)| !share.is_empty())
}

/// The vector that the root has at `from` goes to all tiles, at `to`.
pub fn broadcast(tiles: usize, root: usize, words: usize, from: usize, to: usize) -> Vec<Transfer> {
    vec![Transfer::multicast(root, from, words, everywhere(tiles, to))]
}

/// Each tile gets its share of the vector that the root has at `from`, at `to`.
pub fn scatter(tiles: usize, root: usize, words: usize, from: usize, to: usize) -> Vec<Transfer> {
    shares(words, tiles)
        .map(|(tile, share)| Transfer::unicast(root, from + share.start, share.len(), tile, to))
        .collect()
}

/// The shares that tiles have at `from` become a vector of the root, at `to`.
pub fn gather(tiles: usize, root: usize, words: usize, from: usize, to: usize) -> Vec<Transfer> {
    shares(words, tiles)
        .map(|(tile, share)| Transfer::unicast(tile, from, share.len(), root, to + share.start))
        .collect()
}

/// The shares that tiles have at `from` become a vector of every tile, at `to`.
pub fn all_gather(tiles: usize, words: usize, from: usize, to: usize) -> Vec<Transfer> {
    let transfer = |(tile, share): (usize, Range<usize>)| {
        Transfer::multicast(tile, from, share.len(), everywhere(tiles, to + share.start))
    };
    shares(words, tiles).map(transfer).collect()
}

/// Each tile has at `from` a block of `words` words for each tile, and gets at `to` a block from each.
pub fn all_to_all(tiles: usize, words: usize, from: usize, to: usize) -> Vec<Transfer> {
    let block =
        |source: usize, tile: usize| Transfer::unicast(source, from + tile * words, words, tile, to + source * words);
    (0..tiles).flat_map(|source| (0..tiles).map(move |tile| block(source, tile))).collect()
}

/// Each tile has at `from` its rows of a matrix, and gets at `to` its rows of the transpose: a column after the other.
pub fn transpose(tiles: usize, matrix: Matrix, from: usize, to: usize) -> Vec<Transfer> {
    let Matrix { rows, columns } = matrix;
    let mut transfers = vec![];
    for (source, own_rows) in shares(rows, tiles) {
        for (tile, own_columns) in shares(columns, tiles) {
            transfers.extend(own_columns.clone().map(|column| {
                let place = to + (column - own_columns.start) * rows + own_rows.start;
                Transfer::unicast(source, from + column, 1, tile, place).strided(own_rows.len(), columns, 1)
            }));
        }
    }
    transfers
}
