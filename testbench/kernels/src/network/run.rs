//! Runs a network on a device, and tells its layers apart by the mark that the program sets at the end of each.

use golden::Flags;
use isa::register;

use super::{NetworkPlan, Tensor};
use crate::device::{Counters, Device, DeviceError, GridHost, Pins, TileStopped};
use crate::pack::{pack_fp16, padded, unpacked};

/// What a run gave.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkReport {
    /// Sticky flags.
    pub flags: Flags,
    /// Cycles from START to DONE; 0 on a device without time.
    pub cycles: u64,
    /// Cycles of each layer, as far as the host can tell, which looks every 16 cycles. None on a device without time.
    pub layer_cycles: Vec<u64>,
    /// The counters of all tiles together.
    pub counters: Counters,
}

/// Cycles between two looks at the progress mark.
const POLL_CYCLES: u64 = 16;

/// A program that takes so many times longer than predicted, and so many cycles more, has failed.
const PATIENCE: (u64, u64) = (4, 100_000);

impl NetworkPlan {
    /// Predicted cycles from START to DONE.
    pub fn predicted_cycles(&self) -> u64 {
        self.layers.iter().map(|layer| layer.predicted_cycles).sum()
    }

    /// What a tile's memory has to hold: byte addresses and words of program and constants.
    fn image(&self) -> impl Iterator<Item = (u32, &[u64])> {
        let program = self.program.segments.iter().map(|segment| (segment.address, segment.words.as_slice()));
        program.chain(self.constants.iter().map(|(address, words)| (*address, words.as_slice())))
    }

    /// Loads program and constants.
    ///
    /// # Errors
    /// The device fails.
    pub fn load(&self, device: &mut dyn Device) -> Result<(), DeviceError> {
        self.image().try_for_each(|(address, words)| device.write_memory(address, words))
    }

    /// Runs the network, whose inputs are in memory, to its end.
    ///
    /// # Errors
    /// The device fails, or the program stops with an error or takes far longer than predicted.
    pub fn run(&self, device: &mut dyn Device) -> Result<NetworkReport, DeviceError> {
        device.write_register(&register::FLAGS, u64::MAX)?;
        device.start(self.program.entry)?;
        let begin = device.simulated_cycles();
        let ends = self.wait(|| match device.run(POLL_CYCLES)? {
            true => Ok(None),
            false => Ok(Some((device.simulated_cycles() - begin, device.read_register(&register::MARKER)?))),
        })?;
        let status = device.status()?.halted()?;
        Ok(self.report(ends, status.cycles, status.flags, device.counters()?))
    }

    /// Loads program and constants into all tiles of a machine.
    ///
    /// # Errors
    /// The machine fails.
    pub fn load_all<S: Pins>(&self, grid: &mut GridHost<S>) -> Result<(), DeviceError> {
        self.image().try_for_each(|(address, words)| grid.broadcast(address, words))
    }

    /// Runs the network on all tiles, whose inputs are in their memories. Layers are those of tile 0.
    ///
    /// # Errors
    /// As [`NetworkPlan::run`].
    pub fn run_all<S: Pins>(&self, grid: &mut GridHost<S>) -> Result<NetworkReport, DeviceError> {
        grid.broadcast(register::FLAGS.address(), &[u64::MAX])?;
        grid.start(self.program.entry)?;
        let begin = grid.simulated_cycles();
        let ends = self.wait(|| match grid.run(POLL_CYCLES)? {
            true => Ok(None),
            false => Ok(Some((grid.simulated_cycles() - begin, grid.read_register(0, &register::MARKER)?))),
        })?;
        let statuses = grid.statuses()?;
        TileStopped::check(&statuses)?;
        let cycles = statuses.iter().map(|status| status.cycles).max().expect("at least one tile");
        let flags = statuses.iter().fold(Flags::NONE, |flags, status| flags | status.flags);
        let mut counters = Counters::default();
        grid.counters()?.iter().for_each(|of_tile| counters.add(of_tile));
        Ok(self.report(ends, cycles, flags, counters))
    }

