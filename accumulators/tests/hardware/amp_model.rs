//! The AMP, cycle by cycle, in terms of golden accumulators: what its contract table says and nothing of how it is
//! built.

use std::collections::VecDeque;

use accumulators::amp::DRAIN_CYCLES;
use accumulators::{AccumulatorKind, AmpConfig};
use golden::{Accumulator, AccumulatorKind as GoldenKind, Counts, Flags, OutputType, Random, ReadOut, Rounding};
use rtl::Bits;

use crate::SEED;
use crate::weight_store::{Weights, Write};

/// Cycles from a preload to the write of its states.
pub const PRELOAD_CYCLES: u64 = 1;

/// Cycles from a step to the read of its states.
pub fn step_read_cycles(config: &AmpConfig) -> u64 {
    config.state_cycles() as u64
}

/// An accumulator row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub half: usize,
    pub row: usize,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub at: Row,
    pub start: bool,
    pub buffer: usize,
    /// First k of the phase.
    pub k: usize,
    /// The access word with the inputs of the phase.
    pub inputs: Vec<u16>,
    pub enable: u32,
    pub lanes: u16,
}

#[derive(Clone, Debug)]
pub struct Preload {
    pub at: Row,
    pub word: usize,
    pub data: Vec<u32>,
    pub lanes: u16,
}

#[derive(Clone, Debug)]
pub struct Drain {
    pub at: Row,
    pub empty: bool,
    pub word: usize,
    pub options: ReadOut,
    pub stochastic: bool,
    pub lanes: u16,
}

/// What the AMP is told in one cycle.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    pub weights: Option<Write>,
    pub step: Option<Step>,
    pub preload: Option<Preload>,
    pub drain: Option<Drain>,
    pub advance: bool,
}

/// What it says in that cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outputs {
    pub done: bool,
    pub result: Option<Bits>,
    pub flags: Flags,
    pub counts: Counts,
}

/// A step whose operands are known.
struct Running {
    issued: u64,
    step: Step,
    /// Weights of the phase, by lane.
    weights: Vec<Vec<u16>>,
}

/// States on their way to memory, with the flags that count when they arrive.
struct Arriving {
    cycle: u64,
    at: Row,
    first_lane: usize,
    states: Vec<Accumulator>,
    flags: Flags,
    is_step: bool,
}

pub struct Model {
    config: AmpConfig,
    kind: GoldenKind,
    cycle: u64,
    weights: Weights,
    memory: [Vec<[Accumulator; 16]>; 2],
    running: VecDeque<Running>,
    arriving: Vec<Arriving>,
    /// Results and flags by stage of the drain, the first the youngest.
    draining: VecDeque<Option<Drained>>,
    random: Random,
}

/// A word of results, with what counts when it leaves.
type Drained = (Bits, Flags, Counts);

impl Model {
    pub fn new(config: AmpConfig) -> Model {
        let kind = match config.accumulator {
            AccumulatorKind::Fp32 => GoldenKind::Fp32,
            AccumulatorKind::Exact { bits } => GoldenKind::Exact { bits: bits as u32 },
        };
        let half = vec![[kind.zero(); 16]; config.rows];
        Model {
            config,
            kind,
            cycle: 0,
            weights: [[[0; 16]; 16]; 2],
            memory: [half.clone(), half],
            running: VecDeque::new(),
            arriving: vec![],
            draining: (0..DRAIN_CYCLES).map(|_| None).collect(),
            random: Random::from_seed(SEED as u32),
        }
    }

