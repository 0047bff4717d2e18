//! One module: ports, then declarations and logic in the order of the description, then outputs and properties.

use std::collections::BTreeMap;

use super::Options;
use super::analysis::{Analysis, reachable_options};
use super::expression::{Expression, Level, Read, constant_text};
use super::groups::register_groups;
use super::layout::{layout, plain};
use super::names::Names;
use crate::bits::Bits;
use crate::design::{Design, InstanceDef, ModuleDef, NodeId, Op, ReadKind};

/// Longest text that is written inside another expression.
const INLINE: usize = 72;
/// Longest text of the whole right side of a conditional assignment.
const INLINE_ROOT: usize = 300;
/// Longest chain of `?:`.
const INLINE_CHOICE: usize = 1500;

/// What a piece of the body is; of those at one place, declarations come first and blocks last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Declares a name without a value.
    Declaration,
    /// Gives a name its value.
    Value,
    /// An `always` block or an instance, followed by a blank line.
    Block,
}

/// A piece of the body.
struct Item {
    /// It comes with the declaration of this node, after all earlier ones.
    at: NodeId,
    rank: Rank,
    text: String,
}

/// Writes one module.
pub struct Writer<'a> {
    pub design: &'a Design,
    pub module: &'a ModuleDef,
    pub options: &'a Options,
    pub analysis: Analysis<'a>,
    pub names: Names<'a>,
    /// Texts of nodes that have no declaration.
    pub inlined: Vec<Option<Expression>>,
    /// Reads that the text leaves out because the result does not depend on them.
    pub skipped: Vec<Read>,
    pub reads_clock: bool,
    pub reads_reset: bool,
    /// Bits of each node that the text reads: low and width.
    pub reads: Vec<Vec<(usize, usize)>>,
    items: Vec<Item>,
    /// Output ports that a block drives: `output reg`.
    pub procedural_outputs: Vec<String>,
    /// The loop variable of `initial` blocks, where there is one.
    pub index_name: Option<String>,
    /// The first node that reads each wire, or whose place a block that reads it takes.
    pub first_use_of_wire: BTreeMap<usize, NodeId>,
}

/// The text of module `module` of `design`.
pub fn module_text(design: &Design, module: &ModuleDef, options: &Options) -> String {
    let groups = register_groups(module);
    let analysis = Analysis::new(design, module, &groups, options.keep_names);
    let names = Names::new(design, module, &analysis);
    let count = module.nodes.len();
    let mut writer = Writer {
        design,
        module,
        options,
        analysis,
        names,
        inlined: vec![None; count],
        skipped: vec![],
        reads_clock: false,
        reads_reset: false,
        reads: vec![vec![]; count],
        items: vec![],
        procedural_outputs: vec![],
        index_name: None,
        first_use_of_wire: BTreeMap::new(),
    };
    writer.find_first_uses(&groups);
    writer.nodes();
    writer.wires();
    for group in &groups {
        let live = |register: &usize| writer.analysis.live[module.registers[*register].node.index()];
        let group: Vec<usize> = group.iter().copied().filter(live).collect();
        if !group.is_empty() {
            writer.registers(&group);
        }
    }
    for index in 0..module.memories.len() {
        writer.memory(index);
    }
    for index in 0..module.instances.len() {
        writer.instance(index);
    }
    let outputs = writer.outputs();
    let properties = writer.properties();
    let initial = writer.simulation_start();
    let unused = writer.unused();
    let body = writer.body();
    let mut text = writer.header();
    text += &writer.ports();
    let sections = [writer.localparams(), body, outputs, initial, properties, unused];
    let sections: Vec<&str> = sections.iter().map(|s| s.trim_matches('\n')).filter(|s| !s.is_empty()).collect();
    if !sections.is_empty() {
        text += "\n";
    }
    text += &sections.join("\n\n");
    text.truncate(text.trim_end().len());
    text + "\nendmodule\n"
}

/// `wire [7:0] name`, or `wire name` for one bit.
pub fn declaration(kind: &str, width: usize, name: &str) -> String {
    if width == 1 { format!("{kind} {name}") } else { format!("{kind} [{}:0] {name}", width - 1) }
}

