//! Compilation: the design, flattened, as a [`Program`].
//!
//! | room         | what is there                                                                     |
//! |--------------|-----------------------------------------------------------------------------------|
//! | [`flatten`]  | nodes of all instances, built on demand as words                                  |
//! | [`assign`]   | assignments below `when`, as multiplexers                                         |
//! | [`lower`]    | operators of any width on words; [`shift`] those with a variable amount           |
//! | [`simplify`] | constant folding and known zero bits                                              |
//! | [`graph`]    | words, each expression once                                                       |
//! | [`clocked`]  | what registers, memories and properties need at an edge                           |
//! | [`lanes`]    | words that are computed side by side                                              |
//! | [`schedule`] | order of evaluation, batches, places in the arena                                 |

pub mod assign;
pub mod clocked;
pub mod flatten;
pub mod graph;
pub mod lanes;
pub mod lower;
pub mod schedule;
pub mod shift;
pub mod simplify;

use super::SimulatorError;
use super::hierarchy::Hierarchy;
use super::program::{NamedPlaces, Places, Program};
use crate::design::{Design, Op};
use flatten::Flattener;
use graph::Word;
use lower::Value;
use schedule::Schedule;

/// Compiles `design`. With `keep_names` every named signal has its place in the arena; without, only what outputs,
/// states and properties need is computed.
pub fn compile(design: &Design, hierarchy: &Hierarchy, keep_names: bool) -> Result<Program, SimulatorError> {
    let mut flat = Flattener::new(design, hierarchy);
    let mut outputs = vec![];
    for port in &design.top().outputs {
        outputs.push((port.width, flat.value(0, port.node)?));
    }
    let clocked = clocked::collect(&mut flat)?;
    let names = if keep_names { collect_names(&mut flat)? } else { vec![] };

    let mut roots: Vec<Word> = outputs.iter().flat_map(|(_, value)| value).copied().collect();
    roots.extend(clocked.words());
    roots.extend(names.iter().flat_map(|name| &name.value));
    let schedule = Schedule::new(&flat.graph, &roots, hierarchy.input_words, hierarchy.words);

    let places = |width: usize, value: &Value| Places { width, words: schedule.places(value) };
    let mut program = Program {
        outputs: outputs.iter().map(|(width, value)| places(*width, value)).collect(),
        state_words: hierarchy.words as usize,
        output_reads_inputs: outputs.iter().map(|(_, value)| schedule.reads_inputs(value)).collect(),
        names: names
            .iter()
            .map(|name| NamedPlaces {
                scope: name.scope,
                name: name.name.clone(),
                register: name.register,
                places: places(name.width, &name.value),
            })
            .collect(),
        ..Program::default()
    };
    clocked.emit(&schedule, &mut program);
    schedule.emit(&mut program);
    program.validate();
    Ok(program)
}

/// A name and the words behind it.
struct Named {
    scope: usize,
    name: String,
    register: bool,
    width: usize,
    value: Value,
}

/// Ports, registers, wires, memory reads and named nodes of every scope, and the reset where a module has one.
fn collect_names(flat: &mut Flattener) -> Result<Vec<Named>, SimulatorError> {
    let mut names = vec![];
    for scope in 0..flat.hierarchy.scopes.len() {
        let module = flat.module(scope);
        if module.has_reset {
            let value = vec![flat.reset(scope)?];
            names.push(Named { scope, name: "reset".into(), register: false, width: 1, value });
        }
        for (index, node) in module.nodes.iter().enumerate() {
            let Some(name) = &node.name else { continue };
            let value = flat.value(scope, crate::design::NodeId(index as u32))?;
            let register = matches!(node.op, Op::Register(_));
            names.push(Named { scope, name: name.clone(), register, width: node.width, value });
        }
        for port in &module.outputs {
            if module.node(port.node).name.as_ref() == Some(&port.name) {
                continue;
            }
            let value = flat.value(scope, port.node)?;
            names.push(Named { scope, name: port.name.clone(), register: false, width: port.width, value });
        }
    }
    Ok(names)
}
