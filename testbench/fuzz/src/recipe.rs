//! Recipes: designs as plain data, which is generated, shrunk and kept in files.
//!
//! Every recipe describes a well-formed design, whatever its numbers are: operands are picked modulo what there is,
//! fitted to the width that is needed, and what a recipe leaves out (an address in range, a first driver) is filled
//! in by [`crate::Circuit`]. So any step can go while a recipe shrinks.

use serde::{Deserialize, Serialize};

/// The widest value, in bits.
pub const MAX_WIDTH: usize = 300;

/// A design: its modules and the seed of what drives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Seed of the values on the inputs and the reset.
    pub stimulus: u64,
    /// Children before parents; the last is the top. At least one.
    pub modules: Vec<ModuleRecipe>,
}

/// One module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModuleRecipe {
    /// Widths of the inputs, in bits.
    pub inputs: Vec<u16>,
    /// Whether the reset is among the values.
    pub reads_reset: bool,
    /// Registers, by the conditions that they share.
    pub registers: Vec<RegisterGroup>,
    /// What is built, in order.
    pub steps: Vec<Step>,
}

/// Which value: the `back`-th before the last, modulo how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// Distance from the newest value.
    pub back: u16,
    /// How it is brought to a width: the lowest bit of a slice, or (even, odd) zero or sign extension.
    pub fit: u16,
}

/// Registers that are set under the same conditions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegisterGroup {
    /// Width in bits, and the number of the reset pattern if there is a reset.
    pub members: Vec<(u16, Option<u64>)>,
    /// What they are set to.
    pub block: Block,
}

/// Assignments: one that always applies, then those below conditions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// The value.
    pub set: Option<Pick>,
    /// `when` chains, in order.
    pub whens: Vec<When>,
}

/// `when ... or_when ... otherwise ...`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct When {
    /// Conditions and what they guard.
    pub arms: Vec<(Pick, Block)>,
    /// The rest.
    pub otherwise: Option<Block>,
}

/// What becomes of a value beside its uses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Keep {
    /// An output where nothing else reads it.
    Plain,
    /// Likewise, with a name.
    Named,
    /// An output in any case.
    Output,
    /// Never an output: dead where nothing reads it.
    Hidden,
}

/// One step of a module. Each adds one value or more, to which later steps refer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// A zero bit: what a step shrinks to.
    Skip,
    /// An operator.
    Operation {
        /// Which.
        operator: Operator,
        /// Operands; not every operator has three.
        operands: [Pick; 3],
        /// Width at which it works, in bits.
        width: u16,
        /// Constants, counts, positions.
        number: u64,
        /// What becomes of the result.
        keep: Keep,
    },
    /// A wire, declared before everything else of the module.
    Wire {
        /// Width in bits.
        width: u16,
        /// Where no condition applies.
        default: Pick,
        /// Conditions.
        whens: Vec<When>,
    },
    /// A memory with its ports.
    Memory(MemoryRecipe),
    /// A module before this one.
    Instance {
        /// Which, modulo how many there are.
        module: u16,
        /// Its own reset.
        reset: Option<Pick>,
        /// What drives its inputs, cycled through.
        inputs: Vec<Pick>,
    },
    /// A register with named states.
    Machine {
        /// How many states: 2, 3 or 5 (modulo three).
        states: u8,
        /// From, to and under which condition.
        transitions: Vec<(u8, u8, Pick)>,
        /// Set first, so that states without a name occur.
        wild: Option<Pick>,
    },
    /// A condition that always holds.
    Assert {
        /// Which law.
        law: u8,
        /// Operands.
        operands: [Pick; 2],
        /// Their width in bits.
        width: u16,
    },
    /// A cover point.
    Cover(Pick),
}

/// A memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryRecipe {
    /// Words, at least two.
    pub depth: u16,
    /// Width of a word in bits.
    pub width: u16,
    /// How many words have contents, and the number of their pattern.
    pub initial: Option<(u16, u64)>,
    /// Makes reads and writes exclude one another, and says so. Not where there is a single port.
    pub collision_free: Option<Pick>,
    /// Ports, in order.
    pub ports: Vec<MemoryPort>,
}

/// A port of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryPort {
    /// What it does.
    pub kind: PortKind,
    /// Word address.
    pub address: Pick,
    /// Data of writes.
    pub data: Pick,
    /// Enable, or the lanes of [`PortKind::WriteLanes`].
    pub enable: Pick,
    /// Lanes of [`PortKind::Access`].
    pub lanes: Pick,
    /// Which of the lane counts that divide the width.
    pub lane_count: u8,
}

/// What a port of a memory does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum PortKind {
    /// Reads without a clock.
    Read,
    /// Reads at the clock edge.
    ReadRegistered,
    /// Writes whole words.
    Write,
    /// Writes lanes.
    WriteLanes,
    /// Reads or writes lanes.
    Access,
}

/// Operators: those of `rtl::signal`, and what is made of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the method of the same name")]
pub enum Operator {
    Constant,
    Not,
    And,
    Or,
    Xor,
    Add,
    Sub,
    Neg,
    WideningAdd,
    Mul,
    MulSigned,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    LtSigned,
    GeSigned,
    Any,
    All,
    Parity,
    IsZero,
    ShiftLeft,
    ShiftRight,
    ShiftRightSigned,
    ShiftLeftBy,
    ShiftRightBy,
    Mux,
    MuxBundle,
    Select,
    Cat,
    Repeat,
    Bits,
    Msb,
    ZeroExtend,
    SignExtend,
    AddNumber,
    CompareNumber,
    MaskBit,
    Register,
    RegisterReset,
    RegisterIf,
    Delay,
    RegisterBundle,
    WireBundle,
}

impl Operator {
    /// Every operator.
    pub const ALL: [Operator; 46] = {
        use Operator::*;
        [
            Constant,
            Not,
            And,
            Or,
            Xor,
            Add,
            Sub,
            Neg,
            WideningAdd,
            Mul,
            MulSigned,
            Eq,
            Ne,
            Lt,
            Le,
            Gt,
            Ge,
            LtSigned,
            GeSigned,
            Any,
            All,
            Parity,
            IsZero,
            ShiftLeft,
            ShiftRight,
            ShiftRightSigned,
            ShiftLeftBy,
            ShiftRightBy,
            Mux,
            MuxBundle,
            Select,
            Cat,
            Repeat,
            Bits,
            Msb,
            ZeroExtend,
            SignExtend,
            AddNumber,
            CompareNumber,
            MaskBit,
            Register,
            RegisterReset,
            RegisterIf,
            Delay,
            RegisterBundle,
            WireBundle,
        ]
    };
}
