//! Memories, in the forms from which synthesis tools infer block RAM and distributed RAM.

use super::analysis::can_pass_the_end;
use super::expression::{Expression, Level, binary, constant_text, prefix};
use super::layout::{COLUMNS, layout, plain};
use super::module::{Rank, Writer, declaration};
use crate::bits::Bits;
use crate::design::{MemoryDef, NodeId, Op, ReadKind};

impl Writer<'_> {
    /// Declaration, and one block with the writes and the clocked reads.
    pub fn memory(&mut self, index: usize) {
        let memory = &self.module.memories[index];
        let first = memory.reads.iter().map(|read| read.node).min();
        let uses = self.analysis.memory_uses(memory);
        let clocked = memory.reads.iter().filter(|read| !matches!(read.kind, ReadKind::Asynchronous));
        let last = self.last_of(uses.iter().map(|(node, ..)| *node).chain(clocked.map(|read| read.node)));

        let no_check = if memory.collision_free { "(* no_rw_check *) " } else { "" };
        let word = match memory.width {
            // Verilator's list of variables takes the words for bits where a word is a plain bit.
            1 if self.options.simulation => format!("{no_check}reg [0:0] {}", memory.name),
            width => declaration(&format!("{no_check}reg"), width, &memory.name),
        };
        let public = if self.options.simulation { " /*verilator public_flat_rw*/" } else { "" };
        let declared = format!("    {word} [0:{}]{public};\n", memory.depth - 1);
        let body = self.writes(memory) + &self.reads_at_clock(memory);
        // No later than the node that reads it first, and the block.
        let before = first.into_iter().chain((!body.is_empty()).then_some(last)).min().unwrap_or(last);
        let contents = self.initial(memory);
        self.item(before, Rank::Declaration, declared + &contents);

        if !body.is_empty() {
            self.reads_clock = true;
            self.item(last, Rank::Block, format!("    always @(posedge clock) begin\n{body}    end\n"));
        }
    }

    fn writes(&mut self, memory: &MemoryDef) -> String {
        let mut text = String::new();
        for write in &memory.writes {
            let lanes = self.module.node(write.lane_enables).width;
            let address = self.text_of(write.address);
            let word = format!("{}[{address}]", memory.name);
            if lanes == 1 {
                let enable = self.text_of(write.lane_enables);
                let data = self.text_of(write.data);
                text += &guarded(&enable, &word, &data);
                continue;
            }
            let lane_bits = memory.width / lanes;
            for lane in 0..lanes {
                let low = lane * lane_bits;
                let enable = self.bits_of(write.lane_enables, lane, 1);
                let data = self.bits_of(write.data, low, lane_bits);
                self.read(&enable);
                self.read(&data);
                let bits = if lane_bits == 1 { format!("[{low}]") } else { format!("[{}:{low}]", low + lane_bits - 1) };
                text += &guarded(&enable.text, &format!("{word}{bits}"), &data.text);
            }
        }
        text
    }

    fn reads_at_clock(&mut self, memory: &MemoryDef) -> String {
        let mut text = String::new();
        for read in &memory.reads {
            let enable = match read.kind {
                ReadKind::Asynchronous => continue,
                ReadKind::Synchronous { enable } => self.text_of(enable),
                ReadKind::SinglePort { enable, write } => self.read_without_write(enable, memory, write),
            };
            let address = self.text_of(read.address);
            text += &guarded(&enable, &read.name, &format!("{}[{address}]", memory.name));
        }
        text
    }

    /// The read half of a single port: no lane is written.
    fn read_without_write(&mut self, enable: NodeId, memory: &MemoryDef, write: usize) -> String {
        let enable = self.operand(enable);
        let no_write = self.no_write(memory.writes[write].lane_enables);
        let condition = if enable.text == "1'b1" { no_write } else { both(enable, no_write) };
        self.read(&condition);
        condition.text
    }

    fn no_write(&mut self, lanes: NodeId) -> Expression {
        match self.module.node(lanes).width {
            1 => self.not(lanes),
            width => {
                let zero = Expression::word(&constant_text(&Bits::zero(width)));
                binary(self.operand(lanes), "==", zero, Level::Equality)
            }
        }
    }

    /// Contents at power-up.
    fn initial(&mut self, memory: &MemoryDef) -> String {
        if memory.initial.is_empty() {
            return String::new();
        }
        let mut text = String::new();
        if memory.initial.len() < memory.depth {
            text += &self.clear(memory, memory.initial.len(), 8);
        }
        for (i, word) in memory.initial.iter().enumerate() {
            let value = constant_text(word);
            text += &layout(8, &format!("{}[{i}] = ", memory.name), &value, ";");
        }
        format!("    initial begin\n{text}    end\n\n")
    }

    /// A loop that sets the words from `first` on to zero.
    pub fn clear(&mut self, memory: &MemoryDef, first: usize, indent: usize) -> String {
        let index = self.loop_index();
        let zero = constant_text(&Bits::zero(memory.width));
        let head = format!("for ({index} = {first}; {index} < {}; {index} = {index} + 1) ", memory.depth);
        layout(indent, &format!("{head}{}[{index}] = ", memory.name), &zero, ";")
    }

    /// What no memory access may do: a message, and the condition under which it happens.
    pub fn memory_checks(&mut self) -> Vec<(String, Expression)> {
        let mut checks = vec![];
        for memory in &self.module.memories {
            let mut writes = vec![];
            for write in &memory.writes {
                let lanes = self.operand(write.lane_enables);
                let many = self.module.node(write.lane_enables).width > 1;
                let enable = if many { prefix("|", lanes, Level::Prefix) } else { lanes };
                writes.push((enable, self.operand(write.address)));
            }
            let bounded = can_pass_the_end(self.module, memory);
            let mut reads = vec![];
            for read in &memory.reads {
                if !bounded && matches!(read.kind, ReadKind::Asynchronous) {
                    continue;
                }
                let (enable, own_write) = match read.kind {
                    ReadKind::Asynchronous => (None, None),
                    ReadKind::Synchronous { enable } => (Some(self.operand(enable)), None),
                    ReadKind::SinglePort { enable, write } => (Some(self.operand(enable)), Some(write)),
                };
                reads.push((enable, self.operand(read.address), own_write));
            }
            if bounded {
                let bits = self.module.node(memory.reads[0].address).width;
                let limit = Expression::word(&format!("{bits}'d{}", memory.depth));
                let writes = writes.iter().map(|(enable, address)| (Some(enable.clone()), address, "write"));
                let accesses = writes.chain(reads.iter().map(|(enable, address, _)| (enable.clone(), address, "read")));
                for (enable, address, what) in accesses {
                    let past = binary(address.clone(), ">=", limit.clone(), Level::Relational);
                    let broken = match enable {
                        Some(enable) => both(enable, past),
                        None => past,
                    };
                    checks.push((format!("{what} past the last word of {}", memory.name), broken));
                }
            }
            if memory.collision_free {
                for (enable, address, own_write) in &reads {
                    let others = writes.iter().enumerate().filter(|(index, _)| Some(*index) != *own_write);
                    for (_, (write_enable, write_address)) in others {
                        let Some(enable) = enable else { continue };
                        let same = binary(address.clone(), "==", write_address.clone(), Level::Equality);
                        let met = both(both(enable.clone(), write_enable.clone()), same);
                        checks.push((format!("read and write of one word of {}", memory.name), met));
                    }
                }
            }
        }
        for (_, broken) in &checks {
            self.read(broken);
        }
        checks
    }

    /// Registers of clocked read ports.
    pub fn read_registers(&self) -> Vec<NodeId> {
        let clocked = |op: &Op| match op {
            Op::MemoryRead { memory, port } => {
                !matches!(self.module.memories[*memory].reads[*port].kind, ReadKind::Asynchronous)
            }
            _ => false,
        };
        (0..self.module.nodes.len() as u32).map(NodeId).filter(|&id| clocked(&self.module.node(id).op)).collect()
    }
}

/// `if (enable) target <= value;`, without the `if` where it always holds.
fn guarded(enable: &str, target: &str, value: &str) -> String {
    if enable == "1'b1" {
        return layout(8, &format!("{target} <= "), value, ";");
    }
    let line = plain(&format!("        if ({enable}) {target} <= {value};\n"));
    if line.chars().count() <= COLUMNS + 1 {
        return line;
    }
    layout(8, "if (", enable, ") begin") + &layout(12, &format!("{target} <= "), value, ";") + "        end\n"
}

/// `a && b`.
fn both(a: Expression, b: Expression) -> Expression {
    binary(a, "&&", b, Level::LogicalAnd)
}
