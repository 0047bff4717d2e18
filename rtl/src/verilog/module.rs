//! One module: ports, then declarations and logic in the order of the description, then outputs and properties.

use std::collections::BTreeMap;

use super::Options;
use super::analysis::{Analysis, reachable_options};
use super::expression::{Expression, Level, Read, constant_text};
use super::groups::register_groups;
use super::layout::{comment, layout, pad};
use super::names::Names;
use super::statement::{Statement, Target, write};
use crate::bits::Bits;
use crate::design::{Design, ModuleDef, NodeId, Op, ReadKind};

/// Longest text that is written inside another expression.
const INLINE: usize = 72;
/// Longest text of the whole right side of a conditional assignment.
const INLINE_ROOT: usize = 300;
/// Longest chain of `?:`.
const INLINE_CHOICE: usize = 1500;

/// A piece of the body.
struct Item {
    /// It comes after the declaration of this node.
    after: NodeId,
    /// Set apart by blank lines.
    block: bool,
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
    reads: Vec<Vec<(usize, usize)>>,
    items: Vec<Item>,
    /// Output ports that a block drives: `output reg`.
    procedural_outputs: Vec<String>,
    /// The loop variable of `initial` blocks, where there is one.
    pub index_name: Option<String>,
    /// The first node that reads each wire, or whose place a block that reads it takes.
    first_use_of_wire: BTreeMap<usize, NodeId>,
}

