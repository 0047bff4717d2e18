//! How a convolution is cut over tiles.

use std::fmt;
use std::ops::Range;

use golden::ConvolutionShape;

use crate::matmul::grid::part;

/// Numbers of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Partition {
    /// Parts of the images.
    pub images: usize,
    /// Parts of the output rows of each image.
    pub rows: usize,
    /// Parts of the filters, in whole panels of 16.
    pub filters: usize,
}

/// Which part a tile has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Part of the images.
    pub images: usize,
    /// Part of the output rows.
    pub rows: usize,
    /// Part of the filters.
    pub filters: usize,
}

impl Partition {
    /// Tiles that have a part.
    pub fn tiles(&self) -> usize {
        self.images * self.rows * self.filters
    }

    /// Every way to cut a convolution with so many panels over at most `tiles` tiles, so that each has something to do.
    pub fn all(shape: &ConvolutionShape, panels: usize, tiles: usize) -> impl Iterator<Item = Partition> {
        let [output_rows, _] = shape.output();
        let batch = shape.batch;
        (1..=batch.min(tiles)).flat_map(move |images| {
            (1..=output_rows.min(tiles / images)).flat_map(move |rows| {
                (1..=panels.min(tiles / images / rows)).map(move |filters| Partition { images, rows, filters })
            })
        })
    }

    /// The part of a tile; `None` if it has none.
    pub fn place(&self, tile: usize) -> Option<Place> {
        let place = Place {
            filters: tile % self.filters,
            rows: tile / self.filters % self.rows,
            images: tile / self.filters / self.rows,
        };
        (place.images < self.images).then_some(place)
    }

    /// The tile that has a part.
    pub fn tile(&self, place: Place) -> usize {
        (place.images * self.rows + place.rows) * self.filters + place.filters
    }

    /// The images of a part.
    pub fn image_range(&self, shape: &ConvolutionShape, images: usize) -> Range<usize> {
        part(shape.batch, self.images, images)
    }

    /// The output rows of each part.
    pub fn row_ranges(&self, shape: &ConvolutionShape) -> impl Iterator<Item = Range<usize>> {
        let ([output_rows, _], parts) = (shape.output(), self.rows);
        (0..parts).map(move |index| part(output_rows, parts, index))
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} x {}", self.images, self.rows, self.filters)
    }
}
