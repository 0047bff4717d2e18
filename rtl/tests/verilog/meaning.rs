//! The text means what the design means: Icarus Verilog and the native simulator agree on every output in every
//! cycle.

use std::fmt::Write;

use rtl::sim::Simulator;
use rtl::verilog::Options;
use rtl::{Bits, Design, elaborate};

use crate::designs::{Machine, Operators};
use crate::random::Random;
use crate::tools::Folder;

/// Drives `design` with `stimulus(cycle)`, one value for each input with reset first where there is one, in both
/// simulators; returns how many output values were compared.
pub fn compare(design: &Design, cycles: usize, mut stimulus: impl FnMut(usize) -> Vec<Bits>) -> usize {
    let top = design.top();
    let mut sim = Simulator::new(design).unwrap();
    let reset = if top.has_reset { vec![("reset", 1)] } else { vec![] };
    let ports: Vec<(&str, usize)> =
        reset.into_iter().chain(top.inputs.iter().map(|port| (port.name.as_str(), port.width))).collect();
    let outputs: Vec<_> = top.outputs.iter().map(|port| (port.name.as_str(), port.width)).collect();
    let input_bits: usize = ports.iter().map(|(_, width)| width).sum();
    let output_bits: usize = outputs.iter().map(|(_, width)| width).sum();

    let mut calls = String::new();
    for cycle in 0..cycles {
        let values = stimulus(cycle);
        for ((name, _), value) in ports.iter().zip(&values) {
            let port = sim.input(name).unwrap();
            sim.set_bits(port, value);
        }
        let expected: Vec<Bits> = outputs.iter().map(|(name, _)| sim.get_bits(sim.output(name).unwrap())).collect();
        writeln!(calls, "        check({}, {});", joined(&values), joined(&expected)).unwrap();
        sim.step(1).unwrap();
    }

    let declared = |(name, width): &(&str, usize), kind: &str| format!("    {kind} [{}:0] {name};\n", width - 1);
    let inputs: String = ports.iter().map(|port| declared(port, "wire")).collect();
    let results: String = outputs.iter().map(|port| declared(port, "wire")).collect();
    let names = |list: &[(&str, usize)]| list.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let clock = if top.has_clock { vec![("clock", 1)] } else { vec![] };
    let all = clock.iter().chain(&ports).chain(&outputs);
    let connections: Vec<String> = all.map(|(name, _)| format!(".{name}({name})")).collect();
    let bench = format!(
        "module bench;
    reg clock = 0;
    reg [{}:0] stimulus;
    integer compared = 0;
{inputs}{results}    assign {{{}}} = stimulus;
    {} dut ({});
    task check(input [{}:0] values, input [{}:0] expected);
        begin
            stimulus = values;
            #1;
            if ({{{}}} !== expected) begin
                $display(\"cycle %0d: %h, expected %h\", compared, {{{}}}, expected);
                $finish;
            end
            compared = compared + 1;
            clock = 1;
            #1 clock = 0;
        end
    endtask
    initial begin
{calls}        $display(\"compared %0d\", compared);
    end
endmodule
",
        input_bits - 1,
        names(&ports),
        top.name,
        connections.join(", "),
        input_bits - 1,
        output_bits - 1,
        names(&outputs),
        names(&outputs),
    );
    let folder = Folder::new(design, &Options::simulation());
    folder.write("bench.v", &bench);
    folder.run("iverilog", &["-g2012", "-y", ".", "-s", "bench", "-o", "bench.vvp", "bench.v"]);
    let printed = folder.run("vvp", &["-N", "bench.vvp"]);
    assert!(printed.ends_with(&format!("compared {cycles}\n")), "{}: {printed}", top.name);
    cycles * outputs.len()
}

/// Values side by side, the first most significant.
fn joined(values: &[Bits]) -> String {
    let parts: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    format!("{{{}}}", parts.join(", "))
}

#[test]
fn every_operator_means_the_same_at_odd_widths() {
    let mut random = Random(1);
    let mut compared = 0;
    for width in [2, 3, 7, 32, 33, 64, 65, 130] {
        let design = elaborate(&Operators { width }).unwrap();
        compared += compare(&design, 200, |_| design.top().inputs.iter().map(|port| random.bits(port.width)).collect());
    }
    assert_eq!(compared, 8 * 200 * 62);
}

#[test]
fn states_memories_and_instances_mean_the_same() {
    let design = elaborate(&Machine).unwrap();
    let mut random = Random(2);
    let compared = compare(&design, 600, |cycle| {
        let mut values = vec![Bits::from_u64((cycle < 2 || cycle == 300) as u64, 1)];
        values.extend(design.top().inputs.iter().map(|port| random.bits(port.width)));
        values
    });
    assert_eq!(compared, 600 * 10);
}
