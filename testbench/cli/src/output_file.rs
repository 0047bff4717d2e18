//! Files that appear whole or not at all: written beside their place, then renamed.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use crate::failure::Failure;

/// A place that a file can be put in. Nothing is there before [`OutputFile::commit`].
pub struct OutputFile {
    /// Where it goes, links resolved.
    path: PathBuf,
    /// Where it is written until it is complete.
    part: PathBuf,
    /// Those of the file that it replaces.
    permissions: Option<Permissions>,
}

/// Places that this command reads or writes, links resolved: each has one use. Of outputs, with the part.
fn places() -> MutexGuard<'static, BTreeMap<PathBuf, Option<PathBuf>>> {
    static PLACES: Mutex<BTreeMap<PathBuf, Option<PathBuf>>> = Mutex::new(BTreeMap::new());
    PLACES.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The command reads this file: it is no place for an output.
pub fn protect(input: &Path) {
    places().insert(resolved(input), None);
}

/// Removes what is written and not complete, for a command that is interrupted.
pub fn remove_parts() {
    for part in places().values().flatten() {
        // One that was not opened yet is not there.
        let _ = fs::remove_file(part);
    }
}

fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| in_folder(path))
}

/// A name in its folder, whose links are resolved.
fn in_folder(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

impl OutputFile {
    /// Looks whether the file can be written, so that a place that cannot is noticed before a long run.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let cannot = |error: &str| Failure::Input(format!("{}: cannot write: {error}", path.display()));
        let old = fs::metadata(path).ok();
        match &old {
            Some(old) if old.is_dir() => return Err(cannot("it is a folder, expected a file")),
            Some(old) if !old.is_file() => return Err(cannot("it is a device or a pipe, expected a file")),
            Some(old) if old.permissions().readonly() => return Err(cannot("it is read-only")),
            _ => {}
        }
        let path = resolved(path);
        let name = path.file_name().ok_or_else(|| cannot("expected the name of a file"))?;
        let mut part_name = std::ffi::OsString::from(".");
        part_name.push(name);
        part_name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(part_name);
        match places().get(&path) {
            Some(Some(_)) => return Err(cannot("another output of this command has the same place")),
            Some(None) => return Err(cannot("it is an input of this command")),
            None => {}
        }
        places().insert(path.clone(), Some(part.clone()));
        let file = OutputFile { path, part, permissions: old.map(|old| old.permissions()) };
        let tried = File::create(&file.part).and_then(|_| fs::remove_file(&file.part));
        tried.map_err(|error| cannot(&error.to_string()))?;
        Ok(file)
    }

    /// Where it is written until [`OutputFile::place`].
    pub fn open(&self) -> Result<File, Failure> {
        File::create(&self.part).map_err(Failure::input(self.path.display()))
    }

    /// Puts what was written in its place.
    pub fn place(self) -> Result<(), Failure> {
        let permissions = self.permissions.clone().map_or(Ok(()), |old| fs::set_permissions(&self.part, old));
        permissions.and_then(|()| fs::rename(&self.part, &self.path)).map_err(Failure::input(self.path.display()))
    }

    /// Writes all of it, not yet in its place.
    pub fn write(&self, write: impl FnOnce(&mut BufWriter<File>) -> Result<(), String>) -> Result<(), Failure> {
        let mut writer = BufWriter::new(self.open()?);
        let written = write(&mut writer).and_then(|()| writer.flush().map_err(|error| error.to_string()));
        written.map_err(Failure::run(self.path.display()))
    }

    /// Writes all of it, and puts it in its place.
    pub fn commit(self, write: impl FnOnce(&mut BufWriter<File>) -> Result<(), String>) -> Result<(), Failure> {
        self.write(write)?;
        self.place()
    }

    /// Writes texts, and puts them in their places once all are complete.
    pub fn commit_all<'t>(files: impl IntoIterator<Item = (OutputFile, &'t str)>) -> Result<(), Failure> {
        let mut complete = vec![];
        for (file, text) in files {
            file.write(|writer| writer.write_all(text.as_bytes()).map_err(|error| error.to_string()))?;
            complete.push(file);
        }
        complete.into_iter().try_for_each(OutputFile::place)
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
        places().remove(&self.path);
    }
}
