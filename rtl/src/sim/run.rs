//! The interpreter: runs the batches of a program over an arena.

use super::program::{Batch, MemoryLayout, Operation, Program};

/// Evaluates one segment of the program.
pub fn run(program: &Program, segment: usize, arena: &mut [u64], memory: &[u64]) {
    assert_eq!(arena.len(), program.arena.len(), "an arena of another program");
    for batch in &program.batches[segment] {
        run_batch(program, batch, arena, memory);
    }
}

/// The operands of one instruction and the arena that they index.
#[derive(Clone, Copy)]
struct Operands<'a, const N: usize> {
    code: &'a [u32; N],
    arena: *const u64,
    words: usize,
}

impl<const N: usize> Operands<'_, N> {
    /// The arena word that operand `I` names.
    #[inline(always)]
    fn word<const I: usize>(self) -> u64 {
        self.at(self.code[I])
    }

    #[inline(always)]
    fn at(self, place: u32) -> u64 {
        debug_assert!((place as usize) < self.words);
        // SAFETY: `Program::validate` has found every operand inside the arena, whose length `run` compares.
        unsafe { *self.arena.add(place as usize) }
    }

    /// The mask that operand `I` names in its upper 26 bits.
    #[inline(always)]
    fn mask<const I: usize>(self) -> u64 {
        self.at(self.code[I] >> 6)
    }
}

/// Runs the instructions of `batch`, of `N` operands each.
#[inline(always)]
fn each<const N: usize>(program: &Program, batch: &Batch, arena: &mut [u64], f: impl Fn(Operands<N>) -> u64) {
    let count = batch.count as usize;
    let code = &program.code[batch.code as usize..][..count * N];
    assert!(batch.result as usize + count <= arena.len());
    let (code, _) = code.as_chunks::<N>();
    let (words, base) = (arena.len(), arena.as_mut_ptr());
    for (i, code) in code.iter().enumerate() {
        let value = f(Operands { code, arena: base, words });
        // SAFETY: `result + count` is inside the arena (asserted above), and `i` is below `count`.
        unsafe { *base.add(batch.result as usize + i) = value };
    }
}

#[inline(always)]
fn shift_left(a: u64, by: u64) -> u64 {
    if by < 64 { a << by } else { 0 }
}

#[inline(always)]
fn shift_right(a: u64, by: u64) -> u64 {
    if by < 64 { a >> by } else { 0 }
}

#[inline(always)]
fn wide(high: u64, low: u64) -> u128 {
    (high as u128) << 64 | low as u128
}