impl Writer<'_> {
    /// Records what a text that goes into the file reads.
    pub fn read(&mut self, expression: &Expression) {
        for read in &expression.reads {
            self.reads[read.node.index()].push((read.low, read.width));
        }
    }

    /// The text of an operand that goes into the file here.
    pub fn text_of(&mut self, id: NodeId) -> String {
        let expression = self.operand(id);
        self.read(&expression);
        expression.text
    }

    /// Adds a piece of the body at the place of node `at`.
    pub fn item(&mut self, at: NodeId, rank: Rank, text: String) {
        self.items.push(Item { at, rank, text });
    }

    /// The last of some nodes, by the place of their declarations.
    pub fn last_of(&self, nodes: impl IntoIterator<Item = NodeId>) -> NodeId {
        nodes.into_iter().max().unwrap_or(NodeId(0))
    }

    /// True if the name of `id` is that of an output port, which needs no further declaration.
    pub fn is_port(&self, id: NodeId) -> bool {
        let name = self.names.of_node[id.index()].as_ref();
        self.module.outputs.iter().any(|output| Some(&output.name) == name)
    }

    /// Declares `id` as `kind`, unless it is an output port.
    pub fn declare(&mut self, id: NodeId, kind: &str) -> String {
        let name = self.names.of_node[id.index()].clone().expect("declared nodes have names");
        if !self.is_port(id) {
            return declaration(kind, self.module.node(id).width, &name);
        }
        if kind == "reg" {
            self.procedural_outputs.push(name);
        }
        String::new()
    }

    /// Declares `id` as `kind` at its place.
    pub fn declare_item(&mut self, id: NodeId, kind: &str) {
        let text = self.declare(id, kind);
        if !text.is_empty() {
            self.item(id, Rank::Declaration, layout(4, &text, "", ";"));
        }
    }

    /// `wire [..] name = value;`, or `assign name = value;` for an output port.
    pub fn declare_value(&mut self, id: NodeId, after: NodeId, value: &str) {
        let name = self.names.of_node[id.index()].clone().expect("declared nodes have names");
        let declared = self.declare(id, "wire");
        let head = if declared.is_empty() { format!("assign {name} = ") } else { format!("{declared} = ") };
        self.item(after, Rank::Value, layout(4, &head, value, ";"));
    }

    /// The last node that drives an input of `instance`.
    pub fn last_input_of(&self, instance: &InstanceDef) -> NodeId {
        self.last_of(instance.inputs.iter().copied().chain(instance.reset))
    }

    fn find_first_uses(&mut self, groups: &[Vec<usize>]) {
        let mut uses: Vec<(NodeId, NodeId)> = vec![];
        for index in 0..self.module.nodes.len() {
            let id = NodeId(index as u32);
            uses.extend(self.analysis.operands(id).into_iter().map(|(operand, _)| (operand, id)));
        }
        let module = self.module;
        let mut together = |operands: Vec<NodeId>| {
            let last = operands.iter().copied().max().unwrap_or(NodeId(0));
            uses.extend(operands.into_iter().map(|operand| (operand, last)));
        };
        for group in groups {
            let of = |&register: &usize| self.analysis.assignment_uses(&module.registers[register].assignments);
            together(group.iter().flat_map(of).map(|(node, _)| node).collect());
        }
        for wire in &module.wires {
            together(self.analysis.assignment_uses(&wire.assignments).into_iter().map(|(node, _)| node).collect());
        }
        for memory in &module.memories {
            together(self.analysis.memory_uses(memory).into_iter().map(|(node, ..)| node).collect());
        }
        for (index, instance) in module.instances.iter().enumerate() {
            // Its place is that of its first output, right after its inputs.
            let first = module
                .nodes
                .iter()
                .position(|node| matches!(node.op, Op::InstanceOutput { instance, .. } if instance == index));
            let place = first.map_or(self.last_input_of(instance), |first| NodeId(first as u32));
            let inputs = instance.inputs.iter().copied().chain(instance.reset);
            uses.extend(inputs.map(|input| (self.analysis.canonical(input), place)));
        }
        for (operand, user) in uses {
            if let Op::Wire(wire) = module.node(operand).op {
                let first = self.first_use_of_wire.entry(wire).or_insert(user);
                *first = user.min(*first);
            }
        }
    }

    // ----- values ---------------------------------------------------------------------------------------------------

    fn nodes(&mut self) {
        for index in 0..self.module.nodes.len() {
            let id = NodeId(index as u32);
            if !self.analysis.live[index] || self.analysis.constant(id).is_some() || self.analysis.canonical(id) != id {
                continue;
            }
            match &self.module.nodes[index].op {
                Op::Input(_) | Op::InstanceOutput { .. } | Op::Wire(_) => {}
                Op::Register(_) => self.declare_item(id, "reg"),
                Op::MemoryRead { memory, port } => match self.module.memories[*memory].reads[*port].kind {
                    ReadKind::Asynchronous => {
                        let expression = self.expression(id);
                        self.read(&expression);
                        self.declare_value(id, id, &expression.text);
                    }
                    _ => self.declare_item(id, "reg"),
                },
                Op::Select { index, options }
                    if reachable_options(self.module.node(*index).width, options.len()) > 2
                        && self.analysis.option_of(*index, options).is_none() =>
                {
                    self.case(id, *index, options);
                }
                _ => self.value(id),
            }
        }
    }

    /// A node that has one expression: declared, or kept for what uses it.
    fn value(&mut self, id: NodeId) {
        let expression = self.expression(id);
        let i = id.index();
        let named = self.module.nodes[i].name.is_some();
        if !named && !self.needs_name(id, &expression) {
            self.inlined[i] = Some(expression);
            return;
        }
        let drives_output = self.analysis.output.contains_key(&id);
        // What only one output reads is written with it, last.
        let outputs = self.module.outputs.iter().filter(|output| self.analysis.canonical(output.node) == id).count();
        if !named && drives_output && outputs == 1 && self.analysis.uses[i] == 1 {
            self.inlined[i] = Some(expression);
            return;
        }
        self.read(&expression);
        let sources: Vec<NodeId> = expression.reads.iter().map(|read| read.node).collect();
        self.names.give(&self.analysis, id, &sources);
        self.declare_value(id, id, &expression.text);
    }

    fn needs_name(&self, id: NodeId, expression: &Expression) -> bool {
        let (analysis, i) = (&self.analysis, id.index());
        if analysis.identifier[i] {
            return !(expression.cheap && matches!(self.module.node(id).op, Op::Reset));
        }
        let op = &self.module.node(id).op;
        let alone = matches!(op, Op::Mul(..) | Op::MulSigned(..) | Op::ShiftRightSigned(..));
        let longest = match (analysis.root[i], analysis.choice[i] && expression.level == Level::Ternary) {
            (_, true) => INLINE_CHOICE,
            (true, _) => INLINE_ROOT,
            _ => INLINE,
        };
        (alone && !analysis.root[i])
            || (analysis.factor[i] && (expression.level != Level::Atom || is_repetition(op)))
            || (analysis.connection[i] && expression.level < Level::Prefix)
            || (analysis.uses[i] > 1 && !expression.cheap)
            || (expression.text.chars().count() > longest && !analysis.output.contains_key(&id))
    }

    /// A selection among several: a `case`, whose default is the last option.
    fn case(&mut self, id: NodeId, index: NodeId, options: &[NodeId]) {
        let index = self.analysis.canonical(index);
        let index_width = self.module.node(index).width;
        let reached = reachable_options(index_width, options.len());
        let enumeration = self.analysis.enumeration.get(&id).copied();
        let states = self.analysis.enumeration.get(&index).copied();
        let selector = self.text_of(index);
        let mut values = vec![];
        let mut sources = vec![];
        for &option in &options[..reached] {
            let value = self.operand_of(option, enumeration);
            self.read(&value);
            sources.extend(value.reads.iter().map(|read| read.node));
            values.push(value.text);
        }
        let name = self.names.give(&self.analysis, id, &sources);
        let default = values.pop().expect("a selection has options");
        self.declare_item(id, "reg");
        let mut text = format!("    always @* begin\n        case ({})\n", plain(&selector));
        for (i, value) in values.iter().enumerate().filter(|(_, value)| **value != default) {
            let label = Bits::from_u64(i as u64, index_width);
            let state = states.and_then(|register| self.names.state(register, &label));
            let label = state.unwrap_or_else(|| constant_label(&label));
            text += &layout(12, &format!("{label}: {name} = "), value, ";");
        }
        text += &layout(12, &format!("default: {name} = "), &default, ";");
        text += "        endcase\n    end\n";
        self.item(id, Rank::Block, text);
    }

    // ----- the whole ------------------------------------------------------------------------------------------------

    /// The body in the order of the description: every declaration comes before its uses.
    fn body(&mut self) -> String {
        let mut items = std::mem::take(&mut self.items);
        items.sort_by_key(|item| (item.at, item.rank));
        let mut text = String::new();
        let mut block_before = false;
        for item in items {
            if !text.is_empty() && block_before {
                text.push('\n');
            }
            text += &item.text;
            block_before = item.rank == Rank::Block;
        }
        text
    }

    fn outputs(&mut self) -> String {
        let mut text = String::new();
        for output in &self.module.outputs {
            let node = self.analysis.canonical(output.node);
            if self.names.of_node[node.index()].as_ref() == Some(&output.name) {
                continue;
            }
            let value = self.text_of(node);
            text += &layout(4, &format!("assign {} = ", output.name), &value, ";");
        }
        text
    }
}

/// A constant in decimal, as labels and states are read.
pub fn constant_label(bits: &Bits) -> String {
    match bits.to_u64() {
        Some(value) if bits.width() > 1 => format!("{}'d{value}", bits.width()),
        _ => constant_text(bits),
    }
}

/// Written `{32{a}}`. Verilator 5.006 without optimizations extends such a factor by its sign.
fn is_repetition(op: &Op) -> bool {
    match op {
        Op::Concat(parts) => parts.iter().all(|part| *part == parts[0]),
        Op::SignExtend(_) => true,
        _ => false,
    }
}
