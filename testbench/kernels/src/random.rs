//! Random matrices from a seed.

use golden::{BlockSparseMatrix, SparseMatrix};
use half::f16;

/// SplitMix64: a small, well-known generator, so that a seed means the same numbers for ever.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// True once in `chances` times.
    pub fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    /// A number from -1 up to 1, evenly spread, rounded to FP16.
    pub fn fp16(&mut self) -> u16 {
        f16::from_f64(self.unit()).to_bits()
    }

    /// As [`Random::fp16`], rounded to FP32.
    pub fn fp32(&mut self) -> u32 {
        (self.unit() as f32).to_bits()
    }

    /// `count` FP16 numbers.
    pub fn fp16s(&mut self, count: usize) -> Vec<u16> {
        (0..count).map(|_| self.fp16()).collect()
    }

    /// A sparse matrix of so many blocks at random places. Panics if its sizes are not whole blocks, or too few.
    pub fn blocks(&mut self, [rows, columns]: [usize; 2], block: [usize; 2], count: usize) -> SparseMatrix {
        let block_columns = columns / block[1];
        let mut places: Vec<usize> = (0..rows / block[0] * block_columns).collect();
        for drawn in 0..count {
            let other = drawn + self.below((places.len() - drawn) as u64) as usize;
            places.swap(drawn, other);
        }
        places.truncate(count);
        places.sort_unstable();
        let row_start = |row: usize| places.partition_point(|&place| place < row * block_columns);
        let matrix = BlockSparseMatrix {
            rows,
            columns,
            block,
            row_starts: (0..=rows / block[0]).map(row_start).collect(),
            column_indices: places.iter().map(|place| place % block_columns).collect(),
            values: self.fp16s(count * block[0] * block[1]),
        };
        matrix.to_rows().unwrap_or_else(|error| panic!("{error}"))
    }

    fn unit(&mut self) -> f64 {
        (self.bits() as i64 >> 11) as f64 / (1u64 << 52) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_numbers_for_ever() {
        let mut random = Random::new(0);
        assert_eq!(random.bits(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(random.bits(), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn numbers_lie_between_minus_one_and_one() {
        let mut random = Random::new(1);
        let values: Vec<f64> = random.fp16s(10_000).into_iter().map(|bits| f16::from_bits(bits).to_f64()).collect();
        assert!(values.iter().all(|value| value.abs() <= 1.0));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!(values.iter().any(|&value| value > 0.95) && values.iter().any(|&value| value < -0.95));
    }
}
