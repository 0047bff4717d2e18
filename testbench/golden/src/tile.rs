//! A functional model of the tile: it executes a program from a memory image, command by command.
//!
//! ```text
//!   memory ---> fetch, decode (crate isa) ---> HALT, WAIT, SET, LOOP: here
//!     ^                                   \--> AMP: `tile/amp.rs`, VECTOR: `tile/vector.rs`
//!     +------------------------------------------ results
//! ```
//!
//! There is no time in it. In hardware the engines run concurrently with the sequencer and with one another, up to a
//! WAIT or HALT; here a command is complete before the next begins. A program means the same to both only if it WAITs
//! - before a command that uses what an unfinished one writes, or overwrites what it reads, and
//! - before SET clears flags that unfinished commands still raise.
//!
//! When a program is wrong, the model stops at the first command at fault, which then has had no effect. Hardware
//! reports the same code and address where there is one fault, and of several the one that it meets first: its streams
//! run ahead of one another. Later commands may have run before it noticed, and of a faulty AMP command some results
//! may have been stored.
//!
//! | Error               | Raised by                                              | Error address             |
//! |---------------------|--------------------------------------------------------|---------------------------|
//! | `UNKNOWN_COMMAND`   | an opcode that is not declared                         | the command's             |
//! | `BAD_COMMAND`       | reserved bits; LOOP of count 0                         | the command's             |
//! | `UNSUPPORTED`       | a command, engine or register that the tile has not    | the command's             |
//! | `BAD_DESCRIPTOR`    | reserved bits, or a value outside its range            | the descriptor's          |
//! | `BAD_ENTRY`         | a rectangle that is empty or leaves the rows           | the entry's               |
//! | `MISALIGNED`        | what is not whole words, or in a stream whole accesses | its holder's; a start's   |
//! | `OUT_OF_RANGE`      | start, LOOP target, descriptor, data beyond the memory | the first access beyond   |
//! | `LIST_OUT_OF_RANGE` | a list entry beyond the memory                         | the entry's               |
//!
//! The holder of a misaligned address, stride or offset is the command, descriptor or entry that states it. A
//! descriptor that runs past the end is reported at its own address. WAIT for no engine at all is unsupported too.
//!
//! Of several faults the first in this order counts: the command, its descriptor, its partial sums row by row, each
//! list entry with its weights and then its inputs row by row, the results row by row; of VECTOR the operands a, b, c,
//! each row by row, then the results. Of a command, a descriptor or an entry, values are looked at before alignment, and
//! alignment before range. The arithmetic of addresses is modulo 2^24.

mod amp;
mod memory;
mod vector;

use crate::accumulator::AccumulatorKind;
use crate::counts::Counts;
use crate::flags::Flags;
use crate::random::Random;
use isa::register::Configuration;
use isa::{Command, ControlRegister, DecodeError, EngineMask, ErrorCode, LOOP_LEVELS, ROWS, WORD_BYTES};
use memory::{At, Fault};

/// What of a configuration the results depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TileParameters {
    /// Products that a step sums, T: 1, 2, 4, 8 or 16.
    pub terms: usize,
    /// Kind of accumulator.
    pub accumulator: AccumulatorKind,
    /// Accumulator rows in each half, D: 1 to 64.
    pub rows: usize,
    /// There is a vector engine.
    pub vector: bool,
    /// Size of the memory: a multiple of 32, up to 1 MiB.
    pub memory_bytes: usize,
}

impl TileParameters {
    /// Those of a tile by what it says of itself: the registers CONFIGURATION and MEMORY_BYTES.
    pub fn of(configuration: &Configuration, memory_bytes: usize) -> TileParameters {
        let accumulator = if configuration.exact {
            AccumulatorKind::Exact { bits: configuration.accumulator_bits }
        } else {
            AccumulatorKind::Fp32
        };
        let (terms, rows) = (configuration.terms as usize, configuration.rows as usize);
        TileParameters { terms, accumulator, rows, vector: configuration.vector, memory_bytes }
    }

