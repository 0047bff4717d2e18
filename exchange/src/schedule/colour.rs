//! Unicasts within the optimum: an edge colouring of the bipartite multigraph of sources and receivers.
//!
//! A word is an edge, a cycle is a colour, and no two edges of a colour share a port. König's theorem gives a colouring
//! with as many colours as the busiest port has words. It is built not word by word but in intervals, as preemptive
//! open-shop schedules are (Gonzalez and Sahni 1976):
//!
//! - In each interval a matching sends. A port whose remaining words equal the remaining cycles is *tight*: the
//!   matching must cover it.
//! - A matching that covers all tight ports exists: they are the nodes of largest degree. It is found from that of the
//!   interval before, with augmenting paths, so that messages go on where they can.
//! - An interval ends when a message ends, or when a port that does not send becomes tight. Each does so at most once,
//!   hence at most as many intervals as there are pairs and ports.
//!
//! With more cycles than the optimum fewer ports become tight, and messages are cut into fewer pieces.

use std::collections::VecDeque;

use super::message::{Loads, Message, Piece};

/// Words between ports that are still to be sent, and who sends to whom now.
struct Colouring {
    tiles: usize,
    /// Remaining cycles by source, then receiver.
    pairs: Vec<u64>,
    loads: Loads,
    /// Remaining cycles of the schedule.
    remaining: u64,
    receiver_of: Vec<Option<usize>>,
    source_of: Vec<Option<usize>>,
}

/// Pieces of unicast messages, in the order of their starts in a schedule of `cycles` cycles, at least
/// [`Loads::busiest`].
pub(super) fn pieces(tiles: usize, messages: &[Message], cycles: u64) -> Vec<Piece> {
    let mut queues: Vec<VecDeque<Piece>> = vec![VecDeque::new(); tiles * tiles];
    let mut pairs = vec![0; tiles * tiles];
    for (i, message) in messages.iter().enumerate() {
        debug_assert_eq!(message.receivers.len(), 1);
        let pair = message.source * tiles + message.receivers[0].0;
        queues[pair].push_back(Piece { message: i, from: 0, to: message.cycles });
        pairs[pair] += message.cycles;
    }
    let nobody = vec![None; tiles];
    let loads = Loads::of(tiles, messages);
    debug_assert!(loads.busiest() <= cycles);
    let mut colouring =
        Colouring { tiles, pairs, loads, remaining: cycles, receiver_of: nobody.clone(), source_of: nobody };
    let mut order = vec![];
    for (start, pair, mut length) in colouring.intervals() {
        let mut start = start;
        while length > 0 {
            let front = queues[pair].front_mut().expect("a pair sends what its messages have");
            let piece = Piece { to: front.to.min(front.from + length), ..*front };
            front.from = piece.to;
            if front.from == front.to {
                queues[pair].pop_front();
            }
            order.push((start, piece));
            start += piece.to - piece.from;
            length -= piece.to - piece.from;
        }
    }
    order.sort_by_key(|(start, piece)| (*start, messages[piece.message].source));
    order.into_iter().map(|(_, piece)| piece).collect()
}

impl Colouring {
    /// Start, pair and length of everything that is sent without a pause.
    fn intervals(&mut self) -> Vec<(u64, usize, u64)> {
        let mut done = vec![];
        let mut running: Vec<Option<(u64, usize)>> = vec![None; self.tiles];
        let mut now = 0;
        while self.loads.busiest() > 0 {
            self.choose();
            for (source, running) in running.iter_mut().enumerate() {
                let pair = self.receiver_of[source].map(|receiver| source * self.tiles + receiver);
                if running.map(|(_, pair)| pair) != pair {
                    done.extend(running.map(|(start, pair)| (start, pair, now - start)));
                    *running = pair.map(|pair| (now, pair));
                }
            }
            now += self.advance();
        }
        done.extend(running.into_iter().flatten().map(|(start, pair)| (start, pair, now - start)));
        done
    }

    fn pair(&self, source: usize, receiver: usize) -> u64 {
        self.pairs[source * self.tiles + receiver]
    }

    fn connect(&mut self, source: usize, receiver: usize) {
        self.receiver_of[source] = Some(receiver);
        self.source_of[receiver] = Some(source);
    }

    /// A matching that covers the tight ports, from the one that was: a maximal one first, then paths.
    fn choose(&mut self) {
        self.fill();
        for tile in 0..self.tiles {
            if self.receiver_of[tile].is_none() && self.loads.send[tile] == self.remaining {
                self.cover_source(tile);
            }
        }
        for tile in 0..self.tiles {
            if self.source_of[tile].is_none() && self.loads.receive[tile] == self.remaining {
                self.cover_receiver(tile);
            }
        }
        self.fill();
    }

