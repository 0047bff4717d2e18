//! What other programs think of a design's Verilog: Verilator's lint, Icarus Verilog, Yosys.
//!
//! Nothing here is cached: each call starts the program.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::design::Design;
use crate::{Error, Verilator, tools};

/// Yosys' command line on the Python wheel.
const YOSYS: &str = include_str!("yosys.py");

/// One warning or error about a design.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The whole text, with file and line; continuation lines follow the first.
    pub text: String,
}

impl Message {
    /// Verilator's code for it, such as `UNUSEDSIGNAL`; empty for other programs and for plain errors.
    pub fn code(&self) -> &str {
        let code = self.text.strip_prefix("%Warning-").or_else(|| self.text.strip_prefix("%Error-"));
        code.and_then(|rest| rest.split_once(':')).map_or("", |(code, _)| code)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `verilator --lint-only -Wall`: all warnings and errors. A clean design has none.
///
/// # Errors
/// If Verilator is missing or fails without saying why.
pub fn verilator_lint(design: &Design) -> Result<Vec<Message>, Error> {
    let folder = SourceFolder::new(design)?;
    let mut command = Verilator::find()?.command();
    command.args(["--lint-only", "-Wall", "-I.", "--top-module", &design.top]);
    let text = output_or_messages(folder.command(command).args(design.file_names()), design)?;
    let mut messages: Vec<Message> = Vec::new();
    for line in text.lines() {
        match messages.last_mut() {
            _ if line.starts_with("%Error: Exiting due to") => {}
            _ if line.starts_with("%Warning") || line.starts_with("%Error") => {
                messages.push(Message { text: line.into() });
            }
            Some(message) if line.starts_with(' ') => message.text += &format!("\n{line}"),
            // Reports about itself.
            _ => {}
        }
    }
    Ok(messages)
}

/// `iverilog -g2012 -Wall -t null`: all that Icarus Verilog says, a message a line. A clean design has none.
///
/// # Errors
/// If Icarus Verilog is missing.
pub fn icarus_lint(design: &Design) -> Result<Vec<Message>, Error> {
    let folder = SourceFolder::new(design)?;
    let mut command = Command::new(tools::program("iverilog")?);
    command.args(["-g2012", "-Wall", "-t", "null", "-I.", "-s", &design.top]);
    let text = output_or_messages(folder.command(command).args(design.file_names()), design)?;
    Ok(text.lines().map(|line| Message { text: line.into() }).collect())
}

/// Runs Yosys commands (`hierarchy -top ...; proc; check -assert`) after it read the design, and returns what it
/// printed.
///
/// # Errors
/// [`Error::ProgramMissing`] without the environment that `scripts/setup` makes; [`Error::ProgramFailed`] if
/// Yosys refuses the design, a command fails or an asserted check does not hold.
pub fn yosys(design: &Design, commands: &str) -> Result<String, Error> {
    let folder = SourceFolder::new(design)?;
    let mut command = Command::new(tools::tools_python()?);
    command.args(["-c", YOSYS, "-p", commands]);
    tools::run(folder.command(command).args(design.file_names()), &design.top)
}

/// All that a program printed, whether it succeeded or refused the design.
fn output_or_messages(command: &mut Command, design: &Design) -> Result<String, Error> {
    match tools::run(command, &design.top) {
        Err(Error::ProgramFailed { messages, .. }) => Ok(messages),
        other => other,
    }
}

/// A temporary folder with a design's sources, in which programs run, so that messages name plain files.
struct SourceFolder(std::path::PathBuf);

impl SourceFolder {
    fn new(design: &Design) -> Result<Self, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("tessera-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir(&path).map_err(Error::io("create", &path))?;
        let folder = Self(path);
        design.write_sources(folder.path())?;
        Ok(folder)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// The command, to be run in this folder.
    fn command(&self, mut command: Command) -> Command {
        command.current_dir(&self.0);
        command
    }
}

impl Drop for SourceFolder {
    fn drop(&mut self) {
        // A folder that cannot be removed is the temporary folder's concern.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
