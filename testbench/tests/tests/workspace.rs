//! How the workspace is kept: who depends on whom, who starts processes and writes files, why each dependency is
//! there, what the sources may not hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates that describe hardware; each may depend on those before it.
const HARDWARE: [&str; 5] = ["tessera-rtl", "tessera-accumulators", "tessera-tile", "tessera-exchange", "tessera-fpga"];
/// Facts that hardware and golden model share.
const DECLARATIONS: [&str; 2] = ["tessera-isa", "tessera-functions"];
/// Crates that check the hardware or use it.
const VERIFICATION: [&str; 8] = [
    "tessera-golden",
    "tessera-oracle",
    "tessera-exhaustive",
    "tessera-cosim",
    "tessera-fuzz",
    "tessera-kernels",
    "tessera-tests",
    "tessera",
];

/// Crates that start processes and write files.
const REACH_OUTSIDE: [&str; 5] = ["tessera-cosim", "tessera-exhaustive", "tessera-fpga", "tessera-fuzz", "tessera"];

const LONGEST_FILE_LINES: usize = 600;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn output(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The files under version control that are there, by their paths from the root.
fn tracked_files() -> Vec<PathBuf> {
    let listed = output(Command::new("git").args(["-c", "safe.directory=*", "ls-files", "-z"]));
    let files: Vec<_> = listed.split_terminator('\0').map(PathBuf::from).collect();
    assert!(files.len() > 100, "only {} files are tracked", files.len());
    files.into_iter().filter(|file| root().join(file).is_file()).collect()
}

/// Their lines, numbered from 1; files that are not text have none.
fn lines(file: &Path) -> Vec<(usize, String)> {
    let bytes = std::fs::read(root().join(file)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let text = String::from_utf8(bytes).unwrap_or_default();
    text.lines().enumerate().map(|(i, line)| (i + 1, line.to_string())).collect()
}

/// A crate of the workspace.
struct Package {
    /// Its folder, from the root.
    folder: PathBuf,
    /// Crates of the workspace that its library or program is built with.
    dependencies: BTreeSet<String>,
}

/// The crates of the workspace by name.
fn packages() -> BTreeMap<String, Package> {
    let arguments = ["metadata", "--offline", "--no-deps", "--format-version", "1"];
    let metadata = output(Command::new(env!("CARGO")).args(arguments));
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_string();
    let root = PathBuf::from(text(&metadata["workspace_root"]));
    let packages = metadata["packages"].as_array().expect("a list of packages").iter().map(|package| {
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        let folder = manifest.parent().and_then(|folder| folder.strip_prefix(&root).ok()).expect("a folder below");
        let of_workspace = package["dependencies"].as_array().expect("a list").iter().filter(|dependency| {
            // `kind` is null for what a library is built with.
            dependency["path"].is_string() && dependency["kind"].as_str() != Some("dev")
        });
        let dependencies = of_workspace.map(|dependency| text(&dependency["name"])).collect();
        (text(&package["name"]), Package { folder: folder.into(), dependencies })
    });
    packages.collect()
}

/// The crates that `name` is built with, directly or through others.
fn built_with<'p>(packages: &'p BTreeMap<String, Package>, name: &str) -> BTreeSet<&'p str> {
    let mut found = BTreeSet::new();
    let mut next = vec![name];
    while let Some(name) = next.pop() {
        for dependency in &packages[name].dependencies {
            if found.insert(dependency.as_str()) {
                next.push(dependency);
            }
        }
    }
    found
}

#[test]
fn every_crate_has_a_role() {
    let roles: BTreeSet<_> = HARDWARE.iter().chain(&VERIFICATION).chain(&DECLARATIONS).copied().collect();
    let without: Vec<_> = packages().into_keys().filter(|name| !roles.contains(name.as_str())).collect();
    assert_eq!(without, [""; 0], "crates that are neither hardware nor verification");
}

#[test]
fn hardware_depends_on_no_verification_and_one_way_only() {
    let packages = packages();
    for (place, name) in HARDWARE.into_iter().enumerate() {
        for dependency in built_with(&packages, name) {
            let allowed = DECLARATIONS.contains(&dependency) || HARDWARE[..place].contains(&dependency);
            assert!(allowed, "{name} is built with {dependency}");
        }
    }
    for declarations in DECLARATIONS {
        assert_eq!(built_with(&packages, declarations), BTreeSet::new(), "{declarations}");
    }
    assert!(built_with(&packages, "tessera-fpga").len() >= 4, "dependencies are not seen");
}

