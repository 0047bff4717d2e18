//! The network of handwritten digits: 8 x 8 pixels in, ten chances out, many images at a time.
//!
//! ```text
//!   8x8x1 --> 3x3 to 16, ReLU --> 8x8x16 --> max 2x2 --> 4x4x16 --> 3x3 to 32, ReLU --> 4x4x32 --> max 2x2
//!         --> 2x2x32 = 128 --> dense --> 10 --> softmax
//! ```
//! An image is the rows of a convolution's commands, and one row of the dense layer.

use golden::{
    Activation, ConvolutionShape, FP16, FP32, MatmulOptions, MatmulResult, OutputType, Padding, ReadOut, Rows, Shape,
    Start,
};
use tile::TileConfig;

use crate::device::{Device, DeviceError, GridHost, Pins};
use crate::network::{Dense, Network, NetworkError, NetworkPlan, NetworkReport, Tensor};

/// Rows and columns of an image.
pub const SIDE: usize = 8;
/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Digits.
pub const CLASSES: usize = 10;

/// Filters of the two convolutions.
const FILTERS: [usize; 2] = [16, 32];
/// Side of the windows whose largest number stays.
const WINDOW: usize = 2;
/// Numbers of an image before the dense layer.
const FEATURES: usize = (SIDE / WINDOW / WINDOW) * (SIDE / WINDOW / WINDOW) * FILTERS[1];

/// What was learnt. Weights are FP16, biases FP32.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigitsWeights {
    /// Filters of the convolutions, as [`golden::convolution()`] has them, and a number each.
    pub convolutions: [(Vec<u16>, Vec<u32>); 2],
    /// 128 x 10, and 10.
    pub dense: (Vec<u16>, Vec<u32>),
}

/// The network on a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits {
    /// Its program and layers.
    pub plan: NetworkPlan,
    /// Images at a time.
    pub images: usize,
    /// How the tile adds.
    pub options: MatmulOptions,
    /// Where pixels go, a row each.
    pub pixels: Tensor,
    /// Where the chances of the digits are, an image a row.
    pub chances: Tensor,
}

fn convolution_shapes(images: usize) -> [ConvolutionShape; 2] {
    let padding = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    let shape = |side: usize, channels, filters| ConvolutionShape {
        batch: images,
        padding,
        ..ConvolutionShape::new([side, side], channels, filters, [3, 3])
    };
    [shape(SIDE, 1, FILTERS[0]), shape(SIDE / WINDOW, FILTERS[0], FILTERS[1])]
}

impl Digits {
    /// The network for so many images at a time.
    ///
    /// # Errors
    /// The configuration is not legal, has no vector engine, or too little memory.
    pub fn new(config: &TileConfig, weights: &DigitsWeights, images: usize) -> Result<Self, NetworkError> {
        let mut network = Network::new(config)?;
        let pixels = network.tensor(images * PIXELS, 1, true);
        let mut features = pixels;
        for (index, (shape, (weights, bias))) in
            convolution_shapes(images).iter().zip(&weights.convolutions).enumerate()
        {
            let name = |what: &str| format!("{what} {}", index + 1);
            features = network.convolution(&name("convolution"), &features, shape, weights, bias);
            features = network.max_pool(&name("maximum"), &features, shape.image, WINDOW);
        }
        let (dense, bias) = &weights.dense;
        let dense = Dense {
            bias: Some(network.constant_row(bias)),
            fp16: false,
            ..Dense::new(features.reshaped(images, FEATURES), network.constant(CLASSES, dense))
        };
        let logits = network.dense("dense", &dense);
        let chances = network.softmax("softmax", &logits, 1.0, false);
        Ok(Digits { plan: network.finish()?, images, options: network.options(), pixels, chances })
    }

    /// Runs the images, of which there are as many as planned. The chances of the digits, FP32, an image a row.
    ///
    /// # Errors
    /// The device fails or the program stops with an error.
    pub fn run(&self, device: &mut dyn Device, pixels: &[u16]) -> Result<(Vec<u32>, NetworkReport), DeviceError> {
        self.pixels.write(device, pixels)?;
        let report = self.plan.run(device)?;
        Ok((self.chances.read(device)?, report))
    }

    /// The same on all tiles of a machine, each with images of its own.
    ///
    /// # Errors
    /// As [`Digits::run`].
    pub fn run_all<S: Pins>(
        &self,
        grid: &mut GridHost<S>,
        pixels: &[u16],
    ) -> Result<(Vec<u32>, NetworkReport), DeviceError> {
        self.pixels.write_all(grid, &pixels.chunks(self.images * PIXELS).collect::<Vec<_>>())?;
        let report = self.plan.run_all(grid)?;
        Ok((self.chances.read_all(grid)?, report))
    }
}

/// What the network gives by the golden model: the chances of the digits, an image a row.
pub fn expected(weights: &DigitsWeights, options: &MatmulOptions, pixels: &[u16]) -> MatmulResult {
    let images = pixels.len() / PIXELS;
    let read_out = ReadOut { output: OutputType::Fp16, activation: Activation::Relu, ..ReadOut::default() };
    let of_convolution = MatmulOptions { read_out, ..*options };
    let mut features = Rows::new(1, FP16, pixels.iter().map(|&bits| bits.into()).collect());
    for (shape, (weights, bias)) in convolution_shapes(images).iter().zip(&weights.convolutions) {
        let sums = golden::convolution(shape, &features.fp16(), weights, Some(bias), &of_convolution);
        let flags = features.flags | sums.flags;
        features = Rows { flags, ..Rows::new(shape.filters, FP16, sums.bits) }.max_pool(shape.image, WINDOW);
    }
    let shape = Shape { m: images, n: CLASSES, k: FEATURES };
    let (dense, bias) = &weights.dense;
    let logits = golden::matmul(shape, &features.fp16(), dense, Start::Bias(bias), options);
    let flags = features.flags | logits.flags;
    let chances = Rows { flags, ..Rows::new(CLASSES, FP32, logits.bits) }.softmax(1.0, FP32);
    MatmulResult { bits: chances.bits, flags: chances.flags }
}

/// The digit with the largest chance, of each image.
pub fn read_digits(chances: &[u32]) -> Vec<usize> {
    let largest = |row: &[u32]| {
        let numbers = row.iter().map(|&bits| f32::from_bits(bits));
        numbers.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b)).expect("ten chances").0
    };
    chances.chunks(CLASSES).map(largest).collect()
}
