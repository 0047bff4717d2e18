//! Builds are cached by content, once for all threads and processes, and a failed one is not.

use std::process::{Command, Stdio};

use crate::common::{TemporaryFolder, bench, bench_options, compiled_bench, traced};
use tessera_cosim::{Design, Error, Options};

/// For a process that this program starts of itself: the cache in which it builds.
const CACHE_OF_CHILD: &str = "TESSERA_COSIM_TEST_CACHE";

fn buffer() -> Design {
    Design::from_verilog("buffer", "module buffer(input [3:0] a, output [3:0] y); assign y = a; endmodule")
        .input("a", 4)
        .output("y", 4)
}

fn options_in(folder: &TemporaryFolder) -> Options {
    Options { cache: Some(folder.path().into()), ..Options::default() }
}

#[test]
fn a_build_is_used_again_without_compiling() {
    let first = compiled_bench();
    let second = compiled_bench();
    second.model().unwrap().step(1).unwrap();
    assert!(!second.newly_built());
    assert_eq!(first.folder(), second.folder());
}

#[test]
fn another_text_option_or_argument_is_another_build() {
    let folder_of = |design: Design, options: &Options| {
        // Refused by Verilator, but only after the build got its folder.
        let cache = TemporaryFolder::new("identity");
        let options = Options { cache: Some(cache.path().into()), ..options.clone() };
        design.compile(&options).unwrap_err();
        let mut entries = std::fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name());
        entries.find(|name| name.to_string_lossy().ends_with(".lock")).unwrap()
    };
    let broken = || Design::from_verilog("broken", "module broken(input a); syntax error");
    let options = Options::default;
    let base = folder_of(broken(), &options());
    assert_eq!(base, folder_of(broken(), &options()));
    let others = [
        folder_of(broken().source("more.v", ""), &options()),
        folder_of(broken().input("a", 1), &options()),
        folder_of(broken(), &Options { trace: tessera_cosim::Trace::Vcd, ..options() }),
        folder_of(broken(), &Options { verilator_arguments: vec!["-DX".into()], ..options() }),
        folder_of(broken(), &Options { optimization: tessera_cosim::Optimization::None, ..options() }),
        folder_of(broken(), &Options { blocks: vec!["broken".into()], ..options() }),
    ];
    for (index, other) in others.iter().enumerate() {
        assert!(*other != base && !others[..index].contains(other), "{index}");
    }
}

