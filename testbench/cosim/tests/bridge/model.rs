//! A model behaves as its Verilog says: ports, clock, memories, failures, waveforms.

use crate::common::{TemporaryFolder, bench, bench_options, compiled_bench, counting_bench, traced};
use tessera_cosim::{Design, Direction, Error, InitialState, Model, TraceScope};

fn ports<const N: usize>(model: &Model, names: [&str; N]) -> [tessera_cosim::Port; N] {
    names.map(|name| model.port(name).unwrap())
}

#[test]
fn inputs_are_sampled_by_the_edge_and_outputs_have_settled_after_it() {
    let mut model = counting_bench();
    let [enable, count, next] = ports(&model, ["enable", "count", "next__count"]);
    model.step(1).unwrap();
    assert_eq!((model.get_u64(count), model.get_u64(next)), (1, 2));
    model.step(41).unwrap();
    assert_eq!((model.get_u64(count), model.get_u64(next)), (42, 43));
    model.set_u64(enable, 0);
    model.step(5).unwrap();
    assert_eq!((model.get_u64(count), model.get_u64(next)), (42, 42));
    assert_eq!(model.cycle(), 48);
}

#[test]
fn eval_settles_logic_without_a_clock_edge() {
    let mut model = counting_bench();
    let [enable, count, next] = ports(&model, ["enable", "count", "next__count"]);
    model.eval().unwrap();
    assert_eq!((model.get_u64(count), model.get_u64(next)), (0, 1));
    model.set_u64(enable, 0);
    model.eval().unwrap();
    assert_eq!((model.get_u64(count), model.get_u64(next)), (0, 0));
    assert_eq!(model.cycle(), 1);
}

#[test]
fn wide_ports_pass_every_bit() {
    let mut model = compiled_bench().model().unwrap();
    let [wide_in, wide_out, wide_low] = ports(&model, ["wide_in", "wide_out", "wide_low"]);
    assert_eq!((wide_in.width_bits(), wide_in.words(), wide_in.direction()), (300, 10, Direction::Input));
    let mut compared = 0;
    for bit in 0..300 {
        let mut sent = [0; 10];
        sent[bit / 32] = 1 << (bit % 32);
        model.set(wide_in, &sent);
        model.eval().unwrap();
        let mut received = [0; 10];
        model.get(wide_out, &mut received);
        assert_eq!(received, sent);
        let mut low = [0; 2];
        model.get(wide_low, &mut low);
        assert_eq!(low, sent[..2]);
        assert_eq!(model.get_u64(wide_low), u64::from(sent[1]) << 32 | u64::from(sent[0]));
        compared += 1;
    }
    assert_eq!(compared, 300);
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let refusal = |misuse: fn(&mut Model)| {
        let mut model = compiled_bench().model().unwrap();
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| misuse(&mut model))).unwrap_err();
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    assert_eq!(refusal(|m| m.set_u64(m.port("refused").unwrap(), 256)), "0x100 has more than 8 bits");
    assert_eq!(refusal(|m| m.set_u64(m.port("wide_in").unwrap(), 0)), "a port of 300 bits is wider than 64");
    assert_eq!(refusal(|m| m.set(m.port("data").unwrap(), &[0; 2])), "72 bits are 3 words of 32 bits, not 2");
    assert_eq!(refusal(|m| m.set(m.port("data").unwrap(), &[0, 0, 256])), "[0, 0, 100] has more than 72 bits");
    assert_eq!(refusal(|m| m.set_u64(m.port("count").unwrap(), 0)), "port `count` of `bench` is an output");
    let no_word = "`bank_0.words` has 16 words, and no word 16";
    assert_eq!(refusal(|m| m.write_memory(m.memory("bank_0.words").unwrap(), 16, &[0; 3])), no_word);
}

#[test]
fn unknown_names_are_refused_with_the_names_that_there_are() {
    let model = compiled_bench().model().unwrap();
    let message = model.port("counter").unwrap_err().to_string();
    assert!(message.starts_with("no port `counter` in `bench`; it has `clock`, `reset`"), "{message}");
    let message = model.memory("words").unwrap_err().to_string();
    assert!(message.contains("`bank_0.halves`, `bank_0.words`"), "{message}");
}

#[test]
fn memories_are_written_and_read_by_name() {
    let mut model = compiled_bench().model().unwrap();
    let [write, address, data, word] = ports(&model, ["write", "address", "data", "word"]);
    let words = model.memory("bank_0.words").unwrap();
    assert_eq!((words.width_bits(), words.depth()), (72, 16));
    let content = |index: u32| [index, !index, index & 0xFF];
    for index in 0..16 {
        model.write_memory(words, index as usize, &content(index));
    }
    for index in 0..16 {
        model.set_u64(address, u64::from(index));
        model.eval().unwrap();
        let mut seen = [0; 3];
        model.get(word, &mut seen);
        assert_eq!(seen, content(index), "the design sees what was loaded");
    }
    model.set_u64(write, 1);
    model.set_u64(address, 7);
    model.set(data, &[1, 2, 3]);
    model.step(1).unwrap();
    for index in 0..16 {
        let mut stored = [0; 3];
        model.read_memory(words, index as usize, &mut stored);
        assert_eq!(stored, if index == 7 { [1, 2, 3] } else { content(index) });
    }
}

