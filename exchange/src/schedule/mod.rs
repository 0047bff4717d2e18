//! The scheduler: from transfers to the lists of every tile, free of conflicts.
//!
//! | file            | what is there                                                      |
//! |-----------------|--------------------------------------------------------------------|
//! | [`transfer`]    | [`Machine`], [`Transfer`], [`Run`]: the question                   |
//! | [`refuse`]      | [`Refusal`]: what cannot be scheduled, naming the transfer         |
//! | `message`       | transfers of the same words merged; orders of whole messages       |
//! | `colour`        | unicasts within the optimum, an edge colouring in intervals        |
//! | `place`         | from an order to cycles: ports and list fetches                    |
//! | [`mod@check`]   | an independent check of lists; shares no code with what makes them |
//! | [`mod@execute`] | memories after the exchange, in software                           |
//!
//! ```
//! use exchange::schedule::{Destination, ListTiming, Machine, Transfer, schedule};
//!
//! let lists = ListTiming::DEFAULT;
//! let (memory_words, bank_words) = (1024, 256);
//! let (latency_cycles, read_cycles) = (3, 2);
//! let machine = Machine { tiles: 4, lane_words: 1, memory_words, bank_words, latency_cycles, read_cycles, lists };
//! // 64 words of tile 0 to all others, and 8 rows of 4 words of tile 1 packed into tile 0.
//! let others = (1..4).map(|tile| Destination { tile, address: 512 });
//! let broadcast = Transfer::multicast(0, 0, 64, others);
//! let gather = Transfer::unicast(1, 0, 4, 0, 512).strided(8, 16, 4);
//! let made = schedule(&machine, &[broadcast, gather]).unwrap();
//! assert_eq!(made.tiles[0].sends.len(), 1);
//! assert_eq!(made.makespan_cycles, 64 + 3);
//! ```
//!
//! # What an exchange means
//!
//! The words of every destination become what the words of the source were at the barrier. The hardware keeps no copy,
//! so a transfer whose source another transfer (or itself) overwrites is refused, in whatever order the two would be
//! sent; a swap needs room beside the data. Nothing else in any memory changes.
//!
//! # Cycles
//!
//! Cycle 0 is the first after the barrier. An entry that starts in cycle c, a send or a receive, is for the words that
//! the source drives in cycles c, c + 1, ...: a receiver selects the source in the very cycle in which the source drives,
//! and has the word [`Machine::latency_cycles`] later. Lists therefore do not depend on the latency, which only adds to
//! the makespan. When lists themselves cost time is stated at [`ListTiming`].
//!
//! # Why there are no conflicts
//!
//! By construction, whatever the order of the pieces. Pieces are placed one after the other; each starts in a cycle in
//! which its source's send port and the receive ports of all its receivers are behind their last cycle, and moves these
//! last cycles to its own end. So no send port drives two words in a cycle and no receive port selects two sources; as
//! entries of source and receivers are made together, no receiver selects a silent lane and no word is sent to nobody.
//! All words have the same latency, so words that leave in different cycles never meet on their way. The order of
//! pieces decides the makespan alone.
//!
//! # How long it takes
//!
//! No schedule is shorter than the busiest port's words. Unicasts reach that ([`ListTiming::FREE`]) by colouring.
//! Multicasts are sent once and are scheduled whole, the busiest and the longest first, without such a guarantee; those
//! that their source has time to send several times become unicasts. Several candidates are placed; of those that
//! are within 1/64 of the shortest, that with the fewest list entries is taken.

pub mod check;
mod colour;
pub mod execute;
mod message;
mod place;
pub mod refuse;
pub mod transfer;

pub use check::{Violation, check};
pub use execute::execute;
pub use refuse::{Access, Refusal};
pub use transfer::{Destination, ListTiming, Machine, Run, Transfer};

use isa::ExchangeEntry;
use message::{Loads, Message, Piece};

/// An entry of a send list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Send {
    /// The cycle in which the first word is driven.
    pub start_cycle: u64,
    /// The words, one lane word a cycle without a pause.
    pub run: Run,
}

/// An entry of a receive list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receive {
    /// The cycle in which the source drives the first word.
    pub start_cycle: u64,
    /// The tile whose lane is selected.
    pub source: usize,
    /// Where the words go, one lane word a cycle without a pause.
    pub run: Run,
}

