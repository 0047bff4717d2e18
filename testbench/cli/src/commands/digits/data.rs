//! The weights that were learnt, and the images that were held out: part of the program.

use kernels::digits::{DigitsWeights, PIXELS};

use crate::npy::{embedded_fp16, embedded_fp32};

/// Images that nothing was learnt from.
pub struct Images {
    /// 0 to 16, FP16.
    pub pixels: Vec<u16>,
    /// The digit of each.
    pub labels: Vec<usize>,
}

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../../digits/", $name, ".npy"))
    };
}

pub fn weights() -> DigitsWeights {
    DigitsWeights {
        convolutions: [
            (embedded_fp16(file!("conv1")), embedded_fp32(file!("conv1_bias"))),
            (embedded_fp16(file!("conv2")), embedded_fp32(file!("conv2_bias"))),
        ],
        dense: (embedded_fp16(file!("dense")), embedded_fp32(file!("dense_bias"))),
    }
}

/// The first `count` images, or all.
pub fn images(count: Option<usize>) -> Images {
    let mut pixels = embedded_fp16(file!("images"));
    let labels = embedded_fp16(file!("labels"));
    let mut labels: Vec<usize> = labels.into_iter().map(|bits| golden::FP16.to_f64(bits.into()) as usize).collect();
    labels.truncate(count.unwrap_or(labels.len()));
    pixels.truncate(labels.len() * PIXELS);
    Images { pixels, labels }
}
