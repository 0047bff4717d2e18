//! Generated modules in [rust-hdl](https://docs.rs/rust-hdl/0.46) 0.46, as black boxes (feature `rust-hdl`).
//!
//! [`black_box!`](crate::black_box) declares a rust-hdl block for a [`Design`]; `examples/rust_hdl` of the repository is
//! a crate that uses it. The ports are written down, because rust-hdl's widths are types and a design's are values;
//! [`black_box`] compares the two and refuses a block that does not fit.
//!
//! | Contract   |                                                                                             |
//! |------------|---------------------------------------------------------------------------------------------|
//! | Ports      | those of the top module, by name: `clock` and `reset` (active high, synchronous) where the  |
//! |            | design has them, inputs, outputs; `Clock` or `Bit` for one bit, `Bits<N>` for more          |
//! | Verilog    | rust-hdl's text holds every module of the design once, however many blocks use it           |
//! | Simulation | none: in rust-hdl's simulator the outputs stay as they are                                  |

use std::collections::BTreeMap;
use std::fmt::Write;

use rtl::Design;
use rtl::verilog::{self, VerilogFile};
use rust_hdl_core::prelude::{Atom, AtomKind, BlackBox, Block, Probe, Verilog};

/// A block whose ports are not those of the design's top module: what is wrong with each, in the order of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortMismatch {
    /// Name of the top module.
    pub module: String,
    /// One line for each port.
    pub ports: Vec<String>,
}

impl std::fmt::Display for PortMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ports of module {}: {}", self.module, self.ports.join("; "))
    }
}

impl std::error::Error for PortMismatch {}

/// What `Logic::hdl` of `block` returns, so that rust-hdl instantiates the top module of `design` for it and adds the
/// design's Verilog to its own.
///
/// # Errors
/// [`PortMismatch`] if the block's ports differ from the module's in name, direction or width.
pub fn black_box(design: &Design, block: &impl Block) -> Result<Verilog, PortMismatch> {
    let mut found = BlockPorts::default();
    block.accept("", &mut found);
    let expected = module_ports(design);
    let names: std::collections::BTreeSet<&String> = found.0.keys().chain(expected.keys()).collect();
    let wrong = |name: &&String| match (found.0.get(*name), expected.get(*name)) {
        (Some(found), Some(expected)) if found == expected => None,
        (Some(found), Some(expected)) => Some(format!("`{name}` is {found}, expected {expected}")),
        (None, Some(expected)) => Some(format!("`{name}` is missing, expected {expected}")),
        (_, None) => Some(format!("`{name}` is not a port of the module")),
    };
    let ports: Vec<String> = names.iter().filter_map(wrong).collect();
    let name = design.top().name.clone();
    if !ports.is_empty() {
        return Err(PortMismatch { module: name, ports });
    }
    let files = verilog::emit(design, &verilog::Options::default());
    Ok(Verilog::Blackbox(BlackBox { code: files.iter().map(once).collect(), name }))
}

/// The text of a module in such a way that a tool that reads it again skips it: rust-hdl adds the text of a black box
/// for each of its instances. Modules of the same name and another text are still refused by every tool.
fn once(file: &VerilogFile) -> String {
    let digest = file.text.bytes().fold(0xcbf2_9ce4_8422_2325, fnv_1a);
    let module = file.name.trim_end_matches(".v");
    let mut text = String::new();
    let guard = format!("TESSERA_{module}_{digest:016x}");
    write!(text, "\n`ifndef {guard}\n`define {guard}\n{}`endif\n", file.text).expect("strings take all");
    text
}

/// One step of the 64-bit FNV-1a hash, which is the same on every machine and in every version.
fn fnv_1a(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

/// Direction and width as a rust-hdl type.
fn port_type(direction: &str, width: usize) -> String {
    match width {
        1 => format!("Signal<{direction}, Bit>"),
        _ => format!("Signal<{direction}, Bits<{width}>>"),
    }
}

/// The ports that a block for the design must have.
fn module_ports(design: &Design) -> BTreeMap<String, String> {
    let top = design.top();
    let implied = [("clock", top.has_clock), ("reset", top.has_reset)];
    let implied = implied.into_iter().filter(|&(_, has)| has).map(|(name, _)| (name.into(), port_type("In", 1)));
    let inputs = top.inputs.iter().map(|port| (port.name.clone(), port_type("In", port.width)));
    let outputs = top.outputs.iter().map(|port| (port.name.clone(), port_type("Out", port.width)));
    implied.chain(inputs).chain(outputs).collect()
}

/// The ports that a block has.
#[derive(Default)]
struct BlockPorts(BTreeMap<String, String>);

impl Probe for BlockPorts {
    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        let direction = match signal.kind() {
            AtomKind::InputParameter => "In",
            AtomKind::OutputParameter | AtomKind::OutputPassthrough => "Out",
            AtomKind::InOutParameter => "InOut",
            // Not a port.
            _ => return,
        };
        self.0.insert(name.into(), port_type(direction, signal.bits()));
    }
}

/// Declares a rust-hdl block for a [`Design`](rtl::Design): the inputs and outputs of its top module, each with its
/// rust-hdl type. rust-hdl's prelude must be in scope.
///
/// ```
/// use rtl::generic::fifo::Fifo;
/// use rust_hdl_core::prelude::*;
///
/// fpga::black_box! {
///     /// A queue of eight bytes.
///     pub struct Queue = rtl::elaborate(&Fifo { depth: 8, bits: 8 }).expect("a legal queue");
///     in { clock: Clock, reset: Bit, push_valid: Bit, push_data: Bits<8>, pop_ready: Bit }
///     out { push_ready: Bit, pop_valid: Bit, pop_data: Bits<8>, count: Bits<4> }
/// }
///
/// let Verilog::Blackbox(queue) = Queue::default().hdl() else { panic!("expected a black box") };
/// assert_eq!(queue.name, "fifo_8x8");
/// assert!(queue.code.contains("module fifo_8x8 ("));
/// ```
///
/// # Panics
/// The block's `hdl`, which rust-hdl calls when it writes Verilog, if the ports are not those of the module.
#[macro_export]
macro_rules! black_box {
    (
        $(#[$attribute:meta])* $visibility:vis struct $name:ident = $design:expr;
        in { $($input:ident: $input_type:ty),* $(,)? }
        out { $($output:ident: $output_type:ty),* $(,)? }
    ) => {
        $(#[$attribute])*
        #[derive(LogicBlock, Default)]
        #[allow(missing_docs)]
        $visibility struct $name {
            $(pub $input: Signal<In, $input_type>,)*
            $(pub $output: Signal<Out, $output_type>,)*
        }

        impl Logic for $name {
            fn update(&mut self) {}

            // The outputs are driven inside.
            fn connect(&mut self) {
                $(self.$output.connect();)*
            }

            fn hdl(&self) -> Verilog {
                match $crate::rust_hdl::black_box(&$design, self) {
                    Ok(verilog) => verilog,
                    Err(mismatch) => panic!("block {}: {mismatch}", stringify!($name)),
                }
            }
        }
    };
}