    /// Bytes of an access by one of the AMP's streams: 8 up to T = 4, then 2 T.
    pub fn access_bytes(&self) -> u32 {
        WORD_BYTES * (self.terms as u32 / 4).max(1)
    }

    fn check(&self) {
        assert!([1, 2, 4, 8, 16].contains(&self.terms), "terms are 1, 2, 4, 8 or 16, not {}", self.terms);
        assert!((1..=ROWS as usize).contains(&self.rows), "rows are 1 to {ROWS}, not {}", self.rows);
        let whole = self.memory_bytes.is_multiple_of(32) && (32..=1 << 20).contains(&self.memory_bytes);
        assert!(whole, "memory is a multiple of 32 bytes up to 1 MiB, not {} bytes", self.memory_bytes);
    }
}

/// A tile: its memory and what a program leaves in its registers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tile {
    parameters: TileParameters,
    /// The memory, in words of 64 bits: byte address 8 i is word i.
    pub memory: Vec<u64>,
    /// The sticky flags. A start does not clear them.
    pub flags: Flags,
    /// The progress mark that a program wrote last.
    pub marker: u32,
    /// The random bits of the AMP. A start does not change them.
    pub amp_random: Random,
    /// Those of the vector engine.
    pub vector_random: Random,
}

/// How a program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Why it stopped; `ErrorCode::None` if it ended by HALT.
    pub error: ErrorCode,
    /// Byte address that the error is about; 0 without one.
    pub error_address: u32,
    /// The sticky flags at the end.
    pub flags: Flags,
    /// The progress mark at the end.
    pub marker: u32,
    /// Products that took part: valid K x rows x columns, over all list entries.
    pub useful_macs: u64,
    /// Row steps that the AMP issued, the register AMP_ROWS: phases x rows, over all list entries.
    pub row_steps: u64,
    /// What the counters AMP_NANS and its like count.
    pub amp_counts: Counts,
    /// What the counters VECTOR_NANS and its like count.
    pub vector_counts: Counts,
}

/// What the commands of a program add up to.
#[derive(Default)]
struct Work {
    useful_macs: u64,
    row_steps: u64,
    amp_counts: Counts,
    vector_counts: Counts,
}

/// What the sequencer does after a command.
enum Next {
    Continue,
    Jump(u32),
    Halt,
}

impl Tile {
    /// Commands after which [`Tile::run`] gives a program up.
    pub const COMMAND_LIMIT: u64 = 100_000_000;

    /// A tile with cleared memory. Panics if `parameters` are out of the ranges that they state.
    pub fn new(parameters: TileParameters) -> Tile {
        parameters.check();
        let memory = vec![0; parameters.memory_bytes / WORD_BYTES as usize];
        let random = Random::from_seed(0);
        Tile { parameters, memory, flags: Flags::NONE, marker: 0, amp_random: random, vector_random: random }
    }

    /// The parameters that the tile was made with.
    pub fn parameters(&self) -> &TileParameters {
        &self.parameters
    }

    fn engines(&self) -> EngineMask {
        if self.parameters.vector { EngineMask::AMP | EngineMask::VECTOR } else { EngineMask::AMP }
    }

    /// Runs the program at byte address `start` to its end. After [`Tile::COMMAND_LIMIT`] commands it ends with
    /// `STOPPED` at the next one, as if the host had stopped it.
    pub fn run(&mut self, start: u32) -> Outcome {
        self.run_limited(start, Tile::COMMAND_LIMIT)
    }

    /// As [`Tile::run`], with a limit of one's own.
    pub fn run_limited(&mut self, start: u32, command_limit: u64) -> Outcome {
        let mut work = Work::default();
        let fault = self.execute(start, command_limit, &mut work).err();
        let Fault { code: error, address: error_address } =
            fault.unwrap_or(Fault { code: ErrorCode::None, address: 0 });
        Outcome {
            error,
            error_address,
            flags: self.flags,
            marker: self.marker,
            useful_macs: work.useful_macs,
            row_steps: work.row_steps,
            amp_counts: work.amp_counts,
            vector_counts: work.vector_counts,
        }
    }

