//! The tree of instances, flattened: one scope for each instance of each module.
//!
//! Hardware is repetitive: sixteen lanes are sixteen instances of a module, or sixteen turns of a loop in Rust. Nodes
//! that stand in for each other in such repetitions are one [`Family`]. States of a family have consecutive places,
//! so that the simulator can compute them side by side (see [`super::compile::lanes`]).

use std::collections::HashMap;
use std::panic::Location;

use super::program::LANES;
use crate::bits::words_for;
use crate::design::{Design, InstanceDef, ModuleDef, NodeId, ReadKind};

/// A module is taken to be repeated if one module has at least so many instances of it.
const REPEATED: usize = 4;

/// What nodes have in common that stand in for each other in repetitions: in repeated instances the place in the
/// module, otherwise the line of Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Family {
    /// Number of the instance or of the repeated instances.
    scopes: u32,
    node: Option<NodeId>,
    location: &'static Location<'static>,
}

/// Arena words of a register or of what a read port shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatePlaces {
    first: u32,
    /// From one word to the next.
    stride: u32,
}

impl StatePlaces {
    /// Words that follow each other.
    pub fn consecutive(first: u32) -> Self {
        StatePlaces { first, stride: 1 }
    }

    /// Arena word of word `index`.
    pub fn word(self, index: usize) -> u32 {
        self.first + self.stride * index as u32
    }

    /// Arena words of a value of `width` bits.
    pub fn words(self, width: usize) -> impl Iterator<Item = u32> {
        (0..words_for(width)).map(move |index| self.word(index))
    }
}

/// One instance.
pub struct Scope {
    /// Index of its module in the design.
    pub module: usize,
    /// The scope above and the instance's index there; `None` for the top.
    pub parent: Option<(usize, usize)>,
    /// Scopes of its instances, in the order of the module's `instances`.
    pub children: Vec<usize>,
    /// Instance names from the top down, joined by points and ending in a point; empty for the top.
    pub prefix: String,
    /// Number of the scopes that stand in for each other, this one among them.
    family: u32,
    /// There are such others.
    repeated: bool,
    /// Places of each register.
    pub registers: Vec<StatePlaces>,
    /// Places of what each clocked read port of each memory shows; `None` for asynchronous ports.
    pub read_ports: Vec<Vec<Option<StatePlaces>>>,
    /// Number, in the whole design, of the scope's first memory.
    pub first_memory: usize,
}

/// All scopes, a parent before its children, and the place of every input and state in the arena.
pub struct Hierarchy {
    pub scopes: Vec<Scope>,
    /// First arena word of each input of the top; the reset, if any, comes last.
    pub inputs: Vec<u32>,
    /// Arena words that inputs take, from word 0 on.
    pub input_words: u32,
    /// Arena words that inputs and states take, from word 0 on.
    pub words: u32,
}

impl Hierarchy {
    pub fn new(design: &Design) -> Hierarchy {
        let mut words = 0;
        let mut take = |width: usize| {
            words += words_for(width) as u32;
            words - words_for(width) as u32
        };
        let top = design.top();
        let mut inputs: Vec<u32> = top.inputs.iter().map(|port| take(port.width)).collect();
        if top.has_reset {
            inputs.push(take(1));
        }
        let mut hierarchy = Hierarchy { scopes: scopes(design), inputs, input_words: words, words };
        hierarchy.place_states(design);
        hierarchy
    }

