//! What of a module is live, how often each value is used and in which role, and what it feeds.

use std::collections::HashMap;

use crate::bits::Bits;
use crate::design::{Assignment, Design, InstanceDef, MemoryDef, ModuleDef, Node, NodeId, Op, ReadKind};

/// What a use asks of the text of its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Any expression, in parentheses where needed.
    Plain,
    /// The whole right side of an assignment.
    Root,
    /// A branch of a choice (`?:` or `case`).
    Choice,
    /// A factor of a product, which Verilog extends to the width of the product: nothing that could overflow.
    Factor,
    /// A connection of an instance: nothing longer than a unary operator.
    Connection,
    /// An identifier, because bits of it are taken.
    Identifier,
}

/// What is known of each node, by index.
pub struct Analysis<'a> {
    pub module: &'a ModuleDef,
    /// Reachable from outputs, memories, instances or properties.
    pub live: Vec<bool>,
    /// How often it is used by live logic.
    pub uses: Vec<u32>,
    /// Some use asks for an identifier.
    pub identifier: Vec<bool>,
    /// Some use is a factor.
    pub factor: Vec<bool>,
    /// Some use is a connection.
    pub connection: Vec<bool>,
    /// The only use is the whole right side of an assignment.
    pub root: Vec<bool>,
    /// The only use is a branch of a choice.
    pub choice: Vec<bool>,
    /// The node that stands for it in the text.
    pub canonicals: Vec<NodeId>,
    /// Its value, where that is known.
    pub values: Vec<Option<Bits>>,
    /// Its value, where it is unnamed and so a constant in the text.
    pub constants: Vec<Option<Bits>>,
    /// Register whose enumeration names its values.
    pub enumeration: HashMap<NodeId, usize>,
    /// The one named thing that it feeds, from which a name is made.
    pub hints: Vec<Hint>,
    /// First output that it drives.
    pub output: HashMap<NodeId, usize>,
    /// Inputs that decided comparisons leave unread.
    pub undecisive: Vec<NodeId>,
    /// The port of an instance or memory that it drives.
    pub port: HashMap<NodeId, String>,
}

/// The named thing that a node feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// None was met yet.
    None,
    /// Exactly this one.
    Feeds(String),
    /// Several.
    Several,
}

impl<'a> Analysis<'a> {
    /// With `keep_names`, named values are live that nothing reads.
    pub fn new(design: &Design, module: &'a ModuleDef, groups: &[Vec<usize>], keep_names: bool) -> Self {
        let count = module.nodes.len();
        let mut analysis = Analysis {
            module,
            live: vec![false; count],
            uses: vec![0; count],
            identifier: vec![false; count],
            factor: vec![false; count],
            connection: vec![false; count],
            root: vec![false; count],
            choice: vec![false; count],
            canonicals: (0..count as u32).map(NodeId).collect(),
            values: vec![None; count],
            constants: vec![None; count],
            enumeration: HashMap::new(),
            hints: vec![Hint::None; count],
            output: HashMap::new(),
            undecisive: vec![],
            port: HashMap::new(),
        };
        analysis.fold_constants();
        analysis.find_undecisive();
        analysis.find_live(groups, keep_names);
        analysis.follow_enumerations();
        analysis.follow_hints(design);
        analysis
    }

    /// The value of a constant node.
    pub fn constant(&self, id: NodeId) -> Option<&Bits> {
        self.constants[id.index()].as_ref()
    }

    /// The node that stands for `id` in the text: unnamed nodes that only rename another are looked through.
    pub fn canonical(&self, id: NodeId) -> NodeId {
        self.canonicals[id.index()]
    }

    /// [`Analysis::canonical`], from those of the operands.
    pub fn find_canonical(&self, id: NodeId) -> NodeId {
        let node = self.module.node(id);
        if node.name.is_some() || self.constant(id).is_some() {
            return id;
        }
        match &node.op {
            Op::Slice { .. } => match self.slice(id) {
                (base, 0) if self.module.node(base).width == node.width => base,
                _ => id,
            },
            Op::Select { index, options } => {
                self.option_of(*index, options).map_or(id, |option| self.canonical(option))
            }
            Op::Mux { select, on_true, on_false } => match self.constant(self.canonical(*select)) {
                Some(select) => self.canonical(if select.bit(0) { *on_true } else { *on_false }),
                None => id,
            },
            // What a neutral constant leaves as it is.
            Op::And(a, b) => self.beside(*a, *b, |bits| *bits == Bits::ones(bits.width())).unwrap_or(id),
            Op::Or(a, b) | Op::Xor(a, b) | Op::Add(a, b) => self.beside(*a, *b, Bits::is_zero).unwrap_or(id),
            _ => id,
        }
    }

