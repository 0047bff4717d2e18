//! Folders that are built once, whoever asks first, and then shared by every thread and process.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Error;

/// Written last: a folder without it is not complete, whatever else is in it.
const MARKER: &str = "complete";

/// The identity of a build: a digest of everything that goes into it.
pub(crate) struct Key(Sha256);

impl Key {
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    /// Adds one part. Its length goes first, so that parts cannot run into each other.
    pub fn add(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// The folder name of a build called `name`.
    pub fn folder_name(self, name: &str) -> String {
        let digest = format!("{:x}", self.0.finalize());
        format!("{name}-{}", &digest[..20])
    }
}

/// A folder of the cache, and whether this call built it.
pub(crate) struct Cached {
    pub folder: PathBuf,
    pub built: bool,
}

/// Returns the folder `cache/name`, which `build` fills if it is not there yet.
///
/// `build` gets an empty folder that nobody else sees; only after it succeeded does the folder appear under its
/// name. Whoever asks meanwhile waits. A folder that a failed or killed build left is emptied by the next.
pub(crate) fn get_or_build(
    cache: &Path,
    name: &str,
    build: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<Cached, Error> {
    let folder = cache.join(name);
    if folder.join(MARKER).is_file() {
        return Ok(Cached { folder, built: false });
    }
    fs::create_dir_all(cache).map_err(Error::io("create", cache))?;
    let lock_path = cache.join(format!("{name}.lock"));
    // The system releases the lock when the file is closed, at the latest when the process ends.
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    lock.lock().map_err(Error::io("lock", &lock_path))?;
    if folder.join(MARKER).is_file() {
        return Ok(Cached { folder, built: false });
    }
    let partial = cache.join(format!("{name}.partial"));
    for remains in [&folder, &partial] {
        if remains.exists() {
            fs::remove_dir_all(remains).map_err(Error::io("remove", remains))?;
        }
    }
    fs::create_dir(&partial).map_err(Error::io("create", &partial))?;
    build(&partial)?;
    let marker = partial.join(MARKER);
    fs::write(&marker, "").map_err(Error::io("write", &marker))?;
    fs::rename(&partial, &folder).map_err(Error::io("write", &folder))?;
    Ok(Cached { folder, built: true })
}
