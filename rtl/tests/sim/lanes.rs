//! Repetitions, which the simulator computes side by side, against one cell at a time.

use crate::reference::Random;
use crate::reference::circuit::{Inputs, Outputs, RandomCircuit};
use rtl::sim::Simulator;
use rtl::{Bits, Builder, Module, Ports, Signal, elaborate};

/// A random circuit with a memory that its results drive.
#[derive(Debug)]
struct Cell {
    circuit: RandomCircuit,
}

impl Cell {
    fn new(seed: u64) -> Self {
        Cell { circuit: RandomCircuit { seed: 1000 * seed + 2, registers: 6 } }
    }
}

impl Module for Cell {
    type In = Inputs;
    type Out = Outputs;

    fn name(&self) -> String {
        "repeated_cell".into()
    }

    fn inputs(&self, ports: &Ports) -> Inputs {
        self.circuit.inputs(ports)
    }

    fn build(&self, m: &Builder, io: Inputs) -> Outputs {
        let random = &mut Random(self.circuit.seed + 2);
        let mut results = self.circuit.build(m, io).results;
        let width = random.width();
        let mut operand = |width| RandomCircuit::operand(random, &results, width);
        let (write, read, data, enable) = (operand(4), operand(4), operand(width), operand(1));
        let memory = m.memory("words", 16, width);
        memory.write(write, data, enable);
        results.push(memory.read("read", read));
        Outputs { results }
    }
}

/// How often a cell is repeated, and how.
#[derive(Clone, Copy, Debug)]
struct Repetition {
    seed: u64,
    copies: usize,
    /// As instances, or in a loop.
    instances: bool,
    /// Each gets a result of the one before.
    chained: bool,
}

impl Repetition {
    /// All cells get what the first gets.
    fn is_shared(&self, input: usize) -> bool {
        self.seed >> input & 1 == 1
    }

    /// Number of the cell and of its input, and the width.
    fn inputs(&self) -> Vec<(usize, usize, usize)> {
        let widths = Cell::new(self.seed).circuit.input_widths();
        let copies = |copy| widths.iter().enumerate().map(move |(input, &width)| (copy, input, width));
        (0..self.copies).flat_map(copies).filter(|&(copy, input, _)| copy == 0 || !self.is_shared(input)).collect()
    }
}

fn resize(value: Signal, width: usize) -> Signal {
    if value.width() < width { value.zero_extend(width) } else { value.truncate(width) }
}

impl Module for Repetition {
    type In = Inputs;
    type Out = Outputs;

    fn name(&self) -> String {
        "repetition".into()
    }

    fn inputs(&self, ports: &Ports) -> Inputs {
        let input = |(copy, input, width): (usize, usize, usize)| ports.input(&format!("x_{copy}_{input}"), width);
        Inputs { values: Repetition::inputs(self).into_iter().map(input).collect() }
    }

    fn build(&self, m: &Builder, io: Inputs) -> Outputs {
        let cell = Cell::new(self.seed);
        let mut own = io.values.into_iter();
        let mut values: Vec<Signal> = vec![];
        let mut results: Vec<Signal> = vec![];
        for copy in 0..self.copies {
            let widths = cell.circuit.input_widths();
            values = (0..widths.len())
                .map(|i| if copy > 0 && self.is_shared(i) { values[i] } else { own.next().expect("an input") })
                .collect();
            let mut taken = values.clone();
            if self.chained && copy > 0 {
                let last = *results.last().expect("results of the copy before");
                taken[0] = taken[0] ^ resize(last, taken[0].width());
            }
            let io = Inputs { values: taken };
            let name = format!("copy_{copy}");
            let out = if self.instances { m.instance(&name, &cell, io) } else { m.scope(name, || cell.build(m, io)) };
            results.extend(out.results);
        }
        Outputs { results }
    }
}

/// Runs a repetition beside single cells; returns how many values it compared.
fn compare(repetition: Repetition, cycles: usize) -> usize {
    let mut random = Random(repetition.seed);
    let mut together = Simulator::new(&elaborate(&repetition).unwrap()).unwrap();
    let design = elaborate(&Cell::new(repetition.seed)).unwrap();
    let mut cells: Vec<Simulator> = (0..repetition.copies).map(|_| Simulator::new(&design).unwrap()).collect();
    let outputs: Vec<_> = design.top().outputs.iter().map(|port| cells[0].output(&port.name).unwrap()).collect();
    let mut compared = 0;
    for cycle in 0..cycles {
        let reset = random.below(4) == 0;
        for sim in cells.iter_mut().chain([&mut together]) {
            let port = sim.input("reset").unwrap();
            sim.set(port, reset.into());
        }
        // What input 0 of each cell has, without what the copy before adds.
        let mut first = vec![Bits::zero(1); repetition.copies];
        for (copy, input, width) in repetition.inputs() {
            let value = random.bits(width);
            let port = together.input(&format!("x_{copy}_{input}")).unwrap();
            together.set_bits(port, &value);
            for (other, cell) in cells.iter_mut().enumerate() {
                if other == copy || repetition.is_shared(input) {
                    if input == 0 {
                        first[other] = value.clone();
                    }
                    let port = cell.input(&format!("values_{input}")).unwrap();
                    cell.set_bits(port, &value);
                }
            }
        }
        let mut before: Option<Bits> = None;
        for (copy, cell) in cells.iter_mut().enumerate() {
            if let Some(before) = before.filter(|_| repetition.chained) {
                let width = first[copy].width();
                let before = before.words().iter().copied().chain(std::iter::repeat(0));
                let words: Vec<u64> =
                    first[copy].words().iter().zip(before).map(|(own, before)| own ^ before).collect();
                let port = cell.input("values_0").unwrap();
                cell.set_bits(port, &Bits::from_words(&words, width));
            }
            for (i, &output) in outputs.iter().enumerate() {
                let number = copy * outputs.len() + i;
                let found = together.output(&format!("results_{number}")).unwrap();
                let (found, expected) = (together.get_bits(found), cell.get_bits(output));
                assert_eq!(found, expected, "{repetition:?}, cycle {cycle}: result {i} of copy {copy}");
                compared += 1;
            }
            before = outputs.last().map(|&output| cell.get_bits(output));
        }
        for sim in cells.iter_mut().chain([&mut together]) {
            sim.step(1).unwrap();
        }
    }
    compared
}

/// Cycles of each repetition.
const CYCLES: usize = 12;

#[test]
fn repetitions_do_what_their_parts_do() {
    let mut compared = 0;
    let mut random = Random(5);
    for seed in 0..60 {
        let copies = [4, 5, 8, 9, 16, 21][random.below(6)];
        let repetition = Repetition { seed, copies, instances: seed % 2 == 0, chained: random.below(3) == 0 };
        let results = elaborate(&Cell::new(seed)).unwrap().top().outputs.len();
        let found = compare(repetition, CYCLES);
        assert_eq!(found, CYCLES * copies * results);
        compared += found;
    }
    assert!(compared > 300_000, "{compared} values compared");
}
