//! Finds as files, which a test replays.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::recipe::Recipe;

/// A kept find.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Regression {
    /// The simulator that differed from the native one when it was found.
    pub simulator: String,
    /// What it said then.
    pub message: String,
    /// The recipe, shrunk.
    pub recipe: Recipe,
}

/// The folder of kept finds.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions")
}

impl Regression {
    /// Writes `folder/name.json` and returns its path.
    ///
    /// # Errors
    /// What the file system says.
    pub fn save(&self, folder: &Path, name: &str) -> std::io::Result<PathBuf> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(name).with_extension("json");
        std::fs::write(&path, serde_json::to_string(self)? + "\n")?;
        Ok(path)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What the file system says, or where it is not a find.
    pub fn load(path: &Path) -> std::io::Result<Regression> {
        Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
    }

    /// All files of [`folder`], by name.
    ///
    /// # Errors
    /// As [`Regression::load`].
    pub fn all() -> std::io::Result<Vec<(String, Regression)>> {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder())?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        paths.iter().map(|path| Ok((path.display().to_string(), Regression::load(path)?))).collect()
    }
}
