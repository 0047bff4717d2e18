//! The interpreter: runs the batches of a program over an arena.

use std::array::from_fn;

use super::program::{Batch, LANES, MemoryLayout, Operation, Program};
use super::wide::compiled_for_this_processor;

/// Evaluates one segment of the program.
pub fn run(program: &Program, segment: usize, arena: &mut [u64], memory: &[u64]) {
    assert_eq!(arena.len(), program.arena.len(), "an arena of another program");
    run_segment(program, segment, arena, memory);
}

compiled_for_this_processor! {
    fn run_segment(program: &Program, segment: usize, arena: &mut [u64], memory: &[u64]) as run_batches
}

#[inline(always)]
fn run_batches(program: &Program, segment: usize, arena: &mut [u64], memory: &[u64]) {
    for batch in &program.batches[segment] {
        run_batch(program, batch, arena, memory);
    }
}

/// What an instruction says beside its sources.
#[derive(Clone, Copy)]
struct Fixed {
    number: u32,
    arena: *const u64,
}

impl Fixed {
    /// The mask that the number names in its upper 26 bits.
    #[inline(always)]
    fn mask(self) -> u64 {
        // SAFETY: `Program::validate` has found it inside the arena.
        unsafe { *self.arena.add((self.number >> 6) as usize) }
    }
}

/// Runs the instructions of `batch`, of `S` sources and `N` operands each.
#[inline(always)]
fn each<const S: usize, const N: usize>(
    program: &Program,
    batch: &Batch,
    arena: &mut [u64],
    f: impl Fn([u64; S], Fixed) -> u64,
) {
    let (count, width) = (batch.count as usize, if batch.lanes { LANES } else { 1 });
    let code = &program.code[batch.code as usize..][..count * N];
    assert!(batch.result as usize + count * width <= arena.len());
    let (code, _) = code.as_chunks::<N>();
    let base = arena.as_mut_ptr();
    // SAFETY: `result + count * width` is inside the arena (asserted above).
    let results = unsafe { base.add(batch.result as usize) };
    // SAFETY, for both loops: `Program::validate` has found every source inside the arena, whose length `run`
    // compares, with all its lanes if the batch has lanes; `i` is below `count`.
    if batch.lanes {
        for (i, code) in code.iter().enumerate() {
            let fixed = Fixed { number: code[N - 1], arena: base };
            let source = |s: usize| unsafe { base.add(code[s] as usize).cast::<[u64; LANES]>().read() };
            let sources: [[u64; LANES]; S] = from_fn(source);
            let values: [u64; LANES] = from_fn(|lane| f(from_fn(|s| sources[s][lane]), fixed));
            unsafe { results.add(i * LANES).cast::<[u64; LANES]>().write(values) };
        }
    } else {
        for (i, code) in code.iter().enumerate() {
            let fixed = Fixed { number: code[N - 1], arena: base };
            let sources: [u64; S] = from_fn(|s| unsafe { *base.add(code[s] as usize) });
            unsafe { results.add(i).write(f(sources, fixed)) };
        }
    }
}

/// Runs a batch of instructions that name tables or memories.
#[inline(always)]
fn each_by_table(program: &Program, batch: &Batch, arena: &mut [u64], f: impl Fn(&[u64], &[u32; 3]) -> u64) {
    let code = &program.code[batch.code as usize..][..3 * batch.count as usize];
    let (code, _) = code.as_chunks::<3>();
    for (result, code) in (batch.result as usize..).zip(code) {
        arena[result] = f(arena, code);
    }
}

#[inline(always)]
fn spread(program: &Program, batch: &Batch, arena: &mut [u64]) {
    let code = &program.code[batch.code as usize..][..batch.count as usize];
    for (i, &source) in code.iter().enumerate() {
        let value = arena[source as usize];
        arena[batch.result as usize + i * LANES..][..LANES].fill(value);
    }
}

/// The low bits that remain where the `cleared` ones at the top are cleared.
#[inline(always)]
fn low_bits(cleared: u32) -> u64 {
    u64::MAX.wrapping_shr(cleared)
}

#[inline(always)]
fn shift_left(a: u64, by: u64) -> u64 {
    if by < 64 { a << by } else { 0 }
}

#[inline(always)]
fn shift_right(a: u64, by: u64) -> u64 {
    if by < 64 { a >> by } else { 0 }
}

/// Low word of `high:low >> by`, for `by` below 64.
#[inline(always)]
fn funnel(high: u64, low: u64, by: u64) -> u64 {
    shift_right(low, by) | shift_left(high << 1, 63u64.wrapping_sub(by))
}

