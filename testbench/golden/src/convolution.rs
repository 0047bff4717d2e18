//! A two-dimensional convolution as the AMP computes it: pixels NHWC, weights OHWI.

use thiserror::Error;

use crate::flags::Flags;
use crate::matmul::{MatmulOptions, MatmulResult, accumulate};

/// Rows and columns of zeros around an image, which take no part in the sums.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Padding {
    /// Rows above the image.
    pub top: usize,
    /// Rows below it.
    pub bottom: usize,
    /// Columns before it.
    pub left: usize,
    /// Columns behind it.
    pub right: usize,
}

/// Sizes of a convolution. Of pairs the first is vertical, the second horizontal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConvolutionShape {
    /// Images.
    pub batch: usize,
    /// Rows and columns of pixels of an image.
    pub image: [usize; 2],
    /// Input channels of a pixel.
    pub channels: usize,
    /// Output channels.
    pub filters: usize,
    /// Taps of a filter.
    pub kernel: [usize; 2],
    /// Input pixels from one output pixel to the next.
    pub stride: [usize; 2],
    /// Input pixels from one tap to the next.
    pub dilation: [usize; 2],
    /// Around each image.
    pub padding: Padding,
    /// Parts of the channels and of the filters that meet only one another.
    pub groups: usize,
}

/// A convolution that there is not.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ConvolutionError {
    /// A size of 0.
    #[error("{what} of a convolution: found 0, expected at least 1")]
    Zero {
        /// Which size.
        what: &'static str,
    },
    /// Channels or filters do not divide into groups.
    #[error("{count} {what} do not divide into {groups} groups")]
    Groups {
        /// Channels or filters.
        what: &'static str,
        /// Their number.
        count: usize,
        /// Groups.
        groups: usize,
    },
    /// The filter is larger than the padded image.
    #[error("the filter spans {filter} {direction} and the padded image has {image}: expected no more")]
    Filter {
        /// Rows or columns.
        direction: &'static str,
        /// Those from the first to the last tap.
        filter: usize,
        /// Those of the image with its padding.
        image: usize,
    },
}

impl ConvolutionShape {
    /// A convolution of one image with stride and dilation 1, without padding and groups.
    pub fn new(image: [usize; 2], channels: usize, filters: usize, kernel: [usize; 2]) -> Self {
        let (batch, groups, padding) = (1, 1, Padding::default());
        ConvolutionShape { batch, image, channels, filters, kernel, stride: [1, 1], dilation: [1, 1], padding, groups }
    }