    /// When layers ended. `look` says what cycle it is and what the mark, until the program has ended.
    fn wait(&self, mut look: impl FnMut() -> Result<Option<(u64, u64)>, DeviceError>) -> Result<Vec<u64>, DeviceError> {
        let limit_cycles = self.predicted_cycles() * PATIENCE.0 + PATIENCE.1;
        let mut ends = vec![];
        while let Some((now, mark)) = look()? {
            if now > limit_cycles {
                return Err(DeviceError::Timeout { limit_cycles });
            }
            // The mark that the last run left stays until the first layer has ended.
            if ends.len() as u64 + 1 == mark {
                ends.push(now);
            }
        }
        Ok(ends)
    }

    fn report(&self, mut ends: Vec<u64>, cycles: u64, flags: Flags, counters: Counters) -> NetworkReport {
        if cycles == 0 {
            return NetworkReport { flags, cycles, layer_cycles: vec![], counters };
        }
        ends.resize(self.layers.len() - 1, cycles);
        ends.push(cycles);
        let begins = [0].into_iter().chain(ends.iter().copied());
        NetworkReport {
            flags,
            cycles,
            layer_cycles: ends.iter().zip(begins).map(|(end, begin)| end - begin).collect(),
            counters,
        }
    }
}

impl Tensor {
    /// Writes FP16 numbers, row by row.
    ///
    /// # Errors
    /// The device fails.
    pub fn write(&self, device: &mut dyn Device, values: &[u16]) -> Result<(), DeviceError> {
        device.write_memory(self.matrix.address, &packed(self, values))
    }

    /// The same on all tiles of a machine, each with numbers of its own.
    ///
    /// # Errors
    /// The machine fails.
    pub fn write_all<S: Pins>(&self, grid: &mut GridHost<S>, values: &[&[u16]]) -> Result<(), DeviceError> {
        let words: Vec<Vec<u64>> = values.iter().map(|values| packed(self, values)).collect();
        let writes = words.iter().enumerate().map(|(tile, words)| (tile, self.matrix.address, words.as_slice()));
        grid.write_memory(&writes.collect::<Vec<_>>())
    }

    /// Reads the numbers of all tiles of a machine, tile by tile.
    ///
    /// # Errors
    /// The machine fails.
    pub fn read_all<S: Pins>(&self, grid: &mut GridHost<S>) -> Result<Vec<u32>, DeviceError> {
        let reads: Vec<_> = (0..grid.tiles()).map(|tile| (tile, self.matrix.address, self.words())).collect();
        Ok(grid.read_memory(&reads)?.iter().flat_map(|words| self.unpacked(words)).collect())
    }

    /// Reads the numbers, row by row.
    ///
    /// # Errors
    /// The device fails.
    pub fn read(&self, device: &mut dyn Device) -> Result<Vec<u32>, DeviceError> {
        Ok(self.unpacked(&device.read_memory(self.matrix.address, self.words())?))
    }

    /// Words from the first row to the end of the last.
    fn words(&self) -> usize {
        self.rows * self.matrix.pitch_words as usize
    }

    /// The numbers of words of memory.
    fn unpacked(&self, words: &[u64]) -> Vec<u32> {
        let bits = if self.matrix.fp16 { 16 } else { 32 };
        let rows = words.chunks(self.matrix.pitch_words as usize);
        rows.flat_map(|row| (0..self.columns).map(|column| unpacked(row, bits, column))).collect()
    }
}

/// FP16 numbers as a tensor's memory holds them.
pub fn packed(tensor: &Tensor, values: &[u16]) -> Vec<u64> {
    assert_eq!(values.len(), tensor.rows * tensor.columns, "all numbers of the tensor");
    let pitch = tensor.matrix.pitch_words as usize;
    values.chunks(tensor.columns).flat_map(|row| padded(pack_fp16(row), pitch)).collect()
}
