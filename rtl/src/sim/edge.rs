//! The rising clock edge: checks, memory ports, registers.

use super::error::AssertionFailure;
use super::program::{FIRST_HELD_SEGMENT, LANES, MemoryLayout, Moves, Program, WritePort};
use super::run::{read_word, run};
use super::wide::compiled_for_this_processor;

/// Checks the assertions and counts the cover points.
pub fn check(program: &Program, arena: &[u64], cycle: u64, covers: &mut [u64]) -> Result<(), AssertionFailure> {
    for assertion in &program.assertions {
        if arena[assertion.place as usize] == 0 {
            let (name, text) = (assertion.name.clone(), assertion.text.clone());
            return Err(AssertionFailure { name, text, cycle });
        }
    }
    for (count, cover) in covers.iter_mut().zip(&program.covers) {
        *count += arena[cover.place as usize];
    }
    Ok(())
}

/// Moves the settled next values into the states. Reads see the memory, and everything sees the registers, as they
/// were before the edge: what is read here is at places that nothing here changes.
pub fn commit(program: &Program, arena: &mut [u64], memory: &mut [u64]) {
    for port in &program.reads {
        if arena[port.enable as usize] != 0 {
            // Past the end, which is asserted except under reset, the port reads zero.
            let word = read_word(&program.memories[port.memory as usize], memory, arena[port.address as usize]);
            for (i, &place) in port.shown.iter().enumerate() {
                arena[place as usize] = word.map_or(0, |word| word[i]);
            }
        }
    }
    for port in &program.writes {
        if arena[port.enabled as usize] != 0 {
            write(port, &program.memories[port.memory as usize], arena, memory);
        }
    }
    assert_eq!(arena.len(), program.arena.len(), "an arena of another program");
    commit_registers(&program.moves, arena);
    for held in &program.held {
        if arena[held.enable as usize] != 0 {
            commit_registers(&held.moves, arena);
        }
    }
}

/// Evaluates what only registers need that move at the edge to come. Everything else is settled.
pub fn prepare(program: &Program, arena: &mut [u64], memory: &[u64]) {
    for (segment, held) in (FIRST_HELD_SEGMENT..).zip(&program.held) {
        if arena[held.enable as usize] != 0 {
            run(program, segment, arena, memory);
        }
    }
}

compiled_for_this_processor! {
    fn commit_registers(moves: &Moves, arena: &mut [u64]) as move_registers
}

#[inline(always)]
fn move_registers(moves: &Moves, arena: &mut [u64]) {
    let base = arena.as_mut_ptr();
    // SAFETY, for both loops: `Program::validate` has found the words inside the arena, whose length `commit` compares.
    for &(to, from) in &moves.lanes {
        let (to, from) = (to as usize, from as usize);
        unsafe { base.add(to).cast::<[u64; LANES]>().write(base.add(from).cast::<[u64; LANES]>().read()) };
    }
    for &(to, from) in &moves.words {
        unsafe { *base.add(to as usize) = *base.add(from as usize) };
    }
}

fn write(port: &WritePort, layout: &MemoryLayout, arena: &[u64], memory: &mut [u64]) {
    let Some(index) = usize::try_from(arena[port.address as usize]).ok().filter(|&index| index < layout.depth) else {
        return;
    };
    let word = &mut memory[layout.base + index * layout.stride..][..layout.stride];
    let lane_bits = layout.width / port.lanes;
    for (i, word) in word.iter_mut().enumerate() {
        let mask = if port.lanes == 1 {
            u64::MAX
        } else {
            let enabled = |lane: usize| arena[port.lane_enables[lane / 64] as usize] >> (lane % 64) & 1 == 1;
            lane_mask(64 * i, lane_bits, port.lanes, enabled)
        };
        *word = *word & !mask | arena[port.data[i] as usize] & mask;
    }
}

/// The bits from `first` on (64 of them) that lie in enabled lanes.
fn lane_mask(first: usize, lane_bits: usize, lanes: usize, enabled: impl Fn(usize) -> bool) -> u64 {
    let last_lane = ((first + 63) / lane_bits).min(lanes - 1);
    (first / lane_bits..=last_lane).filter(|&lane| enabled(lane)).fold(0, |mask, lane| {
        let low = (lane * lane_bits).max(first) - first;
        let high = ((lane + 1) * lane_bits).min(first + 64) - first;
        mask | u64::MAX >> (64 - (high - low)) << low
    })
}

#[cfg(test)]
mod tests {
    use super::lane_mask;

    #[test]
    fn lanes_cover_their_bits_across_words() {
        assert_eq!(lane_mask(0, 8, 8, |lane| lane == 1), 0xff00);
        assert_eq!(lane_mask(0, 1, 64, |lane| lane % 2 == 0), 0x5555_5555_5555_5555);
        assert_eq!(lane_mask(0, 48, 2, |lane| lane == 1), 0xffff_0000_0000_0000);
        assert_eq!(lane_mask(64, 48, 2, |lane| lane == 1), 0xffff_ffff);
        assert_eq!(lane_mask(64, 128, 1, |_| true), u64::MAX);
    }
}