    /// The module of a scope.
    pub fn module<'d>(&self, design: &'d Design, scope: usize) -> &'d ModuleDef {
        &design.modules[self.scopes[scope].module]
    }

    /// The family of a node of a scope.
    pub fn family(&self, design: &Design, scope: usize, node: NodeId) -> Family {
        let Scope { family, repeated, .. } = self.scopes[scope];
        Family {
            scopes: family,
            node: repeated.then_some(node),
            location: self.module(design, scope).node(node).location,
        }
    }

    /// The node that resets `scope`, in a scope further up; `None`: the reset input of the top.
    pub fn reset_driver(&self, design: &Design, mut scope: usize) -> Option<(usize, NodeId)> {
        while let Some((parent, instance)) = self.scopes[scope].parent {
            if let Some(reset) = self.module(design, parent).instances[instance].reset {
                return Some((parent, reset));
            }
            scope = parent;
        }
        None
    }

    /// Gives registers and clocked read ports their places, those of a family side by side.
    fn place_states(&mut self, design: &Design) {
        let mut families: HashMap<(Family, usize), usize> = HashMap::new();
        // Words of each state of the family, and how many states there are.
        let mut members: Vec<(usize, u32)> = vec![];
        // For each state, its family and its number there.
        let mut join = |family: Family, width: usize| {
            let words = words_for(width);
            let family = *families.entry((family, words)).or_insert_with(|| {
                members.push((words, 0));
                members.len() - 1
            });
            members[family].1 += 1;
            (family, members[family].1 - 1)
        };
        let mut joined = vec![];
        for scope in 0..self.scopes.len() {
            let module = self.module(design, scope);
            for register in &module.registers {
                joined.push(join(self.family(design, scope, register.node), register.width));
            }
            for (memory, port) in clocked_ports(module) {
                let (memory, port) = (&module.memories[memory], &module.memories[memory].reads[port]);
                joined.push(join(self.family(design, scope, port.node), memory.width));
            }
        }
        let mut bases = vec![];
        for &mut (words, ref mut count) in &mut members {
            if *count as usize > LANES / 2 {
                *count = count.next_multiple_of(LANES as u32);
                self.words = self.words.next_multiple_of(LANES as u32);
            }
            bases.push(self.words);
            self.words += words as u32 * *count;
        }
        let mut places = joined
            .into_iter()
            .map(|(family, number)| StatePlaces { first: bases[family] + number, stride: members[family].1 });
        for scope in &mut self.scopes {
            let module = &design.modules[scope.module];
            scope.registers = places.by_ref().take(module.registers.len()).collect();
            scope.read_ports = module.memories.iter().map(|memory| vec![None; memory.reads.len()]).collect();
            for (memory, port) in clocked_ports(module) {
                scope.read_ports[memory][port] = places.next();
            }
        }
    }
}

/// Memory and port of every clocked read port.
fn clocked_ports(module: &ModuleDef) -> impl Iterator<Item = (usize, usize)> {
    module.memories.iter().enumerate().flat_map(|(index, memory)| {
        let clocked = |port: &usize| !matches!(memory.reads[*port].kind, ReadKind::Asynchronous);
        (0..memory.reads.len()).filter(clocked).map(move |port| (index, port))
    })
}

/// All scopes, without the places of their states.
fn scopes(design: &Design) -> Vec<Scope> {
    let mut scopes: Vec<Scope> = vec![];
    let mut waiting = vec![(design.modules.len() - 1, None, String::new())];
    let mut memories = 0;
    // Scopes stand in for each other if those above do and they are the same instance, or repeated in one module.
    let mut families: HashMap<(u32, usize, Option<usize>), u32> = HashMap::new();
    while let Some((module, parent, prefix)) = waiting.pop() {
        let index = scopes.len();
        let (mut family, mut repeated) = (0, false);
        if let Some((parent, instance)) = parent {
            let above: &mut Scope = &mut scopes[parent];
            above.children[instance] = index;
            let same = |other: &&InstanceDef| other.module == module;
            let merged =
                !above.repeated && design.modules[above.module].instances.iter().filter(same).count() >= REPEATED;
            let next = families.len() as u32 + 1;
            family = *families.entry((above.family, module, (!merged).then_some(instance))).or_insert(next);
            repeated = above.repeated || merged;
        }
        let def = &design.modules[module];
        for (i, instance) in def.instances.iter().enumerate().rev() {
            waiting.push((instance.module, Some((index, i)), format!("{prefix}{}.", instance.name)));
        }
        scopes.push(Scope {
            module,
            parent,
            children: vec![0; def.instances.len()],
            prefix,
            family,
            repeated,
            registers: vec![],
            read_ports: vec![],
            first_memory: memories,
        });
        memories += def.memories.len();
    }
    scopes
}
