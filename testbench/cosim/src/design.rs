//! A design to simulate: Verilog text, its top module and that module's ports.

use std::path::Path;

use crate::Error;

/// Direction of a port, seen from the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Driven by the test bench.
    Input,
    /// Driven by the design.
    Output,
}

/// One port of the top module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortDeclaration {
    pub name: String,
    pub width_bits: u32,
    pub direction: Direction,
}

/// One Verilog file by name and text. Messages about it name it so.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub name: String,
    pub text: String,
}

impl Source {
    /// Headers are found by `include`, not read on their own.
    pub fn is_header(&self) -> bool {
        [".vh", ".svh"].iter().any(|extension| self.name.ends_with(extension))
    }
}

/// Verilog sources with a top module, its ports and its clock.
///
/// The port list comes from whoever wrote the Verilog; the build checks it against the module.
#[derive(Clone, Debug)]
pub struct Design {
    pub(crate) top: String,
    pub(crate) sources: Vec<Source>,
    pub(crate) ports: Vec<PortDeclaration>,
    pub(crate) clock: String,
}

impl Design {
    /// A design whose top module is `top`, so far without sources and ports. Its clock is the one-bit input
    /// port `clock`; without such a port it is combinational.
    pub fn new(top: impl Into<String>) -> Self {
        Self { top: top.into(), sources: Vec::new(), ports: Vec::new(), clock: "clock".into() }
    }

    /// A design that is one Verilog text.
    pub fn from_verilog(top: impl Into<String>, text: impl Into<String>) -> Self {
        let top = top.into();
        let name = format!("{top}.v");
        Self::new(top).source(name, text)
    }

    /// Adds Verilog text under a file name. Names that end in `.vh` or `.svh` are for `include` only.
    ///
    /// # Panics
    /// If the name has a folder in it or was given before.
    pub fn source(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        let name = name.into();
        assert!(!name.contains(['/', '\\']), "source name `{name}` must be a plain file name");
        assert!(self.sources.iter().all(|source| source.name != name), "two sources are called `{name}`");
        self.sources.push(Source { name, text: text.into() });
        self
    }

    /// Adds a Verilog file, read now. Every file that it includes must be added as well.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read.
    ///
    /// # Panics
    /// As [`Design::source`].
    pub fn file(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(self.source(name, text))
    }

    /// Adds a port of the top module.
    ///
    /// # Panics
    /// If it has no bits or was given before.
    pub fn port(mut self, name: impl Into<String>, width_bits: u32, direction: Direction) -> Self {
        let name = name.into();
        assert!(width_bits > 0, "port `{name}` has no bits");
        assert!(self.ports.iter().all(|port| port.name != name), "two ports are called `{name}`");
        self.ports.push(PortDeclaration { name, width_bits, direction });
        self
    }

    /// Adds an input port, as [`Design::port`].
    pub fn input(self, name: impl Into<String>, width_bits: u32) -> Self {
        self.port(name, width_bits, Direction::Input)
    }

    /// Adds an output port, as [`Design::port`].
    pub fn output(self, name: impl Into<String>, width_bits: u32) -> Self {
        self.port(name, width_bits, Direction::Output)
    }

    /// Names the clock port, where it is not `clock`.
    pub fn clock(mut self, name: impl Into<String>) -> Self {
        self.clock = name.into();
        self
    }

    /// The top module's name.
    pub fn top(&self) -> &str {
        &self.top
    }

    /// The clock's place in the port list; `None` for a combinational design.
    pub(crate) fn clock_index(&self) -> Option<usize> {
        self.ports
            .iter()
            .position(|port| port.name == self.clock && port.direction == Direction::Input && port.width_bits == 1)
    }

    /// The files to name on a command line.
    pub(crate) fn file_names(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().filter(|source| !source.is_header()).map(|source| source.name.as_str())
    }

    /// Writes the sources into a folder that exists.
    pub(crate) fn write_sources(&self, folder: &Path) -> Result<(), Error> {
        for source in &self.sources {
            let path = folder.join(&source.name);
            std::fs::write(&path, &source.text).map_err(Error::io("write", path))?;
        }
        Ok(())
    }
}
