//! What elaboration refuses, and how it says so.

use std::fmt;
use std::panic::Location;

/// One thing that is wrong with a design: what, in which module, and at which Rust source line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElaborationError {
    /// Name of the module in which it was found.
    pub module: String,
    /// What was found and what is expected, with signal names and widths.
    pub message: String,
    /// The Rust source line that described it.
    pub location: &'static Location<'static>,
}

impl fmt::Display for ElaborationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = (self.location.file(), self.location.line());
        write!(f, "{file}:{line}: module {}: {}", self.module, self.message)
    }
}

/// Everything that is wrong with a design, in the order in which it was found; never empty.
#[derive(Clone, Debug, thiserror::Error)]
pub struct ElaborationErrors(pub Vec<ElaborationError>);

impl fmt::Display for ElaborationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
