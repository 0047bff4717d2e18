//! Memories and their ports.

use super::current;
use crate::bits::Bits;
use crate::design::{MemoryDef, NodeId, Op, ReadKind, ReadPort, WritePort};
use crate::signal::Signal;

/// A memory; see [`Builder::memory`](super::Builder::memory).
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub(super) module: u32,
    pub(super) index: u32,
}

impl Memory {
    #[track_caller]
    fn with<R>(self, f: impl FnOnce(&mut MemoryDef) -> R) -> R {
        assert!(self.module == current().id, "a memory of another module is used here; pass its data through ports");
        f(&mut current().state.borrow_mut().module.memories[self.index as usize])
    }

    /// Bits of its addresses.
    pub fn address_bits(self) -> usize {
        self.with(|memory| address_bits(memory.depth))
    }

    /// Contents at power-up, word 0 first; missing words are zero.
    #[track_caller]
    pub fn initial(self, words: Vec<Bits>) -> Memory {
        let (name, depth, width) = self.with(|memory| (memory.name.clone(), memory.depth, memory.width));
        if words.len() > depth {
            current().error(format!("memory `{name}` has {depth} words and {} initial values", words.len()));
        }
        if let Some(bad) = words.iter().find(|word| word.width() != width) {
            let found = bad.width();
            current().error(format!("memory `{name}` has {width}-bit words and an initial value of {found} bits"));
        }
        self.with(|memory| memory.initial = words);
        self
    }

    /// States that a synchronous read never meets a write of the same word at the same clock edge, so that no tool
    /// builds logic for that case. Asserted in simulation.
    pub fn collision_free(self) -> Memory {
        self.with(|memory| memory.collision_free = true);
        self
    }

    #[track_caller]
    fn address(self, address: Signal) -> NodeId {
        let (name, bits) = self.with(|memory| (memory.name.clone(), address_bits(memory.depth)));
        if address.width() != bits {
            let found = current().describe_signal(address);
            current().error(format!("memory `{name}` has {bits}-bit addresses and is addressed by {found}"));
            return current().push(Op::Constant(Bits::zero(bits)), bits).id;
        }
        current().own(address)
    }

    /// Writes `data` at `address` at each clock edge at which `enable` (one bit) holds.
    #[track_caller]
    pub fn write(self, address: Signal, data: Signal, enable: Signal) {
        current().one_bit(enable, "a write enable");
        self.write_lanes(address, data, enable);
    }

    /// As [`Memory::write`] with one enable for each lane of `width / lane_enables.width()` bits, lane 0 lowest.
    #[track_caller]
    pub fn write_lanes(self, address: Signal, data: Signal, lane_enables: Signal) {
        let (name, width) = self.with(|memory| (memory.name.clone(), memory.width));
        if data.width() != width {
            let found = current().describe_signal(data);
            return current().error(format!("memory `{name}` has {width}-bit words and is written with {found}"));
        }
        if width % lane_enables.width() != 0 {
            let lanes = lane_enables.width();
            return current().error(format!("memory `{name}`: {lanes} lane enables do not divide {width} bits"));
        }
        let address = self.address(address);
        let (data, lane_enables) = (current().own(data), current().own(lane_enables));
        self.with(|memory| memory.writes.push(WritePort { address, data, lane_enables }));
    }

    /// The word at `address` as it is now (distributed RAM).
    #[track_caller]
    pub fn read(self, name: &str, address: Signal) -> Signal {
        self.read_port(name, address, ReadKind::Asynchronous)
    }

    /// At each clock edge at which `enable` (one bit) holds, takes the word at `address` as it was before that edge;
    /// otherwise holds (block RAM).
    #[track_caller]
    pub fn read_registered(self, name: &str, address: Signal, enable: Signal) -> Signal {
        let enable = current().one_bit(enable, "a read enable");
        self.read_port(name, address, ReadKind::Synchronous { enable })
    }

    /// One port for reads and writes, as a single-port block RAM has: at a clock edge with `enable`, lanes of `data`
    /// with a `lane_enables` bit are written; if there is none, the word is read instead, and otherwise the value
    /// read before is held.
    #[track_caller]
    pub fn access(self, name: &str, enable: Signal, address: Signal, data: Signal, lane_enables: Signal) -> Signal {
        let write = self.with(|memory| memory.writes.len());
        let lanes = lane_enables.width();
        let node = current().one_bit(enable, "the enable of a memory port");
        let enable = if enable.width() == 1 { enable } else { enable.truncate(1) };
        self.write_lanes(address, data, enable.repeat(lanes) & lane_enables);
        self.read_port(name, address, ReadKind::SinglePort { enable: node, write })
    }

    #[track_caller]
    fn read_port(self, name: &str, address: Signal, kind: ReadKind) -> Signal {
        let builder = current();
        let name = builder.claim_name(name);
        let address = self.address(address);
        let (port, width) = self.with(|memory| (memory.reads.len(), memory.width));
        let data = builder.push(Op::MemoryRead { memory: self.index as usize, port }, width);
        builder.state.borrow_mut().module.nodes[data.id.index()].name = Some(name.clone());
        self.with(|memory| memory.reads.push(ReadPort { name, address, kind, node: data.id }));
        data
    }
}

/// Bits of an address that reaches `depth` words: `ceil(log2(depth))`, at least one.
pub fn address_bits(depth: usize) -> usize {
    depth.next_power_of_two().trailing_zeros().max(1) as usize
}
