//! Messages: what a source sends once, to one receiver or to several; and orders in which their pieces are sent.

use std::collections::HashMap;

use super::transfer::{Machine, Run, Transfer};

/// A run of words that leaves its source once.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub source: usize,
    pub run: Run,
    /// Receivers, each at most once, and where the words go there.
    pub receivers: Vec<(usize, Run)>,
    /// Cycles on the lane.
    pub cycles: u64,
}

/// Consecutive cycles of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub message: usize,
    pub from: u64,
    pub to: u64,
}

/// Cycles that each tile's ports are busy.
#[derive(Clone, Debug)]
pub(super) struct Loads {
    pub send: Vec<u64>,
    pub receive: Vec<u64>,
}

impl Loads {
    pub fn of(tiles: usize, messages: &[Message]) -> Loads {
        let mut loads = Loads { send: vec![0; tiles], receive: vec![0; tiles] };
        for message in messages {
            loads.send[message.source] += message.cycles;
            for (tile, _) in &message.receivers {
                loads.receive[*tile] += message.cycles;
            }
        }
        loads
    }

    /// The busiest port: no schedule takes less.
    pub fn busiest(&self) -> u64 {
        self.send.iter().chain(&self.receive).copied().max().unwrap_or(0)
    }
}

/// The messages of legal transfers. Transfers of the same words become one multicast; a tile that gets the same words
/// twice gets the second copy in a message of its own.
pub(super) fn messages(machine: &Machine, transfers: &[Transfer]) -> Vec<Message> {
    let mut messages: Vec<Message> = vec![];
    let mut same_words: HashMap<(usize, Run), Vec<usize>> = HashMap::new();
    for transfer in transfers {
        let (source, run) = (transfer.source, transfer.source_run());
        let candidates = same_words.entry((source, run)).or_default();
        for destination in &transfer.destinations {
            let receiver = (destination.tile, transfer.destination_run(destination));
            let lacks = |&&i: &&usize| messages[i].receivers.iter().all(|(tile, _)| *tile != destination.tile);
            if let Some(&i) = candidates.iter().find(lacks) {
                messages[i].receivers.push(receiver);
            } else {
                candidates.push(messages.len());
                let cycles = (run.total_words() / machine.lane_words) as u64;
                messages.push(Message { source, run, receivers: vec![receiver], cycles });
            }
        }
    }
    messages
}

/// Multicasts become unicasts where their source has the time: as long as it is busy for at most `limit` cycles.
/// Unicasts can be scheduled within the optimum, and receivers no longer wait for each other.
pub(super) fn split_multicasts(tiles: usize, messages: &[Message], limit: u64) -> Vec<Message> {
    let mut send = Loads::of(tiles, messages).send;
    let mut split = vec![];
    for message in messages {
        let more = message.cycles * (message.receivers.len() as u64 - 1);
        if send[message.source] + more <= limit {
            send[message.source] += more;
            let alone =
                message.receivers.iter().map(|&receiver| Message { receivers: vec![receiver], ..message.clone() });
            split.extend(alone);
        } else {
            split.push(message.clone());
        }
    }
    split
}

/// Whole messages, each as soon as its ports are free, those of the busiest ports and the longest first.
pub(super) fn whole_in_order(tiles: usize, messages: &[Message]) -> Vec<Piece> {
    let loads = Loads::of(tiles, messages);
    let urgency = |message: &Message| {
        let receive = message.receivers.iter().map(|(tile, _)| loads.receive[*tile]).max();
        (loads.send[message.source].max(receive.unwrap_or(0)), message.receivers.len(), message.cycles)
    };
    let mut waiting: Vec<usize> = (0..messages.len()).collect();
    waiting.sort_by_key(|&i| std::cmp::Reverse(urgency(&messages[i])));
    let (mut send_free, mut receive_free) = (vec![0; tiles], vec![0; tiles]);
    let mut order = vec![];
    let mut now = 0;
    while !waiting.is_empty() {
        let mut next = u64::MAX;
        waiting.retain(|&i| {
            let message = &messages[i];
            let receive = message.receivers.iter().map(|(tile, _)| receive_free[*tile]).max();
            let free = receive.unwrap_or(0).max(send_free[message.source]);
            if free > now {
                next = next.min(free);
                return true;
            }
            let end = now + message.cycles;
            send_free[message.source] = end;
            message.receivers.iter().for_each(|(tile, _)| receive_free[*tile] = end);
            order.push(Piece { message: i, from: 0, to: message.cycles });
            false
        });
        now = next;
    }
    order
}
