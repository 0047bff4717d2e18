//! The names that waveforms show, and how their values are read.

use super::{Format, Kind, ShownName, TraceOptions};
use crate::design::{Design, ModuleDef, NodeId, Op};

/// A name of a module.
pub struct Name<'d> {
    pub text: &'d str,
    pub source: Source,
    pub width: usize,
    pub register: bool,
}

/// Whose value a name shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Reset,
    Node(NodeId),
}

impl Name<'_> {
    pub fn kind(&self) -> Kind {
        let width = self.width;
        if self.register { Kind::Register { width } } else { Kind::Wire { width } }
    }
}

/// The reset, where a module has one, then ports, registers, wires, memory reads and named nodes.
pub fn names(module: &ModuleDef) -> Vec<Name<'_>> {
    let mut names = vec![];
    if module.has_reset {
        names.push(Name { text: "reset", source: Source::Reset, width: 1, register: false });
    }
    for (index, node) in module.nodes.iter().enumerate() {
        let Some(text) = &node.name else { continue };
        let source = Source::Node(NodeId(index as u32));
        names.push(Name { text, source, width: node.width, register: matches!(node.op, Op::Register(_)) });
    }
    for port in &module.outputs {
        if module.node(port.node).name.as_ref() != Some(&port.name) {
            let source = Source::Node(port.node);
            names.push(Name { text: &port.name, source, width: port.width, register: false });
        }
    }
    names
}

/// What is shown beside the bits of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A number, of the element in the `bits` bits from `low` up.
    Number { format: Format, low: usize, bits: usize },
    /// The name of each state, state 0 first.
    State(Vec<String>),
}

impl Reading {
    pub fn kind(&self) -> Kind {
        match self {
            Reading::Number { .. } => Kind::Real,
            Reading::State(_) => Kind::Text,
        }
    }
}

/// The readings of a value, and what their names add to its own.
pub fn readings(module: &ModuleDef, name: &Name) -> Vec<(String, Reading)> {
    let Source::Node(node) = name.source else { return vec![] };
    if let Op::Register(register) = module.node(node).op
        && let Some(enumeration) = &module.registers[register].enumeration
    {
        return vec![("_as_text".to_owned(), Reading::State(enumeration.values.clone()))];
    }
    let Some(&format) = module.formats.get(&node) else { return vec![] };
    let Some(bits) = format.element_bits(name.width) else { return vec![] };
    let elements = name.width / bits;
    let suffix = |i: usize| if elements == 1 { String::new() } else { format!("_{i}") };
    let reading = |i: usize| Reading::Number { format, low: bits * i, bits };
    (0..elements).map(|i| (format!("_as_{}{}", format.name(), suffix(i)), reading(i))).collect()
}

/// An instance and what is below it.
pub struct Scope {
    /// Index of its module in the design.
    pub module: usize,
    /// Instance name; of the top, its module's.
    pub name: String,
    /// Instance names from below the top, joined by points and ending in a point; empty for the top.
    pub prefix: String,
    /// In the order of the module's instances.
    pub children: Vec<Scope>,
}

impl Scope {
    /// The top module with everything below it.
    pub fn top(design: &Design) -> Scope {
        Self::below(design, design.modules.len() - 1, design.top().name.clone(), String::new())
    }

    fn below(design: &Design, module: usize, name: String, prefix: String) -> Scope {
        let child = |instance: &crate::design::InstanceDef| {
            let below = format!("{prefix}{}.", instance.name);
            Self::below(design, instance.module, instance.name.clone(), below)
        };
        let children = design.modules[module].instances.iter().map(child).collect();
        Scope { module, name, prefix, children }
    }

    /// Appends what `options` show of this scope and of those below.
    pub fn append_names(&self, design: &Design, options: &TraceOptions, to: &mut Vec<ShownName>) {
        let module = &design.modules[self.module];
        for name in names(module).iter().filter(|name| options.shows_name(&self.prefix, name.text)) {
            let mut append = |suffix: &str, kind: Kind| {
                to.push(ShownName { path: format!("{}{}{suffix}", self.prefix, name.text), kind });
            };
            append("", name.kind());
            readings(module, name).iter().for_each(|(suffix, reading)| append(suffix, reading.kind()));
        }
        for child in &self.children {
            child.append_names(design, options, to);
        }
    }
}
