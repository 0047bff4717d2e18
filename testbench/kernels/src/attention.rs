//! A block of a transformer on one tile: attention, then two dense layers, each added to what came in.
//!
//! ```text
//!   x --+--> norm --> query, key, value --> of each head: softmax(query key^T / sqrt(d)) value --> output --> + --> h
//!       +-----------------------------------------------------------------------------------------------------^
//!   h --+--> norm --> expand, GELU --> contract --> + --> y
//!       +-------------------------------------------^
//! ```
//! The form of GPT-2: normalisation first, a bias in every product, GELU in its tanh form; without a mask, so every token
//! attends to all. Tokens are rows. Keys lie as they were made, a row for each token, and are transposed as they are loaded.
//! What a layer leaves is FP16, but for the scores, which are FP32.

use golden::{
    Epilogue, EpilogueFunction, FP16, FP32, MatmulOptions, MatmulResult, OutputType, ReadOut, Rows, Shape, Start,
};
use thiserror::Error;
use tile::TileConfig;

use crate::device::{Device, DeviceError};
use crate::matmul::access_bytes;
use crate::network::{Dense, Network, NetworkError, NetworkPlan, NetworkReport, Tensor, Weights};

/// Sizes of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionShape {
    /// Rows of x.
    pub tokens: usize,
    /// Columns of x.
    pub width: usize,
    /// Parts of the width that attend on their own.
    pub heads: usize,
    /// Columns between the two dense layers.
    pub hidden: usize,
}

/// A product with a bias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linear {
    /// FP16, inputs x outputs.
    pub weights: Vec<u16>,
    /// FP32.
    pub bias: Vec<u32>,
}

/// Factors and terms of a normalisation, FP16.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Norm {
    /// Factors.
    pub gain: Vec<u16>,
    /// Terms.
    pub bias: Vec<u16>,
}

/// What was learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttentionWeights {
    /// Before attention, and before the dense layers.
    pub norms: [Norm; 2],
    /// Query, key and value: width x width.
    pub heads: [Linear; 3],
    /// Width x width.
    pub output: Linear,
    /// Width x hidden.
    pub expand: Linear,
    /// Hidden x width.
    pub contract: Linear,
}

/// A block that a tile cannot run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AttentionError {
    /// Nothing to do.
    #[error("{tokens} tokens of {width}, {heads} heads, {hidden} hidden: expected at least 1 of each")]
    Empty {
        /// As in [`AttentionShape`], and so on.
        tokens: usize,
        /// Columns.
        width: usize,
        /// Parts.
        heads: usize,
        /// Columns between.
        hidden: usize,
    },
    /// A head is no whole number of accesses.
    #[error("a width of {width} in {heads} heads: expected heads of a multiple of {multiple}")]
    Heads {
        /// Columns.
        width: usize,
        /// Parts.
        heads: usize,
        /// FP16 numbers of an access.
        multiple: usize,
    },
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// A block on a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    /// Its program and layers.
    pub plan: NetworkPlan,
    /// How the tile adds.
    pub options: MatmulOptions,
    /// Where x goes.
    pub x: Tensor,
    /// Where the results are.
    pub y: Tensor,
}

/// Added to variances.
const EPSILON: f32 = 1e-5;

impl AttentionShape {
    fn check(&self, config: &TileConfig) -> Result<(), AttentionError> {
        let AttentionShape { tokens, width, heads, hidden } = *self;
        if [tokens, width, heads, hidden].contains(&0) {
            return Err(AttentionError::Empty { tokens, width, heads, hidden });
        }
        let multiple = access_bytes(config) as usize / 2;
        if !width.is_multiple_of(heads) || !(width / heads).is_multiple_of(multiple) {
            return Err(AttentionError::Heads { width, heads, multiple });
        }
        Ok(())
    }

    /// Columns of a head.
    fn head(&self) -> usize {
        self.width / self.heads
    }

    /// What scores are multiplied by.
    fn scale(&self) -> f32 {
        (1.0 / (self.head() as f64).sqrt()) as f32
    }
}

impl Attention {
    /// The block of these sizes.
    ///
    /// # Errors
    /// The sizes are not those of a block, or the tile has no vector engine or too little memory.
    pub fn new(
        config: &TileConfig,
        shape: &AttentionShape,
        weights: &AttentionWeights,
    ) -> Result<Self, AttentionError> {
        let mut network = Network::new(config)?;
        shape.check(config)?;
        let AttentionShape { tokens, width, heads, .. } = *shape;
        let x = network.tensor(tokens, width, true);

        let normed = norm(&mut network, "norm 1", &x, &weights.norms[0]);
        let names = ["query", "key", "value"];
        let [query, key, value] = [0, 1, 2].map(|index| {
            let dense = linear(&mut network, normed, &weights.heads[index]);
            network.dense(names[index], &dense)
        });
        let attended = network.tensor(tokens, width, true);
        let mark = network.mark();
        for head in 0..heads {
            let of_head = |tensor: &Tensor| tensor.columns(head * shape.head(), shape.head());
            let name = |what: &str| format!("{what} {}", head + 1);
            let keys = Weights { tensor: of_head(&key), transposed: true };
            let scores = Dense { weights: keys, fp16: false, ..Dense::new(of_head(&query), of_head(&key)) };
            let scores = network.dense(&name("scores"), &scores);
            let chances = network.softmax(&name("softmax"), &scores, shape.scale(), true);
            network.dense_into(&name("attend"), &Dense::new(chances, of_head(&value)), of_head(&attended));
            network.release(mark);
        }
        let output = Dense { residual: Some(x), ..linear(&mut network, attended, &weights.output) };
        let h = network.dense("output", &output);

        let normed = norm(&mut network, "norm 2", &h, &weights.norms[1]);
        let expand = Dense { function: EpilogueFunction::Gelu, ..linear(&mut network, normed, &weights.expand) };
        let hidden = network.dense("expand", &expand);
        let contract = Dense { residual: Some(h), ..linear(&mut network, hidden, &weights.contract) };
        let y = network.dense("contract", &contract);
        Ok(Attention { plan: network.finish()?, options: network.options(), x, y })
    }

