//! What cannot be scheduled, in one line that names the transfer.

use super::transfer::{ListTiming, Machine, Run, Transfer};

/// Why there is no schedule. Transfers are numbered from 0, in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The machine itself is illegal.
    #[error("{0}")]
    Machine(String),
    /// Nothing to transfer.
    #[error(
        "transfer {transfer} is empty: {rows} rows of {words} words to {destinations} tiles; expected at least 1 each"
    )]
    Empty {
        /// The transfer.
        transfer: usize,
        /// Its rows.
        rows: usize,
        /// Words of a row.
        words: usize,
        /// Number of destinations.
        destinations: usize,
    },
    /// A tile that is not there.
    #[error("transfer {transfer} {access} tile {tile}; the tiles are 0 to {}", tiles - 1)]
    MissingTile {
        /// The transfer.
        transfer: usize,
        /// Reads or writes.
        access: Access,
        /// The tile.
        tile: usize,
        /// Number of tiles.
        tiles: usize,
    },
    /// Words that are not whole lane words.
    #[error(
        "transfer {transfer} {access} tile {tile} with {what} {value}; expected a multiple of {lane_words} words, a lane's width"
    )]
    Misaligned {
        /// The transfer.
        transfer: usize,
        /// Reads or writes.
        access: Access,
        /// The tile.
        tile: usize,
        /// Address, row length or stride.
        what: &'static str,
        /// Its value.
        value: usize,
        /// Words of a lane.
        lane_words: usize,
    },
    /// Words past the end of a memory.
    #[error("transfer {transfer} {access} tile {tile} up to word {last}; its memory has words 0 to {}", memory_words - 1)]
    OutsideMemory {
        /// The transfer.
        transfer: usize,
        /// Reads or writes.
        access: Access,
        /// The tile.
        tile: usize,
        /// The last word of the region.
        last: u128,
        /// Words of the memory.
        memory_words: usize,
    },
    /// A transfer writes a word twice.
    #[error("transfer {transfer} writes word {word} of tile {tile} more than once")]
    OverlapsItself {
        /// The transfer.
        transfer: usize,
        /// The tile.
        tile: usize,
        /// The word.
        word: usize,
    },
    /// Two transfers write a word.
    #[error("transfers {first} and {second} both write word {word} of tile {tile}")]
    Overlap {
        /// The one given first.
        first: usize,
        /// The other.
        second: usize,
        /// The tile.
        tile: usize,
        /// The word.
        word: usize,
    },
    /// A word that is read is also written.
    #[error(
        "transfer {reader} reads word {word} of tile {tile}, which transfer {writer} overwrites in the same exchange"
    )]
    SourceOverwritten {
        /// The transfer that reads.
        reader: usize,
        /// The transfer that writes; it may be the same.
        writer: usize,
        /// The tile.
        tile: usize,
        /// The word.
        word: usize,
    },
}

/// What a transfer does to a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads.
    Reads,
    /// Writes.
    Writes,
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Access::Reads => "reads",
            Access::Writes => "writes",
        })
    }
}

/// A row of a region, and the transfer that it belongs to.
#[derive(Clone, Copy)]
struct Row {
    first: usize,
    end: usize,
    transfer: usize,
}

/// Refuses what cannot be scheduled.
pub(super) fn refuse(machine: &Machine, transfers: &[Transfer]) -> Result<(), Refusal> {
    refuse_machine(machine)?;
    for (number, transfer) in transfers.iter().enumerate() {
        refuse_shape(machine, number, transfer)?;
    }
    refuse_overlaps(machine, transfers)
}

fn refuse_machine(machine: &Machine) -> Result<(), Refusal> {
    let refuse = |text: String| Err(Refusal::Machine(text));
    let &Machine { tiles, lane_words, memory_words, lists, .. } = machine;
    if tiles == 0 {
        return refuse("a machine of 0 tiles; expected at least 1".into());
    }
    if !matches!(lane_words, 1 | 2) {
        return refuse(format!("lanes of {lane_words} words; expected 1 or 2"));
    }
    if memory_words == 0 || !memory_words.is_multiple_of(lane_words) {
        return refuse(format!("memories of {memory_words} words; expected a multiple of {lane_words}, at least one"));
    }
    if lists.queue_entries < ListTiming::MIN_QUEUE {
        let (found, expected) = (lists.queue_entries, ListTiming::MIN_QUEUE);
        return refuse(format!("queues of {found} list entries; expected at least {expected}"));
    }
    Ok(())
}

