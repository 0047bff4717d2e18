//! The blocks of a file, written in the order in which they come.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use super::block::{Block, BlockType, append_unsigned};
use super::section::Section;
use super::{Kind, Shape, VariableId};

/// The names.
#[derive(Default)]
pub struct Hierarchy {
    bytes: Vec<u8>,
    scopes: u64,
    names: u64,
}

impl Hierarchy {
    pub fn open_scope(&mut self, name: &str, module: &str) {
        const SCOPE: u8 = 254;
        const MODULE: u8 = 0;
        self.scopes += 1;
        self.bytes.extend_from_slice(&[SCOPE, MODULE]);
        self.put_name(name);
        self.put_name(module);
    }

    pub fn close_scope(&mut self) {
        const UP_SCOPE: u8 = 255;
        self.bytes.push(UP_SCOPE);
    }

    /// A name of a new signal, or one more of another.
    pub fn declare(&mut self, name: &str, kind: Kind, of: Option<VariableId>) {
        const NO_DIRECTION: u8 = 0;
        let (name_type, length) = match kind {
            Kind::Real => (3, 8),
            Kind::Register { width } => (5, width),
            Kind::Wire { width } => (16, width),
            Kind::Text => (21, 0),
        };
        self.names += 1;
        self.bytes.extend_from_slice(&[name_type, NO_DIRECTION]);
        self.put_name(name);
        append_unsigned(&mut self.bytes, length as u64);
        append_unsigned(&mut self.bytes, of.map_or(0, |VariableId(signal)| signal as u64 + 1));
    }

    fn put_name(&mut self, name: &str) {
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
    }

    fn block(&self) -> Block {
        let mut block = Block::new(BlockType::HierarchyLz4);
        block.number(self.bytes.len() as u64).put(&lz4_flex::block::compress(&self.bytes));
        block
    }
}

/// The width of each signal.
fn geometry(shapes: &[Shape]) -> Block {
    let mut widths = vec![];
    for shape in shapes {
        append_unsigned(
            &mut widths,
            match *shape {
                Shape::Bits { width } => width as u64,
                Shape::Real => 0,
                Shape::Text => u32::MAX.into(),
            },
        );
    }
    let mut block = Block::new(BlockType::Geometry);
    block.number(widths.len() as u64).number(shapes.len() as u64).put(&widths);
    block
}

/// The first block. It is written again after every section: what is there can be read at any time.
struct Header {
    scopes: u64,
    names: u64,
    signals: u64,
    sections: u64,
}

impl Header {
    fn block(&self, begin: u64, end: u64) -> Block {
        const NANOSECONDS: i8 = -9;
        const VERILOG: u8 = 0;
        let mut version = [0; 128];
        let text = concat!("tessera ", env!("CARGO_PKG_VERSION")).as_bytes();
        version[..text.len()].copy_from_slice(text);
        let mut block = Block::new(BlockType::Header);
        // The constant tells readers the order of the bytes in reals; what follows it is the writer's memory, unsaid.
        block.number(begin).number(end).put(&std::f64::consts::E.to_le_bytes()).number(0);
        block.number(self.scopes).number(self.names).number(self.signals).number(self.sections);
        // No date: files of the same run are the same. The last number is the time that is shown as 0.
        block.put(&NANOSECONDS.to_be_bytes()).put(&version).put(&[0; 119]).put(&[VERILOG]).number(0);
        block
    }
}

/// Makes sections of the changes that come.
pub struct FileWriter {
    file: File,
    header: Header,
    pub section: Section,
    section_bytes: usize,
    /// First time of the file.
    begin: Option<u64>,
}

impl FileWriter {
    pub fn begin(file: File, hierarchy: &Hierarchy, shapes: &[Shape], section_bytes: usize) -> io::Result<FileWriter> {
        let Hierarchy { scopes, names, .. } = *hierarchy;
        let header = Header { scopes, names, signals: shapes.len() as u64, sections: 0 };
        let mut writer = FileWriter { file, header, section: Section::new(shapes), section_bytes, begin: None };
        for block in [writer.header.block(0, 0), hierarchy.block(), geometry(shapes)] {
            writer.file.write_all(&block.finish())?;
        }
        Ok(writer)
    }

    /// Time goes on.
    pub fn time(&mut self, time: u64) -> io::Result<()> {
        if self.section.changes_bytes() >= self.section_bytes {
            self.end_section()?;
        }
        self.begin.get_or_insert(time);
        self.section.time(time);
        Ok(())
    }

    /// Writes what is left.
    pub fn end_section(&mut self) -> io::Result<()> {
        self.file.write_all(&self.section.take_block().finish())?;
        self.header.sections += 1;
        let header = self.header.block(self.begin.unwrap_or(0), self.section.end());
        self.file.rewind()?;
        self.file.write_all(&header.finish())?;
        self.file.seek(SeekFrom::End(0)).map(|_| ())
    }
}
