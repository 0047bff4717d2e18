//! Value change dumps, the format that every viewer reads (IEEE 1364-2005, 18.2), with the extension of texts that
//! GTKWave introduced.

use std::io::{self, Write};

use vcd::{IdCode, TimescaleUnit, VarType};

use super::bytes::Bytes;
use super::sink::{Kind, Sink, VariableId, word_digits};

/// Text is written in pieces of this size, or of the size of one change if that is larger: small enough to be in the
/// processor's cache still when the system copies it.
const PIECE_BYTES: usize = 1 << 17;

/// Room that every change may take: more than the digits of a word, and than an identifier.
const ROOM: usize = 64;

/// A VCD file, or anything else that takes bytes.
pub struct Vcd<W> {
    writer: W,
    header: vcd::Writer<Vec<u8>>,
    variables: Vec<Variable>,
    /// What is not written yet. The crate's own functions format bit by bit, at a twentieth of the speed.
    piece: Bytes,
}

struct Variable {
    id: IdCode,
    /// A space, the identifier and the end of the line, and how many bytes of it are used.
    ending: [u8; 16],
    ending_bytes: usize,
    one_bit: bool,
}

impl<W: Write> Vcd<W> {
    /// Begins the header.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(writer: W) -> io::Result<Vcd<W>> {
        let mut header = vcd::Writer::new(vec![]);
        header.timescale(1, TimescaleUnit::NS)?;
        Ok(Vcd { writer, header, variables: vec![], piece: Bytes::default() })
    }

    fn write_piece(&mut self) -> io::Result<()> {
        self.writer.write_all(self.piece.as_slice())?;
        self.piece.clear();
        Ok(())
    }

    /// Makes room for so many bytes.
    #[inline]
    fn reserve(&mut self, bytes: usize) -> io::Result<()> {
        if self.piece.free() < bytes {
            self.write_piece()?;
            self.piece.reserve(PIECE_BYTES.max(bytes));
        }
        Ok(())
    }

    fn put_ending(&mut self, variable: VariableId) {
        let Variable { ending, ending_bytes, .. } = self.variables[variable.0];
        self.piece.put(&ending, ending_bytes);
    }

    fn put_line(&mut self, text: &str, variable: VariableId) -> io::Result<()> {
        self.reserve(text.len() + ROOM)?;
        self.piece.put_all(text.as_bytes());
        self.put_ending(variable);
        Ok(())
    }
}

/// The type and the size that the declaration says.
fn declared(kind: Kind) -> (VarType, u32) {
    match kind {
        Kind::Wire { width } => (VarType::Wire, width as u32),
        Kind::Register { width } => (VarType::Reg, width as u32),
        Kind::Real => (VarType::Real, 64),
        Kind::Text => (VarType::String, 1),
    }
}

impl<W: Write + Send> Sink for Vcd<W> {
    fn open_scope(&mut self, name: &str, _module: &str) -> io::Result<()> {
        self.header.add_module(name)
    }

    fn close_scope(&mut self) -> io::Result<()> {
        self.header.upscope()
    }

    fn declare(&mut self, name: &str, kind: Kind) -> io::Result<VariableId> {
        let (var_type, size) = declared(kind);
        let id = self.header.add_var(var_type, size, name, None)?;
        let text = format!(" {id}\n");
        let mut ending = [0; 16];
        ending[..text.len()].copy_from_slice(text.as_bytes());
        let one_bit = matches!(kind, Kind::Wire { width: 1 } | Kind::Register { width: 1 });
        self.variables.push(Variable { id, ending, ending_bytes: text.len(), one_bit });
        Ok(VariableId(self.variables.len() - 1))
    }

    fn declare_alias(&mut self, name: &str, kind: Kind, variable: VariableId) -> io::Result<()> {
        let (var_type, size) = declared(kind);
        self.header.var_def(var_type, size, self.variables[variable.0].id, name, None)
    }

    fn begin(&mut self) -> io::Result<()> {
        self.header.enddefinitions()?;
        let header = std::mem::take(self.header.writer());
        self.reserve(header.len())?;
        self.piece.put_all(&header);
        Ok(())
    }

    fn time(&mut self, nanoseconds: u64) -> io::Result<()> {
        let line = format!("#{nanoseconds}\n");
        self.reserve(line.len())?;
        self.piece.put_all(line.as_bytes());
        Ok(())
    }

    /// `0id`, `1id`, or `b101 id` without leading zeros.
    #[inline]
    fn bits(&mut self, variable: VariableId, words: &[u64]) -> io::Result<()> {
        self.reserve(64 * words.len() + ROOM)?;
        if self.variables[variable.0].one_bit {
            // The digit takes the place of the space.
            let Variable { mut ending, ending_bytes, .. } = self.variables[variable.0];
            ending[0] = b'0' + words[0] as u8;
            self.piece.put(&ending, ending_bytes);
            return Ok(());
        }
        let top = words.iter().rposition(|&word| word != 0).unwrap_or(0);
        let zeros = words[top].leading_zeros().min(63);
        self.piece.put(b"b", 1);
        self.piece.put(&word_digits(words[top] << zeros), 64 - zeros as usize);
        for &word in words[..top].iter().rev() {
            self.piece.put(&word_digits(word), 64);
        }
        self.put_ending(variable);
        Ok(())
    }

    fn real(&mut self, variable: VariableId, number: f64) -> io::Result<()> {
        // `NaN` and `inf` for what is not finite, as every reader takes them.
        self.reserve(2 * ROOM)?;
        self.piece.put(b"r", 1);
        self.put_line(ryu::Buffer::new().format(number), variable)
    }

    fn text(&mut self, variable: VariableId, text: &str) -> io::Result<()> {
        self.put_line(&format!("s{text}"), variable)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.write_piece()?;
        self.writer.flush()
    }
}