    fn execute(&mut self, start: u32, command_limit: u64, work: &mut Work) -> Result<(), Fault> {
        memory::require_word_aligned(start, start)?;
        let mut program_counter = start;
        // Runs of the body still to come, of the loops that are open.
        let mut loops: [Option<u32>; LOOP_LEVELS as usize] = Default::default();
        for _ in 0..command_limit {
            let word = memory::read_word(&self.memory, program_counter)?;
            let command = Command::decode(word).map_err(|error| match error {
                DecodeError::UnknownOpcode { .. } => ErrorCode::UnknownCommand.at(program_counter),
                DecodeError::ReservedBits { .. } => ErrorCode::BadCommand.at(program_counter),
            })?;
            match self.perform(command, program_counter, &mut loops, work)? {
                Next::Continue => program_counter += WORD_BYTES,
                Next::Jump(target) => program_counter = target,
                Next::Halt => return Ok(()),
            }
        }
        Err(ErrorCode::Stopped.at(program_counter))
    }

    fn perform(
        &mut self,
        command: Command,
        address: u32,
        loops: &mut [Option<u32>],
        work: &mut Work,
    ) -> Result<Next, Fault> {
        match command {
            Command::Halt => Ok(Next::Halt),
            Command::Amp { descriptor } => {
                memory::require_word_aligned(descriptor, address)?;
                let done = amp::perform(&self.parameters, &mut self.memory, descriptor, &mut self.amp_random)?;
                self.flags |= done.flags;
                work.useful_macs += done.useful_macs;
                work.row_steps += done.row_steps;
                work.amp_counts += done.counts;
                Ok(Next::Continue)
            }
            Command::Vector { descriptor } if self.parameters.vector => {
                memory::require_word_aligned(descriptor, address)?;
                let done = vector::perform(&mut self.memory, descriptor, &mut self.vector_random)?;
                self.flags |= done.flags;
                work.vector_counts += done.counts;
                Ok(Next::Continue)
            }
            Command::Vector { .. } | Command::Exchange { .. } | Command::Sync { .. } => {
                Err(ErrorCode::Unsupported.at(address))
            }
            Command::Wait { engines } if engines.0 != 0 && self.engines().contains(engines) => Ok(Next::Continue),
            Command::Wait { .. } => Err(ErrorCode::Unsupported.at(address)),
            Command::Set { register: ControlRegister::MARKER, value } => {
                self.marker = value;
                Ok(Next::Continue)
            }
            Command::Set { register: ControlRegister::FLAGS_CLEAR, value } => {
                self.flags = Flags::from_bits(self.flags.to_bits() & !value);
                Ok(Next::Continue)
            }
            Command::Set { register: ControlRegister::SEED_AMP, value } => {
                self.amp_random = Random::from_seed(value);
                Ok(Next::Continue)
            }
            Command::Set { register: ControlRegister::SEED_VECTOR, value } if self.parameters.vector => {
                self.vector_random = Random::from_seed(value);
                Ok(Next::Continue)
            }
            Command::Set { .. } => Err(ErrorCode::Unsupported.at(address)),
            Command::Loop { count: 0, .. } => Err(ErrorCode::BadCommand.at(address)),
            Command::Loop { level, count, target } => {
                memory::require_word_aligned(target, address)?;
                memory::read_word(&self.memory, target)?;
                let open = &mut loops[level as usize];
                let to_come = open.unwrap_or(count) - 1;
                *open = (to_come > 0).then_some(to_come);
                Ok(if to_come > 0 { Next::Jump(target) } else { Next::Continue })
            }
        }
    }
}