    /// Checks the sizes.
    ///
    /// # Errors
    /// The first that does not fit.
    pub fn validate(&self) -> Result<(), ConvolutionError> {
        let sizes = [
            ("images", self.batch),
            ("image rows", self.image[0]),
            ("image columns", self.image[1]),
            ("channels", self.channels),
            ("filters", self.filters),
            ("filter rows", self.kernel[0]),
            ("filter columns", self.kernel[1]),
            ("vertical stride", self.stride[0]),
            ("horizontal stride", self.stride[1]),
            ("vertical dilation", self.dilation[0]),
            ("horizontal dilation", self.dilation[1]),
            ("groups", self.groups),
        ];
        if let Some(&(what, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(ConvolutionError::Zero { what });
        }
        for (what, count) in [("channels", self.channels), ("filters", self.filters)] {
            if !count.is_multiple_of(self.groups) {
                return Err(ConvolutionError::Groups { what, count, groups: self.groups });
            }
        }
        for (axis, direction) in ["rows", "columns"].into_iter().enumerate() {
            let (filter, image) = (self.span(axis), self.padded(axis));
            if filter > image {
                return Err(ConvolutionError::Filter { direction, filter, image });
            }
        }
        Ok(())
    }

    /// Zeros before the image: above it, and left of it.
    pub fn before(&self) -> [usize; 2] {
        [self.padding.top, self.padding.left]
    }

    /// Rows and columns of output pixels: floor((image + padding - span) / stride) + 1.
    pub fn output(&self) -> [usize; 2] {
        [0, 1].map(|axis| (self.padded(axis) - self.span(axis)) / self.stride[axis] + 1)
    }

    /// Input channels that an output channel meets.
    pub fn group_channels(&self) -> usize {
        self.channels / self.groups
    }

    /// Output channels of a group.
    pub fn group_filters(&self) -> usize {
        self.filters / self.groups
    }

    /// The input pixel of one output pixel and tap, along one axis; `None` in the padding.
    pub fn pixel(&self, axis: usize, output: usize, tap: usize) -> Option<usize> {
        let padded = output * self.stride[axis] + tap * self.dilation[axis];
        padded.checked_sub(self.before()[axis]).filter(|&pixel| pixel < self.image[axis])
    }

    /// Multiply-accumulates with pixels of the image; those with padding are none.
    pub fn macs(&self) -> u64 {
        let met = [0, 1].map(|axis| -> u64 {
            let outputs = 0..self.output()[axis];
            let taps = |output| (0..self.kernel[axis]).filter(move |&tap| self.pixel(axis, output, tap).is_some());
            outputs.map(|output| taps(output).count() as u64).sum()
        });
        self.batch as u64 * met[0] * met[1] * self.group_channels() as u64 * self.filters as u64
    }

    /// Rows or columns from a filter's first tap to its last.
    fn span(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// Rows or columns of an image and its padding.
    fn padded(&self, axis: usize) -> usize {
        let Padding { top, bottom, left, right } = self.padding;
        self.image[axis] + [top + bottom, left + right][axis]
    }
}

/// The convolution of `batch` x `image` x `channels` FP16 pixels with `filters` x `kernel` x `channels / groups` FP16
/// weights, from +0 or from one FP32 number of `bias` for each filter.
///
/// Taps follow each other row by row, and within a tap its channels in steps of `terms`, which never cross from one tap
/// or one block of 16 channels into the next. Taps in the padding are skipped: they raise no flag. Results are `batch` x
/// output rows x output columns x `filters`.
///
/// Panics if the length of a slice does not match `shape`, or the shape is not legal.
pub fn convolution(
    shape: &ConvolutionShape,
    pixels: &[u16],
    weights: &[u16],
    bias: Option<&[u32]>,
    options: &MatmulOptions,
) -> MatmulResult {
    shape.validate().unwrap_or_else(|error| panic!("{error}"));
    let ([rows, columns], [kernel_rows, kernel_columns]) = (shape.image, shape.kernel);
    let (channels, taps) = (shape.group_channels(), kernel_rows * kernel_columns);
    assert_eq!(pixels.len(), shape.batch * rows * columns * shape.channels, "pixels are N x H x W x C");
    assert_eq!(weights.len(), shape.filters * taps * channels, "weights are O x H x W x I");
    assert!(bias.is_none_or(|bias| bias.len() == shape.filters), "a bias is one number a filter");

    let [output_rows, output_columns] = shape.output();
    let mut result = MatmulResult {
        bits: Vec::with_capacity(shape.batch * output_rows * output_columns * shape.filters),
        flags: Flags::NONE,
    };
    for (image, y, x) in positions([shape.batch, output_rows, output_columns]) {
        for filter in 0..shape.filters {
            let (mut accumulator, mut flags) = match bias {
                None => (options.accumulator.zero(), Flags::NONE),
                Some(bias) => options.accumulator.from_partial_sum(bias[filter]),
            };
            let first_channel = filter / shape.group_filters() * channels;
            for tap in 0..taps {
                let [tap_y, tap_x] = [tap / kernel_columns, tap % kernel_columns];
                let Some((row, column)) = shape.pixel(0, y, tap_y).zip(shape.pixel(1, x, tap_x)) else { continue };
                let pixel = (image * rows + row) * columns + column;
                let x = &pixels[pixel * shape.channels + first_channel..][..channels];
                let w = &weights[(filter * taps + tap) * channels..][..channels];
                flags |= accumulate(&mut accumulator, x, w, options.terms);
            }
            let (bits, read_flags) = accumulator.read(options.read_out);
            result.bits.push(bits);
            result.flags |= flags | read_flags;
        }
    }
    result
}

/// All positions below three sizes, the last index changing fastest.
fn positions([a, b, c]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a * b * c).map(move |index| (index / (b * c), index / c % b, index % c))
}
