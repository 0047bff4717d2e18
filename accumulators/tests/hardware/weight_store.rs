//! The weight store against a plain array: words along lanes and along k, every phase, one cycle later.

use accumulators::weight_store::{LATENCY_CYCLES, WeightStore};
use accumulators::{AccumulatorKind, AmpConfig, Target};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rtl::Bits;
use rtl::sim::Simulator;

use crate::SEED;

/// Weights by buffer, k and lane.
pub type Weights = [[[u16; 16]; 16]; 2];

/// What is written in one cycle.
#[derive(Clone, Debug)]
pub struct Write {
    pub buffer: usize,
    pub transposed: bool,
    pub row: usize,
    pub word: usize,
    pub values: Vec<u16>,
}

impl Write {
    /// Any word of any row.
    pub fn random(rng: &mut SmallRng, config: &AmpConfig, value: impl Fn(&mut SmallRng) -> u16) -> Write {
        let values = config.access_values();
        Write {
            buffer: rng.random_range(0..2),
            transposed: rng.random(),
            row: rng.random_range(0..16),
            word: rng.random_range(0..16 / values),
            values: (0..values).map(|_| value(rng)).collect(),
        }
    }

    /// A row holds one k of all lanes, or transposed one lane of all k.
    pub fn apply(&self, weights: &mut Weights) {
        for (i, &value) in self.values.iter().enumerate() {
            let column = self.word * self.values.len() + i;
            let (k, lane) = if self.transposed { (column, self.row) } else { (self.row, column) };
            weights[self.buffer][k][lane] = value;
        }
    }
}

/// FP16 values side by side, the first lowest.
pub fn pack16(values: &[u16]) -> Bits {
    let words: Vec<u64> =
        values.chunks(4).map(|four| four.iter().rev().fold(0, |word, &v| word << 16 | u64::from(v))).collect();
    Bits::from_words(&words, 16 * values.len())
}

#[test]
fn every_phase_delivers_what_was_written_along_lanes_or_along_k() {
    assert_eq!(LATENCY_CYCLES, 1, "the scoreboard looks one cycle after the read");
    println!("seed {SEED:#x}");
    for terms in [1, 2, 4, 8, 16] {
        let config = AmpConfig { terms, rows: 16, accumulator: AccumulatorKind::Fp32, target: Target::StandardCells };
        let design = rtl::elaborate(&WeightStore { config }).unwrap_or_else(|errors| panic!("{errors}"));
        let mut sim = Simulator::new(&design).expect("the design compiles");
        let input = |name: &str| sim.input(name).expect("a port");
        let [valid, buffer, transposed, row, word, data] =
            ["valid", "buffer", "transposed", "row", "word", "data"].map(|name| input(&format!("write_{name}")));
        let (read_buffer, read_k) = (input("read_buffer"), input("read_k"));
        let outputs: Vec<_> = (0..16).map(|lane| sim.output(&format!("weights_{lane}")).expect("a port")).collect();

        let mut rng = SmallRng::seed_from_u64(SEED);
        let mut weights: Weights = [[[0; 16]; 16]; 2];
        let (mut compared, mut read, mut written) = (0, [false; 32], [false; 1024]);
        for _ in 0..4000 {
            let write = Write::random(&mut rng, &config, |rng| rng.random());
            let enabled = rng.random_range(0..4) > 0;
            let (phase_buffer, k) = (rng.random_range(0..2), rng.random_range(0..16 / terms) * terms);
            sim.set(valid, enabled.into());
            sim.set(buffer, write.buffer as u64);
            sim.set(transposed, write.transposed.into());
            sim.set(row, write.row as u64);
            sim.set(word, write.word as u64);
            sim.set_bits(data, &pack16(&write.values));
            sim.set(read_buffer, phase_buffer as u64);
            sim.set(read_k, k as u64);
            sim.step(1).unwrap_or_else(|failure| panic!("{failure}"));
            for (lane, &output) in outputs.iter().enumerate() {
                let expected: Vec<u16> = (k..k + terms).map(|k| weights[phase_buffer][k][lane]).collect();
                let expected = Bits::from_words(pack16(&expected).words(), 16 * terms);
                assert_eq!(sim.get_bits(output), expected, "{terms} terms, buffer {phase_buffer}, k {k}, lane {lane}");
                compared += 1;
            }
            read[phase_buffer * 16 + k] = true;
            if enabled {
                written[((write.buffer * 2 + usize::from(write.transposed)) * 16 + write.row) * 16 + write.word] = true;
                write.apply(&mut weights);
            }
        }
        let count = |seen: &[bool]| seen.iter().filter(|&&seen| seen).count();
        assert_eq!(count(&read), 2 * config.phases(), "every phase of both buffers was read");
        assert_eq!(count(&written), 2 * 2 * 16 * 16 / config.access_values(), "every word was written both ways");
        assert_eq!(compared, 4000 * 16);
        println!("{terms:>2} terms: {compared} phases of a lane compared");
    }
}
