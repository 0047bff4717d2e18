//! The tree of instances, flattened: one scope for each instance of each module.

use crate::bits::words_for;
use crate::design::{Design, ModuleDef, NodeId, ReadKind};

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
    /// First arena word of each register.
    pub registers: Vec<u32>,
    /// First arena word of what each clocked read port of each memory shows; `None` for asynchronous ports.
    pub read_ports: Vec<Vec<Option<u32>>>,
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
        let input_words = take(0);
        let mut scopes: Vec<Scope> = vec![];
        let mut waiting = vec![(design.modules.len() - 1, None, String::new())];
        let mut memories = 0;
        while let Some((module, parent, prefix)) = waiting.pop() {
            let index = scopes.len();
            if let Some((parent, instance)) = parent {
                let above: &mut Scope = &mut scopes[parent];
                above.children[instance] = index;
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
                registers: def.registers.iter().map(|register| take(register.width)).collect(),
                read_ports: read_ports(def, &mut take),
                first_memory: memories,
            });
            memories += def.memories.len();
        }
        Hierarchy { scopes, inputs, input_words, words }
    }

    /// The module of a scope.
    pub fn module<'d>(&self, design: &'d Design, scope: usize) -> &'d ModuleDef {
        &design.modules[self.scopes[scope].module]
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
}

fn read_ports(def: &ModuleDef, take: &mut impl FnMut(usize) -> u32) -> Vec<Vec<Option<u32>>> {
    let mut places = vec![];
    for memory in &def.memories {
        let clocked = |kind: &ReadKind| !matches!(kind, ReadKind::Asynchronous);
        places.push(memory.reads.iter().map(|port| clocked(&port.kind).then(|| take(memory.width))).collect());
    }
    places
}