/// What one tile does, both lists in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TileLists {
    /// What it drives.
    pub sends: Vec<Send>,
    /// Whom it selects.
    pub receives: Vec<Receive>,
}

impl TileLists {
    /// Nothing to send and nothing to receive.
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.receives.is_empty()
    }

    /// The cycle after the last word, sent or received, was on its lane; 0 without words.
    pub fn end_cycle(&self, machine: &Machine) -> u64 {
        let end = |start: u64, run: &Run| start + (run.total_words() / machine.lane_words) as u64;
        let sends = self.sends.iter().map(|send| end(send.start_cycle, &send.run));
        let receives = self.receives.iter().map(|receive| end(receive.start_cycle, &receive.run));
        sends.chain(receives).max().unwrap_or(0)
    }

    /// The lists as a tile's exchange port reads them: sends, receives.
    pub fn entries(&self) -> (Vec<ExchangeEntry>, Vec<ExchangeEntry>) {
        let entry = |start_cycle: u64, source: usize, run: &Run| ExchangeEntry {
            start_cycle: start_cycle as u32,
            row_words: run.words as u32,
            source: source as u32,
            word_address: run.address as u32,
            row_stride: run.stride as u32,
            rows: run.rows as u32,
        };
        let sends = self.sends.iter().map(|send| entry(send.start_cycle, 0, &send.run));
        let receives = self.receives.iter().map(|receive| entry(receive.start_cycle, receive.source, &receive.run));
        (sends.collect(), receives.collect())
    }
}

/// What all tiles do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// By tile.
    pub tiles: Vec<TileLists>,
    /// Cycles from the barrier until the last word is at its receivers; 0 if there is none.
    pub makespan_cycles: u64,
}

impl Schedule {
    /// Entries of all lists.
    pub fn entries(&self) -> usize {
        self.tiles.iter().map(|tile| tile.sends.len() + tile.receives.len()).sum()
    }
}

/// Cycles that the busiest port of legal `transfers` needs; no schedule is shorter. What is multicast counts once at its
/// source.
pub fn busiest_port_cycles(machine: &Machine, transfers: &[Transfer]) -> u64 {
    Loads::of(machine.tiles, &message::messages(machine, transfers)).busiest()
}

/// Lists that carry out `transfers`, all of them between one barrier and the next.
///
/// # Errors
/// [`Refusal`]: what cannot be, and which transfer it is.
pub fn schedule(machine: &Machine, transfers: &[Transfer]) -> Result<Schedule, Refusal> {
    refuse::refuse(machine, transfers)?;
    let tiles = machine.tiles;
    let whole = message::messages(machine, transfers);
    let busiest = Loads::of(tiles, &whole).busiest();

    let mut placed = vec![];
    let mut try_out = |messages: &[Message], pieces: &[Piece]| placed.push(place::place(machine, messages, pieces));
    try_out(&whole, &message::whole_in_order(tiles, &whole));
    let multicasts = whole.iter().any(|message| message.receivers.len() > 1);
    // As far as sources have the time; altogether, for where receivers of multicasts wait for each other.
    let limits: &[u64] = if multicasts { &[busiest, u64::MAX] } else { &[u64::MAX] };
    for &limit in limits {
        let messages = message::split_multicasts(tiles, &whole, limit);
        if messages.iter().any(|message| message.receivers.len() > 1) {
            try_out(&messages, &message::whole_in_order(tiles, &messages));
            continue;
        }
        let optimum = Loads::of(tiles, &messages).busiest();
        for cycles in [optimum, optimum + optimum / 32, u64::MAX / 2] {
            try_out(&messages, &colour::pieces(tiles, &messages, cycles));
        }
        if optimum == busiest {
            break;
        }
    }
    let shortest = placed.iter().map(|schedule| schedule.makespan_cycles).min().unwrap_or(0);
    let near = placed.into_iter().filter(|schedule| schedule.makespan_cycles <= shortest + shortest / 64);
    Ok(near.min_by_key(|schedule| (schedule.entries(), schedule.makespan_cycles)).expect("one was placed"))
}
