//! The layers that a network is made of.

use golden::{Activation, ConvolutionShape, Epilogue, EpilogueFunction, OutputType, ReadOut};
use isa::{BLOCK, LANES};

use super::{Network, Tensor};
use crate::convolution::{Band, ConvolutionProblem, Panel, PixelLayout, Regions, Work, pack_weights};
use crate::matmul::{Common, Flow, Layout, Region, WeightLayout, panel_command, panels};
use crate::timing::{CommandWork, Stored, Timeline};

/// The weights of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// Rows of K or, transposed, rows of N.
    pub tensor: Tensor,
    /// They are rows of N, and are loaded as they lie.
    pub transposed: bool,
}

/// A product and what follows its sums: `function(inputs weights + bias + residual)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dense {
    /// M x K.
    pub inputs: Tensor,
    /// K x N.
    pub weights: Weights,
    /// N numbers, FP32.
    pub bias: Option<Tensor>,
    /// M x N, FP16.
    pub residual: Option<Tensor>,
    /// Of the sums.
    pub function: EpilogueFunction,
    /// Results are FP16.
    pub fp16: bool,
}

impl Dense {
    /// A product with nothing else; results are FP16.
    pub fn new(inputs: Tensor, weights: Tensor) -> Self {
        let weights = Weights { tensor: weights, transposed: false };
        Dense { inputs, weights, bias: None, residual: None, function: EpilogueFunction::None, fp16: true }
    }

    fn columns(&self) -> usize {
        if self.weights.transposed { self.weights.tensor.rows } else { self.weights.tensor.columns }
    }
}

impl Network {
    /// A product, whose results get memory of their own.
    pub fn dense(&mut self, name: &str, dense: &Dense) -> Tensor {
        let results = self.tensor(dense.inputs.rows, dense.columns(), dense.fp16);
        self.dense_into(name, dense, results)
    }

    /// A product, whose results go where there is a place for them.
    pub fn dense_into(&mut self, name: &str, dense: &Dense, results: Tensor) -> Tensor {
        let Dense { inputs, weights, bias, residual, function, fp16 } = *dense;
        let (m, n, k) = (inputs.rows, dense.columns(), inputs.columns);
        assert_eq!((results.rows, results.columns, results.matrix.fp16), (m, n, fp16), "results are M x N");
        let epilogue = Epilogue { residual: residual.is_some(), function };
        let mark = self.mark();
        let sums = if epilogue.is_none() { results } else { self.tensor(m, n, false) };

        let block = BLOCK as usize;
        let k_counts: Vec<usize> = (0..k).step_by(block).map(|first| block.min(k - first)).collect();
        let result = if sums.matrix.fp16 { Stored::Fp16 } else { Stored::Fp32 };
        let partial = bias.map(|_| Stored::Fp32);
        let (panels, cycles) = panels(Common { config: &self.config, k_counts: &k_counts, partial, result }, m, n);
        let layout = Layout { inputs: inputs.region(), weights: weights.tensor.region(), ..Layout::default() };
        let flow = Flow {
            results: sums.region(),
            partials: None,
            bias: bias.map(|bias| bias.region()),
            partial,
            result,
            read_out: ReadOut::default(),
            stochastic: false,
            weights: if weights.transposed { WeightLayout::Columns } else { WeightLayout::Rows },
        };
        let commands = panels.iter().map(|panel| panel_command(&layout, &flow, panel, &k_counts)).collect();

        let mut sequence = self.sequence(m, n);
        let residual = residual.map(|residual| residual.matrix);
        sequence.epilogue(&epilogue, false, sums.matrix, residual, results.matrix);
        self.push(name, (commands, cycles), &sequence, (m * n * k) as u64);
        self.release(mark);
        results
    }

