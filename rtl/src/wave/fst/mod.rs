//! GTKWave's fast signal trace: small, and quick to open, as a viewer reads only the signals that it shows.
//!
//! ```text
//!   Sink ---> declarations ------------------------> | header, hierarchy, geometry |
//!        ---> changes, as words ---> [ a thread: ] -> | section | section | ...      |
//! ```
//!
//! A file is a sequence of blocks. The hierarchy has the names, the geometry the width of each signal, and a section
//! the changes of a stretch of time, signal by signal. The simulation hands on words; a thread of its own makes
//! sections of them.

mod block;
mod file;
mod section;

use std::fs::File;
use std::io;

use super::background::Background;
use super::sink::{Kind, Sink, VariableId};
use file::{FileWriter, Hierarchy};

/// Words of changes that are handed on together.
const PIECE_WORDS: usize = 1 << 15;

/// Changes of so many bytes are compressed and written together.
const SECTION_BYTES: usize = 2 << 20;

/// In the place of a signal's number, before a time.
const TIME: u64 = u64::MAX;

/// How the format stores a signal.
#[derive(Clone, Copy)]
enum Shape {
    Bits { width: usize },
    Real,
    Text,
}

impl From<Kind> for Shape {
    fn from(kind: Kind) -> Shape {
        match kind {
            Kind::Wire { width } | Kind::Register { width } => Shape::Bits { width },
            Kind::Real => Shape::Real,
            Kind::Text => Shape::Text,
        }
    }
}

/// An FST file.
pub struct Fst {
    stage: Stage,
    section_bytes: usize,
    /// What is not handed on yet: [`TIME`] and a time, or a signal's number and its new value. That is the words of
    /// bits, the word of a real, or of a text the length in bytes and the bytes, eight in a word.
    piece: Vec<u64>,
}

enum Stage {
    Declarations { file: File, hierarchy: Hierarchy, shapes: Vec<Shape> },
    Changes(Background<u64>),
    Finished,
}

impl Fst {
    /// An empty file, from its beginning on.
    pub fn new(file: File) -> Fst {
        let stage = Stage::Declarations { file, hierarchy: Hierarchy::default(), shapes: vec![] };
        Fst { stage, section_bytes: SECTION_BYTES, piece: vec![] }
    }

    /// Another size of sections; smaller ones compress less and take less memory.
    pub fn section_bytes(self, section_bytes: usize) -> Fst {
        Fst { section_bytes, ..self }
    }

    fn declarations(&mut self) -> (&mut Hierarchy, &mut Vec<Shape>) {
        match &mut self.stage {
            Stage::Declarations { hierarchy, shapes, .. } => (hierarchy, shapes),
            _ => panic!("declarations come before the first time"),
        }
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let Stage::Changes(background) = &mut self.stage else {
            panic!("changes come between the declarations and the end");
        };
        self.piece = background.hand_on(std::mem::take(&mut self.piece))?;
        self.piece.clear();
        Ok(())
    }
}

impl Sink for Fst {
    fn open_scope(&mut self, name: &str, module: &str) -> io::Result<()> {
        self.declarations().0.open_scope(name, module);
        Ok(())
    }

    fn close_scope(&mut self) -> io::Result<()> {
        self.declarations().0.close_scope();
        Ok(())
    }

    fn declare(&mut self, name: &str, kind: Kind) -> io::Result<VariableId> {
        let (hierarchy, shapes) = self.declarations();
        hierarchy.declare(name, kind, None);
        shapes.push(kind.into());
        Ok(VariableId(shapes.len() - 1))
    }

    fn declare_alias(&mut self, name: &str, kind: Kind, variable: VariableId) -> io::Result<()> {
        self.declarations().0.declare(name, kind, Some(variable));
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        let Stage::Declarations { file, hierarchy, shapes } = std::mem::replace(&mut self.stage, Stage::Finished)
        else {
            panic!("declarations end once");
        };
        let writer = FileWriter::begin(file, &hierarchy, &shapes, self.section_bytes)?;
        self.stage = Stage::Changes(Background::new(writer));
        Ok(())
    }

    fn time(&mut self, nanoseconds: u64) -> io::Result<()> {
        if self.piece.len() >= PIECE_WORDS {
            self.hand_on()?;
        }
        self.piece.extend_from_slice(&[TIME, nanoseconds]);
        Ok(())
    }

    #[inline]
    fn bits(&mut self, variable: VariableId, words: &[u64]) -> io::Result<()> {
        self.piece.push(variable.0 as u64);
        match *words {
            [word] => self.piece.push(word),
            _ => self.piece.extend_from_slice(words),
        }
        Ok(())
    }

    fn real(&mut self, variable: VariableId, number: f64) -> io::Result<()> {
        self.piece.extend_from_slice(&[variable.0 as u64, number.to_bits()]);
        Ok(())
    }

    fn text(&mut self, variable: VariableId, text: &str) -> io::Result<()> {
        self.piece.extend_from_slice(&[variable.0 as u64, text.len() as u64]);
        for eight in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..eight.len()].copy_from_slice(eight);
            self.piece.push(u64::from_le_bytes(word));
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let Stage::Changes(mut background) = std::mem::replace(&mut self.stage, Stage::Finished) else {
            return Ok(());
        };
        background.hand_on(std::mem::take(&mut self.piece))?;
        background.finish()
    }
}
