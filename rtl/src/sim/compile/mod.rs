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
//! | [`held`]     | what only registers need that mostly keep their values                            |
//! | [`lanes`]    | words that are computed side by side                                              |
//! | [`schedule`] | order of evaluation, batches, places in the arena                                 |

pub mod assign;
pub mod clocked;
pub mod flatten;
pub mod graph;
pub mod held;
pub mod lanes;
pub mod lower;
pub mod schedule;
pub mod shift;
pub mod simplify;

use super::SimulatorError;
use super::hierarchy::Hierarchy;
use super::program::{NamedPlaces, Places, Program};
use crate::design::Design;
use crate::wave;
use flatten::Flattener;
use graph::Word;
use lower::Value;
use schedule::Schedule;

/// Says, of the prefix of a scope and a name in it, whether it is to have a place in the arena.
pub type Keep<'a> = dyn Fn(&str, &str) -> bool + 'a;

/// Compiles `design`: what outputs, states and properties need is computed, and the named signals that are kept.
pub fn compile(design: &Design, hierarchy: &Hierarchy, keep: Option<&Keep>) -> Result<Program, SimulatorError> {
    let mut flat = Flattener::new(design, hierarchy);
    let mut outputs = vec![];
    for port in &design.top().outputs {
        outputs.push((port.width, flat.value(0, port.node)?));
    }
    let mut clocked = clocked::collect(&mut flat)?;
    let names = keep.map_or(Ok(vec![]), |keep| collect_names(&mut flat, keep))?;

    let shown: Vec<Word> =
        outputs.iter().flat_map(|(_, value)| value).chain(names.iter().flat_map(|name| &name.value)).copied().collect();
    let worthwhile = held::worthwhile(&flat.graph, &[clocked.words(), shown.clone()].concat(), &clocked.held());
    clocked.keep_held(&worthwhile);
    let roots = [clocked.words(), shown].concat();
    let schedule = Schedule::new(&flat.graph, &roots, &clocked.held(), hierarchy.input_words, hierarchy.words);

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
    width: usize,
    value: Value,
}

/// What waveforms show of every scope, as far as it is kept.
fn collect_names(flat: &mut Flattener, keep: &Keep) -> Result<Vec<Named>, SimulatorError> {
    let mut kept = vec![];
    for scope in 0..flat.hierarchy.scopes.len() {
        let prefix = &flat.hierarchy.scopes[scope].prefix;
        for name in wave::names(flat.module(scope)) {
            if !keep(prefix, name.text) {
                continue;
            }
            let value = match name.source {
                wave::Source::Reset => vec![flat.reset(scope)?],
                wave::Source::Node(node) => flat.value(scope, node)?,
            };
            kept.push(Named { scope, name: name.text.to_owned(), width: name.width, value });
        }
    }
    Ok(kept)
}
