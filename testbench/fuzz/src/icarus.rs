//! Icarus Verilog: a test bench reads the stimulus of each design from a file and prints its outputs.

use std::fmt::Write;

use rtl::Bits;

use crate::batch::{Batch, One};
use crate::folder::Folder;
use crate::run::{Run, RunError, Simulator};

/// `iverilog` and `vvp`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Icarus;

impl Simulator for Icarus {
    fn name(&self) -> &'static str {
        "icarus"
    }

    fn run(&self, batch: &Batch, verilog: &str) -> Result<Vec<Run>, RunError> {
        let folder = Folder::new()?;
        folder.write("batch.v", verilog)?;
        folder.write("bench.v", bench(batch))?;
        for (i, one) in batch.designs.iter().enumerate() {
            folder.write(&format!("stimulus_{i}.hex"), stimulus_file(one))?;
        }
        folder.run("iverilog", &["-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v", "batch.v"])?;
        let printed = folder.run("vvp", &["-N", "bench.vvp"])?;
        parse(batch, &String::from_utf8_lossy(&printed))
    }
}

/// Bits of a design's stimulus in one cycle: the reset on top, then the inputs in order.
fn stimulus_bits(one: &One) -> usize {
    1 + one.design.top().inputs.iter().map(|port| port.width).sum::<usize>()
}

fn stimulus_file(one: &One) -> String {
    let mut text = String::new();
    for cycle in &one.stimulus {
        let mut bits = vec![cycle.reset];
        for value in &cycle.inputs {
            bits.extend((0..value.width()).rev().map(|i| value.bit(i)));
        }
        bits.reverse();
        let nibble = |nibble: &[bool]| nibble.iter().rev().fold(0, |sum, &bit| 2 * sum + bit as u32);
        let digits = bits.chunks(4).rev().map(nibble);
        text.extend(digits.map(|digit| char::from_digit(digit, 16).expect("four bits")));
        text.push('\n');
    }
    text
}

fn bench(batch: &Batch) -> String {
    let top = batch.together.top();
    let cycles = batch.designs.iter().map(|one| one.stimulus.len()).max().unwrap_or(0);
    let mut text = String::from("module bench;\n    reg clock = 0;\n    integer cycle;\n    integer word;\n");
    let mut connections = vec![];
    if top.has_clock {
        connections.push(".clock (clock)".to_string());
    }
    if top.has_reset {
        connections.push(".reset (1'b0)".into());
    }
    for port in &top.inputs {
        writeln!(text, "    wire [{}:0] {};", port.width - 1, port.name).expect("text");
    }
    for port in &top.outputs {
        writeln!(text, "    wire [{}:0] {};", port.width - 1, port.name).expect("text");
    }
    connections.extend(top.inputs.iter().chain(&top.outputs).map(|port| format!(".{0} ({0})", port.name)));
    let inputs = batch.input_names();
    for (i, (one, names)) in batch.designs.iter().zip(&inputs).enumerate() {
        let high = stimulus_bits(one) - 1;
        writeln!(text, "    reg [{high}:0] stimulus_{i} [0:{}];", cycles - 1).expect("text");
        writeln!(text, "    reg [{high}:0] now_{i};").expect("text");
        writeln!(text, "    assign {{{}}} = now_{i};", names.join(", ")).expect("text");
    }
    writeln!(text, "    {} dut ({});", top.name, connections.join(", ")).expect("text");
    text += "    initial begin\n";
    for i in 0..batch.designs.len() {
        writeln!(text, "        $readmemh(\"stimulus_{i}.hex\", stimulus_{i});").expect("text");
    }
    writeln!(text, "        for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin").expect("text");
    for i in 0..batch.designs.len() {
        writeln!(text, "            now_{i} = stimulus_{i}[cycle];").expect("text");
    }
    text += "            #1;\n";
    for names in batch.output_names() {
        let format = vec!["%h"; names.len()].join(" ");
        writeln!(text, "            $display(\"{format}\", {});", names.join(", ")).expect("text");
    }
    text += "            clock = 1;\n            #1 clock = 0;\n        end\n";
    for (i, one) in batch.designs.iter().enumerate() {
        for memory in &one.memories {
            let (path, depth) = (memory.path.join("."), memory.depth);
            writeln!(text, "        for (word = 0; word < {depth}; word = word + 1) ").expect("text");
            writeln!(text, "            $display(\"%h\", dut.design_{i}.{path}[word]);").expect("text");
        }
    }
    text + "        $display(\"end\");\n    end\nendmodule\n"
}

fn parse(batch: &Batch, printed: &str) -> Result<Vec<Run>, RunError> {
    if let Some(error) = printed.lines().find(|line| line.starts_with("ERROR") || line.contains("rror:")) {
        return Err(RunError::Refused(format!("vvp: {error}")));
    }
    if !printed.ends_with("end\n") {
        return Err(RunError::Refused("vvp: the simulation did not end".into()));
    }
    let mut lines = printed.lines();
    let mut line = || lines.next().unwrap_or_default();
    let mut runs = vec![Run::default(); batch.designs.len()];
    let cycles = batch.designs.iter().map(|one| one.stimulus.len()).max().unwrap_or(0);
    for _ in 0..cycles {
        for (one, run) in batch.designs.iter().zip(&mut runs) {
            let values = line().split(' ').zip(&one.design.top().outputs);
            run.outputs.push(values.map(|(value, port)| parse_hex(value, port.width)).collect());
        }
    }
    for (one, run) in batch.designs.iter().zip(&mut runs) {
        for memory in &one.memories {
            run.memories.push((0..memory.depth).map(|_| parse_hex(line().trim(), memory.width)).collect());
        }
    }
    Ok(runs)
}

/// `None` where a digit is `x` or `z`.
fn parse_hex(text: &str, width: usize) -> Option<Bits> {
    let mut words = vec![0u64; width.div_ceil(64)];
    for (i, digit) in text.chars().rev().enumerate() {
        let digit = digit.to_digit(16)? as u64;
        if let Some(word) = words.get_mut(i / 16) {
            *word |= digit << (4 * (i % 16));
        }
    }
    Some(Bits::from_words(&words, width))
}
