//! GTKWave's fast signal trace: small, and quick to open.

use std::fs::File;
use std::io::{self, BufWriter};

use fst_writer::{
    FstBodyWriter, FstFileType, FstHeaderWriter, FstInfo, FstScopeType, FstSignalId, FstSignalType, FstVarDirection,
    FstVarType, FstWriteError,
};

use super::sink::{Kind, Sink, VariableId, append_binary};

/// Changes of so many bytes are compressed and written together: they still fit a cache, in which the crate looks for
/// those of each signal.
const SECTION_BYTES: usize = 1 << 20;

/// An FST file. The format has no texts of any length that the crate can write: they are as many characters, in
/// ASCII, as the longest has, as strings in a Verilog `reg` are, and viewers show them as "ASCII".
pub struct Fst {
    stage: Stage,
    variables: Vec<(FstSignalId, usize)>,
    /// The digits of the value that is written.
    digits: Vec<u8>,
    section_bytes: usize,
    /// What the crate keeps without any change.
    empty_bytes: usize,
}

enum Stage {
    Header(FstHeaderWriter<BufWriter<File>>),
    Body(FstBodyWriter<BufWriter<File>>),
    Finished,
}

impl Fst {
    /// An empty file, from its beginning on.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(file: File) -> io::Result<Fst> {
        let info = FstInfo {
            start_time: 0,
            timescale_exponent: -9,
            version: concat!("tessera ", env!("CARGO_PKG_VERSION")).into(),
            date: String::new(),
            file_type: FstFileType::Verilog,
        };
        let header = FstHeaderWriter::new(BufWriter::new(file), &info).map_err(io_error)?;
        Ok(Fst {
            stage: Stage::Header(header),
            variables: vec![],
            digits: vec![],
            section_bytes: SECTION_BYTES,
            empty_bytes: 0,
        })
    }

    /// Another size of sections; smaller ones compress less and take less memory.
    pub fn section_bytes(self, section_bytes: usize) -> Fst {
        Fst { section_bytes, ..self }
    }

    fn header(&mut self) -> &mut FstHeaderWriter<BufWriter<File>> {
        match &mut self.stage {
            Stage::Header(header) => header,
            _ => panic!("declarations come before the first time"),
        }
    }

    fn body(&mut self) -> &mut FstBodyWriter<BufWriter<File>> {
        match &mut self.stage {
            Stage::Body(body) => body,
            _ => panic!("changes come between the declarations and the end"),
        }
    }

    /// Writes the `width` digits of `words`.
    fn change(&mut self, variable: VariableId, words: &[u64]) -> io::Result<()> {
        let Fst { stage: Stage::Body(body), variables, digits, .. } = self else {
            panic!("changes come between the declarations and the end");
        };
        let (id, width) = variables[variable.0];
        digits.clear();
        append_binary(digits, words, width);
        body.signal_change(id, digits).map_err(io_error)
    }
}

fn io_error(error: FstWriteError) -> io::Error {
    match error {
        FstWriteError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// The type of a variable and of its signal, and its width in bits.
fn declared(kind: Kind) -> (FstVarType, FstSignalType, usize) {
    let bits = |var_type, width: usize| (var_type, FstSignalType::bit_vec(width as u32), width);
    match kind {
        Kind::Wire { width } => bits(FstVarType::Wire, width),
        Kind::Register { width } => bits(FstVarType::Reg, width),
        Kind::Real => (FstVarType::Real, FstSignalType::real(), 64),
        Kind::Text { characters } => bits(FstVarType::Reg, 8 * characters),
    }
}

impl Sink for Fst {
    fn open_scope(&mut self, name: &str, module: &str) -> io::Result<()> {
        self.header().scope(name, module, FstScopeType::Module).map_err(io_error)
    }

    fn close_scope(&mut self) -> io::Result<()> {
        self.header().up_scope().map_err(io_error)
    }

    fn declare(&mut self, name: &str, kind: Kind) -> io::Result<VariableId> {
        let (var_type, signal_type, width) = declared(kind);
        let header = self.header();
        let id = header.var(name, signal_type, var_type, FstVarDirection::Implicit, None).map_err(io_error)?;
        self.variables.push((id, width));
        Ok(VariableId(self.variables.len() - 1))
    }

    fn declare_alias(&mut self, name: &str, kind: Kind, variable: VariableId) -> io::Result<()> {
        let (var_type, signal_type, _) = declared(kind);
        let id = Some(self.variables[variable.0].0);
        let declared = self.header().var(name, signal_type, var_type, FstVarDirection::Implicit, id);
        declared.map(|_| ()).map_err(io_error)
    }

    fn begin(&mut self) -> io::Result<()> {
        let Stage::Header(header) = std::mem::replace(&mut self.stage, Stage::Finished) else {
            panic!("declarations end once");
        };
        let mut body = header.finish().map_err(io_error)?;
        // The recorder hands on changes only.
        body.set_deduplicate(false);
        self.empty_bytes = body.size();
        self.stage = Stage::Body(body);
        Ok(())
    }

    fn time(&mut self, nanoseconds: u64) -> io::Result<()> {
        let most = self.empty_bytes + self.section_bytes;
        let body = self.body();
        if body.size() > most {
            body.flush().map_err(io_error)?;
        }
        body.time_change(nanoseconds).map_err(io_error)
    }

    fn bits(&mut self, variable: VariableId, words: &[u64]) -> io::Result<()> {
        self.change(variable, words)
    }

    fn real(&mut self, variable: VariableId, number: f64) -> io::Result<()> {
        let (id, _) = self.variables[variable.0];
        self.body().signal_change(id, &number.to_le_bytes()).map_err(io_error)
    }

    fn text(&mut self, variable: VariableId, text: &str) -> io::Result<()> {
        let words = ascii_words(text, self.variables[variable.0].1);
        self.change(variable, &words)
    }

    fn finish(&mut self) -> io::Result<()> {
        let Stage::Body(body) = std::mem::replace(&mut self.stage, Stage::Finished) else { return Ok(()) };
        let writer = body.finish().map_err(io_error)?;
        writer.into_inner().map_err(|error| error.into_error()).map(|_| ())
    }
}

/// The characters, the last in the lowest bits.
fn ascii_words(text: &str, width: usize) -> Vec<u64> {
    let mut words = vec![0; width.div_ceil(64)];
    for (index, byte) in text.bytes().rev().enumerate().take(width / 8) {
        words[index / 8] |= u64::from(byte) << (8 * (index % 8));
    }
    words
}
