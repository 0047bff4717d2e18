//! The checker notices what can be wrong with lists: each fault in turn, in lists that were right.

use exchange::schedule::{Machine, Receive, Run, Schedule, Send, Transfer, check, schedule};

use super::traffic::machine;

/// Two messages from tile 0 and one from tile 2: right lists.
fn right() -> (Vec<Transfer>, Schedule) {
    let transfers = vec![
        Transfer::unicast(0, 0, 20, 1, 1000),
        Transfer::unicast(0, 40, 20, 2, 1000),
        Transfer::unicast(2, 0, 20, 3, 1000),
    ];
    let schedule = schedule(&machine(4, 1), &transfers).unwrap();
    check(&machine(4, 1), &transfers, &schedule).unwrap();
    (transfers, schedule)
}

/// The checker's message for lists with a fault.
fn found(fault: impl FnOnce(&mut Schedule)) -> String {
    let (transfers, mut schedule) = right();
    fault(&mut schedule);
    check(&machine(4, 1), &transfers, &schedule).expect_err("a fault").to_string()
}

#[test]
fn two_sends_at_once() {
    let message = found(|schedule| {
        let sends = &mut schedule.tiles[0].sends;
        // Both messages may be one entry of two rows.
        if sends.len() == 1 {
            let first = sends[0];
            sends.push(first);
        } else {
            sends[1].start_cycle -= 1;
        }
    });
    assert!(message.starts_with("tile 0: send entry 1 starts in cycle "), "{message}");
    assert!(message.contains("the port is busy before cycle "), "{message}");
}

#[test]
fn a_silent_lane() {
    let message = found(|schedule| schedule.tiles[2].sends.clear());
    assert!(message.ends_with("tile 3 receives from tile 2, whose lane is silent"), "{message}");
    let message = found(|schedule| schedule.tiles[3].receives[0].source = 77);
    assert!(message.ends_with("tile 3 receives from tile 77, whose lane is silent"), "{message}");
    let message = found(|schedule| schedule.tiles[3].receives[0].run.words += 1);
    assert!(message.contains("silent") || message.contains("nothing"), "{message}");
}

#[test]
fn a_word_that_nobody_receives() {
    let message = found(|schedule| schedule.tiles[3].receives[0].run.words -= 1);
    assert!(message.ends_with("tile 2 drives a word that nobody receives"), "{message}");
}

#[test]
fn a_wrong_source_or_place() {
    let message = found(|schedule| schedule.tiles[2].sends[0].run.address += 1);
    assert!(message.contains("expected word "), "{message}");
    let message = found(|schedule| schedule.tiles[3].receives[0].run.address += 100);
    assert!(message.ends_with("expected nothing, or nothing more"), "{message}");
}

#[test]
fn words_past_memory() {
    let end = machine(4, 1).memory_words;
    let message = found(|schedule| schedule.tiles[3].receives[0].run.address = end - 3);
    assert_eq!(message, format!("tile 3: receive entry 0 reaches word {end}; the memory ends at {end}"));
}

#[test]
fn words_that_are_missing() {
    let message = found(|schedule| {
        schedule.tiles[2].sends.clear();
        schedule.tiles[3].receives.clear();
    });
    assert!(message.starts_with("20 words are not transferred, among them word 10"), "{message}");
}

#[test]
fn entries_before_they_are_fetched() {
    // The queue holds four; the fifth and the sixth are fetched when the first two have started.
    let entry = |i: usize| Send { start_cycle: i as u64, run: Run::contiguous(2 * i, 1) };
    let message = found(|schedule| schedule.tiles[2].sends = (0..6).map(entry).collect());
    assert_eq!(message, "tile 2: send entry 5 starts in cycle 5; it is fetched in cycle 8");
}

#[test]
fn reads_and_writes_in_one_bank() {
    let transfers = [Transfer::unicast(0, 0, 20, 1, 1000), Transfer::unicast(1, 2000, 20, 2, 1000)];
    let machine = machine(4, 1);
    let mut lists = schedule(&Machine { bank_words: 1000, ..machine.clone() }, &transfers).unwrap();
    assert_eq!(lists.tiles[1].sends[0].start_cycle, lists.tiles[1].receives[0].start_cycle);
    let message = check(&machine, &transfers, &lists).unwrap_err().to_string();
    assert!(message.starts_with("tile 1: in cycle ") && message.ends_with("in the same bank"), "{message}");
    // What is read after all has been written is right again.
    let free = lists.tiles[1].receives[0].start_cycle + 20 + machine.turnaround_cycles();
    lists.tiles[1].sends[0].start_cycle = free;
    lists.tiles[2].receives[0].start_cycle = free;
    lists.makespan_cycles = free + 20 + machine.latency_cycles;
    assert_eq!(check(&machine, &transfers, &lists), Ok(40));
}

#[test]
fn a_wrong_makespan() {
    let message = found(|schedule| schedule.makespan_cycles += 1);
    assert!(message.starts_with("the last word arrives in cycle "), "{message}");
}

#[test]
fn empty_entries_and_missing_lists() {
    let empty = Receive { start_cycle: 900, source: 0, run: Run::contiguous(5, 0) };
    let message = found(|schedule| schedule.tiles[1].receives.push(empty));
    assert!(message.ends_with("has 1 rows of 0 words; expected whole lane words"), "{message}");
    let message = found(|schedule| drop(schedule.tiles.pop()));
    assert_eq!(message, "lists for 3 tiles; expected 4");
}

#[test]
fn a_source_that_is_overwritten() {
    // The second transfer reads what the first writes; lists that do each in turn.
    let transfers = [Transfer::unicast(0, 0, 20, 1, 1000), Transfer::unicast(1, 1000, 20, 2, 1000)];
    let machine = machine(4, 1);
    let mut joined = schedule(&machine, &transfers[..1]).unwrap();
    let second = schedule(&machine, &transfers[1..]).unwrap();
    for (lists, more) in joined.tiles.iter_mut().zip(second.tiles) {
        lists.sends.extend(more.sends);
        lists.receives.extend(more.receives);
    }
    let message = check(&machine, &transfers, &joined).unwrap_err().to_string();
    assert!(message.starts_with("tile 1 sends word 10") && message.ends_with("which the exchange writes"), "{message}");
}
