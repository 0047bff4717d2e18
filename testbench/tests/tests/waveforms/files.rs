//! Files that a reader from elsewhere, wellen, reads back: every name with every change.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use fst_reader::{FstFilter, FstReader, FstSignalValue};
use rtl::wave::{Fst, Kind, TraceOptions, Waveform};
use wellen::simple::{self, Waveform as Read};
use wellen::{SignalRef, SignalValueRef};

use super::collect::{Collect, Collected, Value, run};

/// A file of this test.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A value of `width` bits as the digits that wellen gives.
fn digits(words: &[u64], width: usize) -> String {
    (0..width).rev().map(|i| if words[i / 64] >> (i % 64) & 1 == 1 { '1' } else { '0' }).collect()
}

/// As wellen gives it.
fn as_read(value: &Value, kind: Kind) -> Value {
    match (value, kind) {
        (Value::Bits(words), Kind::Wire { width } | Kind::Register { width }) => Value::Text(digits(words, width)),
        (&Value::Real(bits), _) => real(f64::from_bits(bits)),
        (value, _) => value.clone(),
    }
}

/// A VCD says of a NaN only that it is one.
fn real(number: f64) -> Value {
    Value::Real(if number.is_nan() { f64::NAN } else { number }.to_bits())
}

fn read_value(value: SignalValueRef) -> Value {
    match value {
        SignalValueRef::BitVec(bits) => Value::Text(bits.bit_string()),
        SignalValueRef::Real(number) => real(number),
        SignalValueRef::String(text) => Value::Text(text.to_owned()),
        SignalValueRef::Event => panic!("waveforms of tiles have no events"),
    }
}

/// A file with all its signals, by the paths of their names.
pub fn open(path: &Path) -> (Read, BTreeMap<String, SignalRef>) {
    let mut read: Read = simple::read(path).unwrap();
    let hierarchy = read.hierarchy();
    let signals: BTreeMap<String, SignalRef> =
        hierarchy.all_vars().map(|var| (hierarchy[var].full_name(hierarchy), hierarchy[var].signal_ref())).collect();
    let all: Vec<SignalRef> = signals.values().copied().collect();
    read.load_signals(&all);
    (read, signals)
}

/// Compares the file with what was collected from the same run. Returns how many names and changes were compared.
fn assert_reads_back(path: &Path, collected: &Collected) -> (usize, usize) {
    let (read, variables) = open(path);
    assert_eq!(variables.len(), collected.names.len());

    let mut compared = 0;
    for (name, &(kind, variable)) in &collected.names {
        let signal = read.get_signal(variables[name]).unwrap_or_else(|| panic!("no {name}"));
        let expected = &collected.changes[variable];
        let mut found: Vec<(u64, Value)> = vec![];
        for (index, value) in signal.iter_changes() {
            let (time, value) = (read.time_table()[index as usize], read_value(value));
            if found.last().is_none_or(|(_, last)| *last != value) {
                found.push((time, value));
            }
        }
        let expected: Vec<(u64, Value)> = expected.iter().map(|(time, value)| (*time, as_read(value, kind))).collect();
        assert_eq!(found, expected, "{name}");
        compared += expected.len();
    }
    (collected.names.len(), compared)
}

#[test]
fn every_name_and_change_reads_back_from_both_formats() {
    let collect = Collect::default();
    let (vcd, fst) = (file("whole.vcd"), file("whole.fst"));
    let options = TraceOptions::default;
    // Of many sections, where the other is of one.
    let sections = file("sections.fst");
    let small_sections = Fst::new(File::create(&sections).unwrap()).section_bytes(1 << 16);
    let waveforms = vec![
        Waveform::new(collect.clone(), options()),
        Waveform::vcd(File::create(&vcd).unwrap(), options()).unwrap(),
        Waveform::fst(File::create(&fst).unwrap(), options()),
        Waveform::new(small_sections, options()),
    ];
    run("native", waveforms).unwrap();
    let collected = collect.0.lock().unwrap();
    assert!(
        sections.metadata().unwrap().len() > fst.metadata().unwrap().len(),
        "sections have beginnings of their own"
    );
    for path in [vcd, fst, sections] {
        let (names, changes) = assert_reads_back(&path, &collected);
        println!("{}: {names} names with {changes} changes", path.display());
        assert!(names > 1000 && changes > 100_000);
    }
}

#[test]
fn a_section_begins_with_the_values_before_it() {
    let collect = Collect::default();
    let path = file("frames.fst");
    let waveforms = vec![
        Waveform::new(collect.clone(), TraceOptions::default()),
        Waveform::new(Fst::new(File::create(&path).unwrap()).section_bytes(1 << 14), TraceOptions::default()),
    ];
    run("native", waveforms).unwrap();
    let collected = collect.0.lock().unwrap();
    let kinds: BTreeMap<usize, Kind> = collected.names.values().map(|&(kind, variable)| (variable, kind)).collect();

    let mut compared = 0;
    let mut reader = FstReader::open(BufReader::new(File::open(&path).unwrap())).unwrap();
    let end = reader.get_header().end_time;
    for from in [end / 4, end / 2, end] {
        // The values at the beginning of the section that has this time.
        let mut first: BTreeMap<usize, (u64, Value)> = BTreeMap::new();
        let keep = |time, signal: fst_reader::FstSignalHandle, value: FstSignalValue| {
            first.entry(signal.get_index()).or_insert_with(|| match value {
                FstSignalValue::String(digits) => (time, Value::Text(String::from_utf8(digits.to_vec()).unwrap())),
                FstSignalValue::Real(number) => (time, real(number)),
            });
            Ok::<(), std::io::Error>(())
        };
        reader.read_signals(&FstFilter::filter_time(from, end), keep).unwrap();
        let begin = *first.values().map(|(time, _)| time).min().unwrap();
        assert!(0 < begin && begin < from, "a section from {begin} on, asked for {from}");
        for (variable, (time, value)) in first.into_iter().filter(|(_, (time, _))| *time == begin) {
            let (_, expected) = collected.changes[variable].iter().rfind(|(changed, _)| *changed <= time).unwrap();
            assert_eq!(value, as_read(expected, kinds[&variable]), "variable {variable} at {time}");
            compared += 1;
        }
    }
    // All but texts, three times.
    assert!(compared > 3 * (kinds.len() - 100), "{compared} values");
}

#[test]
fn a_window_and_a_scope_bound_a_file() {
    let whole = Collect::default();
    let part = file("part.fst");
    let options = TraceOptions { scope: "amp_engine.amp".into(), first_cycle: 500, cycles: 100, ..Default::default() };
    for simulator in super::collect::SIMULATORS {
        let waveforms = vec![
            Waveform::new(whole.clone(), options.clone()),
            Waveform::fst(File::create(&part).unwrap(), options.clone()),
        ];
        run(simulator, waveforms).unwrap();
        let mut collected = whole.0.lock().unwrap();
        assert!(collected.names.keys().all(|name| name.starts_with("tile.amp_engine.amp.")));
        let times: Vec<u64> = collected.changes.iter().flatten().map(|(time, _)| *time).collect();
        assert_eq!((times.iter().min(), times.iter().max()), (Some(&5_000), Some(&5_995)), "{simulator}");
        let (names, changes) = assert_reads_back(&part, &collected);
        assert!(names > 500 && changes > 2_000, "{simulator}: {names} names, {changes} changes");
        *collected = Collected::default();
    }
}
