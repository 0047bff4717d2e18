//! What drives wires and registers, and instances.

use super::expression::{Expression, constant_text};
use super::layout::{layout, pad};
use super::module::{Rank, Writer};
use super::statement::{Statement, Target, write};
use crate::design::{NodeId, Op};

impl Writer<'_> {
    /// Wires: one expression, or a block where conditions decide.
    pub fn wires(&mut self) {
        for (index, wire) in self.module.wires.iter().enumerate() {
            if !self.analysis.live[wire.node.index()] {
                continue;
            }
            let uses = self.analysis.assignment_uses(&wire.assignments);
            let after = self.last_of(uses.into_iter().map(|(node, _)| node).chain([wire.node]));
            let enumeration = self.analysis.enumeration.get(&wire.node).copied();
            let target = Target { name: wire.name.clone(), assignments: &wire.assignments, enumeration };
            let statements = self.wire_statements(target);
            if let [Statement::Assign { target, value }] = statements.as_slice() {
                let first_use = self.first_use_of_wire.get(&index);
                if first_use.is_none_or(|&first| first > after) {
                    self.declare_value(wire.node, after, value);
                } else {
                    self.declare_item(wire.node, "wire");
                    self.item(after, Rank::Value, layout(4, &format!("assign {target} = "), value, ";"));
                }
            } else {
                self.declare_item(wire.node, "reg");
                let body = write(&statements, "=", 8);
                self.item(after, Rank::Block, format!("    always @* begin\n{body}    end\n"));
            }
        }
    }

    /// The block of a group of registers.
    pub fn registers(&mut self, group: &[usize]) {
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
        self.item(after, Rank::Block, format!("    always @(posedge clock) begin\n{body}    end\n"));
    }

    /// An instance, with the wires that take its outputs.
    pub fn instance(&mut self, index: usize) {
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
        // Everything that reads an output comes after the first of them, everything that an input reads before.
        let mut at = None;
        for (node, definition) in module.nodes.iter().enumerate() {
            if let Op::InstanceOutput { instance: of, port } = definition.op
                && of == index
            {
                let id = NodeId(node as u32);
                let first = *at.get_or_insert(id);
                let declared = self.declare(id, "wire");
                if !declared.is_empty() {
                    self.item(first, Rank::Declaration, layout(4, &declared, "", ";"));
                }
                let name = self.names.of_node[node].clone().expect("outputs of instances have names");
                connections.push((child.outputs[port].name.clone(), name));
            }
        }
        let at = at.unwrap_or(self.last_input_of(instance));
        let mut text = format!("    {} {} (\n", child.name, instance.name);
        let longest = connections.iter().map(|(port, _)| port.len()).max().unwrap_or(0);
        for (i, (port, value)) in connections.iter().enumerate() {
            let comma = if i + 1 < connections.len() { "," } else { "" };
            text += &layout(8, &format!(".{port}{} (", pad(longest - port.len())), value, &format!("){comma}"));
        }
        text += "    );\n";
        self.item(at, Rank::Block, text);
    }
}
