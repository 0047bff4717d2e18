//! Named signals have, in the cycle that the contract tables promise, the values that golden predicts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;

use golden::{MatmulOptions, Shape, Start};
use rtl::wave::{CYCLE_NS, TraceOptions, Waveform};
use tile::TileConfig;
use wellen::simple;
use wellen::{SignalRef, SignalValueRef};

use super::collect::{SIMULATORS, SIZE, run};
use super::files::{file, open};

/// A waveform, read cycle by cycle.
struct Cycles {
    waveform: simple::Waveform,
    signals: BTreeMap<String, SignalRef>,
}

impl Cycles {
    fn read(path: &std::path::Path) -> Cycles {
        let (waveform, signals) = open(path);
        Cycles { waveform, signals }
    }

    fn count(&self) -> u64 {
        self.waveform.time_table().last().expect("a waveform with times") / CYCLE_NS
    }

    /// What `name`, from below the top, holds when the inputs of the cycle have settled.
    fn value(&self, name: &str, cycle: u64) -> SignalValueRef<'_> {
        let path = format!("tile.{name}");
        let signal = self.waveform.get_signal(self.signals[&path]).expect("loaded");
        let index = self.waveform.time_table().partition_point(|&time| time <= CYCLE_NS * cycle) - 1;
        let offset = signal.get_offset(index as u32).expect("a value from the first time on");
        signal.get_value_at(&offset, 0)
    }

    fn bits(&self, name: &str, cycle: u64) -> u64 {
        match self.value(name, cycle) {
            SignalValueRef::BitVec(bits) => u64::from_str_radix(&bits.bit_string(), 2).unwrap(),
            other => panic!("{name} is {other:?}"),
        }
    }

    fn number(&self, name: &str, cycle: u64) -> f64 {
        match self.value(name, cycle) {
            SignalValueRef::Real(number) => number,
            other => panic!("{name} is {other:?}"),
        }
    }

    /// The four FP16 numbers of a value.
    fn fp16s(&self, name: &str, cycle: u64) -> [u16; 4] {
        [0, 1, 2, 3].map(|i| half::f16::from_f64(self.number(&format!("{name}_as_fp16_{i}"), cycle)).to_bits())
    }
}

const AMP: &str = "amp_engine.amp";

/// Every step of every lane: the state that is written is golden's step from the operands, at the promised cycle.
fn steps_follow_golden(cycles: &Cycles) -> usize {
    // Cycle of the operands after `step`, and of the state after them (headers of `amp.rs` and `lane.rs`).
    let operands_after = 1;
    let amp = TileConfig::ipu64().amp();
    let state_after = (amp.state_cycles() + amp.accumulate_cycles()) as u64;
    let mut states: HashMap<(u64, u64, usize), golden::Accumulator> = HashMap::new();
    let mut compared = 0;
    for cycle in 0..cycles.count() - operands_after - state_after {
        let amp = |name: &str| cycles.bits(&format!("{AMP}.{name}"), cycle);
        if amp("step_valid") == 0 {
            continue;
        }
        let (half, row, start) = (amp("step_at_half"), amp("step_at_row"), amp("step_start") == 1);
        let inputs = cycles.fp16s(&format!("{AMP}.inputs"), cycle + operands_after);
        let enable = cycles.bits(&format!("{AMP}.enable"), cycle + operands_after);
        for lane in 0..16 {
            let path = format!("{AMP}.lane_{lane}");
            let weights = cycles.fp16s(&format!("{path}.operands_w"), cycle + operands_after);
            let state = states.entry((half, row, lane)).or_insert(golden::AccumulatorKind::Fp32.zero());
            if start {
                *state = golden::AccumulatorKind::Fp32.zero();
            }
            state.step(&inputs, &weights, enable as u32);
            let written = cycles.number(&format!("{path}.stepped_state_as_fp32"), cycle + operands_after + state_after);
            let golden::Accumulator::Fp32(bits) = *state else { panic!("an FP32 accumulator") };
            assert_eq!(written, f64::from(f32::from_bits(bits)), "step in cycle {cycle}, row {row}, lane {lane}");
            compared += 1;
        }
    }
    compared
}

/// The results in the order in which they are stored: row after row of 16 columns, then of those that are left.
fn results_follow_golden(cycles: &Cycles, expected: &[u32]) -> usize {
    let mut stored: Vec<f64> = vec![];
    for cycle in 0..cycles.count() {
        let engine = |name: &str| cycles.bits(&format!("amp_engine.{name}"), cycle);
        if engine("results_request_valid") == 1 && cycles.bits("sram_out_results_ready", cycle) == 1 {
            let data = engine("results_request_data");
            stored.extend([data as u32, (data >> 32) as u32].map(|bits| f64::from(f32::from_bits(bits))));
        }
    }
    assert_eq!(stored.len(), SIZE * SIZE);
    let mut stored = stored.iter();
    for first_column in (0..SIZE).step_by(16) {
        for row in 0..SIZE {
            for column in first_column..SIZE.min(first_column + 16) {
                let bits = expected[SIZE * row + column];
                let result = stored.next().expect("as many results as the product has");
                assert_eq!(*result, f64::from(f32::from_bits(bits)), "row {row}, column {column}");
            }
        }
    }
    expected.len()
}

#[test]
fn named_signals_have_the_values_that_golden_predicts() {
    for (simulator, format) in SIMULATORS.into_iter().zip(["fst", "vcd"]) {
        let path = file(&format!("contract.{format}"));
        let file = File::create(&path).unwrap();
        let options = TraceOptions::default();
        let waveform = match format {
            "fst" => Waveform::fst(file, options),
            _ => Waveform::vcd(file, options).unwrap(),
        };
        let (_, a, b) = run(simulator, vec![waveform]).unwrap();
        let shape = Shape { m: SIZE, n: SIZE, k: SIZE };
        let expected = golden::matmul(shape, &a, &b, Start::Zero, &MatmulOptions { terms: 4, ..Default::default() });

        let cycles = Cycles::read(&path);
        let texts: BTreeSet<String> = (0..cycles.count())
            .map(|cycle| match cycles.value("sequencer.state_as_text", cycle) {
                SignalValueRef::String(text) => text.to_owned(),
                other => panic!("the state is {other:?}"),
            })
            .collect();
        let steps = steps_follow_golden(&cycles);
        let results = results_follow_golden(&cycles, &expected.bits);
        println!("{simulator}, {format}: {steps} steps and {results} results; states {texts:?}");
        assert_eq!(steps, 2 * SIZE * SIZE.div_ceil(4) * 16, "two blocks of columns, every row and phase, 16 lanes");
        assert_eq!(results, SIZE * SIZE);
        assert!(texts.contains("Idle") && texts.len() > 2, "{texts:?}");
    }
}