#[test]
fn memories_need_no_attribute_and_count_words_from_the_lowest_index() {
    let mut model = compiled_bench().model().unwrap();
    let [address, half] = ports(&model, ["address", "half"]);
    let halves = model.memory("bank_0.halves").unwrap();
    assert_eq!((halves.width_bits(), halves.depth()), (16, 8));
    for index in 0..8 {
        model.write_memory_u64(halves, index, 0xFF00 + index as u64);
    }
    model.set_u64(address, 3);
    model.eval().unwrap();
    assert_eq!(model.get_u64(half), 0xFF00);
    model.set_u64(address, 10);
    model.eval().unwrap();
    assert_eq!(model.get_u64(half), 0xFF07);
    assert_eq!(model.read_memory_u64(halves, 5), 0xFF05);
}

#[test]
fn registers_start_as_told() {
    let compiled = compiled_bench();
    let start = |initial| {
        let model = compiled.model_starting(initial).unwrap();
        model.read_memory_u64(model.memory("unreset").unwrap(), 0)
    };
    assert_eq!((start(InitialState::Zeros), start(InitialState::Ones)), (0, 0xFF));
    let random: Vec<u64> = (0..8).map(|seed| start(InitialState::Random(seed))).collect();
    assert_eq!(random, (0..8).map(|seed| start(InitialState::Random(seed))).collect::<Vec<_>>());
    assert!(random.iter().any(|&value| value != random[0]), "{random:x?}");
}

#[test]
fn run_until_counts_cycles_and_times_out() {
    let mut model = counting_bench();
    let [count] = ports(&model, ["count"]);
    assert_eq!(model.run_until(count, 9, 9).unwrap(), 9);
    assert_eq!(model.run_until(count, 9, 0).unwrap(), 0);
    let error = model.run_until(count, 5, 20).unwrap_err();
    assert!(matches!(error, Error::Timeout { actual: 29, limit: 20, .. }), "{error}");
    assert_eq!(error.to_string(), "`count` is 0x1d, not 0x5, after 20 more cycles (cycle 30)");
}

#[test]
fn failures_in_the_verilog_are_errors_and_the_simulation_may_go_on() {
    let mut model = counting_bench();
    let [refused, count] = ports(&model, ["refused", "count"]);
    model.step(3).unwrap();
    let causes = [
        (1, 5, "Assertion failed in bench: 'assert' failed."),
        (2, 6, "Assertion failed in bench: refused in count 4"),
        (3, 7, "Assertion failed in bench: fatal in count 5"),
        (4, 8, "$stop"),
    ];
    for (cause, failed_cycle, text) in causes {
        model.set_u64(refused, cause);
        let Err(Error::Failed { top, cycle, message }) = model.step(10) else { panic!("{text} was not noticed") };
        assert_eq!((top.as_str(), cycle), ("bench", failed_cycle));
        assert!(message.contains(text) && message.contains("bench.v:"), "{message}");
    }
    model.set_u64(refused, 5);
    assert!(matches!(model.step(10), Err(Error::Finished { cycle: 9, .. })));
    model.set_u64(refused, 0);
    model.step(10).unwrap();
    assert_eq!(model.get_u64(count), 18);
}

#[test]
fn logic_that_does_not_settle_breaks_the_model_and_not_the_process() {
    let mut model = counting_bench();
    let [oscillate] = ports(&model, ["oscillate"]);
    model.set_u64(oscillate, 1);
    let message = model.eval().unwrap_err().to_string();
    assert!(message.contains("did not converge"), "{message}");
    model.set_u64(oscillate, 0);
    assert!(matches!(model.step(1), Err(Error::Broken { .. })), "a broken model stays broken");
    let mut other = counting_bench();
    other.step(1).unwrap();
}

#[test]
fn messages_are_kept_for_the_test_bench() {
    let mut model = counting_bench();
    let [template] = ports(&model, ["template"]);
    model.set_u64(template, 1);
    model.step(2).unwrap();
    assert_eq!(model.take_messages(), "count is 0\ncount is 1\n");
    assert_eq!(model.take_messages(), "");
}