    /// A convolution of FP16 pixels, a row each, with weights as in [`golden::convolution()`], and ReLU. One group, and no
    /// pixel all of whose taps are in the padding.
    pub fn convolution(
        &mut self,
        name: &str,
        pixels: &Tensor,
        shape: &ConvolutionShape,
        weights: &[u16],
        bias: &[u32],
    ) -> Tensor {
        let [rows, columns] = shape.output();
        assert_eq!((pixels.rows, shape.groups), (shape.batch * shape.image[0] * shape.image[1], 1), "a row a pixel");
        let words = pixels.matrix.pitch_words;
        let layout = PixelLayout { group_words: words, pixel_words: words };
        let band = Band::new(shape, &self.amp(), layout, 0..rows).expect("images in a tile's memory are in reach");
        let results = self.tensor(shape.batch * rows * columns, shape.filters, true);

        let lanes = LANES as usize;
        let panels: Vec<Panel> = (0..shape.filters)
            .step_by(lanes)
            .map(|first| {
                let filters = first..shape.filters.min(first + lanes);
                Panel { group: 0, filters, result_offset: 2 * first as u32 }
            })
            .collect();
        let packed: Vec<Vec<u64>> = panels.iter().map(|panel| pack_weights(shape, weights, &panel.filters)).collect();
        let pitch_words = packed[0].len() as u32;
        let packed = packed.concat();
        let weights = Region { address: self.memory.weights(packed.len() as u32 * 8), bytes: 0, pitch_words };
        self.constants.push((weights.address, packed));
        let bias = Region { pitch_words: LANES / 2, ..self.constant_row(bias).region() };

        let read_out = ReadOut { output: OutputType::Fp16, activation: Activation::Relu, ..ReadOut::default() };
        let problem = ConvolutionProblem { shape: *shape, bias: true, read_out, epilogue: Epilogue::default() };
        let mut timeline = Timeline::new(self.amp());
        let mut commands = vec![];
        for image in 0..shape.batch {
            let regions = Regions {
                inputs: Region {
                    address: pixels.region().row(image * shape.image[0] * shape.image[1]),
                    ..pixels.region()
                },
                weights,
                results: Region { address: results.region().row(image * rows * columns), ..results.region() },
                bias,
                ..Regions::default()
            };
            let work = Work {
                config: &self.config,
                problem: &problem,
                pixels: layout,
                regions: &regions,
                band: &band,
                panels: &panels,
                images: 1,
            };
            for (index, panel) in panels.iter().enumerate() {
                for rectangle in &band.rectangles {
                    let list = &band.lists[rectangle.list.expect("a pixel meets some of its taps")];
                    commands.push((work.descriptor((0, index), panel, rectangle, (0, 0)), list.clone()));
                    let work = CommandWork {
                        rows: rectangle.pixels(),
                        columns: panel.filters.len(),
                        result: Stored::Fp16,
                        partial: Some(Stored::Fp32),
                        k_counts: &[],
                    };
                    timeline.push_list(&work, rectangle.columns.len(), list);
                }
            }
        }
        self.push(name, (commands, timeline.end()), &self.sequence(1, 1), shape.macs());
        results
    }

    /// The largest FP16 number of each window of `window` x `window` pixels of images of `[rows, columns]`.
    pub fn max_pool(&mut self, name: &str, pixels: &Tensor, [rows, columns]: [usize; 2], window: usize) -> Tensor {
        let results = self.tensor(pixels.rows / (window * window), pixels.columns, true);
        let all_rows = pixels.rows / columns;
        assert!(pixels.rows.is_multiple_of(rows * columns), "whole images");
        assert!(rows.is_multiple_of(window) && columns.is_multiple_of(window), "windows of {window} fill the images");
        let mut sequence = self.sequence(1, pixels.columns);
        let size = [all_rows as u32, columns as u32];
        sequence.max_pool(pixels.matrix, size, window as u32, results.matrix);
        self.push(name, (vec![], 0), &sequence, 0);
        results
    }

    /// e^(x * scale) over the sum of that in the row.
    pub fn softmax(&mut self, name: &str, x: &Tensor, scale: f32, fp16: bool) -> Tensor {
        let results = self.tensor(x.rows, x.columns, fp16);
        let mut sequence = self.sequence(x.rows, x.columns);
        sequence.softmax(x.matrix, scale, results.matrix);
        self.push(name, (vec![], 0), &sequence, 0);
        results
    }

    /// Rows less their mean, over the square root of their variance and `epsilon`; times `gain`, plus `bias`. FP16.
    pub fn layer_norm(&mut self, name: &str, x: &Tensor, gain: &Tensor, bias: &Tensor, epsilon: f32) -> Tensor {
        let results = self.tensor(x.rows, x.columns, true);
        let mut sequence = self.sequence(x.rows, x.columns);
        sequence.layer_norm(x.matrix, (gain.matrix, bias.matrix), epsilon, results.matrix);
        self.push(name, (vec![], 0), &sequence, 0);
        results
    }
}
