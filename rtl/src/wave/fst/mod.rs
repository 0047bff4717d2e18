//! GTKWave's fast signal trace: small, and quick to open, as a viewer reads only the signals that it shows.
//!
//! ```text
//!   Sink ---> declarations ------------------------> | header, hierarchy, geometry |
//!        ---> changes -------------------------------> | section | section | ...      |
//! ```
//!
//! A file is a sequence of blocks. The hierarchy has the names, the geometry the width of each signal, and a section
//! the changes of a stretch of time, signal by signal.

mod block;
mod file;
mod section;

use std::fs::File;
use std::io;

use super::sink::{Kind, Sink, VariableId};
use file::{FileWriter, Hierarchy};

/// Changes of so many bytes are compressed and written together.
const SECTION_BYTES: usize = 2 << 20;

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
}

enum Stage {
    Declarations { file: File, hierarchy: Hierarchy, shapes: Vec<Shape> },
    Changes(Box<FileWriter>),
    Finished,
}

impl Fst {
    /// An empty file, from its beginning on.
    pub fn new(file: File) -> Fst {
        let stage = Stage::Declarations { file, hierarchy: Hierarchy::default(), shapes: vec![] };
        Fst { stage, section_bytes: SECTION_BYTES }
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

    fn changes(&mut self) -> &mut FileWriter {
        match &mut self.stage {
            Stage::Changes(writer) => writer,
            _ => panic!("changes come between the declarations and the end"),
        }
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
        self.stage = Stage::Changes(Box::new(writer));
        Ok(())
    }

    fn time(&mut self, nanoseconds: u64) -> io::Result<()> {
        self.changes().time(nanoseconds)
    }

    #[inline]
    fn bits(&mut self, variable: VariableId, words: &[u64]) -> io::Result<()> {
        self.changes().section.bits(variable.0, words);
        Ok(())
    }

    fn real(&mut self, variable: VariableId, number: f64) -> io::Result<()> {
        self.changes().section.real(variable.0, number);
        Ok(())
    }

    fn text(&mut self, variable: VariableId, text: &str) -> io::Result<()> {
        self.changes().section.text(variable.0, text);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.stage, Stage::Finished) {
            Stage::Changes(mut writer) => writer.end_section(),
            _ => Ok(()),
        }
    }
}