#[test]
fn waveforms_have_the_signals_of_the_scope_and_every_half_cycle() {
    let folder = TemporaryFolder::new("waveforms");
    let path = folder.path().join("bench.vcd");
    let mut model = counting_bench();
    model.open_trace(&path).unwrap();
    model.step(3).unwrap();
    model.close_trace().unwrap();
    let all = std::fs::read_to_string(&path).unwrap();
    for name in ["$scope module bench $end", "$scope module bank_0 $end", " next__count [7:0] $end", " word [71:0]"] {
        assert!(all.contains(name), "{name} in:\n{all}");
    }
    let times: Vec<&str> = all.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(times, ["#10", "#15", "#20", "#25", "#30", "#35", "#40"]);

    let top_only = TraceScope { levels: 1, ..TraceScope::default() };
    model.open_trace_of(&path, &top_only).unwrap();
    model.step(1).unwrap();
    let bank_only = TraceScope { instance: "bank_0".into(), levels: 0 };
    let bank_path = folder.path().join("bank.vcd");
    model.open_trace_of(&bank_path, &bank_only).unwrap();
    model.step(1).unwrap();
    drop(model);
    let top = std::fs::read_to_string(&path).unwrap();
    assert!(top.contains(" next__count ") && !top.contains(" words"), "{top}");
    let bank = std::fs::read_to_string(&bank_path).unwrap();
    assert!(bank.contains(" words") && !bank.contains(" next__count "), "{bank}");

    let mut model = counting_bench();
    let nowhere = TraceScope { instance: "bank_1".into(), levels: 0 };
    let message = model.open_trace_of(path, &nowhere).unwrap_err().to_string();
    assert_eq!(message, "no waveform of `bench.bank_1`: no such instance has signals, or the simulation broke before");
    let message = model.open_trace(folder.path().join("missing/bench.vcd")).unwrap_err().to_string();
    assert!(message.starts_with("cannot write"), "{message}");
    model.step(1).unwrap();
}

/// Refuses everything.
struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the disk is full"))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_waveform_that_cannot_be_written_is_reported_at_its_end() {
    let mut model = counting_bench();
    model.trace_to(Full, &TraceScope::default()).unwrap();
    model.step(2).unwrap();
    let message = model.close_trace().unwrap_err().to_string();
    assert_eq!(message, "no waveform of `bench`: the disk is full");
}

#[test]
fn a_waveform_ends_with_a_simulation_that_broke() {
    let folder = TemporaryFolder::new("broken_waveform");
    let path = folder.path().join("bench.vcd");
    let mut model = counting_bench();
    let [oscillate] = ports(&model, ["oscillate"]);
    model.open_trace(&path).unwrap();
    model.step(3).unwrap();
    model.set_u64(oscillate, 1);
    assert!(matches!(model.step(1), Err(Error::Broken { .. })));
    model.close_trace().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("#30\n"), "what was shown before is there:\n{text}");
    let message = model.open_trace(&path).unwrap_err().to_string();
    assert_eq!(message, "no waveform of `bench`: no such instance has signals, or the simulation broke before");
    drop(model);

    let mut model = counting_bench();
    model.open_trace(&path).unwrap();
    model.set_u64(oscillate, 1);
    assert!(model.step(1).is_err());
    drop(model);
}

#[test]
fn models_in_parallel_threads_do_not_disturb_each_other() {
    let compiled = compiled_bench();
    let [refused, count] = ports(&compiled.model().unwrap(), ["refused", "count"]);
    let run = |cycles: u64| {
        let mut model = counting_bench();
        for _ in 0..cycles {
            model.step(1).unwrap();
        }
        model.set_u64(refused, 2);
        let message = model.step(1).unwrap_err().to_string();
        assert!(message.ends_with(&format!("refused in count {cycles}")), "{message}");
        model.get_u64(count)
    };
    let run = &run;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|thread| (thread, scope.spawn(move || run(100 + thread)))).collect();
        assert_eq!(threads.len(), 8);
        for (thread, running) in threads {
            assert_eq!(running.join().unwrap(), 101 + thread);
        }
    });
}

#[test]
fn handles_of_another_design_are_refused() {
    let other = Design::from_verilog("invert", "module invert(input a, output y); assign y = ~a; endmodule")
        .input("a", 1)
        .output("y", 1);
    let mut other = other.simulate(&traced()).unwrap();
    let [a, y] = ports(&other, ["a", "y"]);
    other.set_u64(a, 1);
    other.step(1).unwrap();
    assert_eq!(other.get_u64(y), 0, "a design without a clock is evaluated once a cycle");
    other.set_u64(a, 0);
    other.step(1).unwrap();
    assert_eq!((other.get_u64(y), other.cycle()), (1, 2));

    let model = bench().simulate(&bench_options()).unwrap();
    let foreign = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| model.get_u64(y))).unwrap_err();
    let message = foreign.downcast_ref::<String>().unwrap();
    assert_eq!(message, "the port belongs to another design than `bench`");
}
