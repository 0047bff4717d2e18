//! Identifiers: those that the description gave, and readable ones for values that it left unnamed.
//!
//! A value without a name takes, in this order: the name of the output or of the instance port that it alone
//! drives; what it feeds and what it is (`count_sum`, `count_sum_2`); where it feeds several, what it is made from
//! and what it is (`state_or`); where that is several as well, only what it is (`sum_1`). Names depend on nothing
//! but the module, and never collide.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::analysis::{Analysis, Hint};
use super::keywords::is_keyword;
use crate::bits::Bits;
use crate::design::{Design, ModuleDef, NodeId, Op};

/// The identifiers of one module.
pub struct Names<'a> {
    module: &'a ModuleDef,
    /// Of each node that has one.
    pub of_node: Vec<Option<String>>,
    taken: HashSet<String>,
    /// What the name of a node says that it is made from, where it was not given.
    sources: HashMap<NodeId, String>,
    /// Prefix of the state names of each register with an enumeration.
    prefixes: BTreeMap<usize, String>,
    /// State names that the text uses: name, width and value.
    pub states: BTreeMap<(String, u64), (String, usize)>,
}

impl<'a> Names<'a> {
    /// The names that need no text to be known: of ports, registers, wires, memory reads, outputs of instances.
    pub fn new(design: &Design, module: &'a ModuleDef, analysis: &Analysis) -> Self {
        let mut names = Names {
            module,
            of_node: module.nodes.iter().map(|node| node.name.clone()).collect(),
            taken: HashSet::new(),
            sources: HashMap::new(),
            prefixes: BTreeMap::new(),
            states: BTreeMap::new(),
        };
        let given = module.nodes.iter().filter_map(|node| node.name.as_ref());
        let ports = module.inputs.iter().chain(&module.outputs).map(|port| &port.name);
        let memories = module.memories.iter().map(|memory| &memory.name);
        let instances = module.instances.iter().map(|instance| &instance.name);
        let properties = module.properties.iter().map(|property| &property.name);
        names.taken.extend(given.chain(ports).chain(memories).chain(instances).chain(properties).cloned());
        names.taken.extend(["clock".to_string(), "reset".to_string()]);
        for (index, node) in module.nodes.iter().enumerate() {
            if let Op::InstanceOutput { instance, port } = node.op
                && node.name.is_none()
            {
                let id = NodeId(index as u32);
                let instance = &module.instances[instance];
                let child = &design.modules[instance.module];
                let name = match analysis.output.get(&id) {
                    Some(&output) => module.outputs[output].name.clone(),
                    None if analysis.live[index] => {
                        names.unique(&format!("{}_{}", instance.name, child.outputs[port].name))
                    }
                    None => names.unique(&format!("unused_{}_{}", instance.name, child.outputs[port].name)),
                };
                names.of_node[index] = Some(name);
            }
        }
        let mut enumerations = BTreeMap::new();
        for (index, register) in module.registers.iter().enumerate() {
            if let Some(enumeration) = &register.enumeration {
                let first = enumerations.entry(&enumeration.name).or_insert(&enumeration.values);
                let prefix = if **first == enumeration.values { &enumeration.name } else { &register.name };
                names.prefixes.insert(index, upper(prefix));
            }
        }
        names
    }

    /// `wanted`, or `wanted_2`, `wanted_3`, ... where that is taken or reserved.
    pub fn unique(&mut self, wanted: &str) -> String {
        let candidates = (2..).map(|n| format!("{wanted}_{n}"));
        let name = std::iter::once(wanted.to_string())
            .chain(candidates)
            .find(|name| !is_keyword(name) && !self.taken.contains(name));
        let name = name.expect("there is always another number");
        self.taken.insert(name.clone());
        name
    }

    /// `wanted_1`, `wanted_2`, ...
    fn numbered(&mut self, wanted: &str) -> String {
        let name = (1..).map(|n| format!("{wanted}_{n}")).find(|name| !self.taken.contains(name));
        let name = name.expect("there is always another number");
        self.taken.insert(name.clone());
        name
    }

