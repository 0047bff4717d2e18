//! The Verilog back end: a [`Design`] as Verilog-2005 text that a person can read and every tool accepts.
//!
//! | part          | what it does                                                                          |
//! |---------------|---------------------------------------------------------------------------------------|
//! | `analysis`    | what is live, how often and in which role each value is used, what it feeds            |
//! | `fold`        | values that are known without any input                                                |
//! | `evaluate`    | operators on known operands                                                           |
//! | `names`       | identifiers                                                                           |
//! | `expression`  | the text of one value, with a meaning that does not depend on the place it stands in  |
//! | `statement`   | assignments under conditions, as nested `if`s                                         |
//! | `groups`      | registers that share an `always` block                                                |
//! | `drivers`     | what drives wires and registers, and instances                                        |
//! | `memory`      | memories in the forms from which tools infer block RAM                                |
//! | `checks`      | assertions, cover points, simulation start                                            |
//! | `module`      | the order of it all                                                                   |
//! | `frame`       | header, ports, unread bits                                                            |
//! | `layout`      | lines of at most 110 columns                                                          |
//!
//! The text is the same for the same design, on every run and machine. It is clean under `verilator --lint-only
//! -Wall`, `iverilog -g2012 -Wall` and Yosys `check -assert` without any waiver. Unread bits are listed in one wire
//! `unused_ok`: those of values inside a module always, those of inputs only where the description says
//! [`crate::Builder::unused`], so that lint still finds a forgotten input. Logic and registers that nothing observes
//! are left out.

mod analysis;
mod checks;
mod drivers;
mod evaluate;
mod expression;
mod fold;
mod frame;
mod groups;
mod keywords;
mod layout;
mod memory;
mod module;
mod names;
mod statement;

pub use keywords::is_keyword;

use crate::design::Design;

/// What the text is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Name and version of the generator, for the header of each module.
    pub generator: String,
    /// For simulators: registers and memories start at zero, as in the native simulator, and Verilator gives
    /// access to the memories by name (`public_flat_rw`). Never in exported text.
    pub simulation: bool,
    /// Named values that nothing reads are not left out, so that waveforms show every name.
    pub keep_names: bool,
}

impl Default for Options {
    /// Text for export.
    fn default() -> Self {
        Options { generator: format!("Tessera {}", env!("CARGO_PKG_VERSION")), simulation: false, keep_names: false }
    }
}

impl Options {
    /// Text for simulators.
    pub fn simulation() -> Self {
        Options { simulation: true, ..Options::default() }
    }

    /// Text for simulators that write waveforms.
    pub fn traced() -> Self {
        Options { keep_names: true, ..Options::simulation() }
    }
}

/// One file: one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerilogFile {
    /// File name, `<module>.v`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// One file for each module, children before parents, the top last.
pub fn emit(design: &Design, options: &Options) -> Vec<VerilogFile> {
    let file = |module: &crate::design::ModuleDef| VerilogFile {
        name: format!("{}.v", module.name),
        text: module::module_text(design, module, options),
    };
    design.modules.iter().map(file).collect()
}

/// All modules in one text, children before parents, the top last.
pub fn emit_string(design: &Design, options: &Options) -> String {
    let files: Vec<String> = emit(design, options).into_iter().map(|file| file.text).collect();
    files.join("\n")
}
