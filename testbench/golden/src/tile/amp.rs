//! The AMP command: rows of inputs meet a list of weight blocks.
//!
//! ```text
//!   for entry in list               a weight block, valid K, a rectangle of rows
//!     for phase in ceil(K / T)      T inputs
//!       for row in rectangle
//!         for lane                  accumulator[row][lane] += inputs[row][phase] . weights[phase][lane]
//! ```
//!
//! Which words a command touches, in whole accesses of [`TileParameters::access_bytes`]:
//! - partial sums and results: of every row, as many accesses as hold the result columns. Lanes beyond the last
//!   column that share its access are computed and stored with it, but raise no flag; partial sums are read for them
//!   too;
//! - weights: all 16 rows of 16 numbers of a block, whatever the valid K and the columns;
//! - inputs: of a row in an entry's rectangle, as many accesses as hold the valid K.
//!
//! Everything is read before anything is written.

use super::TileParameters;
use super::memory::{At, Fault, fp16s, fp32s, moved, read_word, span};
use crate::accumulator::{Accumulator, AccumulatorKind, Activation, OutputType, ReadOut};
use crate::counts::Counts;
use crate::flags::Flags;
use crate::random::Random;
use crate::round::{Overflow, Rounding};
use isa::{AmpDescriptor, BLOCK, ErrorCode, LANES, ListEntry, WORD_BYTES};

const LANE_COUNT: usize = LANES as usize;
const BLOCK_SIDE: usize = BLOCK as usize;
const FP16_BYTES: u32 = 2;
const FP32_BYTES: u32 = 4;

/// What an AMP command adds to the tile's registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Work {
    pub flags: Flags,
    pub useful_macs: u64,
    pub row_steps: u64,
    pub counts: Counts,
}

/// Performs the command whose descriptor is at `address`.
pub(super) fn perform(
    parameters: &TileParameters,
    memory: &mut [u64],
    address: u32,
    random: &mut Random,
) -> Result<Work, Fault> {
    let descriptor = read_descriptor(parameters, memory, address)?;
    let mut command = AmpCommand::start(parameters, memory, descriptor)?;
    for i in 0..descriptor.list_count {
        let entry_address = moved(descriptor.list_address, i.into());
        command.apply(memory, &read_entry(parameters, memory, entry_address, &descriptor)?)?;
    }
    command.store(memory, random)?;
    Ok(command.work)
}

fn read_descriptor(parameters: &TileParameters, memory: &[u64], address: u32) -> Result<AmpDescriptor, Fault> {
    let bytes = AmpDescriptor::WORDS as u32 * WORD_BYTES;
    let words = span(memory, address, bytes, WORD_BYTES).map_err(|fault| Fault { address, ..fault })?;
    let words: &[u64; AmpDescriptor::WORDS] = memory[words].try_into().expect("as many words");
    let bad = ErrorCode::BadDescriptor.at(address);
    let descriptor = AmpDescriptor::decode(words).map_err(|_| bad)?;

    let rows_fit = (1..=isa::ROWS).contains(&descriptor.rows_x)
        && (1..=isa::ROWS).contains(&descriptor.rows_y)
        && descriptor.rows() as usize <= parameters.rows;
    let columns_fit = (1..=LANES).contains(&descriptor.columns);
    let activation_known = [isa::Activation::NONE, isa::Activation::RELU].contains(&descriptor.activation);
    let exact_fits = match parameters.accumulator {
        AccumulatorKind::Exact { .. } => {
            let plain = !descriptor.result_fp16 && descriptor.activation == isa::Activation::NONE;
            !descriptor.result_exact || plain
        }
        AccumulatorKind::Fp32 => !(descriptor.result_exact || descriptor.partial_exact),
    };
    if !(rows_fit && columns_fit && activation_known && exact_fits && descriptor.list_count >= 1) {
        return Err(bad);
    }
    if !descriptor_is_aligned(parameters, &descriptor) {
        return Err(ErrorCode::Misaligned.at(address));
    }
    Ok(descriptor)
}

/// Addresses and strides of the streams are whole accesses, the list's address is a whole word. Those of partial sums
/// that are not used do not matter.
fn descriptor_is_aligned(parameters: &TileParameters, descriptor: &AmpDescriptor) -> bool {
    let d = descriptor;
    let mut addresses = vec![d.input_address, d.weight_address, d.result_address];
    let mut strides = vec![d.input_stride_x, d.input_stride_y, d.weight_stride, d.result_stride_x, d.result_stride_y];
    if d.partial_in {
        addresses.push(d.partial_address);
        strides.extend([d.partial_stride_x, d.partial_stride_y]);
    }
    d.list_address.is_multiple_of(WORD_BYTES)
        && addresses.iter().all(|address| address.is_multiple_of(parameters.access_bytes()))
        && strides.iter().all(|&stride| is_whole_accesses(parameters, stride))
}