    /// Gives `id`, which is made from `sources`, a name if it has none, and returns it.
    pub fn give(&mut self, analysis: &Analysis, id: NodeId, sources: &[NodeId]) -> String {
        if let Some(name) = &self.of_node[id.index()] {
            return name.clone();
        }
        let kind = kind(&self.module.node(id).op);
        let source = self.common_source(sources);
        let name = match (analysis.output.get(&id), analysis.port.get(&id), &analysis.hints[id.index()], &source) {
            (Some(&output), ..) => self.module.outputs[output].name.clone(),
            (None, Some(port), ..) if analysis.uses[id.index()] == 1 => self.unique(port),
            (None, _, Hint::Feeds(what), _) => self.unique(&format!("{what}_{kind}")),
            (None, _, _, Some(source)) => self.unique(&format!("{source}_{kind}")),
            _ => self.numbered(kind),
        };
        self.of_node[id.index()] = Some(name.clone());
        self.sources.extend(source.map(|source| (id, source)));
        name
    }

    /// The words with which the names of all `nodes` begin.
    fn common_source(&self, nodes: &[NodeId]) -> Option<String> {
        let mut common: Option<Vec<&str>> = None;
        for node in nodes {
            let name = self.sources.get(node).or(self.of_node[node.index()].as_ref())?;
            let words: Vec<&str> = name.split('_').collect();
            common = Some(match common {
                None => words,
                Some(common) => {
                    let same = common.iter().zip(&words).take_while(|(a, b)| a == b).count();
                    common[..same].to_vec()
                }
            });
        }
        let words = common?;
        words.iter().any(|word| word.contains(|c: char| c.is_ascii_lowercase())).then(|| words.join("_"))
    }

    /// The name of state `value` of register `register`, if that value has one.
    pub fn state(&mut self, register: usize, value: &Bits) -> Option<String> {
        let values = &self.module.registers[register].enumeration.as_ref()?.values;
        let index = value.to_u64()?;
        let text = values.get(usize::try_from(index).ok()?)?;
        let prefix = &self.prefixes[&register];
        let name = format!("{prefix}_{}", upper(text));
        self.states.insert((prefix.clone(), index), (name.clone(), value.width()));
        Some(name)
    }
}

/// What a value is, in one word.
fn kind(op: &Op) -> &'static str {
    match op {
        Op::Not(_) => "not",
        Op::And(..) => "and",
        Op::Or(..) => "or",
        Op::Xor(..) => "xor",
        Op::ReduceAnd(_) => "all",
        Op::ReduceOr(_) => "any",
        Op::ReduceXor(_) => "parity",
        Op::Add(..) => "sum",
        Op::Sub(..) => "difference",
        Op::Mul(..) | Op::MulSigned(..) => "product",
        Op::Eq(..) => "equal",
        Op::Lt(..) | Op::LtSigned(..) => "less",
        Op::ShiftLeft(..) | Op::ShiftRight(..) | Op::ShiftRightSigned(..) => "shifted",
        Op::Mux { .. } | Op::Select { .. } => "selected",
        Op::Slice { .. } => "bits",
        Op::Concat(_) => "joined",
        Op::SignExtend(_) => "extended",
        _ => "value",
    }
}

/// `LoadWeights` and `load_weights` become `LOAD_WEIGHTS`.
fn upper(name: &str) -> String {
    let mut text = String::new();
    let mut lower_before = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower_before {
            text.push('_');
        }
        lower_before = c.is_ascii_lowercase() || c.is_ascii_digit();
        text.push(if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_names_are_upper_case_words() {
        assert_eq!(upper("LoadWeights"), "LOAD_WEIGHTS");
        assert_eq!(upper("wait_for 2nd"), "WAIT_FOR_2ND");
    }
}