fn refuse_shape(machine: &Machine, number: usize, transfer: &Transfer) -> Result<(), Refusal> {
    let Transfer { words, rows, .. } = *transfer;
    if words == 0 || rows == 0 || transfer.destinations.is_empty() {
        let destinations = transfer.destinations.len();
        return Err(Refusal::Empty { transfer: number, rows, words, destinations });
    }
    refuse_region(machine, number, transfer, Access::Reads, transfer.source, transfer.address, transfer.source_stride)?;
    for destination in &transfer.destinations {
        let (tile, address) = (destination.tile, destination.address);
        refuse_region(machine, number, transfer, Access::Writes, tile, address, transfer.destination_stride)?;
        if rows > 1 && transfer.destination_stride < words {
            let word = address + transfer.destination_stride;
            return Err(Refusal::OverlapsItself { transfer: number, tile, word });
        }
    }
    Ok(())
}

fn refuse_region(
    machine: &Machine,
    number: usize,
    transfer: &Transfer,
    access: Access,
    tile: usize,
    address: usize,
    stride: usize,
) -> Result<(), Refusal> {
    let &Machine { tiles, lane_words, memory_words, .. } = machine;
    if tile >= tiles {
        return Err(Refusal::MissingTile { transfer: number, access, tile, tiles });
    }
    // The distance of rows matters where there are two.
    let stride = if transfer.rows == 1 { 0 } else { stride };
    for (what, value) in [("address", address), ("row length", transfer.words), ("stride", stride)] {
        if value % lane_words != 0 {
            return Err(Refusal::Misaligned { transfer: number, access, tile, what, value, lane_words });
        }
    }
    let [address, stride, rows, words] = [address, stride, transfer.rows, transfer.words].map(|x| x as u128);
    let last = address + (rows - 1) * stride + words - 1;
    if last >= memory_words as u128 {
        return Err(Refusal::OutsideMemory { transfer: number, access, tile, last, memory_words });
    }
    Ok(())
}

fn refuse_overlaps(machine: &Machine, transfers: &[Transfer]) -> Result<(), Refusal> {
    let rows = |run: Run, transfer: usize| {
        let starts = (0..run.rows).map(move |row| run.address + row * run.stride);
        starts.map(move |first| Row { first, end: first + run.words, transfer })
    };
    let mut written: Vec<Vec<Row>> = vec![vec![]; machine.tiles];
    for (number, transfer) in transfers.iter().enumerate() {
        for destination in &transfer.destinations {
            written[destination.tile].extend(rows(transfer.destination_run(destination), number));
        }
    }
    for (tile, written) in written.iter_mut().enumerate() {
        written.sort_by_key(|row| (row.first, row.transfer));
        // Of rows in this order, neighbours overlap where any do.
        if let Some(pair) = written.windows(2).find(|pair| pair[1].first < pair[0].end) {
            let (first, second) = (pair[0].transfer.min(pair[1].transfer), pair[0].transfer.max(pair[1].transfer));
            let word = pair[1].first;
            return Err(match first == second {
                true => Refusal::OverlapsItself { transfer: first, tile, word },
                false => Refusal::Overlap { first, second, tile, word },
            });
        }
    }
    for (number, transfer) in transfers.iter().enumerate() {
        let (tile, writes) = (transfer.source, &written[transfer.source]);
        for read in rows(transfer.source_run(), number) {
            // Rows that are written are disjoint: the first that ends behind `read.first` is the only candidate.
            let place = writes.partition_point(|write| write.end <= read.first);
            if let Some(write) = writes.get(place).filter(|write| write.first < read.end) {
                let word = write.first.max(read.first);
                return Err(Refusal::SourceOverwritten { reader: number, writer: write.transfer, tile, word });
            }
        }
    }
    Ok(())
}
