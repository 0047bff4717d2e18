//! Sequences of vector commands: the native simulator's tile against the golden model's, bit for bit, and both against
//! the same functions in FP64.

use golden::{FP16, FP32};
use isa::{Program, WORD_BYTES};
use kernels::device::{Device, GoldenDevice, NativeTile};
use kernels::random::Random;
use kernels::vector::{Matrix, Sequence};
use tile::TileConfig;

const ROWS: u32 = 6;
const COLUMNS: u32 = 75;
const PROGRAM: u32 = 0;
const DATA: u32 = 0x1000;
const LIMIT_CYCLES: u64 = 200_000;

/// Memory for operands and results, in the order in which it is asked for.
struct Memory {
    next: u32,
    words: Vec<u64>,
    random: Random,
}

impl Memory {
    fn new(seed: u64) -> Self {
        Memory { next: DATA, words: vec![], random: Random::new(seed) }
    }

    /// A matrix of numbers from -`scale` to `scale`.
    fn matrix(&mut self, rows: u32, fp16: bool, scale: f32) -> Matrix {
        let pitch_words = Matrix::row_words(COLUMNS, fp16);
        let number = |random: &mut Random| scale * f32::from_bits(random.fp32());
        for _ in 0..rows * pitch_words {
            let random = &mut self.random;
            self.words.push(if fp16 {
                (0..4).fold(0, |word, _| word << 16 | u64::from(half(number(random))))
            } else {
                (0..2).fold(0, |word, _| word << 32 | u64::from(number(random).to_bits()))
            });
        }
        let matrix = Matrix { address: self.next, pitch_words, fp16 };
        self.next += rows * pitch_words * WORD_BYTES;
        matrix
    }

    /// What a matrix holds, row by row.
    fn read(words: &[u64], matrix: Matrix) -> Vec<Vec<f64>> {
        let element = |row: u32, column: u32| {
            let (format, in_word) = if matrix.fp16 { (FP16, 4) } else { (FP32, 2) };
            let word =
                words[((matrix.address - DATA) / WORD_BYTES + row * matrix.pitch_words + column / in_word) as usize];
            let bits = 64 / in_word;
            format.to_f64((word >> (column % in_word * bits)) as u32 & (u32::MAX >> (32 - bits)))
        };
        let rows = if matrix.pitch_words == 0 { 1 } else { ROWS };
        (0..rows).map(|row| (0..COLUMNS).map(|column| element(row, column)).collect()).collect()
    }
}

fn half(number: f32) -> u16 {
    golden::fp32_to_fp16(number.to_bits(), golden::Rounding::NearestEven, golden::Overflow::ToInfinity).0
}

fn run(device: &mut dyn Device, program: &Program, data: &[u64], words: usize) -> (Vec<u64>, u64) {
    device.load(program).unwrap();
    device.write_memory(DATA, data).unwrap();
    device.start(PROGRAM).unwrap();
    let status = device.wait(LIMIT_CYCLES).unwrap().halted().unwrap();
    (device.read_memory(DATA, words).unwrap(), status.cycles)
}

/// Runs a sequence on both tiles; gives the memory after it.
fn agree(name: &str, memory: &Memory, sequence: &Sequence) -> Vec<u64> {
    let config = TileConfig { name: "test".into(), vector: true, ..TileConfig::small16() };
    let program = sequence.program(PROGRAM);
    let words = ((sequence.end() - DATA) / WORD_BYTES) as usize;
    let (expected, _) = run(&mut GoldenDevice::new(&config), &program, &memory.words, words);
    let (found, cycles) = run(&mut NativeTile::new(&config).unwrap(), &program, &memory.words, words);
    let given = memory.words.len();
    assert_ne!(expected[..given], memory.words[..], "{name} does something");
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "{name}: word {i} of {words}");
    }
    println!("{name}: {words} words bit-exact, {} cycles a row of {COLUMNS}", cycles / u64::from(ROWS));
    found
}

/// Fails unless all numbers are within `most` of their references; prints how far they are.
fn close(name: &str, found: &[Vec<f64>], expected: impl Fn(usize, usize) -> f64, most: f64) {
    let mut worst = 0f64;
    let mut compared = 0;
    for (row, found) in found.iter().enumerate() {
        for (column, found) in found.iter().enumerate() {
            worst = worst.max((found - expected(row, column)).abs());
            compared += 1;
        }
    }
    println!("{name}: at most 2^{:.1} from FP64", worst.log2());
    assert_eq!(compared, ROWS * COLUMNS);
    assert!(worst <= most, "{name}: {worst:e} from FP64, expected at most {most:e}");
}

