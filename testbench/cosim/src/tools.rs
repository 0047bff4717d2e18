//! Finding the programs that the bridge starts, and the folder that it builds in.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, OnceLock};

use sha2::{Digest, Sha256};

use crate::Error;

/// An installed Verilator 5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verilator {
    binary: PathBuf,
    root: PathBuf,
}

/// Where programs are looked for.
pub(crate) struct Places {
    /// `TESSERA_VERILATOR`: a Verilator to use and nothing else.
    pub explicit: Option<PathBuf>,
    /// `PATH`.
    pub path: OsString,
    /// What `scripts/setup` installed: `<target>/tools`, most specific first.
    pub tools: Vec<PathBuf>,
}

impl Places {
    pub fn from_environment() -> Self {
        Self {
            explicit: std::env::var_os("TESSERA_VERILATOR").filter(|value| !value.is_empty()).map(PathBuf::from),
            path: std::env::var_os("PATH").unwrap_or_default(),
            tools: target_folders().into_iter().map(|target| target.join("tools")).collect(),
        }
    }

    /// The first program of that name on `PATH`.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        std::env::split_paths(&self.path).map(|folder| folder.join(name)).find(|path| path.is_file())
    }
}

impl Verilator {
    /// The Verilator named by `TESSERA_VERILATOR`, else the one on `PATH`, else the one that `scripts/setup`
    /// installed.
    ///
    /// # Errors
    /// [`Error::VerilatorMissing`], which says how to install it.
    pub fn find() -> Result<Self, Error> {
        static FOUND: OnceLock<Verilator> = OnceLock::new();
        if let Some(found) = FOUND.get() {
            return Ok(found.clone());
        }
        let found = Self::find_in(&Places::from_environment())?;
        Ok(FOUND.get_or_init(|| found).clone())
    }