    /// The other of `a` and `b`, where one is a constant that `neutral` accepts.
    fn beside(&self, a: NodeId, b: NodeId, neutral: impl Fn(&Bits) -> bool) -> Option<NodeId> {
        let (a, b) = (self.canonical(a), self.canonical(b));
        let is_neutral = |id| self.constant(id).is_some_and(&neutral);
        if is_neutral(b) { Some(a) } else { is_neutral(a).then_some(b) }
    }

    /// The option that a constant index takes.
    pub fn option_of(&self, index: NodeId, options: &[NodeId]) -> Option<NodeId> {
        let index = self.constant(self.canonical(index))?;
        let index = index.to_u64().and_then(|index| usize::try_from(index).ok());
        let last = options.len() - 1;
        Some(options[index.map_or(last, |index| index.min(last))])
    }

    /// Base and lowest bit of a slice, looking through unnamed slices, concatenations and sign extensions.
    pub fn slice(&self, id: NodeId) -> (NodeId, usize) {
        let width = self.module.node(id).width;
        let Op::Slice { of, low } = self.module.node(id).op else { return (id, 0) };
        let (mut base, mut low) = (of, low);
        loop {
            base = self.canonical(base);
            let node = self.module.node(base);
            if node.name.is_some() || self.constant(base).is_some() {
                return (base, low);
            }
            match &node.op {
                Op::Slice { of, low: inner } => (base, low) = (*of, low + inner),
                Op::SignExtend(a) if low + width <= self.module.node(*a).width => base = *a,
                Op::Concat(parts) => {
                    let mut bottom = 0;
                    let inside = parts.iter().rev().find(|&&part| {
                        bottom += self.module.node(part).width;
                        low < bottom
                    });
                    let part = *inside.expect("a slice lies inside its operand");
                    let start = bottom - self.module.node(part).width;
                    if low + width > bottom {
                        return (base, low);
                    }
                    (base, low) = (part, low - start);
                }
                _ => return (base, low),
            }
        }
    }

    /// Operands of a node as its text uses them.
    pub fn operands(&self, id: NodeId) -> Vec<(NodeId, Role)> {
        use Role::{Choice, Factor, Identifier, Plain};
        if self.constant(id).is_some() {
            return vec![];
        }
        let module = self.module;
        let mut operands: Vec<(NodeId, Role)> = match &module.node(id).op {
            Op::Slice { .. } => match self.slice(id).0 {
                base if self.constant(base).is_some() => vec![],
                base => vec![(base, Identifier)],
            },
            Op::SignExtend(a) => vec![(*a, if self.extends_in_place(*a) { Plain } else { Identifier })],
            Op::Mul(a, b) => vec![(*a, Factor), (*b, Factor)],
            Op::ShiftLeft(a, n) | Op::ShiftRight(a, n) | Op::ShiftRightSigned(a, n) => {
                let wide = module.node(*n).width > 32 && self.constant(self.canonical(*n)).is_none();
                vec![(*a, Plain), (*n, if wide { Identifier } else { Plain })]
            }
            Op::Mux { select, on_true, on_false } => vec![(*select, Plain), (*on_true, Plain), (*on_false, Choice)],
            Op::Select { index, options } => {
                let reached = reachable_options(module.node(*index).width, options.len());
                std::iter::once((*index, Plain)).chain(options[..reached].iter().map(|&o| (o, Choice))).collect()
            }
            Op::Concat(parts) => {
                let mut parts = parts.clone();
                parts.dedup();
                parts.into_iter().map(|part| (part, Plain)).collect()
            }
            // Their assignments are uses of the wire, not of the node.
            Op::Wire(_) => vec![],
            _ => module.combinational_operands(id).into_iter().map(|operand| (operand, Plain)).collect(),
        };
        for (operand, _) in &mut operands {
            *operand = self.canonical(*operand);
        }
        operands
    }

    /// True where the sign bit can be named without an identifier for the whole operand.
    fn extends_in_place(&self, a: NodeId) -> bool {
        let a = self.canonical(a);
        let node = self.module.node(a);
        node.width == 1 || self.constant(a).is_some() || (matches!(node.op, Op::Slice { .. }) && node.name.is_none())
    }

    /// Uses by the conditions of assignments. One `if` serves every assignment below it.
    pub fn condition_uses(&self, assignments: &[Assignment]) -> Vec<(NodeId, Role)> {
        let mut seen = vec![];
        let branches = assignments.iter().flat_map(|assignment| &assignment.path);
        let mut uses = vec![];
        for branch in branches {
            if !seen.contains(&branch.when) {
                seen.push(branch.when);
                uses.push((self.canonical(branch.condition), Role::Plain));
            }
        }
        uses
    }

    /// Uses by the values of assignments.
    pub fn value_uses(&self, assignments: &[Assignment]) -> Vec<(NodeId, Role)> {
        assignments.iter().map(|assignment| (self.canonical(assignment.value), Role::Root)).collect()
    }