#[test]
fn softmax_is_bit_exact_and_near_fp64() {
    let mut memory = Memory::new(1);
    let (x, y) = (memory.matrix(ROWS, false, 10.0), memory.matrix(ROWS, false, 0.0));
    let mut sequence = Sequence::new(ROWS, COLUMNS, memory.next);
    sequence.softmax(x, 1.0, y);
    let after = agree("softmax", &memory, &sequence);
    let x = Memory::read(&after, x);
    let sums: Vec<f64> = x.iter().map(|row| row.iter().map(|x| x.exp()).sum()).collect();
    close("softmax", &Memory::read(&after, y), |row, column| x[row][column].exp() / sums[row], 2f64.powi(-22));
}

#[test]
fn gelu_is_bit_exact_and_near_fp64() {
    let mut memory = Memory::new(2);
    let (x, y) = (memory.matrix(ROWS, true, 8.0), memory.matrix(ROWS, false, 0.0));
    let mut sequence = Sequence::new(ROWS, COLUMNS, memory.next);
    sequence.gelu(x, y);
    let after = agree("gelu", &memory, &sequence);
    let x = Memory::read(&after, x);
    let reference = |row: usize, column: usize| {
        let x = x[row][column];
        x / 2.0 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
    };
    close("gelu", &Memory::read(&after, y), reference, 2f64.powi(-20));
}

#[test]
fn layer_norm_is_bit_exact_and_near_fp64() {
    let mut memory = Memory::new(3);
    let (x, y) = (memory.matrix(ROWS, true, 4.0), memory.matrix(ROWS, false, 0.0));
    let (gain, bias) = (memory.matrix(1, false, 2.0), memory.matrix(1, true, 1.0));
    let mut sequence = Sequence::new(ROWS, COLUMNS, memory.next);
    sequence.layer_norm(x, (gain, bias), 1e-5, y);
    let after = agree("layer normalisation", &memory, &sequence);
    let x = Memory::read(&after, x);
    let single = |row: Matrix| Memory::read(&after, Matrix { pitch_words: 0, ..row }).remove(0);
    let (gain, bias) = (single(gain), single(bias));
    let reference = |row: usize, column: usize| {
        let n = f64::from(COLUMNS);
        let mean = x[row].iter().sum::<f64>() / n;
        let variance = x[row].iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        (x[row][column] - mean) / (variance + 1e-5).sqrt() * gain[column] + bias[column]
    };
    close("layer normalisation", &Memory::read(&after, y), reference, 2f64.powi(-20));
}

#[test]
fn sgd_is_bit_exact_and_keeps_what_fp16_weights_would_lose() {
    let mut memory = Memory::new(4);
    let (weights, momentum) = (memory.matrix(ROWS, false, 1.0), memory.matrix(ROWS, false, 0.01));
    let (gradient, copy) = (memory.matrix(ROWS, true, 0.01), memory.matrix(ROWS, true, 0.0));
    let mut sequence = Sequence::new(ROWS, COLUMNS, memory.next);
    let (rate, decay) = (1e-3f32, 0.9f32);
    sequence.sgd(weights, momentum, gradient, copy, (rate, decay));
    let before = [weights, momentum, gradient].map(|matrix| Memory::read(&memory.words, matrix));
    let after = agree("sgd", &memory, &sequence);
    let new_momentum = |row: usize, column: usize| f64::from(decay) * before[1][row][column] + before[2][row][column];
    let new_weight = |row: usize, column: usize| before[0][row][column] - f64::from(rate) * new_momentum(row, column);
    close("momentum", &Memory::read(&after, momentum), new_momentum, 2f64.powi(-30));
    let updated = Memory::read(&after, weights);
    close("weights", &updated, new_weight, 2f64.powi(-24));
    // Rounded stochastically: to either neighbour in FP16.
    let copied = Memory::read(&after, copy);
    close("copy", &copied, |row, column| updated[row][column], 2f64.powi(-11));
    let moved = updated.iter().flatten().zip(before[0].iter().flatten()).filter(|(new, old)| new != old).count();
    assert!(moved > 400, "{moved} of 450 weights moved, each by far less than FP16's last place");
}
