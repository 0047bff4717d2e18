//! Random programs beside what a host may do at any time, and in the least favourable place.

use isa::{ErrorCode, register};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tile::{Accumulator, TileConfig};

use crate::host::Host;
use crate::programs::{assert_ended, expect, load};
use crate::random_program::{PROGRAM_BYTES, random_program};
use crate::{SEED, small};

/// Two banks of 32 KiB: a random program and all its data lie in the first, and leave room there.
fn one_bank(terms: usize, accumulator: Accumulator) -> TileConfig {
    TileConfig { banks: 2, bank_kib: 32, ..small(terms, accumulator, 16) }
}

#[test]
fn a_program_runs_right_whenever_the_one_before_was_stopped_or_reset() {
    for (terms, accumulator) in [(4, Accumulator::Fp32), (16, Accumulator::Exact)] {
        let config = small(terms, accumulator, 16);
        let mut rng = StdRng::seed_from_u64(SEED);
        let mut host = Host::new(&config);
        let mut stopped = 0;
        for _ in 0..40 {
            // The first run tells how long it takes; the second is stopped on the way.
            let program = random_program(&config, &mut rng);
            let expected = expect(&config, &program);
            load(&mut host, &program);
            host.run(program.start, 1_000_000);
            let cycles = host.register(register::CYCLES);
            host.start(program.start);
            host.step(rng.random_range(0..cycles));

            match rng.random_range(0..3) {
                // The engines have a single cycle between the two programs.
                0 => host
                    .write_each(vec![(register::STOP.address(), 0), (register::START.address(), program.start.into())]),
                1 => {
                    host.write_each(vec![(register::STOP.address(), 0)]);
                    let status = host.register(register::STATUS);
                    stopped += u32::from(status == u64::from(ErrorCode::Stopped.code()) << 8);
                    load(&mut host, &program);
                    host.start(program.start);
                }
                _ => {
                    host.sim.reset(1).unwrap_or_else(|failure| panic!("{failure}"));
                    assert_eq!(host.register(register::STATUS), 0, "neither running nor done");
                    load(&mut host, &program);
                    host.start(program.start);
                }
            }
            host.wait(1_000_000);
            assert_ended(&mut host, &expected);
        }
        assert!(stopped > 5, "{stopped} programs were seen to be stopped");
    }
}

#[test]
fn the_host_reads_and_writes_beside_a_running_program() {
    for (terms, accumulator) in [(4, Accumulator::Exact), (16, Accumulator::Fp32)] {
        let config = one_bank(terms, accumulator);
        let mut rng = StdRng::seed_from_u64(SEED);
        let mut host = Host::new(&config);
        // The memory above the program, half of it in other banks.
        let mut above = vec![0; (config.memory_bytes() as u32 - PROGRAM_BYTES) as usize / 8];
        let in_program_bank = (config.bank_bytes() as u32 - PROGRAM_BYTES) as usize / 8;
        let (mut requests, mut conflicts) = (0, 0);
        for _ in 0..12 {
            let program = random_program(&config, &mut rng);
            load(&mut host, &program);
            host.start(program.start);
            while host.is_running() {
                let word = if rng.random_range(0..4) == 0 {
                    rng.random_range(0..in_program_bank)
                } else {
                    rng.random_range(0..above.len())
                };
                let address = PROGRAM_BYTES + 8 * word as u32;
                if rng.random() {
                    let (data, lanes) = (rng.random(), rng.random::<u8>());
                    host.request(true, address, data, lanes.into()).expect("memory is there");
                    let mask = (0..8).filter(|i| lanes >> i & 1 == 1).fold(0, |mask, i| mask | 0xff << (8 * i));
                    above[word] = above[word] & !mask | data & mask;
                } else {
                    let read = host.request(false, address, 0, 0);
                    assert_eq!(read, Ok(above[word]), "word at byte {address:#x}");
                }
                host.register(register::MARKER);
                requests += 1;
            }
            conflicts += host.register(register::CONFLICT_HOST);
            assert_ended(&mut host, &expect(&config, &program));
        }
        assert!(host.read_words(PROGRAM_BYTES, above.len()) == above, "memory above the programs differs");
        println!("T = {terms}: {requests} requests beside programs, {conflicts} conflicts");
        assert!(requests > 100 && conflicts > 100, "{requests} requests, {conflicts} conflicts");
    }
}

#[test]
fn operands_results_lists_and_program_may_share_one_bank() {
    for (terms, accumulator) in [(1, Accumulator::Exact), (4, Accumulator::Fp32), (16, Accumulator::Fp32)] {
        let config = one_bank(terms, accumulator);
        let mut rng = StdRng::seed_from_u64(SEED);
        let mut host = Host::new(&config);
        let mut conflicts = [0; 5];
        for _ in 0..10 {
            let program = random_program(&config, &mut rng);
            load(&mut host, &program);
            host.run(program.start, 1_000_000);
            let counters = [
                register::CONFLICT_INPUTS,
                register::CONFLICT_WEIGHTS,
                register::CONFLICT_PARTIALS,
                register::CONFLICT_LISTS,
                register::CONFLICT_SEQUENCER,
            ];
            for (conflicts, counter) in conflicts.iter_mut().zip(counters) {
                *conflicts += host.register(counter);
            }
            assert_eq!(host.register(register::CONFLICT_RESULTS), 0, "results come first");
            assert_ended(&mut host, &expect(&config, &program));
        }
        println!("T = {terms}: conflicts of inputs, weights, partial sums, lists, sequencer {conflicts:?}");
        // Inputs give way to results only, which mostly leave when no input is wanted.
        assert!(conflicts[1..].iter().all(|&conflicts| conflicts > 100), "{conflicts:?}");
    }
}
