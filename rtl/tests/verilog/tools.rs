//! Verilator, Icarus Verilog and Yosys. A missing tool fails the test with the line that installs it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use rtl::Design;
use rtl::verilog::{Options, emit};

/// A folder of its own for the files of one design.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Writes the modules of `design`.
    pub fn new(design: &Design, options: &Options) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("verilog_{process}_{number}"));
        std::fs::create_dir_all(&path).unwrap();
        let folder = Folder { path };
        for file in emit(design, options) {
            folder.write(&file.name, &file.text);
        }
        folder
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path.join(name), text).unwrap();
    }

    /// Runs a tool in the folder; returns what it printed, and fails where it failed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program).args(arguments).current_dir(&self.path).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}; install it with scripts/setup"));
        let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{program} {arguments:?} in {}:\n{printed}", self.path.display());
        printed
    }

    /// Yosys commands; returns what Yosys printed.
    pub fn yosys(&self, commands: &str) -> String {
        self.run(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/yosys"), &["-p", commands])
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A failing test leaves its files to look at.
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Verilator's program: `$TESSERA_VERILATOR`, or as installed.
pub fn verilator() -> String {
    std::env::var("TESSERA_VERILATOR").unwrap_or_else(|_| "verilator".into())
}

/// Checks that the three tools accept the text of `design` without a word.
pub fn assert_clean(design: &Design, options: &Options) {
    let folder = Folder::new(design, options);
    let top = &design.top().name;
    let file = format!("{top}.v");
    let lint = folder.run(&verilator(), &["--lint-only", "-Wall", "--top-module", top, "-y", ".", &file]);
    let lint: Vec<&str> = lint.lines().filter(|line| !line.starts_with("- ")).collect();
    assert!(lint.is_empty(), "verilator: {lint:?}");
    let icarus = folder.run("iverilog", &["-g2012", "-Wall", "-y", ".", "-s", top, "-o", "out.vvp", &file]);
    assert_eq!(icarus, "", "iverilog");
    let yosys = folder.yosys(&format!("read_verilog *.v; hierarchy -check -top {top}; proc; opt; check -assert"));
    assert!(!yosys.contains("Warning"), "yosys: {yosys}");
}