    /// Gives each free source, the busiest first, the free receiver for which it has most. Equals are taken from the
    /// next tile on, so that an all-to-all of equal messages becomes rotations.
    fn fill(&mut self) {
        let mut free: Vec<usize> =
            (0..self.tiles).filter(|&i| self.receiver_of[i].is_none() && self.loads.send[i] > 0).collect();
        free.sort_by_key(|&source| std::cmp::Reverse(self.loads.send[source]));
        for source in free {
            let receivers = (1..=self.tiles).map(|step| (source + step) % self.tiles);
            let open =
                receivers.filter(|&receiver| self.source_of[receiver].is_none() && self.pair(source, receiver) > 0);
            let tight = |receiver: usize| self.loads.receive[receiver] == self.remaining;
            // Of equals, `max_by_key` takes the last.
            let best = open.collect::<Vec<_>>().into_iter().rev().max_by_key(|&r| (tight(r), self.pair(source, r)));
            if let Some(receiver) = best {
                self.connect(source, receiver);
            }
        }
    }

    /// Covers a free tight source: along a path to a free receiver, or to a source that need not send now.
    fn cover_source(&mut self, tile: usize) {
        let mut reached_from = vec![None; self.tiles];
        let mut queue = VecDeque::from([tile]);
        while let Some(source) = queue.pop_front() {
            for receiver in 0..self.tiles {
                if self.pair(source, receiver) == 0 || reached_from[receiver].is_some() {
                    continue;
                }
                reached_from[receiver] = Some(source);
                match self.source_of[receiver] {
                    Some(other) if self.loads.send[other] == self.remaining => queue.push_back(other),
                    end => {
                        end.into_iter().for_each(|other| self.receiver_of[other] = None);
                        return self.turn_sources(tile, receiver, &reached_from);
                    }
                }
            }
        }
        unreachable!("a matching covers all tight ports");
    }

    /// Connects `receiver` with the source that reached it, and so on back to `tile`.
    fn turn_sources(&mut self, tile: usize, mut receiver: usize, reached_from: &[Option<usize>]) {
        loop {
            let source = reached_from[receiver].expect("reached");
            let before = self.receiver_of[source];
            self.connect(source, receiver);
            if source == tile {
                return;
            }
            receiver = before.expect("reached through its receiver");
        }
    }

    /// The same for a free tight receiver. Sources on the path stay covered.
    fn cover_receiver(&mut self, tile: usize) {
        let mut reached_from = vec![None; self.tiles];
        let mut queue = VecDeque::from([tile]);
        while let Some(receiver) = queue.pop_front() {
            for source in 0..self.tiles {
                if self.pair(source, receiver) == 0 || reached_from[source].is_some() {
                    continue;
                }
                reached_from[source] = Some(receiver);
                match self.receiver_of[source] {
                    Some(other) if self.loads.receive[other] == self.remaining => queue.push_back(other),
                    end => {
                        end.into_iter().for_each(|other| self.source_of[other] = None);
                        return self.turn_receivers(tile, source, &reached_from);
                    }
                }
            }
        }
        unreachable!("a matching covers all tight ports");
    }

    fn turn_receivers(&mut self, tile: usize, mut source: usize, reached_from: &[Option<usize>]) {
        loop {
            let receiver = reached_from[source].expect("reached");
            let before = self.source_of[receiver];
            self.connect(source, receiver);
            if receiver == tile {
                return;
            }
            source = before.expect("reached through its source");
        }
    }

    /// Sends until a message ends or a port becomes tight; the cycles that it took. Pairs that are done part.
    fn advance(&mut self) -> u64 {
        let mut length = self.remaining;
        for tile in 0..self.tiles {
            match self.receiver_of[tile] {
                Some(receiver) => length = length.min(self.pair(tile, receiver)),
                None => length = length.min(self.remaining - self.loads.send[tile]),
            }
            if self.source_of[tile].is_none() {
                length = length.min(self.remaining - self.loads.receive[tile]);
            }
        }
        debug_assert!(length > 0, "a tight port is not covered");
        self.remaining -= length;
        for source in 0..self.tiles {
            let Some(receiver) = self.receiver_of[source] else { continue };
            self.pairs[source * self.tiles + receiver] -= length;
            self.loads.send[source] -= length;
            self.loads.receive[receiver] -= length;
            if self.pair(source, receiver) == 0 {
                self.receiver_of[source] = None;
                self.source_of[receiver] = None;
            }
        }
        length
    }
}
