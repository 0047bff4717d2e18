//! What is refused once a design is whole: signals without a driver, latches, combinational loops, names
//! that waveforms need.
//!
//! Width errors, duplicate names, double drives and signals of other modules are refused earlier, where they are
//! described. Every message names the signal, the module and the Rust source line.

use std::collections::BTreeSet;

use crate::builder::count;
use crate::design::{Design, ModuleDef, NodeId, Op};
use crate::error::ElaborationError;
use crate::wave;

/// Every fault of `design`; empty if it is sound.
pub(crate) fn check(design: &Design) -> Vec<ElaborationError> {
    let mut errors = vec![];
    let mut paths: Vec<CombinationalPaths> = vec![];
    for module in &design.modules {
        let before = errors.len();
        check_drivers(module, &mut errors);
        check_names(module, &mut errors);
        // Without drivers there are no paths to follow.
        let found = if errors.len() == before { follow_paths(module, &paths, &mut errors) } else { vec![] };
        paths.push(found);
    }
    errors
}

fn check_drivers(module: &ModuleDef, errors: &mut Vec<ElaborationError>) {
    let mut error = |message, location| {
        errors.push(ElaborationError { module: module.name.clone(), message, location });
    };
    for wire in &module.wires {
        let (name, bits) = (&wire.name, count(wire.width, "bit"));
        match wire.assignments.first() {
            None => error(format!("wire `{name}` ({bits}) is not driven"), wire.location),
            Some(first) if !first.path.is_empty() => error(
                format!("wire `{name}` ({bits}) has no value where no `when` applies; set a default first"),
                first.location,
            ),
            Some(_) => {}
        }
    }
    for register in &module.registers {
        if register.assignments.is_empty() {
            let message = format!("register `{}` ({}) is never set", register.name, count(register.width, "bit"));
            error(message, register.location);
        }
    }
    for memory in &module.memories {
        if memory.reads.is_empty() {
            error(format!("memory `{}` is never read", memory.name), memory.location);
        } else if memory.writes.is_empty() && memory.initial.is_empty() {
            error(format!("memory `{}` is never written and has no initial contents", memory.name), memory.location);
        }
    }
}

/// Names that waveforms give to what they show beside a value.
fn check_names(module: &ModuleDef, errors: &mut Vec<ElaborationError>) {
    let names = wave::names(module);
    for name in &names {
        for (suffix, _) in wave::readings(module, name) {
            let companion = format!("{}{suffix}", name.text);
            let Some(taken) = names.iter().find(|other| other.text == companion) else { continue };
            let wave::Source::Node(node) = taken.source else { continue };
            let message = format!("`{companion}` is what waveforms call the reading of `{}`", name.text);
            let location = module.node(node).location;
            errors.push(ElaborationError { module: module.name.clone(), message, location });
        }
    }
}

/// For each output of a module, the inputs that it depends on combinationally (indices into `inputs`).
pub type CombinationalPaths = Vec<BTreeSet<usize>>;

#[derive(Clone)]
enum Visit {
    New,
    Open,
    Done(BTreeSet<usize>),
}

/// Depth first over the operands of every node; a node met while still open closes a loop.
fn follow_paths(
    module: &ModuleDef,
    children: &[CombinationalPaths],
    errors: &mut Vec<ElaborationError>,
) -> CombinationalPaths {
    let operands = |id: NodeId| match &module.node(id).op {
        Op::InstanceOutput { instance, port } => {
            let instance = &module.instances[*instance];
            let inputs = children[instance.module].get(*port).into_iter().flatten();
            inputs.map(|&input| instance.inputs[input]).collect()
        }
        _ => module.combinational_operands(id),
    };
    let mut visits = vec![Visit::New; module.nodes.len()];
    for root in (0..module.nodes.len() as u32).map(NodeId) {
        let mut stack: Vec<(NodeId, Vec<NodeId>, usize)> = vec![];
        if matches!(visits[root.index()], Visit::New) {
            visits[root.index()] = Visit::Open;
            stack.push((root, operands(root), 0));
        }
        while let Some((id, below, next)) = stack.last_mut() {
            if let Some(&operand) = below.get(*next) {
                *next += 1;
                match visits[operand.index()] {
                    Visit::New => {
                        visits[operand.index()] = Visit::Open;
                        stack.push((operand, operands(operand), 0));
                    }
                    Visit::Open => {
                        let start = stack.iter().position(|(id, ..)| *id == operand).expect("open nodes are stacked");
                        let members: Vec<NodeId> = stack[start..].iter().map(|(id, ..)| *id).collect();
                        errors.push(loop_error(module, &members));
                    }
                    Visit::Done(_) => {}
                }
                continue;
            }
            let mut reached = BTreeSet::new();
            if let Op::Input(input) = module.node(*id).op {
                reached.insert(input);
            }
            for operand in below.iter() {
                if let Visit::Done(inputs) = &visits[operand.index()] {
                    reached.extend(inputs);
                }
            }
            visits[id.index()] = Visit::Done(reached);
            stack.pop();
        }
    }
    let reached = |id: NodeId| match &visits[id.index()] {
        Visit::Done(inputs) => inputs.clone(),
        _ => BTreeSet::new(),
    };
    module.outputs.iter().map(|output| reached(output.node)).collect()
}

fn loop_error(module: &ModuleDef, members: &[NodeId]) -> ElaborationError {
    let named: Vec<String> = members.iter().filter_map(|&id| module.node(id).name.clone()).collect();
    let first = members.iter().find(|&&id| module.node(id).name.is_some()).unwrap_or(&members[0]);
    let (bits, location) = (count(module.node(*first).width, "bit"), module.node(*first).location);
    let through = if named.is_empty() { "unnamed signals".into() } else { named.join("` -> `") };
    let message = format!("combinational loop through `{through}` ({bits}); break it with a register");
    ElaborationError { module: module.name.clone(), message, location }
}
