//! Registers that share an `always` block: described one after the other, under the same conditions, and either none
//! computed from another (a pipeline stage is one block), or all declared before the first is set.

use std::collections::HashSet;

use crate::design::{ModuleDef, NodeId, Op, RegisterDef, assignment_operands};

/// The registers of one block at most.
const LARGEST: usize = 32;
/// Nodes to look at before two registers are taken to depend on one another.
const EFFORT: usize = 1000;

/// Indices of registers, by block.
pub fn register_groups(module: &ModuleDef) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = vec![];
    for (index, register) in module.registers.iter().enumerate() {
        if let Some(group) = groups.last_mut()
            && group.len() < LARGEST
            && same_structure(&module.registers[group[0]], register)
            && (declared_before(module, register, group) || !depends_on(module, register, group))
        {
            group.push(index);
        } else {
            groups.push(vec![index]);
        }
    }
    groups
}

fn same_structure(a: &RegisterDef, b: &RegisterDef) -> bool {
    a.reset.is_some() == b.reset.is_some()
        && a.assignments.len() == b.assignments.len()
        && a.assignments.iter().zip(&b.assignments).all(|(a, b)| a.path == b.path)
}

/// True if `register` is declared before the first of `group` is set.
fn declared_before(module: &ModuleDef, register: &RegisterDef, group: &[usize]) -> bool {
    let set =
        group.iter().filter_map(|&member| assignment_operands(&module.registers[member].assignments).into_iter().max());
    set.min().is_some_and(|first_set| register.node < first_set)
}

/// True if what `register` is set to may depend combinationally on a register of `group`.
fn depends_on(module: &ModuleDef, register: &RegisterDef, group: &[usize]) -> bool {
    let mut seen: HashSet<NodeId> = HashSet::new();
    let values = register.assignments.iter().map(|assignment| assignment.value);
    let mut work: Vec<NodeId> = values.collect();
    while let Some(id) = work.pop() {
        if !seen.insert(id) {
            continue;
        }
        if seen.len() > EFFORT {
            return true;
        }
        match module.node(id).op {
            Op::Register(other) if group.contains(&other) => return true,
            Op::Wire(wire) => work.extend(assignment_operands(&module.wires[wire].assignments)),
            _ => work.extend(module.combinational_operands(id)),
        }
    }
    false
}