#[inline(always)]
fn run_batch(program: &Program, batch: &Batch, arena: &mut [u64], memory: &[u64]) {
    macro_rules! each {
        ($sources:literal, $operands:literal, $f:expr) => {
            each::<$sources, $operands>(program, batch, arena, $f)
        };
    }
    match batch.operation {
        Operation::And => each!(2, 2, |[a, b], _| a & b),
        Operation::Or => each!(2, 2, |[a, b], _| a | b),
        Operation::Xor => each!(2, 2, |[a, b], _| a ^ b),
        Operation::AndNot => each!(2, 2, |[a, b], _| a & !b),
        Operation::Copy => each!(1, 1, |[a], _| a),
        Operation::Spread => spread(program, batch, arena),
        Operation::Add => each!(2, 2, |[a, b], _| a.wrapping_add(b)),
        Operation::AddKeep => each!(2, 3, |[a, b], k| a.wrapping_add(b) & low_bits(k.number)),
        Operation::SubKeep => each!(2, 3, |[a, b], k| a.wrapping_sub(b) & low_bits(k.number)),
        Operation::AddCarry => {
            each!(3, 4, |[a, b, carry], k| a.wrapping_add(b).wrapping_add(carry) & low_bits(k.number))
        }
        Operation::Carry => each!(3, 3, |[a, b, carry], _| {
            let sum = a.wrapping_add(b).wrapping_add(carry);
            (a & b | (a | b) & !sum) >> 63
        }),
        Operation::SubBorrow => {
            each!(3, 4, |[a, b, borrow], k| a.wrapping_sub(b).wrapping_sub(borrow) & low_bits(k.number))
        }
        Operation::Borrow => each!(3, 3, |[a, b, borrow], _| {
            let difference = a.wrapping_sub(b).wrapping_sub(borrow);
            (!a & b | (!a | b) & difference) >> 63
        }),
        Operation::Mul => each!(2, 2, |[a, b], _| a.wrapping_mul(b)),
        Operation::MulHigh => each!(2, 2, |[a, b], _| ((a as u128 * b as u128) >> 64) as u64),
        Operation::Eq => each!(2, 2, |[a, b], _| (a == b) as u64),
        Operation::Lt => each!(2, 2, |[a, b], _| (a < b) as u64),
        Operation::LtSigned => each!(2, 3, |[a, b], k| {
            let signed = |value: u64| value.wrapping_shl(k.number) as i64;
            (signed(a) < signed(b)) as u64
        }),
        Operation::Parity => each!(1, 1, |[a], _| a.count_ones() as u64 & 1),
        Operation::Place => each!(1, 2, |[a], k| a.rotate_left(k.number & 63) & k.mask()),
        Operation::Insert => each!(2, 3, |[into, a], k| into | (a.rotate_left(k.number & 63) & k.mask())),
        Operation::SignExtend => each!(1, 2, |[a], k| {
            let [left, right, cleared, _] = k.number.to_le_bytes();
            let extended = (a.wrapping_shl(left.into()) as i64).wrapping_shr(right.into());
            extended as u64 & low_bits(cleared.into())
        }),
        Operation::ShiftLeft => each!(2, 3, |[a, by], k| shift_left(a, by) & low_bits(k.number)),
        Operation::ShiftRight => each!(2, 2, |[a, by], _| shift_right(a, by)),
        Operation::ShiftRightSigned => each!(2, 3, |[a, by], k| {
            let extended = a.wrapping_shl(k.number) as i64;
            ((extended >> by.min(63)) as u64).wrapping_shr(k.number)
        }),
        Operation::FunnelLeft => each!(3, 4, |[high, low, by], k| {
            let near = shift_left(high, by) | shift_right(low >> 1, 63u64.wrapping_sub(by));
            (near | shift_left(low, by.wrapping_sub(64))) & low_bits(k.number)
        }),
        Operation::FunnelRight => {
            each!(3, 3, |[high, low, by], _| funnel(high, low, by) | shift_right(high, by.wrapping_sub(64)))
        }
        Operation::FunnelRightSigned => each!(3, 3, |[high, low, by], _| {
            let far = ((high as i64) >> by.wrapping_sub(64).min(63)) as u64;
            if by < 64 { funnel(high, low, by) } else { far }
        }),
        Operation::Mux => each!(3, 3, |[select, on_true, on_false], _| if select != 0 { on_true } else { on_false }),
        Operation::Select => each_by_table(program, batch, arena, |arena, &[index, table, last]| {
            let entry = table as usize + arena[index as usize].min(last.into()) as usize;
            arena[program.tables[entry] as usize]
        }),
        Operation::MemoryRead => each_by_table(program, batch, arena, |arena, &[address, layout, part]| {
            let layout = &program.memories[layout as usize];
            read_word(layout, memory, arena[address as usize]).map_or(0, |word| word[part as usize])
        }),
    }
}

/// The memory word at `address`; `None` past the end.
pub fn read_word<'m>(layout: &MemoryLayout, memory: &'m [u64], address: u64) -> Option<&'m [u64]> {
    let index = usize::try_from(address).ok().filter(|&index| index < layout.depth)?;
    Some(&memory[layout.base + index * layout.stride..][..layout.stride])
}
