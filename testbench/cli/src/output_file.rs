//! Files that appear whole or not at all: written beside their place, then renamed.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A file under way. Without [`OutputFile::commit`] nothing remains of it.
pub struct OutputFile {
    path: PathBuf,
    /// Where it is written until it is complete.
    part: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl OutputFile {
    /// Begins the file, so that a place that cannot be written is noticed before a long run.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let cannot = |error: String| Failure::Input(format!("{}: cannot write: {error}", path.display()));
        if path.is_dir() {
            return Err(cannot("it is a folder, expected a file".to_owned()));
        }
        let name = path.file_name().ok_or_else(|| cannot("expected the name of a file".to_owned()))?;
        let mut part_name = std::ffi::OsString::from(".");
        part_name.push(name);
        part_name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(part_name);
        let file = File::create(&part).map_err(|error| cannot(error.to_string()))?;
        Ok(OutputFile { path: path.to_owned(), part, writer: Some(BufWriter::new(file)) })
    }

    /// Writes all of it, and puts it in its place.
    pub fn commit(mut self, write: impl FnOnce(&mut BufWriter<File>) -> Result<(), String>) -> Result<(), Failure> {
        let mut writer = self.writer.take().expect("taken by this function only");
        let written = write(&mut writer)
            .and_then(|()| writer.flush().map_err(|error| error.to_string()))
            .and_then(|()| fs::rename(&self.part, &self.path).map_err(|error| error.to_string()));
        written.map_err(Failure::input(self.path.display()))
    }

    /// Writes a text, and puts it in its place.
    pub fn commit_text(self, text: &str) -> Result<(), Failure> {
        self.commit(|writer| writer.write_all(text.as_bytes()).map_err(|error| error.to_string()))
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        // After a rename there is nothing to remove.
        let _ = fs::remove_file(&self.part);
    }
}