fn is_whole_accesses(parameters: &TileParameters, words: i32) -> bool {
    (words.unsigned_abs() * WORD_BYTES).is_multiple_of(parameters.access_bytes())
}

fn read_entry(
    parameters: &TileParameters,
    memory: &[u64],
    address: u32,
    descriptor: &AmpDescriptor,
) -> Result<ListEntry, Fault> {
    let word = read_word(memory, address).map_err(|_| ErrorCode::ListOutOfRange.at(address))?;
    let bad = ErrorCode::BadEntry.at(address);
    let entry = ListEntry::decode(&[word]).map_err(|_| bad)?;
    let x_fits = entry.x_first <= entry.x_last && entry.x_last < descriptor.rows_x;
    let y_fits = entry.y_first <= entry.y_last && entry.y_last < descriptor.rows_y;
    if !(x_fits && y_fits) {
        return Err(bad);
    }
    let offsets = [entry.input_offset, entry.weight_block as i32];
    if !offsets.iter().all(|&offset| is_whole_accesses(parameters, offset)) {
        return Err(ErrorCode::Misaligned.at(address));
    }
    Ok(entry)
}

/// A command under way.
struct AmpCommand<'a> {
    parameters: &'a TileParameters,
    descriptor: AmpDescriptor,
    /// Lanes that are stored: the result columns, and those that share the last one's access.
    stored_lanes: usize,
    /// `accumulators[row][lane]`, of the stored lanes.
    accumulators: Vec<Vec<Accumulator>>,
    work: Work,
}

