//! What is refused, in the words that a user reads.

use exchange::schedule::{Destination, ListTiming, Machine, Transfer, schedule};

fn machine() -> Machine {
    let (latency_cycles, read_cycles) = (3, 2);
    let lists = ListTiming::DEFAULT;
    Machine { tiles: 4, lane_words: 1, memory_words: 128, bank_words: 32, latency_cycles, read_cycles, lists }
}

/// The message for `transfer` behind a legal one.
fn refused(machine: &Machine, transfers: &[Transfer]) -> String {
    let legal = Transfer::unicast(0, 0, 8, 1, 64);
    let transfers: Vec<Transfer> = [legal].iter().chain(transfers).cloned().collect();
    let message = schedule(machine, &transfers).expect_err("refused").to_string();
    assert!(!message.contains('\n'));
    message
}

#[track_caller]
fn expect(transfers: &[Transfer], message: &str) {
    assert_eq!(refused(&machine(), transfers), message);
}

#[test]
fn missing_tiles() {
    expect(&[Transfer::unicast(4, 0, 1, 0, 64)], "transfer 1 reads tile 4; the tiles are 0 to 3");
    expect(&[Transfer::unicast(0, 0, 1, 9, 64)], "transfer 1 writes tile 9; the tiles are 0 to 3");
}

#[test]
fn empty_transfers() {
    let of = |rows, words, tiles| {
        format!("transfer 1 is empty: {rows} rows of {words} words to {tiles} tiles; expected at least 1 each")
    };
    expect(&[Transfer::unicast(0, 0, 0, 2, 64)], &of(1, 0, 1));
    expect(&[Transfer::unicast(0, 0, 4, 2, 64).strided(0, 4, 4)], &of(0, 4, 1));
    expect(&[Transfer::multicast(0, 0, 4, [])], &of(1, 4, 0));
}

#[test]
fn regions_outside_memory() {
    let message = |access: &str, tile: usize, last: u128| {
        format!("transfer 1 {access} tile {tile} up to word {last}; its memory has words 0 to 127")
    };
    expect(&[Transfer::unicast(3, 125, 4, 2, 0)], &message("reads", 3, 128));
    expect(&[Transfer::unicast(3, 0, 4, 2, 126)], &message("writes", 2, 129));
    expect(&[Transfer::unicast(3, 0, 2, 2, 0).strided(4, 43, 2)], &message("reads", 3, 130));
}

#[test]
fn regions_outside_memory_whose_size_overflows() {
    let huge = Transfer::unicast(3, 0, 4, 2, 0).strided(usize::MAX, usize::MAX, usize::MAX);
    assert!(refused(&machine(), &[huge]).starts_with("transfer 1 reads tile 3 up to word 3402823669209384634"));
    let endless = Transfer::unicast(3, 0, 4, 2, 0).strided(usize::MAX, 0, 0);
    expect(&[endless], "transfer 1 writes word 0 of tile 2 more than once");
}

#[test]
fn overlaps_in_a_destination() {
    expect(&[Transfer::unicast(2, 0, 4, 1, 71)], "transfers 0 and 1 both write word 71 of tile 1");
    expect(&[Transfer::unicast(2, 0, 4, 1, 61)], "transfers 0 and 1 both write word 64 of tile 1");
    // Rows between rows are legal until they touch.
    let even = Transfer::unicast(2, 0, 1, 3, 64).strided(8, 1, 2);
    let odd = Transfer::unicast(2, 8, 1, 3, 65).strided(8, 1, 2);
    assert!(schedule(&machine(), &[even.clone(), odd.clone()]).is_ok());
    let wider = Transfer { words: 2, source_stride: 2, ..odd };
    expect(&[even, wider], "transfers 1 and 2 both write word 66 of tile 3");
}

#[test]
fn overlaps_of_a_transfer_with_itself() {
    let rows = Transfer::unicast(2, 0, 4, 3, 64).strided(3, 4, 3);
    expect(&[rows], "transfer 1 writes word 67 of tile 3 more than once");
    let twice = [3, 3].map(|tile| Destination { tile, address: 64 });
    expect(&[Transfer::multicast(2, 0, 4, twice)], "transfer 1 writes word 64 of tile 3 more than once");
}

#[test]
fn sources_that_are_overwritten() {
    let message = "transfer 1 reads word 66 of tile 1, which transfer 0 overwrites in the same exchange";
    expect(&[Transfer::unicast(1, 66, 2, 2, 0)], message);
    let message = "transfer 0 reads word 7 of tile 0, which transfer 1 overwrites in the same exchange";
    expect(&[Transfer::unicast(1, 0, 8, 0, 7)], message);
    let message = "transfer 1 reads word 4 of tile 2, which transfer 1 overwrites in the same exchange";
    expect(&[Transfer::unicast(2, 0, 8, 2, 4)], message);
    let message = "transfer 1 reads word 12 of tile 2, which transfer 2 overwrites in the same exchange";
    expect(&[Transfer::unicast(2, 0, 4, 3, 0).strided(3, 6, 4), Transfer::unicast(3, 100, 4, 2, 10)], message);
}

#[test]
fn parts_of_lane_words() {
    let machine = Machine { lane_words: 2, ..machine() };
    let expect = |transfer: Transfer, text: &str| {
        let message = format!("transfer 1 {text}; expected a multiple of 2 words, a lane's width");
        assert_eq!(refused(&machine, &[transfer]), message);
    };
    expect(Transfer::unicast(2, 1, 4, 3, 0), "reads tile 2 with address 1");
    expect(Transfer::unicast(2, 0, 4, 3, 5), "writes tile 3 with address 5");
    expect(Transfer::unicast(2, 0, 3, 3, 0), "reads tile 2 with row length 3");
    expect(Transfer::unicast(2, 0, 4, 3, 0).strided(2, 5, 4), "reads tile 2 with stride 5");
    expect(Transfer::unicast(2, 0, 4, 3, 0).strided(2, 4, 7), "writes tile 3 with stride 7");
}

#[test]
fn machines_that_cannot_be() {
    let expect = |machine: Machine, message: &str| {
        assert_eq!(schedule(&machine, &[]).expect_err("refused").to_string(), message);
    };
    expect(Machine { tiles: 0, ..machine() }, "a machine of 0 tiles; expected at least 1");
    expect(Machine { lane_words: 3, ..machine() }, "lanes of 3 words; expected 1 or 2");
    let uneven = Machine { lane_words: 2, memory_words: 127, ..machine() };
    expect(uneven, "memories of 127 words; expected a multiple of 2, at least one");
    let lists = ListTiming { queue_entries: 2, ..ListTiming::DEFAULT };
    expect(Machine { lists, ..machine() }, "queues of 2 list entries; expected at least 3");
}
