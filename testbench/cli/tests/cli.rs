//! The command line from outside: what it computes, what it prints, what it refuses and with which exit status.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Runs `tessera` in a folder of its own.
struct Sandbox {
    folder: PathBuf,
}

impl Sandbox {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Sandbox { folder }
    }

    fn run(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tessera"))
            .args(arguments.split_whitespace())
            .current_dir(&self.folder)
            .output()
            .unwrap()
    }

    /// Standard output of a run that must succeed.
    fn succeed(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.succeed(arguments)).unwrap()
    }

    /// The one line that a run with bad input prints, after `tessera: `. Its status must be 2.
    fn refusal(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {errors}");
        assert_eq!(output.stdout, b"", "{arguments}");
        assert_eq!(errors.lines().count(), 1, "{arguments}: {errors}");
        errors.trim_end().strip_prefix("tessera: ").unwrap().to_owned()
    }

    /// Writes a `.npy` file of version 1.0.
    fn npy(&self, name: &str, dtype: &str, shape: &str, data: &[u8]) {
        let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}");
        let length = (header.len() + 11).next_multiple_of(64) - 10;
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((length as u16).to_le_bytes());
        bytes.extend(format!("{header:<width$}\n", width = length - 1).bytes());
        bytes.extend(data);
        fs::write(self.folder.join(name), bytes).unwrap();
    }

    /// The data of a `.npy` file whose header says `dtype` and `shape`.
    fn data(&self, name: &str, dtype: &str, shape: &str) -> Vec<u8> {
        let bytes = fs::read(self.folder.join(name)).unwrap();
        let length = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
        let header = String::from_utf8(bytes[10..10 + length].to_vec()).unwrap();
        assert!(header.contains(&format!("'{dtype}'")) && header.contains(shape), "{header}");
        bytes[10 + length..].to_vec()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn fp16(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn fp32(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn fp64(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

const ONE: u16 = 0x3C00;
const TWO: u16 = 0x4000;
const THREE: u16 = 0x4200;

/// A = [1 2; 3 1; 2 2], B = [1 2 3; 3 2 1].
fn small_product(name: &str) -> Sandbox {
    let sandbox = Sandbox::new(name);
    sandbox.npy("A.npy", "<f2", "(3, 2)", &fp16(&[ONE, TWO, THREE, ONE, TWO, TWO]));
    sandbox.npy("B.npy", "<f2", "(2, 3)", &fp16(&[ONE, TWO, THREE, THREE, TWO, ONE]));
    sandbox
}

#[test]
fn files_are_multiplied_into_a_file() {
    let sandbox = small_product("files");
    let table = sandbox.succeed("matmul A.npy B.npy --out C.npy");
    assert!(table.contains("3 x 3 x 2 (M x N x K), fp16 to fp32"), "{table}");
    assert!(table.contains("9 results and the flags compared: all bit-exact"), "{table}");
    let c = sandbox.data("C.npy", "<f4", "(3, 3)");
    assert_eq!(c, fp32(&[7.0, 6.0, 5.0, 6.0, 8.0, 10.0, 8.0, 8.0, 8.0]));

    sandbox.succeed("matmul A.npy B.npy --out C.npy --out-type fp16");
    assert_eq!(sandbox.data("C.npy", "<f2", "(3, 3)")[..4], fp16(&[0x4700, 0x4600]));
    assert_eq!(sandbox.names(), ["A.npy", "B.npy", "C.npy"]);
}

#[test]
fn bias_partial_sums_and_relu_enter_the_result() {
    let sandbox = small_product("bias");
    sandbox.npy("bias.npy", "<f4", "(3,)", &fp32(&[-7.5, 0.25, -100.0]));
    sandbox.succeed("matmul A.npy B.npy --out C.npy --bias bias.npy --relu");
    let c = sandbox.data("C.npy", "<f4", "(3, 3)");
    assert_eq!(c, fp32(&[0.0, 6.25, 0.0, 0.0, 8.25, 0.0, 0.5, 8.25, 0.0]));

    sandbox.npy("sums.npy", "<f8", "(3, 3)", &fp64(&[0.5, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.1]));
    let output = sandbox.run("matmul A.npy B.npy --out C.npy --bias sums.npy");
    let note = "note: sums.npy: float64 rounded to float32; 1 of 9 numbers changed\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), note);
    let c = sandbox.data("C.npy", "<f4", "(3, 3)");
    assert_eq!(c, fp32(&[7.5, 6.0, 5.0, 6.0, 8.5, 10.0, 8.0, 8.0, 8.1]));
}

#[test]
fn larger_types_are_rounded_and_a_note_says_so() {
    let sandbox = small_product("rounded");
    // 2^-11 beyond 1 is a tie between FP16 numbers; the least bit of an FP64 more is not.
    let tie = 1.0 + 2f64.powi(-11);
    sandbox.npy("A.npy", "<f8", "(1, 2)", &fp64(&[tie, tie + f64::EPSILON]));
    sandbox.npy("B.npy", ">f4", "(2, 2)", &[[0x3F, 0x80, 0, 0], [0; 4], [0; 4], [0x3F, 0x80, 0, 0]].concat());
    let output = sandbox.run("matmul A.npy B.npy --out C.npy");
    assert!(output.status.success());
    let note = "note: A.npy: float64 rounded to float16; 2 of 2 numbers changed\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), note);
    assert_eq!(sandbox.data("C.npy", "<f4", "(1, 2)"), fp32(&[1.0, 1.0 + 2f32.powi(-10)]));
}

#[test]
fn the_summary_has_stable_keys() {
    let sandbox = Sandbox::new("summary");
    let summary = sandbox.json("matmul --m 20 --n 17 --k 33 --seed 5 --json --config small16");
    let expected = [("m", 20), ("n", 17), ("k", 33), ("compared", 20 * 17), ("terms", 1), ("launches", 1)];
    for (key, value) in expected {
        assert_eq!(summary[key], value, "{key}");
    }
    assert_eq!((&summary["config"], &summary["simulator"]), (&"small16".into(), &"native".into()));
    assert_eq!((&summary["accumulator"], &summary["out_type"]), (&"exact".into(), &"fp32".into()));
    assert_eq!(summary["bit_exact"], true);
    assert_eq!(summary["cycles"], summary["predicted_cycles"]);
    let cycles = summary["cycles"].as_u64().unwrap() as f64;
    let utilisation = summary["utilisation"].as_f64().unwrap();
    assert!((utilisation - (20 * 17 * 33) as f64 / (16.0 * cycles)).abs() < 1e-9, "{utilisation}");
    assert!(summary["sim_cycles_per_second"].as_f64().unwrap() > 0.0);
    assert!(summary["stalls"]["weights"].as_u64().unwrap() > 0);
    assert_eq!(summary["mean_error_ulp"].as_f64().map(|error| error < 1.0), Some(true));
}

#[test]
fn a_seed_gives_the_same_results_and_another_seed_others() {
    let sandbox = Sandbox::new("seed");
    let mut results = vec![];
    for seed in [1, 1, 2] {
        sandbox.succeed(&format!("matmul --m 3 --n 3 --k 3 --out C.npy --seed {seed}"));
        results.push(sandbox.data("C.npy", "<f4", "(3, 3)"));
    }
    assert!(results[0] == results[1] && results[1] != results[2]);
}

#[test]
fn configurations_come_by_name_by_file_and_with_changes() {
    let sandbox = Sandbox::new("configurations");
    let config = |arguments: &str| {
        let summary = sandbox.json(&format!("matmul --m 4 --n 4 --k 20 --json {arguments}"));
        let field = |key: &str| summary[key].clone();
        (field("config"), field("terms"), field("accumulator"))
    };
    assert_eq!(config(""), ("ipu64".into(), 4.into(), "fp32".into()));
    assert_eq!(config("--set terms=8 --set rows=16"), ("ipu64+terms=8+rows=16".into(), 8.into(), "fp32".into()));
    assert_eq!(config("--set accumulator=exact").2, "exact");
    assert_eq!(config("--accumulator exact"), ("ipu64".into(), 4.into(), "exact".into()));
    fs::write(sandbox.folder.join("mine.toml"), "name = \"mine\"\nterms = 2\nbanks = 8\n").unwrap();
    assert_eq!(config("--config mine.toml"), ("mine".into(), 2.into(), "fp32".into()));
    assert_eq!(config("--config mine.toml --set name=yours").0, "yours");
}

#[test]
fn products_larger_than_the_memory_are_computed_in_parts() {
    let sandbox = Sandbox::new("parts");
    let small = "--set banks=4 --set bank_kib=1 --set rows=16";
    let summary = sandbox.json(&format!("matmul --m 33 --n 40 --k 70 --json {small}"));
    assert!(summary["launches"].as_u64().unwrap() > 1);
    assert_eq!(summary["bit_exact"], true);

    let output = sandbox.run(&format!("matmul --m 2 --n 2 --k 1000 --accumulator exact {small}"));
    assert!(output.status.success());
    let note = String::from_utf8(output.stderr).unwrap();
    assert!(note.starts_with("note: K does not fit the memory; the exact sums were rounded to FP32"), "{note}");
}

#[test]
fn waveforms_are_written() {
    let sandbox = Sandbox::new("waveforms");
    sandbox.succeed("matmul --m 1 --n 1 --k 1 --config small16 --trace wave.vcd --trace wave.fst");
    let waveform = fs::read_to_string(sandbox.folder.join("wave.vcd")).unwrap();
    assert!(waveform.contains("$scope module tile") && waveform.contains("host_request_valid"));
    assert_eq!(sandbox.names(), ["wave.fst", "wave.gtkw", "wave.sucl", "wave.vcd"]);
    let view = fs::read_to_string(sandbox.folder.join("wave.gtkw")).unwrap();
    assert!(view.contains("wave.fst\"") && view.contains("\ntile.sequencer.state_as_text\n"), "{view}");
    let view = fs::read_to_string(sandbox.folder.join("wave.sucl")).unwrap();
    assert!(view.contains("\ndivider_add AMP\nvariable_add tile.amp_engine.issued\n"), "{view}");
}

#[test]
fn waveforms_have_a_window_and_a_scope() {
    let sandbox = Sandbox::new("windows");
    let run = "matmul --m 1 --n 1 --k 1 --config small16";
    sandbox.succeed(&format!("{run} --trace a.vcd --trace-from 20 --trace-cycles 2 --trace-scope amp_engine.stepper"));
    let waveform = fs::read_to_string(sandbox.folder.join("a.vcd")).unwrap();
    let times: Vec<&str> = waveform.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(times, ["#200", "#205", "#210", "#215"]);
    let scopes: Vec<&str> = waveform.lines().filter(|line| line.starts_with("$scope")).collect();
    assert_eq!(scopes, ["$scope module tile $end", "$scope module amp_engine $end", "$scope module stepper $end"]);
}

#[test]
fn waveforms_that_cannot_be_are_refused_and_leave_nothing() {
    let sandbox = Sandbox::new("bad_waveforms");
    let refused = |arguments: &str| sandbox.refusal(&format!("matmul --m 1 --n 1 --k 1 --config small16 {arguments}"));
    assert_eq!(refused("--trace w.txt"), "--trace w.txt: expected a name that ends in .vcd or .fst");
    let missing = refused("--trace no/w.vcd");
    assert_eq!(missing, "no/w.vcd: cannot write: No such file or directory (os error 2)");
    assert_eq!(
        refused("--trace w.fst --trace-scope amp_engine.map"),
        "--trace-scope amp_engine.map: no such instance; `amp_engine` has descriptors, entries, loader, preloader, \
         stepper, drainer, amp"
    );
    assert_eq!(refused("--trace w.fst --trace-cycles 0"), "--trace-cycles 0: expected at least 1");
    let late = refused("--trace w.fst --trace-from 100000");
    assert!(late.starts_with("--trace-from 100000: expected less than "), "{late}");
    let twice = "cannot write: another output of this command has the same place";
    assert_eq!(refused("--trace w.fst --trace ./w.fst"), format!("./w.fst: {twice}"));
    assert_eq!(refused("--out w.vcd --trace w.vcd"), format!("w.vcd: {twice}"));
    assert_eq!(refused("--out w.gtkw --trace w.vcd"), format!("w.gtkw: {twice}"));
    assert!(refused("--trace w.fst --trace-from=-1").starts_with("invalid value '-1' for '--trace-from <CYCLE>'"));
    assert!(refused("--trace-from 3").contains("--trace <FILE>"));
    assert_eq!(
        refused("--trace w.fst --trace w.vcd --trace w.png"),
        "--trace w.png: expected a name that ends in .vcd or .fst"
    );
    assert_eq!(sandbox.names(), Vec::<String>::new());
}

#[test]
fn inputs_are_no_place_for_outputs() {
    let sandbox = small_product("inputs_as_outputs");
    let before = fs::read(sandbox.folder.join("A.npy")).unwrap();
    std::os::unix::fs::symlink("A.npy", sandbox.folder.join("page.html")).unwrap();
    let input = "cannot write: it is an input of this command";
    assert_eq!(sandbox.refusal("matmul A.npy B.npy --out A.npy"), format!("A.npy: {input}"));
    assert_eq!(sandbox.refusal("matmul A.npy B.npy --report page.html"), format!("page.html: {input}"));
    assert_eq!(fs::read(sandbox.folder.join("A.npy")).unwrap(), before);
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    let sandbox = Sandbox::new("interrupted");
    let arguments = "matmul --m 256 --n 256 --k 256 --trace w.vcd --report page.html";
    let mut running = Command::new(env!("CARGO_BIN_EXE_tessera"))
        .args(arguments.split_whitespace())
        .current_dir(&sandbox.folder)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // A waveform of that size takes many seconds; wait until it is being written.
    let begin = std::time::Instant::now();
    while sandbox.names().is_empty() {
        assert!(begin.elapsed().as_secs() < 60 && running.try_wait().unwrap().is_none(), "nothing is written");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap().success());
    assert_eq!(running.wait().unwrap().code(), Some(130));
    assert_eq!(sandbox.names(), Vec::<String>::new());
}

#[test]
fn a_view_that_somebody_changed_stays() {
    let sandbox = Sandbox::new("changed_views");
    let run = "matmul --m 1 --n 1 --k 1 --config small16 --trace w.vcd --trace-scope sequencer";
    sandbox.succeed(run);
    sandbox.succeed(run);
    let view = sandbox.folder.join("w.gtkw");
    let changed = fs::read_to_string(&view).unwrap() + "[mine]\n";
    fs::write(&view, &changed).unwrap();
    let output = sandbox.run(run);
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "note: w.gtkw was changed, and stays as it is\n");
    assert_eq!(fs::read_to_string(&view).unwrap(), changed);
}

/// Needs Verilator: `scripts/setup` installs it.
#[test]
fn both_simulators_tell_the_same() {
    let sandbox = Sandbox::new("simulators");
    let run = |simulator: &str| {
        let mut summary =
            sandbox.json(&format!("matmul --m 9 --n 20 --k 30 --config small16 --json --sim {simulator}"));
        let summary = summary.as_object_mut().unwrap();
        assert_eq!(summary.remove("simulator").unwrap(), simulator);
        summary.remove("sim_cycles_per_second").unwrap();
        summary.clone()
    };
    assert_eq!(run("native"), run("verilator"));
}

/// Needs Verilator too.
#[test]
fn figures_are_measured_named_and_plotted() {
    let sandbox = Sandbox::new("bench");
    let table = sandbox.succeed("bench --quick --json figures.json --plot rows.svg");
    let text = fs::read_to_string(sandbox.folder.join("figures.json")).unwrap();
    let figures: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(table.lines().count(), figures.len());
    for name in [
        "ipu64_elaborate_and_emit",
        "ipu64_verilog_size",
        "ipu64_64x64x64_utilisation",
        "ipu64_128x128x128_predicted_cycles",
        "ipu64_rows_1_utilisation",
        "ipu64_rows_64_utilisation",
        "4_tiles_256x256x256_cycles",
        "native_4_tiles_speed",
        "native_speed",
        "verilator_o1_speed",
        "native_speed_over_verilator_o1",
    ] {
        let figure = figures.iter().find(|figure| figure["name"] == name).unwrap_or_else(|| panic!("no {name}"));
        assert!(figure["value"].as_f64().unwrap() > 0.0, "{figure}");
        assert_ne!(figure["unit"], "", "{figure}");
        assert!(figure["command"].as_str().unwrap().starts_with("cargo run --release -- "), "{figure}");
    }
    let plot = fs::read_to_string(sandbox.folder.join("rows.svg")).unwrap();
    assert!(plot.starts_with("<svg ") && plot.contains("MAC utilisation of ipu64"));
    assert_eq!(sandbox.names(), ["figures.json", "rows.svg"]);
}

#[test]
fn named_configurations_are_listed() {
    let sandbox = Sandbox::new("configs");
    let table = sandbox.succeed("configs");
    let names: Vec<&str> = table.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["name", "ipu64", "wide256", "small16", "vector64"]);
    let json = sandbox.json("configs --json");
    assert_eq!(json[0]["name"], "ipu64");
    assert_eq!(json[2]["accumulator"], "exact");
}

#[test]
fn verilog_is_written_with_a_file_list() {
    let sandbox = Sandbox::new("emit");
    let line = sandbox.succeed("emit --config small16 --out rtl");
    assert!(line.contains("rtl/tile.f\nFuseSoC core: tessera:small16:tile:"), "{line}");
    let list = fs::read_to_string(sandbox.folder.join("rtl/tile.f")).unwrap();
    let files: Vec<&str> = list.lines().collect();
    assert_eq!(files.last(), Some(&"tile.v"));
    let text: String =
        files.iter().map(|name| fs::read_to_string(sandbox.folder.join("rtl").join(name)).unwrap()).collect();
    assert_eq!(text.matches("\nendmodule").count(), files.len());
    let written = fs::read_dir(sandbox.folder.join("rtl")).unwrap().count();
    assert_eq!(written, files.len() + 3, "what is listed, the list, the core and its testbench");

    sandbox.succeed("emit --config small16 --top dot_product_t1_fpga --out part");
    let list = fs::read_to_string(sandbox.folder.join("part/dot_product_t1_fpga.f")).unwrap();
    assert_eq!(list.lines().last(), Some("dot_product_t1_fpga.v"));
    assert!(!list.contains("tile.v"));
    assert!(!sandbox.folder.join("part/tile_tb.sv").exists(), "a part has no host port");

    let line = sandbox.succeed("emit --config small16 --tiles 3 --out machine");
    assert!(line.contains("machine/grid_n3.f\nFuseSoC core: tessera:small16:grid_n3:"), "{line}");
    let grid = fs::read_to_string(sandbox.folder.join("machine/grid_n3.v")).unwrap();
    assert!((0..4).all(|tile| grid.contains(&format!(" tile_{tile} (")) == (tile < 3)), "three tiles");
    let list = fs::read_to_string(sandbox.folder.join("machine/grid_n3.f")).unwrap();
    assert!(list.contains("fabric_n3_") && list.contains("sync_n3.v") && list.contains("exchange_port_"), "{list}");
}

#[test]
fn bad_files_are_refused_by_name_with_what_was_found_and_what_is_expected() {
    let sandbox = small_product("bad_files");
    let refused = |arguments: &str| sandbox.refusal(&format!("matmul {arguments} --out C.npy"));

    assert_eq!(refused("none.npy B.npy"), "none.npy: cannot read: No such file or directory (os error 2)");
    fs::write(sandbox.folder.join("text.npy"), "1 2 3").unwrap();
    let text = refused("A.npy text.npy");
    assert!(text.starts_with("text.npy: ") && text.ends_with("; expected a NumPy .npy file"), "{text}");
    fs::write(sandbox.folder.join("empty.npy"), "").unwrap();
    assert!(refused("empty.npy B.npy").ends_with("; expected a NumPy .npy file"));

    sandbox.npy("int.npy", "<i4", "(2, 2)", &[0; 16]);
    assert_eq!(
        refused("int.npy B.npy"),
        "int.npy: found dtype '<i4', expected float16 (or float32 or float64, which are rounded to float16)"
    );
    sandbox.npy("row.npy", "<f2", "(2,)", &fp16(&[ONE, ONE]));
    assert_eq!(refused("row.npy B.npy"), "row.npy: found shape 2, expected two dimensions");
    sandbox.npy("none.npy", "<f2", "(0, 2)", &[]);
    assert_eq!(refused("none.npy B.npy"), "none.npy: found shape 0 x 2, expected at least 1 x 1");
    assert_eq!(refused("A.npy A.npy"), "A.npy: found 3 x 2, expected 2 rows, as many as A.npy has columns");
    sandbox.npy("short.npy", "<f2", "(2, 2)", &fp16(&[ONE]));
    assert!(refused("short.npy B.npy").starts_with("short.npy: "));
    sandbox.npy("long.npy", "<f4", "(1, 1)", &[0; 12]);
    assert!(refused("long.npy B.npy").starts_with("long.npy: "));

    sandbox.npy("bias.npy", "<f4", "(2,)", &fp32(&[1.0, 2.0]));
    assert_eq!(
        refused("A.npy B.npy --bias bias.npy"),
        "bias.npy: found shape 2, expected 3 numbers (a bias) or 3 x 3 (partial sums)"
    );
    sandbox.npy("bias.npy", "<i8", "(3,)", &[0; 24]);
    assert_eq!(
        refused("A.npy B.npy --bias bias.npy"),
        "bias.npy: found dtype '<i8', expected float32 (or float16, or float64, which is rounded to float32)"
    );
    assert!(!sandbox.names().iter().any(|name| name.contains("C.npy")), "nothing is left of a refused run");
}

#[test]
fn an_output_keeps_the_links_and_permissions_of_what_it_replaces() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let sandbox = small_product("links");
    let (real, link) = (sandbox.folder.join("real.npy"), sandbox.folder.join("link.npy"));
    fs::write(&real, "old").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&real, &link).unwrap();
    sandbox.succeed("matmul A.npy B.npy --out link.npy");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read(&real).unwrap().starts_with(b"\x93NUMPY"));
    assert_eq!(
        sandbox.refusal("matmul A.npy B.npy --out /dev/null"),
        "/dev/null: cannot write: it is a device or a pipe, expected a file"
    );
    fs::set_permissions(&real, fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(sandbox.refusal("matmul A.npy B.npy --out real.npy"), "real.npy: cannot write: it is read-only");
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_the_run() {
    let sandbox = small_product("bad_outputs");
    let missing = sandbox.refusal("matmul A.npy B.npy --out no/C.npy");
    assert_eq!(missing, "no/C.npy: cannot write: No such file or directory (os error 2)");
    fs::create_dir(sandbox.folder.join("C.npy")).unwrap();
    assert_eq!(
        sandbox.refusal("matmul A.npy B.npy --out C.npy"),
        "C.npy: cannot write: it is a folder, expected a file"
    );
    let folder = sandbox.refusal("emit --out A.npy");
    assert!(folder.starts_with("A.npy: cannot make the folder: "), "{folder}");
    assert_eq!(sandbox.names(), ["A.npy", "B.npy", "C.npy"]);
}

#[test]
fn bad_options_are_refused() {
    let sandbox = Sandbox::new("bad_options");
    let refused = |arguments: &str| sandbox.refusal(arguments);
    assert_eq!(refused("matmul --round sr"), "--round sr: concerns FP16 results; expected --out-type fp16 with it");
    assert_eq!(refused("matmul --round sr --out-type fp16 --tiles 2"), "stochastic rounding: expected one tile");
    assert_eq!(refused("matmul --saturate"), "--saturate: concerns FP16 results; expected --out-type fp16 with it");
    let huge = refused("matmul --m 1000000 --n 1 --k 1000000");
    assert!(huge.contains("A has 1000000000000 numbers, expected at most 67108864"), "{huge}");
    assert_eq!(refused("matmul --m 0"), "--m 0: expected 1 to 1048576");
    assert_eq!(
        refused("matmul --config ipu65"),
        "--config ipu65: expected ipu64, wide256, small16, vector64 or the name of a .toml file"
    );
    assert_eq!(refused("matmul --set terms"), "--set terms: expected KEY=VALUE, for instance terms=8");
    let unknown = refused("matmul --set term=8");
    assert!(unknown.starts_with("--set term=8: unknown field `term`, expected one of `name`, `terms`"), "{unknown}");
    assert!(refused("matmul --set terms=many").starts_with("--set terms=many: invalid type"));
    assert_eq!(refused("matmul --set terms=5"), "configuration ipu64+terms=5: terms = 5; expected 1, 2, 4, 8 or 16");
    assert!(refused("emit --out rtl --top nothing").starts_with("--top nothing: expected one of tile, "));
    assert!(refused("emit --out rtl --tiles 2 --top tile").starts_with("--top tile: expected one of grid_n2, "));
    assert_eq!(refused("emit --out rtl --tiles 0"), "--tiles 0: tiles = 0; expected 1 to 2048");
    assert_eq!(sandbox.names(), [""; 0]);
}

#[test]
fn bad_configuration_files_are_refused() {
    let sandbox = Sandbox::new("bad_configurations");
    let refused = |text: &str| {
        fs::write(sandbox.folder.join("mine.toml"), text).unwrap();
        sandbox.refusal("matmul --config mine.toml")
    };
    assert_eq!(refused("terms = 4"), "mine.toml: found no `name`, expected name = \"...\"");
    assert!(refused("name = \"a\"\nterms = \n").starts_with("mine.toml, line 2: "));
    assert!(refused("name = \"a\"\nlanes = 3\n").starts_with("mine.toml: lanes = 3: unknown field `lanes`"));
    assert!(refused("name = \"a\"\nterms = -2\n").starts_with("mine.toml: terms = -2: "));
    assert_eq!(refused("name = \"a\"\nrows = 3\n"), "configuration a: rows = 3; expected 16, 32 or 64");
    let missing = sandbox.refusal("matmul --config none.toml");
    assert!(missing.starts_with("none.toml: cannot read: "), "{missing}");
}

#[test]
fn usage_errors_have_status_2() {
    let sandbox = small_product("usage");
    for arguments in ["", "matmul A.npy", "matmul A.npy B.npy --m 3", "matmul --sim modelsim", "multiply", "emit"] {
        assert_eq!(sandbox.run(arguments).status.code(), Some(2), "{arguments}");
    }
}

/// Options of a small machine.
const SMALL_MACHINE: &str = "--tiles 3 --set rows=16 --set banks=20 --set bank_kib=2";

#[test]
fn many_tiles_share_a_product() {
    let sandbox = small_product("tiles");
    let table = sandbox.succeed("matmul A.npy B.npy --out C.npy --tiles 2 --config small16");
    assert!(table.contains("\ngolden      9 results and the flags compared: all bit-exact"), "{table}");
    let c = sandbox.data("C.npy", "<f4", "(3, 3)");
    assert_eq!(c, fp32(&[7.0, 6.0, 5.0, 6.0, 8.0, 10.0, 8.0, 8.0, 8.0]));

    sandbox.npy("bias.npy", "<f4", "(3,)", &fp32(&[-7.5, 0.25, -100.0]));
    sandbox.succeed(&format!("matmul A.npy B.npy --out C.npy --bias bias.npy --out-type fp16 --relu {SMALL_MACHINE}"));
    let c = sandbox.data("C.npy", "<f2", "(3, 3)");
    assert_eq!(c, fp16(&[0, 0x4640, 0, 0, 0x4820, 0, 0x3800, 0x4820, 0]));
}

#[test]
fn the_summary_of_many_tiles_accounts_for_every_cycle() {
    let sandbox = Sandbox::new("tiles_summary");
    let summary = sandbox.json(&format!("matmul --m 20 --n 70 --k 60 --json {SMALL_MACHINE}"));
    let number = |key: &str| summary[key].as_u64().unwrap();
    assert_eq!((number("tiles"), number("macs_per_cycle"), number("compared")), (3, 3 * 64, 20 * 70));
    assert_eq!((&summary["bit_exact"], &summary["cycles"]), (&true.into(), &summary["predicted_cycles"]));
    let parts = ["compute_cycles", "exchange_cycles", "sync_cycles", "other_cycles"].map(number);
    assert!(parts[0] > 0 && parts[1] > 0 && parts.iter().sum::<u64>() == number("cycles"), "{parts:?}");
    assert!(number("compute_bound_cycles") + number("exchange_bound_cycles") < number("cycles"));
    let alternatives = summary["alternatives"].as_array().unwrap();
    assert!(alternatives.len() > 2 && alternatives[0]["partition"] == summary["partition"], "{alternatives:?}");
    let cycles = alternatives.iter().map(|alternative| alternative["predicted_cycles"].as_u64().unwrap());
    assert!(cycles.clone().is_sorted() && cycles.min() == Some(number("cycles")));
}

#[test]
fn exact_sums_of_many_tiles_are_those_of_one() {
    let sandbox = Sandbox::new("exact_sums");
    let [one, two] = [1, 2].map(|tiles| {
        sandbox
            .succeed(&format!("matmul --m 3 --n 32 --config small16 --exact-sums --out {tiles}.npy --tiles {tiles}"));
        fs::read(sandbox.folder.join(format!("{tiles}.npy"))).unwrap()
    });
    assert!(one == two && sandbox.refusal("matmul --exact-sums").contains("expected exact accumulators"));
}

#[test]
fn waveforms_show_all_tiles_or_one() {
    let sandbox = Sandbox::new("tiles_waveforms");
    let run = "matmul --tiles 2 --m 1 --n 1 --k 1 --config small16";
    sandbox.succeed(&format!("{run} --trace all.vcd --trace-cycles 3"));
    let waveform = fs::read_to_string(sandbox.folder.join("all.vcd")).unwrap();
    assert!(waveform.contains("$scope module tile_0 $end") && waveform.contains("$scope module tile_1 $end"));
    sandbox.succeed(&format!("{run} --trace one.fst --trace-cycles 3 --trace-scope tile_1"));
    for (view, tile) in [("all.gtkw", 0), ("one.gtkw", 1)] {
        let view = fs::read_to_string(sandbox.folder.join(view)).unwrap();
        assert!(view.contains(&format!("\ngrid_n2.tile_{tile}.sequencer.state_as_text\n")), "{view}");
        assert!(!view.contains(&format!("tile_{}", 1 - tile)), "{view}");
    }
}

#[test]
fn machines_that_cannot_be_are_refused() {
    let sandbox = Sandbox::new("bad_tiles");
    let refused = |arguments: &str| sandbox.refusal(&format!("matmul {arguments}"));
    assert_eq!(refused("--tiles 65"), "--tiles 65: expected 1 to 64");
    assert_eq!(refused("--tiles 0"), "--tiles 0: expected 1 to 64");
    assert_eq!(
        refused("--tiles 2 --report page.html"),
        "--report page.html: shows a run on one tile; expected no --tiles with it"
    );
    assert_eq!(
        refused("--tiles 2 --config small16 --m 999 --n 999 --k 999"),
        "999 x 999 x 999 on 2 tiles of small16: operands and results of no partition fit the 65536 bytes of a tile; \
         expected a smaller product or more tiles, or one, which takes it in parts"
    );
    let scope = refused("--tiles 2 --config small16 --m 1 --n 1 --k 1 --trace w.vcd --trace-scope tile_2");
    assert_eq!(
        scope,
        "--trace-scope tile_2: no such instance; the grid_n2 has broadcast, tile_0, tile_1, fabric, sync"
    );
    assert_eq!(sandbox.names(), [""; 0]);
}
