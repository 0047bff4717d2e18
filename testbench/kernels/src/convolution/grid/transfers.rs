//! What each tile holds of pixels and weights at the start, and who else needs it.

use std::ops::Range;

use exchange::schedule::{Destination, Transfer};

use super::partition::{Partition, Place};
use crate::convolution::plan::Regions;
use crate::convolution::rectangles::Band;
use crate::matmul::grid::part;

/// Words of 32 bits of a word of 64.
const LANES_OF_WORD: usize = 2;

/// Words of an image that a tile holds at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The image.
    pub image: usize,
    /// Words of 64 bits of the image, counted from its first row.
    pub words: Range<usize>,
    /// Byte address of the first.
    pub address: u32,
}

/// Bands and regions of a partition.
pub struct Parts<'a> {
    pub partition: Partition,
    pub regions: &'a Regions,
    /// By part of the rows.
    pub bands: &'a [Band],
    /// Number of images, by part of the images.
    pub images: &'a [Range<usize>],
    /// Words of an input row.
    pub row_words: usize,
    /// Words of the weights of each part of the filters.
    pub weight_words: &'a [usize],
}

impl Parts<'_> {
    /// The input rows that belong to a part of the rows: those that it needs, and none before it does. With dilation they
    /// can have gaps.
    fn own_rows(&self, rows: usize) -> Vec<Range<usize>> {
        let before = |row| self.bands[..rows].iter().any(|band| band.input_rows.contains(&row));
        let mut own: Vec<Range<usize>> = vec![];
        for row in self.bands[rows].input_rows.clone().filter(|&row| !before(row)) {
            match own.last_mut() {
                Some(range) if range.end == row => range.end = row + 1,
                _ => own.push(row..row + 1),
            }
        }
        own
    }

    /// Byte address of a word of an image, in the memory of a part that needs it.
    fn address(&self, place: Place, image: usize, word: usize) -> u32 {
        let band = &self.bands[place.rows];
        let index = image - self.images[place.images].start;
        let row_words = self.row_words;
        let first = index * band.input_rows.len() * row_words + word - band.input_rows.start * row_words;
        self.regions.inputs.address + first as u32 * isa::WORD_BYTES
    }

    /// What a tile holds of the pixels at the start: its share of its own rows.
    pub fn pixels(&self, place: Place) -> Vec<Share> {
        let share = |rows: Range<usize>| {
            let (first, words) = (rows.start * self.row_words, rows.len() * self.row_words);
            let share = part(words, self.partition.filters, place.filters);
            first + share.start..first + share.end
        };
        let words: Vec<Range<usize>> =
            self.own_rows(place.rows).into_iter().map(share).filter(|words| !words.is_empty()).collect();
        let of_image = |image| {
            let share = move |words: &Range<usize>| Share {
                image,
                words: words.clone(),
                address: self.address(place, image, words.start),
            };
            words.iter().map(share).collect::<Vec<_>>()
        };
        self.images[place.images].clone().flat_map(of_image).collect()
    }

    /// What it holds of its filters' weights: words of 64 bits of their region.
    pub fn weights(&self, place: Place) -> Range<usize> {
        let Partition { images, rows, .. } = self.partition;
        part(self.weight_words[place.filters], images * rows, place.images * rows + place.rows)
    }

    /// Everything that travels.
    pub fn transfers(&self) -> Vec<Transfer> {
        let places = (0..self.partition.tiles()).filter_map(|tile| self.partition.place(tile));
        places.flat_map(|place| [self.pixel_transfers(place), self.weight_transfers(place)].concat()).collect()
    }

    /// Pixels to the tiles with other filters of the same rows, and to those whose filters reach into them.
    fn pixel_transfers(&self, place: Place) -> Vec<Transfer> {
        let source = self.partition.tile(place);
        let mut transfers = vec![];
        for share in self.pixels(place) {
            for (words, needed_by) in self.by_need(share.words) {
                let receivers = needed_by
                    .iter()
                    .flat_map(|&rows| (0..self.partition.filters).map(move |filters| Place { rows, filters, ..place }));
                let destination = |receiver| Destination {
                    tile: self.partition.tile(receiver),
                    address: word32(self.address(receiver, share.image, words.start)),
                };
                let destinations: Vec<Destination> =
                    receivers.map(destination).filter(|destination| destination.tile != source).collect();
                if !destinations.is_empty() {
                    let address = word32(self.address(place, share.image, words.start));
                    transfers.push(Transfer::multicast(source, address, LANES_OF_WORD * words.len(), destinations));
                }
            }
        }
        transfers
    }

    /// Words of an image cut into pieces that the same parts of the rows need.
    fn by_need(&self, words: Range<usize>) -> Vec<(Range<usize>, Vec<usize>)> {
        let mut pieces: Vec<(Range<usize>, Vec<usize>)> = vec![];
        let mut first = words.start;
        while first < words.end {
            let row = first / self.row_words;
            let end = words.end.min((row + 1) * self.row_words);
            let needs = |&rows: &usize| self.bands[rows].input_rows.contains(&row);
            let needed_by: Vec<usize> = (0..self.bands.len()).filter(needs).collect();
            match pieces.last_mut() {
                Some((piece, same)) if *same == needed_by => piece.end = end,
                _ => pieces.push((first..end, needed_by)),
            }
            first = end;
        }
        pieces
    }

    /// Weights to the tiles with the same filters.
    fn weight_transfers(&self, place: Place) -> Vec<Transfer> {
        let Partition { images, rows, .. } = self.partition;
        let (source, words) = (self.partition.tile(place), self.weights(place));
        let address = self.regions.weights.address as usize / 4 + LANES_OF_WORD * words.start;
        let others = (0..images).flat_map(|images| (0..rows).map(move |rows| Place { images, rows, ..place }));
        let others = others.map(|place| self.partition.tile(place)).filter(|&tile| tile != source);
        let destinations: Vec<Destination> = others.map(|tile| Destination { tile, address }).collect();
        if destinations.is_empty() || words.is_empty() {
            return vec![];
        }
        vec![Transfer::multicast(source, address, LANES_OF_WORD * words.len(), destinations)]
    }
}

/// The number of the 32-bit word at a byte address.
fn word32(address: u32) -> usize {
    address as usize / 4
}
