//! The cores that `tessera emit` writes, as FuseSoC reads and runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with an emitted design in `verilog`.
struct Sandbox {
    folder: PathBuf,
    core: &'static str,
}

impl Sandbox {
    fn emit(name: &str, top: &str, core: &'static str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fusesoc_{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let arguments = ["emit", "--config", "small16", "--top", top, "--out", "verilog"];
        let emitted =
            Command::new(env!("CARGO_BIN_EXE_tessera")).args(arguments).current_dir(&folder).output().unwrap();
        assert!(emitted.status.success(), "{}", String::from_utf8_lossy(&emitted.stderr));
        Sandbox { folder, core }
    }

    /// FuseSoC as `scripts/setup` installs it, in the folder, with no configuration of the user's.
    fn fusesoc(&self, arguments: &[&str]) -> Output {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .ancestors()
            .map(|folder| folder.join("tools/bin/fusesoc"))
            .find(|program| program.is_file())
            .expect("FuseSoC in <target>/tools; scripts/setup installs it");
        Command::new(program)
            .args(["--cores-root", "verilog"])
            .args(arguments)
            .current_dir(&self.folder)
            .env("HOME", &self.folder)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .env_remove("XDG_DATA_HOME")
            .output()
            .unwrap()
    }

    /// What FuseSoC prints when it does what must succeed.
    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.fusesoc(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}");
        text
    }

    /// The names in the list `verilog/TOP.f`.
    fn listed(&self, top: &str) -> Vec<String> {
        let list = fs::read_to_string(self.folder.join(format!("verilog/{top}.f"))).unwrap();
        list.lines().map(str::to_owned).collect()
    }

    /// Where FuseSoC works on a target.
    fn work(&self, target: &str) -> PathBuf {
        let version = env!("CARGO_PKG_VERSION");
        self.folder.join(format!("build/{}_{version}/{target}", self.core.replace(':', "_")))
    }
}

#[test]
fn the_tile_is_a_core_with_targets_for_lint_simulation_and_synthesis() {
    let sandbox = Sandbox::emit("tile", "tile", "tessera:small16:tile");
    let shown = sandbox.succeed(&["core", "show", sandbox.core]);
    assert!(shown.contains("Description: A tile: "), "{shown}");
    let targets: Vec<&str> = shown.lines().skip_while(|line| *line != "Targets:").skip(1).collect();
    let names: Vec<&str> = targets.iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(["default", "lint", "sim", "synth"].iter().all(|name| names.contains(name)), "{shown}");

    sandbox.succeed(&["run", "--target", "lint", sandbox.core]);

    sandbox.succeed(&["run", "--target", "synth", "--setup", sandbox.core]);
    let script = fs::read_to_string(sandbox.work("synth").join("edalize_yosys_procs.tcl")).unwrap();
    let read: Vec<&str> =
        script.lines().filter_map(|line| line.strip_prefix("read_verilog {")?.strip_suffix('}')).collect();
    assert_eq!(read.len(), sandbox.listed("tile").len(), "{script}");
    // The Yosys of the tests has no Tcl, and so reads the same files from the same folder without the script.
    let design = read
        .iter()
        .fold(cosim::Design::new("tile"), |design, file| design.file(sandbox.work("synth").join(file)).unwrap());
    cosim::yosys(&design, "hierarchy -check -top tile; proc; check -assert").unwrap();
}

#[test]
fn its_simulation_compares_a_product_in_two_simulators() {
    let sandbox = Sandbox::emit("sim", "tile", "tessera:small16:tile");
    for tool in ["icarus", "verilator"] {
        let printed = sandbox.succeed(&["run", "--clean", "--target", "sim", sandbox.core, "--tool", tool]);
        assert!(printed.contains("tile_tb: passed: 242 words compared in "), "{tool}: {printed}");
    }
}

#[test]
fn its_simulation_fails_at_one_wrong_bit() {
    let sandbox = Sandbox::emit("wrong", "tile", "tessera:small16:tile");
    let path = sandbox.folder.join("verilog/tile_tb.sv");
    let text = fs::read_to_string(&path).unwrap();
    let read = text.rfind("= {READ, ").expect("the product is read");
    let last = read + text[read..].find('}').expect("a step ends") - 1;
    let digit = if &text[last..=last] == "0" { "1" } else { "0" };
    fs::write(&path, format!("{}{digit}{}", &text[..last], &text[last + 1..])).unwrap();
    let output = sandbox.fusesoc(&["run", "--target", "sim", sandbox.core]);
    assert!(!output.status.success());
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("tile_tb: FAILED: 1 of 242 words are wrong"), "{printed}");
}

#[test]
fn a_part_is_a_core_without_simulation() {
    let sandbox = Sandbox::emit("part", "dot_product_t1_fpga", "tessera:small16:dot_product_t1_fpga");
    let shown = sandbox.succeed(&["core", "show", sandbox.core]);
    assert!(shown.contains("synth") && !shown.contains("sim "), "{shown}");
    sandbox.succeed(&["run", "--target", "lint", sandbox.core]);
}

#[test]
fn lint_fails_where_verilator_warns() {
    let sandbox = Sandbox::emit("lint", "dot_product_t1_fpga", "tessera:small16:dot_product_t1_fpga");
    let path = sandbox.folder.join("verilog/dot_product_t1_fpga.v");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\nendmodule", "\n    wire nothing_reads_this = 1'b0;\nendmodule")).unwrap();
    assert!(!sandbox.fusesoc(&["run", "--target", "lint", sandbox.core]).status.success());
}

#[test]
fn the_file_list_needs_no_fusesoc() {
    let sandbox = Sandbox::emit("list", "tile", "tessera:small16:tile");
    let accepts = |program: &str, arguments: &str, folder: &Path| {
        let arguments = arguments.split_whitespace();
        let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    };
    accepts("verilator", "--lint-only -Wall -F verilog/tile.f", &sandbox.folder);
    accepts("iverilog", "-g2012 -Wall -t null -s tile -f tile.f", &sandbox.folder.join("verilog"));
}