    /// Uses by conditional or unconditional assignments.
    pub fn assignment_uses(&self, assignments: &[Assignment]) -> Vec<(NodeId, Role)> {
        [self.condition_uses(assignments), self.value_uses(assignments)].concat()
    }

    /// Uses by a memory: addresses, data, enables.
    pub fn memory_uses(&self, memory: &MemoryDef) -> Vec<(NodeId, Role, String)> {
        let mut uses = vec![];
        let name = &memory.name;
        for (i, write) in memory.writes.iter().enumerate() {
            let port = if memory.writes.len() == 1 { format!("{name}_write") } else { format!("{name}_write_{i}") };
            let lanes = self.module.node(write.lane_enables).width;
            let single = lanes == 1;
            let (data, enable) =
                if single { (Role::Connection, Role::Plain) } else { (Role::Identifier, Role::Identifier) };
            uses.push((write.address, Role::Connection, format!("{port}_address")));
            uses.push((write.data, data, format!("{port}_data")));
            uses.push((write.lane_enables, enable, format!("{port}_enable")));
        }
        for read in &memory.reads {
            // An asynchronous read is an operand of its own node.
            match &read.kind {
                ReadKind::Asynchronous => continue,
                ReadKind::Synchronous { enable } | ReadKind::SinglePort { enable, .. } => {
                    uses.push((*enable, Role::Plain, format!("{}_enable", read.name)));
                }
            }
            uses.push((read.address, Role::Connection, format!("{}_address", read.name)));
        }
        for (node, ..) in &mut uses {
            *node = self.canonical(*node);
        }
        uses
    }

    /// Uses by an instance: inputs and reset.
    pub fn instance_uses(&self, instance: &InstanceDef, ports: &[String]) -> Vec<(NodeId, Role, String)> {
        let inputs = instance.inputs.iter().zip(ports).map(|(input, port)| (*input, port.as_str()));
        let all = inputs.chain(instance.reset.map(|reset| (reset, "reset")));
        all.map(|(node, port)| (self.canonical(node), Role::Connection, format!("{}_{port}", instance.name))).collect()
    }

    fn count(&mut self, (id, role): (NodeId, Role), work: &mut Vec<NodeId>) {
        let i = id.index();
        self.uses[i] += 1;
        self.identifier[i] |= role == Role::Identifier;
        self.factor[i] |= role == Role::Factor;
        self.connection[i] |= role == Role::Connection;
        self.root[i] = self.uses[i] == 1 && role == Role::Root;
        self.choice[i] = self.uses[i] == 1 && role == Role::Choice;
        if !std::mem::replace(&mut self.live[i], true) {
            work.push(id);
        }
    }

    fn find_live(&mut self, groups: &[Vec<usize>], keep_names: bool) {
        let module = self.module;
        let mut uses: Vec<(NodeId, Role)> = vec![];
        for memory in &module.memories {
            uses.extend(self.memory_uses(memory).into_iter().map(|(node, role, _)| (node, role)));
            for read in memory.reads.iter().filter(|read| !matches!(read.kind, ReadKind::Asynchronous)) {
                self.live[read.node.index()] = true;
            }
        }
        for instance in &module.instances {
            let names = vec![String::new(); instance.inputs.len()];
            uses.extend(self.instance_uses(instance, &names).into_iter().map(|(node, role, _)| (node, role)));
        }
        uses.extend(module.properties.iter().map(|property| (self.canonical(property.condition), Role::Plain)));
        for (i, output) in module.outputs.iter().enumerate() {
            let node = self.canonical(output.node);
            self.output.entry(node).or_insert(i);
            uses.push((node, Role::Root));
        }
        let mut work = vec![];
        for one in uses {
            self.count(one, &mut work);
        }
        let mut group_of = vec![0; module.registers.len()];
        for (number, group) in groups.iter().enumerate() {
            group.iter().for_each(|&register| group_of[register] = number);
        }
        let mut spread = Spread { group_of, seen: vec![false; groups.len()] };
        self.spread(&mut work, &mut spread);
        // What is unread on purpose, or kept, needs no text of its own where something else gives it one.
        let named = |(index, node): (usize, &Node)| {
            let shown = node.name.is_some() && !matches!(node.op, Op::Input(_));
            (keep_names && shown).then_some(NodeId(index as u32))
        };
        let kept: Vec<NodeId> = module.nodes.iter().enumerate().filter_map(named).collect();
        for unread in module.unused.iter().copied().chain(kept) {
            let node = self.canonical(unread);
            if !self.live[node.index()] {
                self.count((node, Role::Identifier), &mut work);
                self.spread(&mut work, &mut spread);
            }
        }
        // A read that nothing observes still must not go past the end, which is asserted.
        for memory in module.memories.iter().filter(|memory| can_pass_the_end(module, memory)) {
            for read in memory.reads.iter().filter(|read| matches!(read.kind, ReadKind::Asynchronous)) {
                if !self.live[read.node.index()] {
                    self.count((self.canonical(read.address), Role::Plain), &mut work);
                    self.spread(&mut work, &mut spread);
                }
            }
        }
    }

