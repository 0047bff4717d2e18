//! The driver of the host port, against a host port in software.

use crate::products::problem;
use crate::soft_tile::{SoftTile, word_address};
use golden::{Shape, Start};
use isa::register;
use isa::{ControlRegister, EngineMask, ErrorCode, ProgramBuilder};
use kernels::device::{Device, DeviceError, HostPort};
use kernels::matmul::{Operands, expected, plan, run_matmul, simulation_cycles};

use kernels::random::Random;
use tile::TileConfig;

fn device() -> HostPort<SoftTile> {
    HostPort::connect(SoftTile::new(&TileConfig::small16(), 7)).unwrap()
}

#[test]
fn memory_reads_back_in_order_with_many_requests_under_way() {
    let mut device = device();
    let mut random = Random::new(1);
    let words: Vec<u64> = (0..500).map(|_| random.bits()).collect();
    device.write_memory(word_address(100), &words).unwrap();
    assert_eq!(device.read_memory(word_address(100), 500).unwrap(), words);
    assert_eq!(device.read_memory(word_address(100), 0).unwrap(), []);
    assert!(device.simulator().most_under_way >= 2);
    // A port that is ready every other cycle takes 1000 requests in about 2000 cycles.
    assert!((1_800..2_200).contains(&device.simulated_cycles()), "{} cycles", device.simulated_cycles());
}

#[test]
fn refused_accesses_name_the_address_and_leave_the_port_usable() {
    let mut device = device();
    let end = TileConfig::small16().memory_bytes() as u32;
    let refused = |access, address| Err(DeviceError::Refused { access, address });
    assert_eq!(device.write_memory(end - 8, &[1; 40]), refused("write", end));
    assert_eq!(device.read_memory(end - 16, 5).map(|_| ()), refused("read", end));
    let read_only = device.write_register(&register::CYCLES, 1);
    assert_eq!(read_only, refused("write", register::CYCLES.address()));
    assert_eq!(read_only.unwrap_err().to_string(), "the tile refused to write address 0x800030");
    assert_eq!(device.read_register(&register::IDENTITY), Ok(register::IDENTITY_VALUE));
    assert_eq!(device.read_memory(end - 8, 1), Ok(vec![1]));
}

#[test]
fn programs_start_run_and_report() {
    let mut device = device();
    let mut builder = ProgramBuilder::new(0x100);
    builder.set(ControlRegister::MARKER, 42).wait(EngineMask::AMP).halt();
    let program = builder.finish().unwrap();
    device.load(&program).unwrap();
    device.start(program.entry).unwrap();
    assert_eq!(device.wait(10), Err(DeviceError::Timeout { limit_cycles: 10 }));
    let busy = device.start(program.entry);
    assert_eq!(busy, Err(DeviceError::Refused { access: "write", address: register::START.address() }));
    let status = device.wait(1000).unwrap().halted().unwrap();
    assert_eq!((status.marker, status.error), (42, ErrorCode::None));

    device.start(0x200).unwrap();
    let stopped = device.wait(1000).unwrap();
    assert_eq!((stopped.error, stopped.error_address), (ErrorCode::UnknownCommand, 0x200));
    assert!(
        stopped
            .halted()
            .unwrap_err()
            .to_string()
            .starts_with("the program stopped with UNKNOWN_COMMAND at address 0x200: ")
    );
}

#[test]
fn configuration_and_counters_have_their_names() {
    let mut device = device();
    let configuration = device.configuration().unwrap();
    assert_eq!((configuration.terms, configuration.rows, configuration.exact), (1, 16, true));
    let names: Vec<&str> = device.counters().unwrap().0.iter().map(|&(name, _)| name).collect();
    assert_eq!(names[..4], ["AMP_ROWS", "STALL_WEIGHTS", "STALL_ACCUMULATOR", "STALL_DRAIN"]);
    assert_eq!(names[11..14], ["SYNC_CYCLES", "EXCHANGE_CYCLES", "AMP_NANS"]);
}

#[test]
fn a_product_runs_through_the_host_port() {
    let mut device = device();
    let problem = problem(Shape { m: 20, n: 33, k: 50 }, 16 + 5);
    let plan = plan(&TileConfig::small16(), &problem).unwrap();
    let mut random = Random::new(9);
    let mut small = |count: usize| -> Vec<u16> { (0..count).map(|_| 0x3000 + random.below(0x1000) as u16).collect() };
    let (a, b) = (small(20 * 50), small(50 * 33));
    let sums = vec![0x3F80_0000; 20 * 33];
    let operands = Operands { a: &a, b: &b, start: Start::PartialSums(&sums), residual: None };
    let mut progress = vec![];
    let report = run_matmul(&mut device, &plan, &operands, &mut |cycles| progress.push(cycles)).unwrap();
    let comparison = plan.problem.compare((&report.bits, report.flags), &expected(&plan, &operands));
    assert!(comparison.bit_exact(), "{comparison:?}");
    assert_eq!(comparison.compared, 20 * 33);
    assert_eq!(progress.last(), Some(&report.simulated_cycles));
    // The software's port is ready every other cycle, and its programs take no time.
    let moving = 2 * (simulation_cycles(&plan) - plan.predicted_cycles());
    assert!((moving * 9 / 10..moving * 11 / 10).contains(&report.simulated_cycles), "{moving} {report:?}");
    assert_eq!(report.counters.get(&register::AMP_ROWS), 20 * 50 * 3);
}

#[test]
fn a_wrong_result_is_named_with_both_bit_patterns_and_values() {
    let problem = problem(Shape { m: 2, n: 3, k: 1 }, 1);
    let plan = plan(&TileConfig::ipu64(), &problem).unwrap();
    let (a, b) = ([0x3C00, 0x4000], [0x3C00, 0x3C00, 0xC000]);
    let operands = Operands { a: &a, b: &b, start: Start::Zero, residual: None };
    let golden = expected(&plan, &operands);
    let mut device = device();
    let plan_here = kernels::matmul::plan(&TileConfig::small16(), &problem).unwrap();
    let mut report = run_matmul(&mut device, &plan_here, &operands, &mut |_| ()).unwrap();
    report.bits[4] ^= 1;
    report.bits[5] ^= 0x8000;
    let comparison = plan.problem.compare((&report.bits, report.flags), &golden);
    assert_eq!((comparison.compared, comparison.different, comparison.bit_exact()), (6, 2, false));
    let message = comparison.first.unwrap().to_string();
    assert_eq!(message, "row 1, column 1: simulated 0x4001 (2.001953125), golden 0x4000 (2)");
}
