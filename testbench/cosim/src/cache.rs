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

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache of its own, removed with the value.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("tessera-cache-{}-{name}", std::process::id())))
        }

        fn get(&self, build: impl FnOnce(&Path) -> Result<(), Error>) -> Result<Cached, Error> {
            get_or_build(&self.0, "thing", build)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn fill(folder: &Path) -> Result<(), Error> {
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "a build starts in an empty folder");
        fs::write(folder.join("content"), "whole").map_err(Error::io("write", folder))
    }

    #[test]
    fn a_failed_build_leaves_nothing_that_counts() {
        let scratch = Scratch::new("failed");
        let fail = |folder: &Path| {
            fs::write(folder.join("content"), "half").unwrap();
            Err(Error::ProgramMissing { program: "c++".into() })
        };
        assert!(scratch.get(fail).is_err());
        assert!(!scratch.0.join("thing").exists());
        let built = scratch.get(fill).unwrap();
        assert!(built.built);
        assert_eq!(fs::read_to_string(built.folder.join("content")).unwrap(), "whole");
        assert!(!scratch.get(|_| panic!("built twice")).unwrap().built);
    }

    #[test]
    fn what_a_killed_build_left_is_replaced() {
        let scratch = Scratch::new("killed");
        for remains in ["thing", "thing.partial"] {
            fs::create_dir_all(scratch.0.join(remains)).unwrap();
            fs::write(scratch.0.join(remains).join("content"), "half").unwrap();
        }
        let built = scratch.get(fill).unwrap();
        assert_eq!(fs::read_to_string(built.folder.join("content")).unwrap(), "whole");
    }

    #[test]
    fn of_racing_threads_one_builds() {
        let scratch = Scratch::new("race");
        let slow_build = |folder: &Path| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            fill(folder)
        };
        let built = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| scratch.get(slow_build).unwrap().built)).collect();
            threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum::<usize>()
        });
        assert_eq!(built, 1);
    }

    #[test]
    fn keys_do_not_confuse_parts() {
        let name = |parts: [&str; 2]| Key::new().add(parts[0]).add(parts[1]).folder_name("top");
        assert_eq!(name(["ab", "c"]), name(["ab", "c"]));
        assert_ne!(name(["ab", "c"]), name(["a", "bc"]));
        assert!(name(["ab", "c"]).starts_with("top-"));
    }
}
