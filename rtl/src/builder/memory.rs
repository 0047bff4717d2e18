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

    /// Bits of its addresses: `ceil(log2(depth))`, at least one.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([8], [[6], [5]], |m, [a]| {
    ///     let memory = m.memory("words", 5, 8).initial(vec![rtl::Bits::ones(8); 5]);
    ///     assert_eq!(memory.address_bits(), 3);
    ///     memory.read("word", a.truncate(memory.address_bits()) >> 1)
    /// });
    /// assert_eq!(outputs, [255, 255]);
    /// ```
    pub fn address_bits(self) -> usize {
        self.with(|memory| address_bits(memory.depth))
    }

    /// Contents at power-up, word 0 first, at most `depth` words of the memory's width; missing words are zero.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([2], [[0], [1], [2]], |m, [address]| {
    ///     let memory = m.memory("squares", 4, 8).initial([5, 6].map(|n| rtl::Bits::from_u64(n, 8)).to_vec());
    ///     memory.read("word", address)
    /// });
    /// assert_eq!(outputs, [5, 6, 0]);
    /// ```
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
    ///
    /// ```
    /// # use rtl::example::circuit;
    /// let design = circuit([2, 8, 1], |m, [address, data, enable]| {
    ///     let memory = m.memory("words", 4, 8).collision_free();
    ///     memory.write(address, data, enable);
    ///     memory.read_registered("word", address, enable)
    /// });
    /// let mut sim = rtl::sim::Simulator::new(&design.unwrap()).unwrap();
    /// let enable = sim.input("c").unwrap();
    /// sim.set(enable, 1);
    /// assert!(sim.step(1).is_err());
    /// ```
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

    /// Writes `data` (a word) at `address` ([`Memory::address_bits`]) at each clock edge at which `enable` (one bit)
    /// holds.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([2, 8, 1], [[3, 7, 1], [3, 9, 0], [3, 0, 0]], |m, [address, data, enable]| {
    ///     let memory = m.memory("words", 4, 8);
    ///     memory.write(address, data, enable);
    ///     memory.read("word", address)
    /// });
    /// assert_eq!(outputs, [0, 7, 7]);
    /// ```
    #[track_caller]
    pub fn write(self, address: Signal, data: Signal, enable: Signal) {
        current().one_bit(enable, "a write enable");
        self.write_lanes(address, data, enable);
    }

    /// As [`Memory::write`] with one enable for each lane of `width / lane_enables.width()` bits, lane 0 lowest. The
    /// lanes divide the width.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([1, 8, 2], [[0, 0xab, 0b11], [0, 0xcd, 0b10], [0, 0, 0]], |m, [address, data, lanes]| {
    ///     let memory = m.memory("words", 2, 8);
    ///     memory.write_lanes(address, data, lanes);
    ///     memory.read("word", address)
    /// });
    /// assert_eq!(outputs, [0, 0xab, 0xcb]);
    /// ```
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

    /// The word at `address` ([`Memory::address_bits`]) as it is now (distributed RAM).
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([1, 8], [[1, 7], [1, 8], [0, 0]], |m, [address, data]| {
    ///     let memory = m.memory("words", 2, 8);
    ///     memory.write(address, data, rtl::lit(1, 1));
    ///     memory.read("word", address)
    /// });
    /// assert_eq!(outputs, [0, 7, 0]);
    /// ```
    #[track_caller]
    pub fn read(self, name: &str, address: Signal) -> Signal {
        self.read_port(name, address, ReadKind::Asynchronous)
    }

    /// At each clock edge at which `enable` (one bit) holds, takes the word at `address` ([`Memory::address_bits`]) as
    /// it was before that edge; otherwise holds (block RAM).
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([1, 1], [[1, 1], [0, 0], [0, 1], [0, 0]], |m, [address, enable]| {
    ///     let memory = m.memory("words", 2, 8).initial([5, 6].map(|n| rtl::Bits::from_u64(n, 8)).to_vec());
    ///     memory.read_registered("word", address, enable)
    /// });
    /// assert_eq!(outputs, [0, 6, 6, 5]);
    /// ```
    #[track_caller]
    pub fn read_registered(self, name: &str, address: Signal, enable: Signal) -> Signal {
        let enable = current().one_bit(enable, "a read enable");
        self.read_port(name, address, ReadKind::Synchronous { enable })
    }

    /// One port for reads and writes, as a single-port block RAM has, with the widths of [`Memory::write_lanes`] and an
    /// `enable` of one bit: at a clock edge with `enable`, lanes of `data` with a `lane_enables` bit are written; if
    /// there is none, the word is read instead, and otherwise the value read before is held.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([1, 8, 1], [[0, 7, 1], [0, 0, 0], [0, 9, 1], [0, 0, 0]], |m, [address, data, write]| {
    ///     let memory = m.memory("words", 2, 8);
    ///     memory.access("word", rtl::lit(1, 1), address, data, write)
    /// });
    /// assert_eq!(outputs, [0, 0, 7, 7]);
    /// ```
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
///
/// ```
/// assert_eq!([2, 4, 5].map(rtl::builder::address_bits), [1, 2, 3]);
/// ```
pub fn address_bits(depth: usize) -> usize {
    depth.next_power_of_two().trailing_zeros().max(1) as usize
}
