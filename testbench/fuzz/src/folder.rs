//! A temporary folder, and programs that run in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::run::RunError;

/// Removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder.
    ///
    /// # Errors
    /// [`RunError::Environment`] if it cannot be made.
    pub fn new() -> Result<Folder, RunError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tessera-fuzz-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).map_err(|error| environment(&path, &error))?;
        Ok(Folder(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file.
    ///
    /// # Errors
    /// [`RunError::Environment`] if that fails.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<(), RunError> {
        let path = self.0.join(name);
        std::fs::write(&path, content).map_err(|error| environment(&path, &error))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`RunError::Environment`] if that fails.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, RunError> {
        let path = self.0.join(name);
        std::fs::read(&path).map_err(|error| environment(&path, &error))
    }

    /// Runs a program here and returns what it wrote on its standard output.
    ///
    /// # Errors
    /// [`RunError::Environment`] if it cannot be started, [`RunError::Refused`] with its words if it fails.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<Vec<u8>, RunError> {
        let output = Command::new(program).args(arguments).current_dir(&self.0).output();
        let output = output
            .map_err(|error| RunError::Environment(format!("{program}: {error}; install it with scripts/setup")))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let words = [output.stdout, output.stderr].concat();
        Err(RunError::Refused(format!("{program}: {}", String::from_utf8_lossy(&words))))
    }
}

fn environment(path: &Path, error: &std::io::Error) -> RunError {
    RunError::Environment(format!("{}: {error}", path.display()))
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that cannot be removed is the temporary folder's concern.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
