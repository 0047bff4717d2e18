//! Properties, and what only simulators see.

use super::expression::constant_text;
use super::layout::{COLUMNS, layout, pad, plain};
use super::module::Writer;
use crate::bits::Bits;
use crate::design::PropertyKind;

impl Writer<'_> {
    /// The name of the loop variable of `initial` blocks.
    pub fn loop_index(&mut self) -> String {
        if self.index_name.is_none() {
            self.index_name = Some(self.names.unique("index"));
        }
        self.index_name.clone().expect("just made")
    }

    /// Assertions and cover points: `assert` and `cover` for formal tools, `$error` for simulators.
    pub fn properties(&mut self) -> String {
        let properties = &self.module.properties;
        let checks = self.memory_checks();
        if properties.is_empty() && checks.is_empty() {
            return String::new();
        }
        self.reads_clock = true;
        self.reads_reset |= self.module.has_reset;
        let gated = self.module.has_reset;
        let indent = if gated { 12 } else { 8 };
        let mut formal = String::new();
        let mut simulated = String::new();
        let mut covered = String::new();
        for property in properties {
            let condition = self.operand(property.condition);
            self.read(&condition);
            let name = &property.name;
            match property.kind {
                PropertyKind::Assert => {
                    formal += &layout(indent, &format!("{name}: assert ("), &condition.text, ");");
                    simulated += &error(indent, &self.not(property.condition).text, name);
                }
                PropertyKind::Cover => {
                    formal += &layout(indent, &format!("{name}: cover ("), &condition.text, ");");
                    covered += &layout(indent, &format!("{name}: cover ("), &condition.text, ");");
                }
            }
        }
        for (message, broken) in checks {
            formal += &layout(indent, "assert (!(", &broken.text, "));");
            simulated += &error(indent, &broken.text, &message);
        }
        let block = |body: &str| match (body, gated) {
            ("", _) => String::new(),
            (_, true) => {
                format!("    always @(posedge clock) begin\n        if (!reset) begin\n{body}        end\n    end\n")
            }
            (_, false) => format!("    always @(posedge clock) begin\n{body}    end\n"),
        };
        let mut text = format!("`ifdef FORMAL\n{}`else\n`ifndef SYNTHESIS\n{}", block(&formal), block(&simulated));
        if !covered.is_empty() {
            text += &format!("`ifdef VERILATOR\n{}`endif\n", block(&covered));
        }
        text + "`endif\n`endif\n"
    }

    /// In simulation, registers and memories start at zero, as they do in the native simulator.
    pub fn simulation_start(&mut self) -> String {
        if !self.options.simulation {
            return String::new();
        }
        let mut text = String::new();
        for memory in self.module.memories.iter().filter(|memory| memory.initial.is_empty()) {
            text += &self.clear(memory, 0, 8);
        }
        let state: Vec<_> = self
            .module
            .registers
            .iter()
            .map(|register| register.node)
            .chain(self.read_registers())
            .filter(|node| self.analysis.live[node.index()])
            .collect();
        for node in state {
            let name = self.names.of_node[node.index()].clone().expect("state has a name");
            let zero = constant_text(&Bits::zero(self.module.node(node).width));
            text += &layout(8, &format!("{name} = "), &zero, ";");
        }
        if text.is_empty() { text } else { format!("`ifndef SYNTHESIS\n    initial begin\n{text}    end\n`endif\n") }
    }
}

/// `if (broken) $error(...);`
fn error(indent: usize, broken: &str, message: &str) -> String {
    let report = format!("$error(\"%m: {message}\");");
    let line = format!("{}if ({}) {report}\n", pad(indent), plain(broken));
    if line.chars().count() <= COLUMNS + 1 {
        return line;
    }
    layout(indent, "if (", broken, ") begin") + &format!("{}{report}\n{}end\n", pad(indent + 4), pad(indent))
}
