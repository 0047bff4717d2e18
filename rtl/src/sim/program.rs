//! The compiled design: instructions for the combinational values, and what happens at a clock edge.
//!
//! The program works on an arena of 64-bit words: inputs and states first, then constants, then one word for each
//! value. Instructions of one operation stand together in a [`Batch`], whose results are consecutive words of the
//! arena: the interpreter decides once for a batch what to do, and an instruction is its operands alone. A batch with
//! lanes does the same to [`LANES`] neighbouring words with each instruction.

/// Operations of the interpreter. The comment gives the operands in the code, each one `u32`: lower-case letters are
/// arena words; `k` is a number of bits that is cleared at the top of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// `a b`
    And,
    /// `a b`
    Or,
    /// `a b`
    Xor,
    /// `a b`: `a & !b`
    AndNot,
    /// `a`
    Copy,
    /// `a`: to all lanes
    Spread,
    /// `a b`
    Add,
    /// `a b k`
    AddKeep,
    /// `a b k`
    SubKeep,
    /// `a b carry k`
    AddCarry,
    /// `a b carry`
    Carry,
    /// `a b borrow k`
    SubBorrow,
    /// `a b borrow`
    Borrow,
    /// `a b`
    Mul,
    /// `a b`
    MulHigh,
    /// `a b`
    Eq,
    /// `a b`
    Lt,
    /// `a b s`: both shifted left by `s` first
    LtSigned,
    /// `a`
    Parity,
    /// `a m`: rotated left by the low 6 bits of `m`, masked with the arena word of the others
    Place,
    /// `into a m`
    Insert,
    /// `a s`: left by bits 7:0 of `s`, arithmetically right by 15:8, cleared above by 23:16
    SignExtend,
    /// `a by k`
    ShiftLeft,
    /// `a by`
    ShiftRight,
    /// `a by k`
    ShiftRightSigned,
    /// `high low by k`
    FunnelLeft,
    /// `high low by`
    FunnelRight,
    /// `high low by`
    FunnelRightSigned,
    /// `select on_true on_false`
    Mux,
    /// `index table last`: `table` is an index into [`Program::tables`]
    Select,
    /// `address memory part`
    MemoryRead,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Operation; 31] = {
        use Operation::*;
        [
            And,
            Or,
            Xor,
            AndNot,
            Copy,
            Spread,
            Add,
            AddKeep,
            SubKeep,
            AddCarry,
            Carry,
            SubBorrow,
            Borrow,
            Mul,
            MulHigh,
            Eq,
            Lt,
            LtSigned,
            Parity,
            Place,
            Insert,
            SignExtend,
            ShiftLeft,
            ShiftRight,
            ShiftRightSigned,
            FunnelLeft,
            FunnelRight,
            FunnelRightSigned,
            Mux,
            Select,
            MemoryRead,
        ]
    };

    /// How many operands are arena words; they come first.
    pub fn sources(self) -> usize {
        use Operation::*;
        match self {
            Copy | Spread | Parity | Place | SignExtend | Select | MemoryRead => 1,
            AddCarry | Carry | SubBorrow | Borrow | FunnelLeft | FunnelRight | FunnelRightSigned | Mux => 3,
            _ => 2,
        }
    }

    /// How many operands there are altogether.
    pub fn operands(self) -> usize {
        use Operation::*;
        match self {
            AddKeep | SubKeep | AddCarry | SubBorrow | LtSigned | Place | Insert | SignExtend | ShiftLeft
            | ShiftRightSigned | FunnelLeft => self.sources() + 1,
            Select | MemoryRead => 3,
            _ => self.sources(),
        }
    }
}

/// How many neighbouring words an instruction of a batch with `lanes` computes at once.
pub const LANES: usize = 8;

/// Segment of [`Program::batches`] of the first of [`Program::held`].
pub const FIRST_HELD_SEGMENT: usize = 2;

/// `count` instructions of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    pub operation: Operation,
    /// Each arena word that an instruction names, and its result, stand for [`LANES`] words from there on.
    pub lanes: bool,
    pub count: u32,
    /// Where the operands begin in [`Program::code`].
    pub code: u32,
    /// Arena word of the first result.
    pub result: u32,
}

/// Where a memory's words lie.
#[derive(Clone, Debug)]
pub struct MemoryLayout {
    /// Hierarchical name.
    pub name: String,
    pub depth: usize,
    /// Word width in bits.
    pub width: usize,
    /// 64-bit words for each memory word.
    pub stride: usize,
    /// Index of the first 64-bit word.
    pub base: usize,
}

/// A clocked read port.
#[derive(Clone, Debug)]
pub struct ReadPort {
    pub memory: u32,
    pub enable: u32,
    pub address: u32,
    /// Arena words of what it shows.
    pub shown: Vec<u32>,
}

/// A write port.
#[derive(Clone, Debug)]
pub struct WritePort {
    pub memory: u32,
    /// Not zero if any lane is written.
    pub enabled: u32,
    pub address: u32,
    pub data: Vec<u32>,
    pub lanes: usize,
    pub lane_enables: Vec<u32>,
}

/// Moves `(to, from)` into registers. What moves is at places of no state.
#[derive(Clone, Debug, Default)]
pub struct Moves {
    pub words: Vec<(u32, u32)>,
    /// Of [`LANES`] neighbouring words each.
    pub lanes: Vec<(u32, u32)>,
}