#[test]
fn the_golden_model_depends_on_no_hardware() {
    assert_eq!(built_with(&packages(), "tessera-golden"), BTreeSet::from(DECLARATIONS));
}

#[test]
fn only_tools_and_programs_start_processes_and_write_files() {
    let acts = [
        "Command::new",
        "process::Command",
        "fs::write",
        "fs::copy",
        "fs::rename",
        "fs::remove",
        "fs::create_dir",
        "File::create",
        "File::options",
        "OpenOptions",
    ];
    let packages = packages();
    let others = packages.iter().filter(|(name, _)| !REACH_OUTSIDE.contains(&name.as_str()));
    let sources: Vec<_> = others.map(|(_, package)| package.folder.join("src")).collect();
    let mut read = 0;
    let mut reaching = BTreeSet::new();
    for file in tracked_files().into_iter().filter(|file| sources.iter().any(|source| file.starts_with(source))) {
        read += 1;
        let lines: Vec<_> = lines(&file).into_iter().map(|(_, line)| line).collect();
        // Unit tests stand at the end of their file.
        let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{'));
        let library = &lines[..tests.unwrap_or(lines.len())];
        if library.iter().any(|line| acts.iter().any(|act| line.contains(act))) {
            reaching.insert(file.display().to_string());
        }
    }
    assert!(read > 50, "only {read} sources were read");
    assert_eq!(reaching, BTreeSet::new());
}

#[test]
fn every_dependency_says_why_it_is_there() {
    let manifests = tracked_files().into_iter().filter(|file| file.ends_with("Cargo.toml"));
    let (mut dependencies, mut without) = (0, vec![]);
    for file in manifests {
        let mut in_dependencies = false;
        for (number, line) in lines(&file) {
            let line = line.trim();
            if let Some(section) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
                in_dependencies = section.0.ends_with("dependencies");
                // One line a dependency, so that the reason has a place.
                assert!(!section.0.contains("dependencies."), "{}:{number}: {line}", file.display());
            } else if in_dependencies && !line.is_empty() && !line.starts_with('#') {
                dependencies += 1;
                let (entry, reason) = line.split_once('#').unwrap_or((line, ""));
                // Crates of this repository; where they come from stands in the workspace's own list, with a path.
                let ours = entry.trim().ends_with(".workspace = true") || entry.contains("path = ");
                if !ours && reason.trim().is_empty() {
                    without.push(format!("{}:{number}: {line}", file.display()));
                }
            }
        }
    }
    assert!(dependencies > 20, "only {dependencies} dependencies were read");
    assert_eq!(without, [""; 0], "dependencies without `# reason`");
    let shared = lines(Path::new("Cargo.toml")).into_iter().map(|(_, line)| line);
    let shared = shared.skip_while(|line| line != "[workspace.dependencies]").skip(1);
    for line in shared.take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty()) {
        assert!(line.contains("path = ") || line.contains('#'), "shared by the workspace without reason: {line}");
    }
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let long =
        tracked_files().into_iter().filter(|file| file.file_name().unwrap() != "Cargo.lock").filter_map(|file| {
            let count = lines(&file).len();
            (count > LONGEST_FILE_LINES).then(|| format!("{}: {count} lines", file.display()))
        });
    assert_eq!(long.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn nothing_is_left_to_do_and_no_test_is_switched_off() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[", "ignore"),
    ];
    let mut found = vec![];
    for file in tracked_files() {
        for (number, line) in lines(&file) {
            if marks.iter().any(|mark| line.contains(mark)) {
                found.push(format!("{}:{number}: {}", file.display(), line.trim()));
            }
        }
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn no_generated_file_is_tracked() {
    let folders = ["target", "obj_dir", "__pycache__"];
    let extensions = ["a", "bit", "d", "fst", "log", "o", "orig", "pyc", "rej", "rlib", "so", "swp", "vcd", "vvp"];
    let generated = tracked_files().into_iter().filter(|file| {
        let folder = file.iter().any(|part| folders.iter().any(|folder| part == *folder));
        let extension = file.extension().is_some_and(|found| extensions.iter().any(|extension| found == *extension));
        folder || extension
    });
    assert_eq!(generated.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}