    /// One cycle.
    pub fn cycle(&mut self, inputs: &Inputs) -> Outputs {
        // What was written at the last edge is there now.
        let now = self.cycle;
        for done in self.arriving.extract_if(.., |arriving| arriving.cycle < now) {
            let row = &mut self.memory[done.at.half][done.at.row];
            row[done.first_lane..done.first_lane + done.states.len()].copy_from_slice(&done.states);
        }
        let read_cycles = step_read_cycles(&self.config);
        if self.running.front().is_some_and(|running| running.issued + read_cycles == now) {
            let running = self.running.pop_front().expect("just seen");
            self.accumulate(running);
        }
        // The random bits of words are drawn in their order, whenever that is.
        let drained = inputs.drain.as_ref().map(|drain| self.read_out(drain));

        let arrives = |arriving: &&Arriving| arriving.cycle == now;
        let last = self.draining.back().expect("stages");
        let mut flags = self.arriving.iter().filter(arrives).fold(Flags::NONE, |flags, it| flags | it.flags);
        let mut counts = Counts::NONE;
        if let Some((_, result_flags, result_counts)) = last
            && inputs.advance
        {
            flags |= *result_flags;
            counts = *result_counts;
        }
        let outputs = Outputs {
            done: self.arriving.iter().filter(arrives).any(|arriving| arriving.is_step),
            result: last.as_ref().map(|(result, ..)| result.clone()),
            flags,
            counts,
        };

        if inputs.advance {
            self.draining.pop_back();
            self.draining.push_front(drained);
        }
        if let Some(step) = &inputs.step {
            let phase = step.k..step.k + self.config.terms;
            let of_lane = |lane: usize| phase.clone().map(|k| self.weights[step.buffer][k][lane]).collect();
            let weights = (0..16).map(of_lane).collect();
            self.running.push_back(Running { issued: now, step: step.clone(), weights });
        }
        if let Some(preload) = &inputs.preload {
            self.preload(preload);
        }
        if let Some(write) = &inputs.weights {
            write.apply(&mut self.weights);
        }
        self.cycle += 1;
        outputs
    }

    fn accumulate(&mut self, Running { issued, step, weights }: Running) {
        let terms = self.config.terms;
        let first = step.k % self.config.access_values();
        let x = &step.inputs[first..first + terms];
        let mut states = self.memory[step.at.half][step.at.row];
        let mut flags = Flags::NONE;
        for (lane, state) in states.iter_mut().enumerate() {
            if step.start {
                *state = self.kind.zero();
            }
            let raised = state.step(x, &weights[lane], step.enable);
            flags |= if step.lanes >> lane & 1 == 1 { raised } else { Flags::NONE };
        }
        let cycle = issued + self.config.step_cycles() as u64;
        self.arriving.push(Arriving {
            cycle,
            at: step.at,
            first_lane: 0,
            states: states.to_vec(),
            flags,
            is_step: true,
        });
    }

    fn preload(&mut self, preload: &Preload) {
        let first_lane = preload.word * preload.data.len();
        let mut flags = Flags::NONE;
        let state = |(i, &number): (usize, &u32)| {
            let (state, raised) = self.kind.from_partial_sum(number);
            flags |= if preload.lanes >> (first_lane + i) & 1 == 1 { raised } else { Flags::NONE };
            state
        };
        let states = preload.data.iter().enumerate().map(state).collect();
        let cycle = self.cycle + PRELOAD_CYCLES;
        self.arriving.push(Arriving { cycle, at: preload.at, first_lane, states, flags, is_step: false });
    }

    fn read_out(&mut self, drain: &Drain) -> Drained {
        let (bits, lanes) = match drain.options.output {
            OutputType::Fp16 => (16, 4 * self.config.access_words()),
            OutputType::Fp32 => (32, 2 * self.config.access_words()),
        };
        let (mut words, mut flags, mut counts) = (vec![0u64; self.config.access_words()], Flags::NONE, Counts::NONE);
        let roundings = match drain.options.output {
            OutputType::Fp16 if drain.stochastic => self.random.roundings(lanes),
            _ => vec![Rounding::NearestEven; lanes],
        };
        for (i, rounding) in roundings.into_iter().enumerate() {
            let lane = drain.word * lanes + i;
            let state = if drain.empty { self.kind.zero() } else { self.memory[drain.at.half][drain.at.row][lane] };
            let result = state.read_rounded(drain.options, rounding);
            words[i * bits / 64] |= u64::from(result.bits) << (i * bits % 64);
            if drain.lanes >> lane & 1 == 1 {
                flags |= result.flags;
                counts += result.counts;
            }
        }
        (Bits::from_words(&words, self.config.access_bits()), flags, counts)
    }
}