fn run_batch(program: &Program, batch: &Batch, arena: &mut [u64], memory: &[u64]) {
    match batch.operation {
        Operation::And => each::<2>(program, batch, arena, |o| o.word::<0>() & o.word::<1>()),
        Operation::Or => each::<2>(program, batch, arena, |o| o.word::<0>() | o.word::<1>()),
        Operation::Xor => each::<2>(program, batch, arena, |o| o.word::<0>() ^ o.word::<1>()),
        Operation::AndNot => each::<2>(program, batch, arena, |o| o.word::<0>() & !o.word::<1>()),
        Operation::Add => each::<2>(program, batch, arena, |o| o.word::<0>().wrapping_add(o.word::<1>())),
        Operation::AddKeep => each::<3>(program, batch, arena, |o| {
            o.word::<0>().wrapping_add(o.word::<1>()) & u64::MAX.wrapping_shr(o.code[2])
        }),
        Operation::SubKeep => each::<3>(program, batch, arena, |o| {
            o.word::<0>().wrapping_sub(o.word::<1>()) & u64::MAX.wrapping_shr(o.code[2])
        }),
        Operation::AddCarry => each::<4>(program, batch, arena, |o| {
            let sum = o.word::<0>().wrapping_add(o.word::<1>()).wrapping_add(o.word::<2>());
            sum & u64::MAX.wrapping_shr(o.code[3])
        }),
        Operation::Carry => each::<3>(program, batch, arena, |o| {
            ((o.word::<0>() as u128 + o.word::<1>() as u128 + o.word::<2>() as u128) >> 64) as u64
        }),
        Operation::SubBorrow => each::<4>(program, batch, arena, |o| {
            let difference = o.word::<0>().wrapping_sub(o.word::<1>()).wrapping_sub(o.word::<2>());
            difference & u64::MAX.wrapping_shr(o.code[3])
        }),
        Operation::Borrow => each::<3>(program, batch, arena, |o| {
            ((o.word::<0>() as u128) < o.word::<1>() as u128 + o.word::<2>() as u128) as u64
        }),
        Operation::Mul => each::<2>(program, batch, arena, |o| o.word::<0>().wrapping_mul(o.word::<1>())),
        Operation::MulHigh => {
            each::<2>(program, batch, arena, |o| ((o.word::<0>() as u128 * o.word::<1>() as u128) >> 64) as u64)
        }
        Operation::Eq => each::<2>(program, batch, arena, |o| (o.word::<0>() == o.word::<1>()) as u64),
        Operation::Lt => each::<2>(program, batch, arena, |o| (o.word::<0>() < o.word::<1>()) as u64),
        Operation::LtSigned => each::<3>(program, batch, arena, |o| {
            let signed = |value: u64| value.wrapping_shl(o.code[2]) as i64;
            (signed(o.word::<0>()) < signed(o.word::<1>())) as u64
        }),
        Operation::Parity => each::<1>(program, batch, arena, |o| o.word::<0>().count_ones() as u64 & 1),
        Operation::Place => {
            each::<2>(program, batch, arena, |o| o.word::<0>().rotate_left(o.code[1] & 63) & o.mask::<1>())
        }
        Operation::Insert => each::<3>(program, batch, arena, |o| {
            o.word::<0>() | (o.word::<1>().rotate_left(o.code[2] & 63) & o.mask::<2>())
        }),
        Operation::SignExtend => each::<2>(program, batch, arena, |o| {
            let [left, right, cleared, _] = o.code[1].to_le_bytes();
            let extended = (o.word::<0>().wrapping_shl(left.into()) as i64).wrapping_shr(right.into());
            extended as u64 & u64::MAX.wrapping_shr(cleared.into())
        }),
        Operation::ShiftLeft => each::<3>(program, batch, arena, |o| {
            shift_left(o.word::<0>(), o.word::<1>()) & u64::MAX.wrapping_shr(o.code[2])
        }),
        Operation::ShiftRight => each::<2>(program, batch, arena, |o| shift_right(o.word::<0>(), o.word::<1>())),
        Operation::ShiftRightSigned => each::<3>(program, batch, arena, |o| {
            let unused = o.code[2];
            let by = o.word::<1>().min(63) as u32;
            (((o.word::<0>().wrapping_shl(unused) as i64) >> by) as u64).wrapping_shr(unused)
        }),
        Operation::FunnelLeft => each::<4>(program, batch, arena, |o| {
            let by = o.word::<2>();
            let value = wide(o.word::<0>(), o.word::<1>()).wrapping_shl(by as u32);
            let high = if by < 128 { (value >> 64) as u64 } else { 0 };
            high & u64::MAX.wrapping_shr(o.code[3])
        }),
        Operation::FunnelRight => each::<3>(program, batch, arena, |o| {
            let by = o.word::<2>();
            let value = wide(o.word::<0>(), o.word::<1>()).wrapping_shr(by as u32) as u64;
            if by < 128 { value } else { 0 }
        }),
        Operation::FunnelRightSigned => each::<3>(program, batch, arena, |o| {
            let by = o.word::<2>().min(127) as u32;
            ((wide(o.word::<0>(), o.word::<1>()) as i128) >> by) as u64
        }),
        Operation::Mux => each::<3>(program, batch, arena, |o| {
            let (on_true, on_false) = (o.word::<1>(), o.word::<2>());
            if o.word::<0>() != 0 { on_true } else { on_false }
        }),
        Operation::Select => each::<3>(program, batch, arena, |o| {
            let entry = o.code[1] as usize + o.word::<0>().min(o.code[2].into()) as usize;
            debug_assert!(entry < program.tables.len());
            // SAFETY: `Program::validate` has found the table's `last` entry inside the tables.
            o.at(unsafe { *program.tables.get_unchecked(entry) })
        }),
        Operation::MemoryRead => each::<3>(program, batch, arena, |o| {
            let layout = &program.memories[o.code[1] as usize];
            read_word(layout, memory, o.word::<0>()).map_or(0, |word| word[o.code[2] as usize])
        }),
    }
}

/// The memory word at `address`; `None` past the end.
pub fn read_word<'m>(layout: &MemoryLayout, memory: &'m [u64], address: u64) -> Option<&'m [u64]> {
    let index = usize::try_from(address).ok().filter(|&index| index < layout.depth)?;
    Some(&memory[layout.base + index * layout.stride..][..layout.stride])
}