impl AmpCommand<'_> {
    /// Accumulators at +0 or at partial sums from memory.
    fn start<'a>(
        parameters: &'a TileParameters,
        memory: &[u64],
        descriptor: AmpDescriptor,
    ) -> Result<AmpCommand<'a>, Fault> {
        let lanes_in_access = (parameters.access_bytes() / result_bytes(&descriptor)).max(1);
        let stored_lanes = descriptor.columns.next_multiple_of(lanes_in_access) as usize;
        let zero_row = vec![parameters.accumulator.zero(); stored_lanes];
        let accumulators = vec![zero_row; descriptor.rows() as usize];
        let mut command = AmpCommand { parameters, descriptor, stored_lanes, accumulators, work: Work::default() };
        if descriptor.partial_in {
            command.load_partial_sums(memory)?;
        }
        Ok(command)
    }

    fn load_partial_sums(&mut self, memory: &[u64]) -> Result<(), Fault> {
        let AmpDescriptor { partial_address, partial_stride_x, partial_stride_y, partial_exact, .. } = self.descriptor;
        let partial_bytes = if partial_exact { isa::exact_sum::BYTES } else { FP32_BYTES };
        for (row, x, y) in rows(&self.descriptor) {
            let address = row_address(partial_address, 0, (x, partial_stride_x), (y, partial_stride_y));
            let bytes = self.stored_lanes as u32 * partial_bytes;
            let words = span(memory, address, bytes, self.parameters.access_bytes())?;
            if partial_exact {
                for (lane, pair) in memory[words].chunks(2).enumerate() {
                    let sum = u128::from(pair[0]) | u128::from(pair[1]) << 64;
                    self.accumulators[row][lane] = self.parameters.accumulator.from_exact_sum(sum);
                }
                continue;
            }
            for (lane, bits) in fp32s(&memory[words]).enumerate().take(self.stored_lanes) {
                let (accumulator, flags) = self.parameters.accumulator.from_partial_sum(bits);
                self.accumulators[row][lane] = accumulator;
                self.raise(lane, flags);
            }
        }
        Ok(())
    }

    /// One list entry: its rows meet its weight block.
    fn apply(&mut self, memory: &[u64], entry: &ListEntry) -> Result<(), Fault> {
        let weights = self.read_weights(memory, entry)?;
        let covered: Vec<_> = rows(&self.descriptor).filter(|&(_, x, y)| entry.covers(x, y)).collect();
        let inputs = covered
            .iter()
            .map(|&(_, x, y)| self.read_inputs(memory, entry, x, y))
            .collect::<Result<Vec<_>, Fault>>()?;

        let k_count = entry.k_count() as usize;
        for phase in (0..k_count).step_by(self.parameters.terms) {
            let k = phase..phase + self.parameters.terms;
            let enabled = (1 << (k_count - phase).min(16)) - 1;
            for (&(row, ..), inputs) in covered.iter().zip(&inputs) {
                for (lane, weights) in weights.iter().enumerate().take(self.stored_lanes) {
                    let (x, w) = (&inputs[k.clone()], &weights[k.clone()]);
                    let flags = self.accumulators[row][lane].step(x, w, enabled);
                    self.raise(lane, flags);
                }
                self.work.row_steps += 1;
            }
        }
        self.work.useful_macs += (covered.len() * k_count) as u64 * u64::from(self.descriptor.columns);
        Ok(())
    }

    /// A weight block as `weights[lane][k]`, whichever way it lies in memory.
    fn read_weights(&self, memory: &[u64], entry: &ListEntry) -> Result<[[u16; BLOCK_SIDE]; LANE_COUNT], Fault> {
        let block_address = moved(self.descriptor.weight_address, entry.weight_block.into());
        let mut weights = [[0; BLOCK_SIDE]; LANE_COUNT];
        for i in 0..BLOCK_SIDE {
            let address = moved(block_address, i as i64 * i64::from(self.descriptor.weight_stride));
            let words = span(memory, address, BLOCK * FP16_BYTES, self.parameters.access_bytes())?;
            for (j, bits) in fp16s(&memory[words]).enumerate() {
                let (k, lane) = if entry.transposed { (j, i) } else { (i, j) };
                weights[lane][k] = bits;
            }
        }
        Ok(weights)
    }

    /// The inputs of the row at (`x`, `y`); those beyond the accesses that hold the valid K are not read.
    fn read_inputs(&self, memory: &[u64], entry: &ListEntry, x: u32, y: u32) -> Result<[u16; BLOCK_SIDE], Fault> {
        let AmpDescriptor { input_address, input_stride_x, input_stride_y, .. } = self.descriptor;
        let address = row_address(input_address, entry.input_offset, (x, input_stride_x), (y, input_stride_y));
        let words = span(memory, address, entry.k_count() * FP16_BYTES, self.parameters.access_bytes())?;
        let mut inputs = [0; BLOCK_SIDE];
        for (input, bits) in inputs.iter_mut().zip(fp16s(&memory[words])) {
            *input = bits;
        }
        Ok(inputs)
    }

    /// Reads the accumulators out and writes the results.
    fn store(&mut self, memory: &mut [u64], random: &mut Random) -> Result<(), Fault> {
        let AmpDescriptor { result_address, result_stride_x, result_stride_y, result_fp16, result_exact, .. } =
            self.descriptor;
        let read_out = ReadOut {
            output: if result_fp16 { OutputType::Fp16 } else { OutputType::Fp32 },
            overflow: if self.descriptor.saturate { Overflow::Saturate } else { Overflow::ToInfinity },
            activation: if self.descriptor.activation == isa::Activation::RELU {
                Activation::Relu
            } else {
                Activation::None
            },
        };
        let result_bits = 8 * result_bytes(&self.descriptor);
        let row_bytes = self.stored_lanes as u32 * result_bits / 8;
        let destinations = rows(&self.descriptor)
            .map(|(_, x, y)| {
                let address = row_address(result_address, 0, (x, result_stride_x), (y, result_stride_y));
                span(memory, address, row_bytes, self.parameters.access_bytes())
            })
            .collect::<Result<Vec<_>, Fault>>()?;

        for (row, words) in destinations.into_iter().enumerate() {
            memory[words.clone()].fill(0);
            let roundings = if self.descriptor.stochastic && result_fp16 {
                random.roundings(self.stored_lanes)
            } else {
                vec![Rounding::NearestEven; self.stored_lanes]
            };
            for (lane, rounding) in roundings.into_iter().enumerate() {
                if result_exact {
                    let sum = self.accumulators[row][lane].to_exact_sum();
                    memory[words.start + 2 * lane] = sum as u64;
                    memory[words.start + 2 * lane + 1] = (sum >> 64) as u64;
                    continue;
                }
                let result = self.accumulators[row][lane].read_rounded(read_out, rounding);
                self.raise(lane, result.flags);
                if lane < self.descriptor.columns as usize {
                    self.work.counts += result.counts;
                }
                let position = lane * result_bits as usize;
                memory[words.start + position / 64] |= u64::from(result.bits) << (position % 64);
            }
        }
        Ok(())
    }

    /// Flags of lanes beyond the result columns do not count.
    fn raise(&mut self, lane: usize, flags: Flags) {
        if lane < self.descriptor.columns as usize {
            self.work.flags |= flags;
        }
    }
}

/// Bytes of a result.
fn result_bytes(descriptor: &AmpDescriptor) -> u32 {
    match descriptor {
        AmpDescriptor { result_exact: true, .. } => isa::exact_sum::BYTES,
        AmpDescriptor { result_fp16: true, .. } => FP16_BYTES,
        _ => FP32_BYTES,
    }
}

/// The rows of a command in their order: row number, x, y.
fn rows(descriptor: &AmpDescriptor) -> impl Iterator<Item = (usize, u32, u32)> + use<> {
    let rows_x = descriptor.rows_x;
    (0..descriptor.rows()).map(move |row| (row as usize, row % rows_x, row / rows_x))
}

/// Where a row begins: `base`, and offset and strides in words.
fn row_address(base: u32, offset: i32, (x, stride_x): (u32, i32), (y, stride_y): (u32, i32)) -> u32 {
    let words = i64::from(offset) + i64::from(x) * i64::from(stride_x) + i64::from(y) * i64::from(stride_y);
    moved(base, words)
}