    /// Runs the block, whose program and weights are loaded. FP16, a token a row.
    ///
    /// # Errors
    /// The device fails or the program stops with an error.
    pub fn run(&self, device: &mut dyn Device, x: &[u16]) -> Result<(Vec<u32>, NetworkReport), DeviceError> {
        self.x.write(device, x)?;
        let report = self.plan.run(device)?;
        Ok((self.y.read(device)?, report))
    }
}

fn norm(network: &mut Network, name: &str, x: &Tensor, norm: &Norm) -> Tensor {
    let [gain, bias] = [&norm.gain, &norm.bias].map(|row| network.constant(x.columns, row));
    network.layer_norm(name, x, &gain, &bias, EPSILON)
}

fn linear(network: &mut Network, inputs: Tensor, linear: &Linear) -> Dense {
    let bias = network.constant_row(&linear.bias);
    Dense { bias: Some(bias), ..Dense::new(inputs, network.constant(linear.bias.len(), &linear.weights)) }
}

/// What the block gives by the golden model: FP16, a token a row.
pub fn expected(
    shape: &AttentionShape,
    weights: &AttentionWeights,
    options: &MatmulOptions,
    x: &[u16],
) -> MatmulResult {
    let model = Model { options };
    let x = Rows::new(shape.width, FP16, x.iter().map(|&bits| bits.into()).collect());
    let normed = model.norm(&x, &weights.norms[0]);
    let [query, key, value] = [0, 1, 2].map(|i| model.linear(&normed, &weights.heads[i], EpilogueFunction::None, None));
    let mut attended = Rows { bits: vec![0; x.bits.len()], ..x.clone() };
    for head in 0..shape.heads {
        let columns = head * shape.head()..(head + 1) * shape.head();
        let [query, key, value] = [&query, &key, &value].map(|rows| rows.of_columns(columns.clone()));
        let keys = golden::matmul::transposed(&key.fp16(), shape.tokens, shape.head());
        let scores = model.product(&query, &keys, shape.tokens, None, OutputType::Fp32);
        let scores = Rows { flags: scores.flags | key.flags, ..scores };
        let chances = scores.softmax(shape.scale(), FP16);
        let of_head = model.product(&chances, &value.fp16(), shape.head(), None, OutputType::Fp16);
        attended.flags |= of_head.flags | value.flags;
        for (row, of_head) in attended.bits.chunks_mut(shape.width).zip(of_head.bits.chunks(shape.head())) {
            row[columns.clone()].copy_from_slice(of_head);
        }
    }
    let h = model.linear(&attended, &weights.output, EpilogueFunction::None, Some(&x));
    let normed = model.norm(&h, &weights.norms[1]);
    let hidden = model.linear(&normed, &weights.expand, EpilogueFunction::Gelu, None);
    let Rows { bits, flags, .. } = model.linear(&hidden, &weights.contract, EpilogueFunction::None, Some(&h));
    MatmulResult { bits, flags }
}

/// The golden layers with the tile's way to add.
struct Model<'a> {
    options: &'a MatmulOptions,
}

impl Model<'_> {
    fn norm(&self, x: &Rows, norm: &Norm) -> Rows {
        x.layer_norm(&norm.gain.clone().into(), &norm.bias.clone().into(), EPSILON, FP16)
    }

    fn product(&self, a: &Rows, b: &[u16], n: usize, bias: Option<&[u32]>, output: OutputType) -> Rows {
        let shape = Shape { m: a.rows(), n, k: a.columns };
        let options = MatmulOptions { read_out: ReadOut { output, ..ReadOut::default() }, ..*self.options };
        let result = golden::matmul(shape, &a.fp16(), b, bias.map_or(Start::Zero, Start::Bias), &options);
        Rows { flags: a.flags | result.flags, ..Rows::new(n, output.format(), result.bits) }
    }

    /// `function(a weights + bias + residual)`, FP16.
    fn linear(&self, a: &Rows, linear: &Linear, function: EpilogueFunction, residual: Option<&Rows>) -> Rows {
        let n = linear.bias.len();
        let epilogue = Epilogue { residual: residual.is_some(), function };
        if epilogue.is_none() {
            return self.product(a, &linear.weights, n, Some(&linear.bias), OutputType::Fp16);
        }
        let sums = self.product(a, &linear.weights, n, Some(&linear.bias), OutputType::Fp32);
        assert_eq!(sums.format, FP32);
        let flags = residual.map_or(sums.flags, |residual| residual.flags | sums.flags);
        let read_out = ReadOut { output: OutputType::Fp16, ..ReadOut::default() };
        let residual = residual.map(Rows::fp16);
        let result = epilogue.apply(MatmulResult { bits: sums.bits, flags }, n, residual.as_deref(), read_out);
        Rows { flags: result.flags, ..Rows::new(n, FP16, result.bits) }
    }
}