/// The text of module `module` of `design`.
pub fn module_text(design: &Design, module: &ModuleDef, options: &Options) -> String {
    let groups = register_groups(module);
    let analysis = Analysis::new(design, module, &groups);
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
        writer.registers(group);
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

    /// Adds a piece of the body after the declaration of node `after`.
    pub fn item(&mut self, after: NodeId, block: bool, text: String) {
        self.items.push(Item { after, block, text });
    }

    /// The last of some nodes, by the place of their declarations.
    pub fn last_of(&self, nodes: impl IntoIterator<Item = NodeId>) -> NodeId {
        nodes.into_iter().max().unwrap_or(NodeId(0))
    }

    /// True if the name of `id` is that of an output port, which needs no further declaration.
    fn is_port(&self, id: NodeId) -> bool {
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

    fn declare_item(&mut self, id: NodeId, kind: &str) {
        let text = self.declare(id, kind);
        if !text.is_empty() {
            self.item(id, false, layout(4, &text, "", ";"));
        }
    }

    /// `wire [..] name = value;`, or `assign name = value;` for an output port.
    fn declare_value(&mut self, id: NodeId, after: NodeId, value: &str) {
        let name = self.names.of_node[id.index()].clone().expect("declared nodes have names");
        let declared = self.declare(id, "wire");
        let head = if declared.is_empty() { format!("assign {name} = ") } else { format!("{declared} = ") };
        self.item(after, false, layout(4, &head, value, ";"));
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
            if !self.analysis.live[index] || self.analysis.constant(id).is_some() {
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
                    if reachable_options(self.module.node(*index).width, options.len()) > 2 =>
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
        self.names.give(&self.analysis, id);
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
            || (analysis.factor[i] && expression.level != Level::Atom)
            || (analysis.connection[i] && expression.level < Level::Prefix)
            || (analysis.uses[i] > 1 && !expression.cheap)
            || (expression.text.chars().count() > longest && !analysis.output.contains_key(&id))
    }

    /// A selection among several: a `case`, whose default is the last option.
    fn case(&mut self, id: NodeId, index: NodeId, options: &[NodeId]) {
        let name = self.names.give(&self.analysis, id);
        let index = self.analysis.canonical(index);
        let index_width = self.module.node(index).width;
        let reached = reachable_options(index_width, options.len());
        let enumeration = self.analysis.enumeration.get(&id).copied();
        let states = self.analysis.enumeration.get(&index).copied();
        let selector = self.text_of(index);
        let mut values = vec![];
        for &option in &options[..reached] {
            let value = self.operand_of(option, enumeration);
            self.read(&value);
            values.push(value.text);
        }
        let default = values.pop().expect("a selection has options");
        self.declare_item(id, "reg");
        let mut text = format!("    always @* begin\n        case ({})\n", super::layout::plain(&selector));
        for (i, value) in values.iter().enumerate().filter(|(_, value)| **value != default) {
            let label = Bits::from_u64(i as u64, index_width);
            let state = states.and_then(|register| self.names.state(register, &label));
            let label = state.unwrap_or_else(|| constant_label(&label));
            text += &layout(12, &format!("{label}: {name} = "), value, ";");
        }
        text += &layout(12, &format!("default: {name} = "), &default, ";");
        text += "        endcase\n    end\n";
        self.item(id, true, text);
    }

    // ----- registers, wires, instances ------------------------------------------------------------------------------

    fn wires(&mut self) {
        for (index, wire) in self.module.wires.iter().enumerate() {
            if !self.analysis.live[wire.node.index()] {
                continue;
            }
            let uses = self.analysis.assignment_uses(&wire.assignments);
            let after = self.last_of(uses.into_iter().map(|(node, _)| node).chain([wire.node]));
            let enumeration = self.analysis.enumeration.get(&wire.node).copied();
            let target = Target { name: wire.name.clone(), assignments: &wire.assignments, enumeration };
            let statements = self.statements(&[target]);
            if let [Statement::Assign { target, value }] = statements.as_slice() {
                let first_use = self.first_use_of_wire.get(&index);
                if first_use.is_none_or(|&first| first > after) {
                    self.declare_value(wire.node, after, value);
                } else {
                    self.declare_item(wire.node, "wire");
                    self.item(after, false, layout(4, &format!("assign {target} = "), value, ";"));
                }
            } else {
                self.declare_item(wire.node, "reg");
                let body = write(&statements, "=", 8);
                self.item(after, true, format!("    always @* begin\n{body}    end\n"));
            }
        }
    }

    fn registers(&mut self, group: &[usize]) {
        let module = self.module;
        let registers = || group.iter().map(|&index| &module.registers[index]);
        let uses: Vec<NodeId> = registers()
            .flat_map(|register| self.analysis.assignment_uses(&register.assignments))
            .map(|(node, _)| node)
            .chain(registers().map(|register| register.node))
            .collect();
        let after = self.last_of(uses);
        let targets: Vec<Target> = group
            .iter()
            .map(|&index| {
                let register = &module.registers[index];
                let enumeration = register.enumeration.is_some().then_some(index);
                Target { name: register.name.clone(), assignments: &register.assignments, enumeration }
            })
            .collect();
        let mut statements = self.statements(&targets);
        if module.registers[group[0]].reset.is_some() {
            self.reads_reset = true;
            let mut then = vec![];
            for &index in group {
                let register = &module.registers[index];
                let value = register.reset.as_ref().expect("registers of a group are alike");
                let state = self.names.state(index, value);
                let value = state.unwrap_or_else(|| constant_text(value));
                then.push(Statement::Assign { target: register.name.clone(), value });
            }
            let (condition, negated) = (Expression::word("reset"), Expression::word("!reset"));
            statements = vec![Statement::If { condition, negated, then, otherwise: statements }];
        }
        self.reads_clock = true;
        let body = write(&statements, "<=", 8);
        self.item(after, true, format!("    always @(posedge clock) begin\n{body}    end\n"));
    }

    fn instance(&mut self, index: usize) {
        let module = self.module;
        let instance = &module.instances[index];
        let child = &self.design.modules[instance.module];
        let mut connections: Vec<(String, String)> = vec![];
        if child.has_clock {
            self.reads_clock = true;
            connections.push(("clock".into(), "clock".into()));
        }
        if child.has_reset {
            let reset = match instance.reset {
                Some(reset) => self.text_of(reset),
                None => {
                    self.reads_reset = true;
                    "reset".into()
                }
            };
            connections.push(("reset".into(), reset));
        }
        for (input, port) in instance.inputs.iter().zip(&child.inputs) {
            connections.push((port.name.clone(), self.text_of(*input)));
        }
        let mut text = String::new();
        let mut after = self.last_of(instance.inputs.iter().copied().chain(instance.reset));
        for (node, definition) in module.nodes.iter().enumerate() {
            if let Op::InstanceOutput { instance: of, port } = definition.op
                && of == index
            {
                let id = NodeId(node as u32);
                let declared = self.declare(id, "wire");
                if !declared.is_empty() {
                    text += &layout(4, &declared, "", ";");
                }
                let name = self.names.of_node[node].clone().expect("outputs of instances have names");
                connections.push((child.outputs[port].name.clone(), name));
                after = after.max(id);
            }
        }
        text += &format!("    {} {} (\n", child.name, instance.name);
        let longest = connections.iter().map(|(port, _)| port.len()).max().unwrap_or(0);
        for (i, (port, value)) in connections.iter().enumerate() {
            let comma = if i + 1 < connections.len() { "," } else { "" };
            text += &layout(8, &format!(".{port}{} (", pad(longest - port.len())), value, &format!("){comma}"));
        }
        text += "    );\n";
        self.item(after, true, text);
    }

    // ----- the whole ------------------------------------------------------------------------------------------------

    /// The body in the order of the description: every declaration comes before its uses.
    fn body(&mut self) -> String {
        let mut items = std::mem::take(&mut self.items);
        items.sort_by_key(|item| (item.after, item.block));
        let mut text = String::new();
        let mut block_before = false;
        for item in items {
            if !text.is_empty() && block_before {
                text.push('\n');
            }
            text += &item.text;
            block_before = item.block;
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

    /// The bits that the text leaves unread, where that is known to be on purpose: of values inside the module, of
    /// what [`crate::Builder::unused`] lists, and of operands whose value decides nothing.
    fn unused(&mut self) -> String {
        let module = self.module;
        let mut accepted = vec![false; module.nodes.len()];
        for &unused in &module.unused {
            let node = self.analysis.canonical(unused);
            let node = if self.names.of_node[node.index()].is_some() { node } else { self.analysis.slice(node).0 };
            accepted[node.index()] = true;
        }
        for read in &self.skipped {
            accepted[read.node.index()] = true;
        }
        for (index, node) in module.nodes.iter().enumerate() {
            let inside = !matches!(node.op, Op::Input(_) | Op::Register(_));
            accepted[index] |= inside && self.analysis.live[index];
        }
        let mut parts = vec!["1'b0".to_string()];
        if module.has_clock && !self.reads_clock {
            parts.push("clock".into());
        }
        if module.has_reset && !self.reads_reset {
            parts.push("reset".into());
        }
        for index in 0..module.nodes.len() {
            let id = NodeId(index as u32);
            if accepted[index] && self.names.of_node[index].is_some() && !self.is_port(id) && self.is_declared(id) {
                for (low, width) in self.unread(id) {
                    parts.push(self.bits_of(id, low, width).text);
                }
            }
        }
        if parts.len() == 1 {
            return String::new();
        }
        let name = self.names.unique("unused_ok");
        layout(
            4,
            &format!("wire {name} = "),
            &format!("&{{{}}}", parts.join(&format!(",{}", super::layout::SOFT))),
            ";",
        )
    }

    fn is_declared(&self, id: NodeId) -> bool {
        matches!(self.module.node(id).op, Op::Input(_)) || self.analysis.live[id.index()]
    }

    /// Ranges of bits that the text does not read.
    fn unread(&self, id: NodeId) -> Vec<(usize, usize)> {
        let mut reads = self.reads[id.index()].clone();
        reads.sort_unstable();
        let mut unread = vec![];
        let mut next = 0;
        for (low, width) in reads {
            if low > next {
                unread.push((next, low - next));
            }
            next = next.max(low + width);
        }
        let width = self.module.node(id).width;
        if next < width {
            unread.push((next, width - next));
        }
        unread
    }

    /// Names of states, and the loop variable.
    fn localparams(&self) -> String {
        let states = &self.names.states;
        let line = |((_, value), (name, width)): (&(String, u64), &(String, usize))| {
            let value = constant_label(&Bits::from_u64(*value, *width));
            layout(4, &declaration("localparam", *width, name), "", &format!(" = {value};"))
        };
        let mut text: String = states.iter().map(line).collect();
        if let Some(index) = &self.index_name {
            text += &format!("    integer {index};\n");
        }
        text
    }

    fn header(&self) -> String {
        let module = self.module;
        let mut text =
            comment("", "", &format!("{}: {}", module.name, module.summary).trim_end_matches(": ").to_string());
        text += "//\n";
        if !module.configuration.is_empty() {
            text += &comment("Configuration: ", "  ", &module.configuration);
        }
        text + &comment("", "", &format!("Generated by {}; edits are lost.", self.options.generator))
    }

    fn ports(&self) -> String {
        let module = self.module;
        let mut groups: Vec<Vec<(&str, usize, &str)>> = vec![vec![], vec![], vec![]];
        if module.has_clock {
            groups[0].push(("input  wire", 1, "clock"));
        }
        if module.has_reset {
            groups[0].push(("input  wire", 1, "reset"));
        }
        groups[1].extend(module.inputs.iter().map(|port| ("input  wire", port.width, port.name.as_str())));
        groups[2].extend(module.outputs.iter().map(|port| {
            let kind = if self.procedural_outputs.contains(&port.name) { "output reg " } else { "output wire" };
            (kind, port.width, port.name.as_str())
        }));
        let range = |width: usize| if width == 1 { String::new() } else { format!("[{}:0]", width - 1) };
        let longest = groups.iter().flatten().map(|port| range(port.1).len()).max().unwrap_or(0);
        let gap = if longest == 0 { 0 } else { longest + 1 };
        let groups: Vec<String> = groups
            .iter()
            .filter(|group| !group.is_empty())
            .map(|group| {
                let lines = group.iter().map(|(kind, width, name)| {
                    let range = range(*width);
                    format!("    {kind} {range}{}{name}", pad(gap - range.len()))
                });
                lines.collect::<Vec<_>>().join(",\n")
            })
            .collect();
        if groups.is_empty() {
            return format!("module {};\n", module.name);
        }
        format!("module {} (\n{}\n);\n", module.name, groups.join(",\n\n"))
    }
}

/// A constant in decimal, as labels and states are read.
fn constant_label(bits: &Bits) -> String {
    match bits.to_u64() {
        Some(value) if bits.width() > 1 => format!("{}'d{value}", bits.width()),
        _ => constant_text(bits),
    }
}