/// Registers that keep their values unless `enable`, a word of no state, is not zero at the edge.
#[derive(Clone, Debug)]
pub struct Held {
    pub enable: u32,
    pub moves: Moves,
}

/// A checked property: `place` must not be zero at an edge (assertions), or is counted (covers).
#[derive(Clone, Debug)]
pub struct Check {
    /// Hierarchical name.
    pub name: String,
    /// What it says, for messages.
    pub text: String,
    pub place: u32,
}

/// Words of a signal, least significant first, and its width in bits.
#[derive(Clone, Debug)]
pub struct Places {
    pub width: usize,
    pub words: Vec<u32>,
}

/// A name that waveforms show.
#[derive(Clone, Debug)]
pub struct NamedPlaces {
    /// Index of the scope in the hierarchy.
    pub scope: usize,
    pub name: String,
    pub places: Places,
}

/// The compiled design. [`Program::validate`] has found every index inside its table.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// What depends on states only, then what depends on inputs as well, then for each of [`Program::held`] what nothing
    /// but its registers needs: it is evaluated where they move.
    pub batches: Vec<Vec<Batch>>,
    pub code: Vec<u32>,
    /// Arena words that [`Operation::Select`] chooses from.
    pub tables: Vec<u32>,
    /// The arena before the first cycle.
    pub arena: Vec<u64>,
    /// Words of inputs and states, at the beginning of the arena; the same with every compilation of a design.
    pub state_words: usize,
    /// Into registers. What memory ports need is at places of no state as well.
    pub moves: Moves,
    pub held: Vec<Held>,
    pub memories: Vec<MemoryLayout>,
    pub memory_words: Vec<u64>,
    pub reads: Vec<ReadPort>,
    pub writes: Vec<WritePort>,
    pub assertions: Vec<Check>,
    pub covers: Vec<Check>,
    pub outputs: Vec<Places>,
    /// True where an output depends on inputs.
    pub output_reads_inputs: Vec<bool>,
    /// Every named signal, if names were kept.
    pub names: Vec<NamedPlaces>,
}

impl Moves {
    /// The moves `(to, from)`, neighbours together.
    pub fn new(mut moves: Vec<(u32, u32)>) -> Moves {
        moves.sort();
        let mut grouped = Moves::default();
        let mut rest = moves.as_slice();
        while let Some(&(to, from)) = rest.first() {
            let follows = |(i, pair): &(usize, &(u32, u32))| **pair == (to + *i as u32, from + *i as u32);
            let run = rest.iter().take(LANES).enumerate().take_while(follows).count();
            if run == LANES {
                grouped.lanes.push((to, from));
            } else {
                grouped.words.extend(&rest[..run]);
            }
            rest = &rest[run..];
        }
        grouped
    }
}

impl Program {
    /// How many instructions one evaluation takes.
    pub fn instructions(&self) -> usize {
        self.batches.iter().flatten().map(|batch| batch.count as usize).sum()
    }

    /// Checks what the interpreter takes for granted: operands, results and tables lie inside what they index.
    pub fn validate(&self) {
        let inside = |place: u32| assert!((place as usize) < self.arena.len(), "word {place} is outside the arena");
        let lanes_inside = |place: u32| inside(place + LANES as u32 - 1);
        for batch in self.batches.iter().flatten() {
            let (count, operands) = (batch.count as usize, batch.operation.operands());
            let width = if batch.lanes { LANES } else { 1 };
            assert!(batch.result as usize + count * width <= self.arena.len(), "results lie inside the arena");
            let code = &self.code[batch.code as usize..][..count * operands];
            for instruction in code.chunks_exact(operands) {
                let sources = batch.operation.sources();
                match (batch.lanes, batch.operation) {
                    (true, Operation::Select | Operation::MemoryRead) => panic!("tables are read one by one"),
                    (false, Operation::Spread) => panic!("a word is spread to lanes"),
                    (true, operation) if operation != Operation::Spread => {
                        instruction[..sources].iter().copied().for_each(lanes_inside);
                    }
                    _ => instruction[..sources].iter().copied().for_each(inside),
                }
                match batch.operation {
                    Operation::Place | Operation::Insert => inside(instruction[sources] >> 6),
                    Operation::Select => {
                        let table = &self.tables[instruction[1] as usize..][..=instruction[2] as usize];
                        table.iter().copied().for_each(inside);
                    }
                    Operation::MemoryRead => {
                        let memory = &self.memories[instruction[1] as usize];
                        assert!((instruction[2] as usize) < memory.stride, "parts lie inside a memory word");
                    }
                    _ => {}
                }
            }
        }
        for memory in &self.memories {
            assert!(memory.base + memory.depth * memory.stride <= self.memory_words.len(), "memories have their words");
        }
        for moves in self.held.iter().map(|held| &held.moves).chain([&self.moves]) {
            moves.words.iter().for_each(|&(to, from)| [to, from].into_iter().for_each(inside));
            moves.lanes.iter().for_each(|&(to, from)| [to, from].into_iter().for_each(lanes_inside));
        }
        self.held.iter().for_each(|held| inside(held.enable));
        assert_eq!(self.batches.len(), FIRST_HELD_SEGMENT + self.held.len(), "a segment for each enable");
        self.assertions.iter().chain(&self.covers).for_each(|check| inside(check.place));
    }
}
