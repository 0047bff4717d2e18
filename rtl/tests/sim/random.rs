//! Random circuits, combinational and with registers, against a reference in integers without a width.

use crate::reference::circuit::RandomCircuit;
use crate::reference::{Random, State, evaluate, next_registers, to_big, to_bits};
use num_bigint::BigUint;
use rtl::sim::Simulator;
use rtl::{Bits, elaborate};

/// Runs a circuit beside the reference for `cycles`, comparing every output in each; returns how many it compared.
fn compare(circuit: &RandomCircuit, random: &mut Random, cycles: usize) -> usize {
    let design = elaborate(circuit).unwrap();
    let mut sim = Simulator::new(&design).unwrap();
    let top = design.top();
    let inputs: Vec<_> = top.inputs.iter().map(|port| (sim.input(&port.name).unwrap(), port.width)).collect();
    let outputs: Vec<_> = top.outputs.iter().map(|port| (sim.output(&port.name).unwrap(), port)).collect();
    let mut state = State { registers: vec![BigUint::default(); top.registers.len()], ..State::default() };
    let mut compared = 0;
    for cycle in 0..cycles {
        let values: Vec<Bits> = inputs.iter().map(|&(_, width)| random.bits(width)).collect();
        for (value, &(port, _)) in values.iter().zip(&inputs) {
            sim.set_bits(port, value);
        }
        state.inputs = values.iter().map(to_big).collect();
        state.reset = random.below(4) == 0;
        if top.has_reset {
            let reset = sim.input("reset").unwrap();
            sim.set(reset, state.reset as u64);
        }
        let expected = evaluate(top, &state);
        for &(output, port) in &outputs {
            let expected = to_bits(&expected[port.node.index()], port.width);
            let op = &top.node(port.node).op;
            assert_eq!(sim.get_bits(output), expected, "{circuit:?}, cycle {cycle}: {} ({op:?})", port.name);
            compared += 1;
        }
        state.registers = next_registers(top, &state, &expected);
        sim.step(1).unwrap();
    }
    compared
}

#[test]
fn random_expressions_agree_with_integers() {
    let mut random = Random(3);
    let circuit = |seed: u64| RandomCircuit { seed: 1000 * seed, registers: 0 };
    let compared: usize = (0..400).map(|seed| compare(&circuit(seed), &mut random, 5)).sum();
    assert_eq!(compared, 400 * 5 * 60);
}

#[test]
fn random_registers_agree_with_integers() {
    let mut random = Random(4);
    let circuit = |seed: u64| RandomCircuit { seed: 1000 * seed + 1, registers: 12 };
    let compared: usize = (0..200).map(|seed| compare(&circuit(seed), &mut random, 20)).sum();
    assert_eq!(compared, 200 * 20 * (60 + 12 + 1));
}
