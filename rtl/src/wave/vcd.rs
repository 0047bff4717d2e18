//! Value change dumps, the format that every viewer reads (IEEE 1364-2005, 18.2), with the extension of texts that
//! GTKWave introduced.

use std::io::{self, Write};

use vcd::{IdCode, TimescaleUnit, VarType};

use super::sink::{Kind, Sink, VariableId, append_binary};

/// Changes are handed on in pieces of about this size.
const PIECE_BYTES: usize = 1 << 16;

/// A VCD file, or anything else that takes bytes.
pub struct Vcd<W: Write> {
    writer: vcd::Writer<W>,
    variables: Vec<Variable>,
    /// Changes that are not handed on yet: the crate's own functions format bit by bit, at a tenth of the speed.
    piece: Vec<u8>,
}

struct Variable {
    id: IdCode,
    /// A space, the identifier and the end of the line.
    ending: String,
    one_bit: bool,
}

impl<W: Write> Vcd<W> {
    /// Begins the header.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(writer: W) -> io::Result<Vcd<W>> {
        let mut writer = vcd::Writer::new(writer);
        writer.timescale(1, TimescaleUnit::NS)?;
        Ok(Vcd { writer, variables: vec![], piece: Vec::with_capacity(2 * PIECE_BYTES) })
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let written = self.writer.writer().write_all(&self.piece);
        self.piece.clear();
        written
    }

    fn end_line(&mut self, variable: VariableId) {
        self.piece.extend_from_slice(self.variables[variable.0].ending.as_bytes());
    }
}

/// The type and the size that the declaration says.
fn declared(kind: Kind) -> (VarType, u32) {
    match kind {
        Kind::Wire { width } => (VarType::Wire, width as u32),
        Kind::Register { width } => (VarType::Reg, width as u32),
        Kind::Real => (VarType::Real, 64),
        Kind::Text { .. } => (VarType::String, 1),
    }
}

impl<W: Write + Send> Sink for Vcd<W> {
    fn open_scope(&mut self, name: &str, _module: &str) -> io::Result<()> {
        self.writer.add_module(name)
    }

    fn close_scope(&mut self) -> io::Result<()> {
        self.writer.upscope()
    }

    fn declare(&mut self, name: &str, kind: Kind) -> io::Result<VariableId> {
        let (var_type, size) = declared(kind);
        let id = self.writer.add_var(var_type, size, name, None)?;
        let one_bit = matches!(kind, Kind::Wire { width: 1 } | Kind::Register { width: 1 });
        self.variables.push(Variable { id, ending: format!(" {id}\n"), one_bit });
        Ok(VariableId(self.variables.len() - 1))
    }

    fn declare_alias(&mut self, name: &str, kind: Kind, variable: VariableId) -> io::Result<()> {
        let (var_type, size) = declared(kind);
        self.writer.var_def(var_type, size, self.variables[variable.0].id, name, None)
    }

    fn begin(&mut self) -> io::Result<()> {
        self.writer.enddefinitions()
    }

    fn time(&mut self, nanoseconds: u64) -> io::Result<()> {
        if self.piece.len() > PIECE_BYTES {
            self.hand_on()?;
        }
        writeln!(self.piece, "#{nanoseconds}")
    }

    /// `0id`, `1id`, or `b101 id` without leading zeros.
    fn bits(&mut self, variable: VariableId, words: &[u64]) -> io::Result<()> {
        let Variable { ending, one_bit, .. } = &self.variables[variable.0];
        if *one_bit {
            self.piece.push(b'0' + words[0] as u8);
            self.piece.extend_from_slice(&ending.as_bytes()[1..]);
            return Ok(());
        }
        let top = words.iter().rposition(|&word| word != 0).unwrap_or(0);
        let digits = 64 * top + (64 - words[top].leading_zeros() as usize).max(1);
        self.piece.push(b'b');
        append_binary(&mut self.piece, words, digits);
        self.end_line(variable);
        Ok(())
    }

    fn real(&mut self, variable: VariableId, number: f64) -> io::Result<()> {
        // `NaN` and `inf`, as C's printf and every reader have them.
        write!(self.piece, "r{number:?}")?;
        self.end_line(variable);
        Ok(())
    }

    fn text(&mut self, variable: VariableId, text: &str) -> io::Result<()> {
        write!(self.piece, "s{text}")?;
        self.end_line(variable);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.writer.flush()
    }
}