    pub(crate) fn find_in(places: &Places) -> Result<Self, Error> {
        if let Some(binary) = &places.explicit {
            return Self::at(binary)?.recent_enough();
        }
        let on_path = places.program("verilator_bin").or_else(|| places.program("verilator"));
        let in_tools = places.tools.iter().map(|tools| tools.join("verilator/bin/verilator_bin"));
        let candidates = on_path.into_iter().chain(in_tools.filter(|binary| binary.is_file()));
        let mut first_error = None;
        for binary in candidates {
            match Self::at(binary).and_then(Self::recent_enough) {
                Ok(found) => return Ok(found),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        if let Some(error) = first_error {
            return Err(error);
        }
        let tools: Vec<_> = places.tools.iter().map(|tools| tools.display().to_string()).collect();
        Err(Error::VerilatorMissing { searched: format!("TESSERA_VERILATOR, PATH, {}", tools.join(", ")) })
    }

    /// The Verilator at a path: its `verilator_bin`, or the `verilator` script beside it.
    ///
    /// # Errors
    /// [`Error::VerilatorMissing`] if there is none, or if its header files cannot be found.
    pub fn at(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let missing = |searched: String| Error::VerilatorMissing { searched };
        if !path.is_file() {
            return Err(missing(path.display().to_string()));
        }
        // The script only looks for the binary, and needs Perl.
        let binary = Some(path.with_file_name("verilator_bin")).filter(|binary| binary.is_file());
        let binary = binary.unwrap_or_else(|| path.to_path_buf());
        let has_headers = |root: &PathBuf| root.join("include/verilated.h").is_file();

        // A relocated installation (the Python wheel) has a compiled-in root that does not exist.
        let beside = binary.canonicalize().ok().and_then(|real| Some(real.parent()?.parent()?.to_path_buf()));
        let beside_share = beside.as_ref().map(|prefix| prefix.join("share/verilator"));
        let compiled_in = || {
            let output = Command::new(&binary).args(["--getenv", "VERILATOR_ROOT"]).output().ok()?;
            Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
        };
        let root = beside
            .filter(has_headers)
            .or_else(|| beside_share.filter(has_headers))
            .or_else(|| compiled_in().filter(has_headers))
            .ok_or_else(|| missing(format!("the folder of include/verilated.h for {}", binary.display())))?;
        Ok(Self { binary, root })
    }

    /// Refuses a version before 5, whose interface is another.
    fn recent_enough(self) -> Result<Self, Error> {
        let version = self.version()?;
        let major = version.split_whitespace().nth(1).and_then(|number| number.split('.').next()?.parse::<u32>().ok());
        match major {
            Some(5..) => Ok(self),
            _ => Err(Error::VerilatorTooOld { binary: self.binary, version }),
        }
    }

    /// What `verilator --version` prints.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be started.
    pub fn version(&self) -> Result<String, Error> {
        let output = self.command().arg("--version").output().map_err(Error::io("start", &self.binary))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
    }

    /// The folder of the runtime's headers and sources.
    pub(crate) fn include_folder(&self) -> PathBuf {
        self.root.join("include")
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("VERILATOR_ROOT", &self.root);
        command
    }

    /// Identifies the program by content: development versions share a version string.
    pub(crate) fn fingerprint(&self) -> Result<String, Error> {
        fingerprint(&self.binary)
    }
}

/// The C++ compiler: `CXX`, else `c++`.
pub(crate) fn cxx_compiler() -> Result<PathBuf, Error> {
    let name = std::env::var("CXX").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "c++".into());
    program(&name)
}

/// A program by path, or by name on `PATH`.
pub(crate) fn program(name: &str) -> Result<PathBuf, Error> {
    if Path::new(name).is_file() {
        return Ok(name.into());
    }
    Places::from_environment().program(name).ok_or_else(|| Error::ProgramMissing { program: name.into() })
}

/// The Python of the environment that `scripts/setup` makes.
pub(crate) fn tools_python() -> Result<PathBuf, Error> {
    let candidates = Places::from_environment().tools.into_iter().map(|tools| tools.join("bin/python"));
    let found = candidates.into_iter().find(|python| python.is_file());
    found.ok_or_else(|| Error::ProgramMissing { program: "pyosys".into() })
}

/// Digest of a program's file, computed once a process.
pub(crate) fn fingerprint(path: &Path) -> Result<String, Error> {
    static KNOWN: LazyLock<Mutex<HashMap<PathBuf, String>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(digest) = known.get(path) {
        return Ok(digest.clone());
    }
    let content = std::fs::read(path).map_err(Error::io("read", path))?;
    let digest = format!("{:x}", Sha256::digest(content));
    known.insert(path.to_path_buf(), digest.clone());
    Ok(digest)
}

/// Where builds are cached by default: `verilator` in Cargo's target folder, else in the user's cache folder.
pub fn default_cache() -> PathBuf {
    if let Some(target) = target_folders().into_iter().next() {
        return target.join("verilator");
    }
    let user_cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let user_cache = user_cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    user_cache.unwrap_or_else(std::env::temp_dir).join("tessera/verilator")
}

/// Cargo's target folders, most specific first: `CARGO_TARGET_DIR`, the one that holds the running program,
/// the one of the workspace that the current folder is in.
fn target_folders() -> Vec<PathBuf> {
    const CARGO_MARK: &str = "CACHEDIR.TAG";
    // A relative one is relative to where Cargo was started, which is not where it starts tests.
    let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let executable = std::env::current_exe().ok();
    let holds_executable = executable
        .iter()
        .flat_map(|path| path.ancestors())
        .find(|folder| folder.join(CARGO_MARK).is_file())
        .map(Path::to_path_buf);
    let current = std::env::current_dir().ok();
    let in_workspace = current
        .iter()
        .flat_map(|path| path.ancestors())
        .map(|folder| folder.join("target"))
        .find(|target| target.join(CARGO_MARK).is_file());
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in [named, holds_executable, in_workspace].into_iter().flatten() {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// `name`, `name`, ... for messages.
pub(crate) fn name_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Runs a program to its end.
///
/// # Errors
/// [`Error::ProgramFailed`] with all that it printed, if its exit status is not 0.
pub(crate) fn run(command: &mut Command, top: &str) -> Result<String, Error> {
    let program = command.get_program().to_os_string();
    let output = command.output().map_err(Error::io("start", &program))?;
    let mut messages = String::from_utf8_lossy(&output.stdout).into_owned();
    messages += &String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(messages);
    }
    if messages.trim().is_empty() {
        messages = output.status.to_string();
    }
    let program = Path::new(&program).file_name().unwrap_or(OsStr::new("")).to_string_lossy().into_owned();
    Err(Error::ProgramFailed { program, top: top.into(), messages })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> Places {
        Places { explicit: None, path: "/nonexistent".into(), tools: vec!["/nonexistent/tools".into()] }
    }

    #[test]
    fn a_missing_verilator_is_an_error_with_the_line_that_installs_it() {
        let message = Verilator::find_in(&nowhere()).unwrap_err().to_string();
        assert!(message.contains("TESSERA_VERILATOR, PATH, /nonexistent/tools"), "{message}");
        assert!(message.contains("`scripts/setup`"), "{message}");
        assert!(message.contains("apt-get install -y --no-install-recommends g++ verilator zlib1g-dev"), "{message}");
    }

    #[test]
    fn a_verilator_that_is_named_but_missing_is_not_replaced_by_another() {
        let named = Places { explicit: Some("/nonexistent/verilator".into()), ..Places::from_environment() };
        let message = Verilator::find_in(&named).unwrap_err().to_string();
        assert!(message.contains("looked at /nonexistent/verilator"), "{message}");
    }

    #[test]
    fn a_verilator_before_version_5_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let root = std::env::temp_dir().join(format!("tessera-old-verilator-{}", std::process::id()));
        let binary = root.join("bin/verilator_bin");
        std::fs::create_dir_all(root.join("bin")).unwrap();
        std::fs::create_dir_all(root.join("include")).unwrap();
        std::fs::write(root.join("include/verilated.h"), "").unwrap();
        std::fs::write(&binary, "#!/bin/sh\necho 'Verilator 4.038 2020-07-11 rev v4.036'\n").unwrap();
        std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
        let message = Verilator::find_in(&Places { explicit: Some(binary), ..nowhere() }).unwrap_err().to_string();
        std::fs::remove_dir_all(root).unwrap();
        assert!(message.contains("is `Verilator 4.038 2020-07-11 rev v4.036`; expected Verilator 5"), "{message}");
    }

    #[test]
    fn programs_are_identified_by_content() {
        let ours = std::env::current_exe().unwrap();
        assert_eq!(fingerprint(&ours).unwrap(), fingerprint(&ours).unwrap());
        assert_ne!(fingerprint(&ours).unwrap(), fingerprint(&program("sh").unwrap()).unwrap());
    }
}