/// Two accumulators, one behind the other through a path without a register.
fn chain() -> Design {
    let link = "module link(input clock, input [7:0] a, output [7:0] y);
        reg [7:0] sum = 0;
        assign y = sum ^ a;
        always @(posedge clock) begin
            sum <= sum + a;
            assert (a != 8'hff);
        end
    endmodule";
    let chain = "module chain(input clock, input [7:0] a, output [7:0] y);
        wire [7:0] between;
        link first(clock, a, between);
        link second(clock, between, y);
    endmodule";
    let design = Design::new("chain").source("link.v", link).source("chain.v", chain);
    design.input("clock", 1).input("a", 8).output("y", 8)
}

#[test]
fn a_block_is_built_once_and_its_instances_do_the_same_as_without() {
    let whole = chain().compile(&traced()).unwrap();
    let blocks = chain().compile(&Options { blocks: vec!["link".into()], ..traced() }).unwrap();
    let values = |mut model: tessera_cosim::Model| {
        let [a, y] = ["a", "y"].map(|name| model.port(name).unwrap());
        let mut values = vec![];
        for value in [3, 3, 200, 0, 77, 0x55] {
            model.set_u64(a, value);
            model.eval().unwrap();
            values.push(model.get_u64(y));
            model.step(2).unwrap();
            values.push(model.get_u64(y));
        }
        model.set_u64(a, 0xff);
        let Err(Error::Failed { cycle, message, .. }) = model.step(5) else { panic!("the assertion was not noticed") };
        assert!(cycle == 13 && message.contains("link.v:"), "{message}");
        values
    };
    let expected = values(whole.model().unwrap());
    assert_eq!(values(blocks.model().unwrap()), expected);
    assert_eq!(values(blocks.model().unwrap()), expected);
    let missing = chain().compile(&Options { blocks: vec!["chains".into()], ..traced() }).unwrap_err().to_string();
    assert_eq!(missing, "no source `chains.v` in `chain`; it has link.v, chain.v");
}

#[test]
fn a_failed_build_says_why_and_is_not_cached() {
    let cache = TemporaryFolder::new("failed");
    let options = options_in(&cache);
    let broken = Design::from_verilog("buffer", "module buffer(input a, output y);\n  assign y = b;\nendmodule");
    for _ in 0..2 {
        let error = broken.compile(&options).unwrap_err();
        assert!(matches!(&error, Error::ProgramFailed { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains("buffer.v:2") && message.contains("'b'"), "{message}");
    }
    let narrow = Design::from_verilog("buffer", "module buffer(input a, output y); assign y = a; endmodule");
    let message = narrow.input("a", 4).output("y", 4).compile(&options).unwrap_err().to_string();
    assert_eq!(message, "port list of `buffer`: `a` has 1 bits in the module, 4 here");
    let names = std::fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let complete = names.filter(|name| {
        let name = name.to_string_lossy();
        !name.ends_with(".lock") && !name.ends_with(".partial")
    });
    assert_eq!(complete.count(), 0);
}

#[test]
fn what_the_cxx_compiler_refuses_is_shown_and_not_cached() {
    let text = "module refused(input a); initial $c(\"not_declared();\"); endmodule";
    let refused = Design::from_verilog("refused", text).input("a", 1);
    for _ in 0..2 {
        let message = refused.compile(&traced()).unwrap_err().to_string();
        assert!(message.contains("failed on `refused`") && message.contains("not_declared"), "{message}");
    }
}

/// Not a test of its own: what each process of `of_racing_processes_one_compiles` does.
#[test]
fn racing_process() {
    let Ok(cache) = std::env::var(CACHE_OF_CHILD) else { return };
    let compiled = buffer().compile(&Options { cache: Some(cache.into()), ..Options::default() }).unwrap();
    let mut model = compiled.model().unwrap();
    let (a, y) = (model.port("a").unwrap(), model.port("y").unwrap());
    model.set_u64(a, 9);
    model.eval().unwrap();
    assert_eq!(model.get_u64(y), 9);
    println!("newly_built={}", compiled.newly_built());
}

#[test]
fn of_racing_processes_one_compiles() {
    let cache = TemporaryFolder::new("race");
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "build::racing_process", "--nocapture"])
            .env(CACHE_OF_CHILD, cache.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..4).map(|_| start()).collect();
    let outputs: Vec<_> = processes.into_iter().map(|process| process.wait_with_output().unwrap()).collect();
    let mut newly_built = Vec::new();
    for output in &outputs {
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        newly_built.extend(["true", "false"].into_iter().filter(|b| text.contains(&format!("newly_built={b}"))));
    }
    newly_built.sort_unstable();
    assert_eq!(newly_built, ["false", "false", "false", "true"]);
}

#[test]
fn modules_and_headers_may_be_several_files() {
    let folder = TemporaryFolder::new("files");
    let written = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let design = Design::new("outer")
        .file(written("width.vh", "`define WIDTH 5\n"))
        .unwrap()
        .file(written(
            "inner.v",
            "`include \"width.vh\"\nmodule inner(output [`WIDTH-1:0] y); assign y = 21; endmodule",
        ))
        .unwrap()
        .source("outer.v", "module outer(output [4:0] y); inner inner(.y(y)); endmodule")
        .output("y", 5);
    let mut model = design.simulate(&traced()).unwrap();
    model.eval().unwrap();
    assert_eq!(model.get_u64(model.port("y").unwrap()), 21);
    let missing = Design::new("outer").file(folder.path().join("none.v")).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read") && missing.contains("none.v"), "{missing}");
}

#[test]
fn the_port_list_is_checked_against_the_module() {
    let message = bench().output("more", 3).compile(&bench_options()).unwrap_err().to_string();
    assert_eq!(message, "port list of `bench`: `more` is not a port of the module");
}