    fn spread(&mut self, work: &mut Vec<NodeId>, groups: &mut Spread) {
        let module = self.module;
        while let Some(id) = work.pop() {
            let mut uses = self.operands(id);
            match module.node(id).op {
                Op::Wire(wire) => uses.extend(self.assignment_uses(&module.wires[wire].assignments)),
                Op::Register(register) => {
                    let assignments = &module.registers[register].assignments;
                    uses.extend(self.value_uses(assignments));
                    let group = groups.group_of[register];
                    if !std::mem::replace(&mut groups.seen[group], true) {
                        uses.extend(self.condition_uses(assignments));
                    }
                }
                _ => {}
            }
            for one in uses {
                self.count(one, work);
            }
        }
    }

    /// Marks the nodes whose constants are states: state registers, and what is assigned to them.
    fn follow_enumerations(&mut self) {
        for (index, register) in self.module.registers.iter().enumerate() {
            if register.enumeration.is_none() {
                continue;
            }
            let mut work = vec![register.node];
            work.extend(register.assignments.iter().map(|assignment| assignment.value));
            while let Some(id) = work.pop() {
                let id = self.canonical(id);
                if self.enumeration.contains_key(&id) || self.constant(id).is_some() {
                    continue;
                }
                match &self.module.node(id).op {
                    Op::Register(other) if *other != index => continue,
                    Op::Register(_) => {}
                    Op::Mux { on_true, on_false, .. } => work.extend([*on_true, *on_false]),
                    Op::Select { options, .. } => work.extend(options),
                    Op::Wire(wire) => work.extend(self.module.wires[*wire].assignments.iter().map(|a| a.value)),
                    _ => continue,
                }
                self.enumeration.insert(id, index);
            }
        }
    }

    fn hint(&mut self, id: NodeId, name: &str) {
        let hint = &mut self.hints[id.index()];
        *hint = match std::mem::replace(hint, Hint::Several) {
            Hint::None => Hint::Feeds(name.into()),
            Hint::Feeds(old) if old == name => Hint::Feeds(old),
            _ => Hint::Several,
        };
    }

    /// Names flow from consumers to what feeds them: consumers come later in the list of nodes.
    fn follow_hints(&mut self, design: &Design) {
        let module = self.module;
        for register in &module.registers {
            for (node, _) in self.assignment_uses(&register.assignments) {
                self.hint(node, &register.name);
            }
        }
        for wire in &module.wires {
            for (node, _) in self.assignment_uses(&wire.assignments) {
                self.hint(node, &wire.name);
            }
        }
        for property in &module.properties {
            self.hint(self.canonical(property.condition), &property.name);
        }
        let mut ports: Vec<(NodeId, Role, String)> = vec![];
        for instance in &module.instances {
            let names: Vec<String> =
                design.modules[instance.module].inputs.iter().map(|port| port.name.clone()).collect();
            ports.extend(self.instance_uses(instance, &names));
        }
        for memory in &module.memories {
            ports.extend(self.memory_uses(memory));
        }
        for (node, _, name) in ports {
            self.hint(node, &name);
            self.port.entry(node).or_insert(name);
        }
        for index in (0..module.nodes.len()).rev().filter(|&index| self.live[index]).collect::<Vec<_>>() {
            let id = NodeId(index as u32);
            let own = module.nodes[index].name.clone();
            let driven = self.output.get(&id).map(|&output| module.outputs[output].name.clone());
            let hint = match (own.or(driven), &self.hints[index]) {
                (Some(name), _) => Hint::Feeds(name),
                (None, hint) => hint.clone(),
            };
            for (operand, _) in self.operands(id) {
                match &hint {
                    Hint::Feeds(name) => self.hint(operand, name),
                    Hint::Several => self.hints[operand.index()] = Hint::Several,
                    Hint::None => {}
                }
            }
        }
    }
}

/// The registers of a group share their `if`s, whose conditions count once.
struct Spread {
    group_of: Vec<usize>,
    seen: Vec<bool>,
}

/// How many options an index of `width` bits reaches.
pub fn reachable_options(width: usize, options: usize) -> usize {
    if width >= usize::BITS as usize - 1 { options } else { options.min(1 << width) }
}

/// True if the addresses of `memory` reach past its last word.
pub fn can_pass_the_end(module: &ModuleDef, memory: &MemoryDef) -> bool {
    let bits = module.node(memory.reads[0].address).width;
    bits >= 63 || memory.depth != 1 << bits
}
