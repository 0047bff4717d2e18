//! The activity of a run is what the tile's own counters hold, on both simulators.

use golden::Start;
use kernels::activity::{Activity, Event, Port};
use kernels::device::{Device, NativeTile};
use kernels::matmul::{MatmulProblem, Operands, plan, run_matmul};
use kernels::random::Random;
use kernels::report::KernelReport;
use tile::TileConfig;

use super::collect::{SIMULATORS, run_product};

/// The activity holds what the counters do, and its parts sum to their wholes. Returns the counters that are not 0.
fn assert_matches(activity: &Activity, report: &KernelReport) -> Vec<&'static str> {
    assert_eq!(activity.total(Event::Cycle), report.cycles);
    let events = [Event::Row, Event::WaitsWeights, Event::WaitsAccumulator, Event::WaitsHalf];
    let counted = events.into_iter().chain(Port::ALL.map(Event::Conflict));
    let sums: Vec<_> = counted.map(|event| (event.counter().unwrap().name, activity.total(event))).collect();
    let (counters, others) = report.counters.0.split_at(sums.len());
    assert_eq!(sums, counters);
    // A tile by itself exchanges nothing, this one has no vector engine, and these products lose nothing.
    assert_eq!(others.first(), Some(&("SYNC_CYCLES", 0)));
    assert!(others.iter().all(|(_, count)| *count == 0), "{others:?}");
    for port in Port::ALL {
        let sum = |event: &dyn Fn(usize) -> Event| -> u64 {
            (0..activity.banks()).map(|bank| activity.total(event(bank))).sum()
        };
        assert_eq!(sum(&|bank| Event::BankAccess(bank, port)), activity.total(Event::Access(port)), "{port:?}");
        assert_eq!(sum(&|bank| Event::BankConflict(bank, port)), activity.total(Event::Conflict(port)), "{port:?}");
    }
    assert_eq!(activity.total(Event::Access(Port::Inputs)), activity.total(Event::Row), "a word for each row");
    sums.into_iter().filter(|(_, count)| *count > 0).map(|(name, _)| name).collect()
}

#[test]
fn activity_sums_to_the_counters_on_both_simulators() {
    let [native, verilator] = SIMULATORS.map(|simulator| {
        let (waveform, watched) = Activity::watch(&TileConfig::ipu64());
        let (report, ..) = run_product(&TileConfig::ipu64(), simulator, [40, 40, 20], vec![waveform]).unwrap();
        let activity = watched.activity().expect("the device is finished").clone();
        let counted = assert_matches(&activity, &report);
        assert_eq!(counted, ["AMP_ROWS", "STALL_WEIGHTS", "STALL_DRAIN", "CONFLICT_SEQUENCER"], "{simulator}");
        activity
    });
    assert_eq!(native, verilator);
}

/// Streams meet in two banks, and the launches are many.
#[test]
fn activity_sums_to_the_counters_in_a_crowded_memory() {
    let config = TileConfig { banks: 2, bank_kib: 2, rows: 16, ..TileConfig::ipu64() };
    let (waveform, watched) = Activity::watch(&config);
    let mut device = NativeTile::traced(&config, vec![waveform]).unwrap();
    let plan = plan(&config, &MatmulProblem::new(33, 40, 70)).unwrap();
    let mut random = Random::new(7);
    let (a, b) = (random.fp16s(33 * 70), random.fp16s(70 * 40));
    let operands = Operands { a: &a, b: &b, start: Start::Zero, residual: None };
    let report = run_matmul(&mut device, &plan, &operands, &mut |_| ()).unwrap();
    device.finish().unwrap();
    let activity = watched.activity().unwrap();
    let counted = assert_matches(activity, &report);
    for expected in ["STALL_WEIGHTS", "CONFLICT_WEIGHTS", "CONFLICT_LISTS"] {
        assert!(counted.contains(&expected), "{counted:?}");
    }
    assert_eq!(activity.total(Event::Launch), plan.launches.len() as u64);
    assert!(plan.launches.len() > 1 && activity.bin_cycles() > 1);
}
