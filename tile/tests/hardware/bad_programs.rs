//! Bad programs: the tile stops with the golden model's code and address, and then runs a good program.

use golden::Tile as GoldenTile;
use isa::register::Status;
use isa::{AmpDescriptor, Command, EngineMask, ErrorCode, ListEntry, register};
use tile::{Accumulator, TileConfig};

use crate::host::{Host, Refused};

const PROGRAM: u32 = 0x1000;
const DESCRIPTOR: u32 = 0x1100;
const LIST: u32 = 0x1200;

fn config(terms: usize) -> TileConfig {
    let accumulator = Accumulator::Fp32;
    let (banks, bank_kib, vector) = (3, 2, false);
    TileConfig { name: "test".into(), terms, accumulator, banks, bank_kib, rows: 32, vector, ..TileConfig::ipu64() }
}

/// A program of two AMP commands and everything between, all of it legal.
#[derive(Clone)]
struct Parts {
    commands: Vec<u64>,
    descriptor: AmpDescriptor,
    entry: ListEntry,
    start: u32,
    /// Applied to the memory image at the end.
    patches: Vec<(u32, u64)>,
}

fn legal() -> Parts {
    let commands = [
        Command::Set { register: isa::ControlRegister::MARKER, value: 1 },
        Command::Amp { descriptor: DESCRIPTOR },
        Command::Wait { engines: EngineMask::AMP },
        Command::Loop { level: 1, count: 3, target: PROGRAM + 8 },
        Command::Set { register: isa::ControlRegister::MARKER, value: 2 },
        Command::Halt,
    ];
    Parts {
        commands: commands.iter().map(|command| command.encode().expect("fits")).collect(),
        descriptor: AmpDescriptor {
            rows_x: 4,
            rows_y: 2,
            columns: 16,
            partial_in: true,
            list_count: 1,
            input_stride_x: 4,
            input_stride_y: 16,
            list_address: LIST,
            weight_address: 0x400,
            weight_stride: 4,
            result_address: 0x800,
            result_stride_x: 8,
            result_stride_y: 32,
            partial_address: 0x600,
            partial_stride_x: 0,
            ..AmpDescriptor::default()
        },
        entry: ListEntry { k_count_minus_1: 15, x_last: 3, y_last: 1, ..ListEntry::default() },
        start: PROGRAM,
        patches: vec![],
    }
}

fn image(parts: &Parts, config: &TileConfig) -> Vec<u64> {
    let mut memory: Vec<u64> =
        (0..config.memory_bytes() as u64 / 8).map(|i| 0x3c00_3800_3400_3000 ^ (i % 0x200)).collect();
    let mut place = |address: u32, words: &[u64]| {
        memory[address as usize / 8..][..words.len()].copy_from_slice(words);
    };
    place(PROGRAM, &parts.commands);
    place(DESCRIPTOR, &parts.descriptor.encode().expect("fits"));
    place(LIST, &parts.entry.encode().expect("fits"));
    for &(address, word) in &parts.patches {
        memory[address as usize / 8] = word;
    }
    memory
}

fn golden(memory: &[u64], config: &TileConfig) -> GoldenTile {
    let mut tile = crate::golden(config);
    tile.memory.copy_from_slice(memory);
    tile
}

/// Runs the bad program, compares code and address with golden, then runs the legal one and compares memory.
fn refuse(host: &mut Host, config: &TileConfig, what: &str, expected: ErrorCode, change: impl FnOnce(&mut Parts)) {
    let mut parts = legal();
    change(&mut parts);
    let memory = image(&parts, config);
    let outcome = golden(&memory, config).run(parts.start);
    assert_eq!(outcome.error, expected, "{what}: golden's code");

    host.write_words(0, &memory);
    host.run(parts.start, 10_000);
    let status = Status::decode(&[host.register(register::STATUS)]).expect("reserved bits are zero");
    assert_eq!(status.error(), Some(expected), "{what}: the tile's code ({status:?})");
    assert!(!status.running && !status.done, "{what}: neither running nor done");
    let address = host.register(register::ERROR_ADDRESS);
    assert_eq!(
        address,
        u64::from(outcome.error_address),
        "{what}: address {address:#x}, golden {:#x}",
        outcome.error_address
    );
    runs_a_legal_program(host, config, what);
}

fn runs_a_legal_program(host: &mut Host, config: &TileConfig, after: &str) {
    let parts = legal();
    let memory = image(&parts, config);
    let mut golden = golden(&memory, config);
    assert_eq!(golden.run(parts.start).error, ErrorCode::None);
    host.write_words(0, &memory);
    host.run(parts.start, 10_000);
    assert_eq!(host.register(register::STATUS), 2, "after {after}: done");
    assert_eq!(host.register(register::MARKER), 2, "after {after}: marker");
    assert!(host.read_words(0, memory.len()) == golden.memory, "after {after}: memory differs");
}

#[test]
fn bad_programs_stop_with_code_and_address_and_the_tile_recovers() {
    for terms in [4, 16] {
        let config = config(terms);
        let beyond = config.memory_bytes() as u32;
        let mut host = Host::new(&config);
        let host = &mut host;
        runs_a_legal_program(host, &config, "reset");
        let mut cases = 0;
        let mut case = |what: &str, expected: ErrorCode, change: &dyn Fn(&mut Parts)| {
            refuse(host, &config, what, expected, change);
            cases += 1;
        };
        use ErrorCode as E;
        let command = |command: Command| command.encode().expect("fits");

        case("zero word", E::UnknownCommand, &|p| p.commands[0] = 0);
        case("opcode 9", E::UnknownCommand, &|p| p.commands[4] = 9);
        case("opcode 255", E::UnknownCommand, &|p| p.commands[5] = 255);
        for bit in [8, 20, 31, 32, 56, 63] {
            case("reserved bit of HALT", E::BadCommand, &|p| p.commands[0] = 1 | 1 << bit);
        }
        case("reserved bit of AMP", E::BadCommand, &|p| p.commands[1] |= 1 << 40);
        case("reserved bit of WAIT", E::BadCommand, &|p| p.commands[2] |= 1 << 16);
        case("reserved bit of SET", E::BadCommand, &|p| p.commands[0] |= 1 << 20);
        case("reserved bit of LOOP", E::BadCommand, &|p| p.commands[3] |= 1 << 60);
        case("LOOP of count 0", E::BadCommand, &|p| p.commands[3] = 8 | u64::from(PROGRAM) << 32);
        case("VECTOR", E::Unsupported, &|p| p.commands[0] = command(Command::Vector { descriptor: 0 }));
        case("EXCHANGE", E::Unsupported, &|p| p.commands[0] = command(Command::Exchange { descriptor: 0 }));
        case("SYNC", E::Unsupported, &|p| p.commands[0] = command(Command::Sync { zone: 0 }));
        for engines in [0, 2, 3, 4, 128] {
            case("WAIT for others", E::Unsupported, &|p| {
                p.commands[0] = command(Command::Wait { engines: EngineMask(engines) })
            });
        }
        case("SET of register 4", E::Unsupported, &|p| p.commands[0] |= 4 << 8);
        case("misaligned LOOP target", E::Misaligned, &|p| {
            p.commands[3] = command(Command::Loop { level: 0, count: 1, target: PROGRAM + 4 })
        });
        case("LOOP target beyond", E::OutOfRange, &|p| {
            p.commands[3] = command(Command::Loop { level: 0, count: 2, target: beyond })
        });
        case("misaligned descriptor", E::Misaligned, &|p| {
            p.commands[1] = command(Command::Amp { descriptor: DESCRIPTOR + 1 })
        });
        case("descriptor beyond", E::OutOfRange, &|p| p.commands[1] = command(Command::Amp { descriptor: beyond }));
        case("descriptor across the end", E::OutOfRange, &|p| {
            p.commands[1] = command(Command::Amp { descriptor: beyond - 40 })
        });
        case("misaligned start", E::Misaligned, &|p| p.start = PROGRAM + 2);
        case("start beyond", E::OutOfRange, &|p| p.start = 0xff_fff8);
        case("program runs off the end", E::OutOfRange, &|p| {
            p.start = beyond - 8;
            p.patches.push((beyond - 8, command(Command::Set { register: isa::ControlRegister::MARKER, value: 7 })));
        });

        case("no rows in x", E::BadDescriptor, &|p| p.descriptor.rows_x = 0);
        case("no rows in y", E::BadDescriptor, &|p| p.descriptor.rows_y = 0);
        case("too many rows", E::BadDescriptor, &|p| (p.descriptor.rows_x, p.descriptor.rows_y) = (11, 3));
        case("no columns", E::BadDescriptor, &|p| p.descriptor.columns = 0);
        case("17 columns", E::BadDescriptor, &|p| p.descriptor.columns = 17);
        case("activation 2", E::BadDescriptor, &|p| p.descriptor.activation = isa::Activation(2));
        case("empty list", E::BadDescriptor, &|p| p.descriptor.list_count = 0);
        case("reserved bit of word 3", E::BadDescriptor, &|p| p.patches.push((DESCRIPTOR + 24, 1 << 20 | 4)));
        case("misaligned input", E::Misaligned, &|p| p.descriptor.input_address = 4);
        case("misaligned weights", E::Misaligned, &|p| p.descriptor.weight_address += 2);
        case("misaligned result", E::Misaligned, &|p| p.descriptor.result_address += 1);
        case("misaligned partial sums", E::Misaligned, &|p| p.descriptor.partial_address += 4);
        case("misaligned list", E::Misaligned, &|p| p.descriptor.list_address += 4);
        case("list beyond", E::ListOutOfRange, &|p| p.descriptor.list_address = beyond);
        case("list across the end", E::ListOutOfRange, &|p| {
            p.descriptor.list_address = beyond - 8;
            p.descriptor.list_count = 2;
            p.patches.push((beyond - 8, p.entry.encode().expect("fits")[0]));
        });
        case("input beyond", E::OutOfRange, &|p| p.descriptor.input_address = beyond - 32);
        case("input before", E::OutOfRange, &|p| p.entry.input_offset = -4);
        case("weights beyond", E::OutOfRange, &|p| p.descriptor.weight_address = beyond - 480);
        case("unused weights of the last block beyond", E::OutOfRange, &|p| {
            // The only step needs the first rows of weights; the others are read all the same.
            p.descriptor.weight_address = beyond - 480;
            p.descriptor.partial_in = false;
            (p.descriptor.rows_x, p.descriptor.rows_y, p.descriptor.columns) = (1, 1, 2);
            (p.entry.x_last, p.entry.y_last, p.entry.k_count_minus_1) = (0, 0, 0);
        });
        case("partial sums beyond", E::OutOfRange, &|p| p.descriptor.partial_address = beyond - 32);
        case("result beyond", E::OutOfRange, &|p| p.descriptor.result_address = beyond - 128);
        case("empty rectangle in x", E::BadEntry, &|p| (p.entry.x_first, p.entry.x_last) = (2, 1));
        case("rectangle leaves x", E::BadEntry, &|p| p.entry.x_last = 4);
        case("empty rectangle in y", E::BadEntry, &|p| p.entry.y_first = 2);
        case("rectangle leaves y", E::BadEntry, &|p| p.entry.y_last = 63);
        if terms == 16 {
            case("half an access of stride", E::Misaligned, &|p| p.descriptor.input_stride_x = 2);
            case("half an access of offset", E::Misaligned, &|p| p.entry.input_offset = 1);
            case("half an access of block", E::Misaligned, &|p| p.entry.weight_block = 3);
        }
        println!("T = {terms}: {cases} bad programs");
        assert!(cases >= 55);
    }
}

#[test]
fn the_host_can_stop_a_program_that_never_ends() {
    let config = config(4);
    let mut host = Host::new(&config);
    let endless = Command::Loop { level: 0, count: 65535, target: PROGRAM }.encode().expect("fits");
    host.write_words(PROGRAM, &[endless]);
    host.request(true, register::START.address(), PROGRAM.into(), 0xff).expect("no program runs");
    host.step(1000);
    assert_eq!(host.register(register::STATUS) & 1, 1, "still running");
    let beyond = host.request(true, register::START.address(), 1 << 32 | u64::from(PROGRAM), 0xff);
    assert_eq!(beyond, Err(Refused), "START at more than 24 bits");
    let partly = host.request(true, register::STOP.address(), 0, 0x7f);
    assert_eq!(partly, Err(Refused), "a write of part of a register");
    let refused = host.request(true, register::START.address(), PROGRAM.into(), 0xff);
    assert_eq!(refused, Err(Refused), "START while a program runs");
    host.request(true, register::STOP.address(), 0, 0xff).expect("STOP");
    assert_eq!(host.register(register::STATUS), u64::from(ErrorCode::Stopped.code()) << 8);
    runs_a_legal_program(&mut host, &config, "STOP");
}

#[test]
fn a_word_with_wrong_parity_stops_the_program_that_reads_it() {
    let config = config(4);
    for (what, address) in [
        ("command", PROGRAM + 8),
        ("descriptor", DESCRIPTOR + 16),
        ("entry", LIST),
        ("input", 0x20),
        ("weight", 0x440),
        ("partial sum", 0x618),
    ] {
        let mut host = Host::new(&config);
        host.write_words(0, &image(&legal(), &config));
        let bank = address as usize / config.bank_bytes();
        let word = address as usize % config.bank_bytes() / 8;
        let path = format!("sram.bank_{bank}_words");
        let memory = host.sim.memory(&path).expect("the bank's memory");
        let mut bits = host.sim.read_word(memory, word).to_vec();
        bits[0] ^= 1 << 30;
        host.sim.write_word(memory, word, &bits);
        assert!(host.request(false, address, 0, 0).is_err(), "{what}: the host's read is refused");
        host.run(PROGRAM, 10_000);
        let status = host.register(register::STATUS);
        assert_eq!(status, u64::from(ErrorCode::Parity.code()) << 8, "{what}: {status:#x}");
        assert_eq!(host.register(register::ERROR_ADDRESS), u64::from(address), "{what}");
        runs_a_legal_program(&mut host, &config, what);
    }
}

#[test]
fn the_host_port_refuses_what_is_not_there() {
    let config = config(4);
    let mut host = Host::new(&config);
    let beyond = config.memory_bytes() as u32;
    let cases = [
        (false, beyond),
        (true, beyond),
        (false, 4),
        (true, 0x1001),
        (false, 0x7f_fff8),
        (false, register::REGISTERS.last().expect("registers").address() + 8),
        (false, register::START.address()),
        (false, register::STOP.address()),
        (true, register::STATUS.address()),
        (true, register::IDENTITY.address()),
        (true, register::CYCLES.address()),
        (false, register::STATUS.address() + 4),
    ];
    for (write, address) in cases {
        assert_eq!(host.request(write, address, 0, 0xff), Err(Refused), "write {write}, {address:#x}");
    }
    assert_eq!(host.register(register::IDENTITY), register::IDENTITY_VALUE);
    assert_eq!(host.register(register::MEMORY_BYTES), config.memory_bytes() as u64);
    let word = register::Configuration::decode(&[host.register(register::CONFIGURATION)]).expect("a legal word");
    assert_eq!(
        (word.terms, word.lanes, word.rows, word.exact, word.accumulator_bits, word.banks),
        (4, 16, 32, false, 32, 3)
    );
}

#[test]
fn byte_enables_write_single_bytes() {
    let config = config(16);
    let mut host = Host::new(&config);
    for word in 0..4 {
        host.write_words(8 * word, &[0x1111_1111_1111_1111 * u64::from(word + 1)]);
        host.request(true, 8 * word, 0xaabb_ccdd_eeff_9988, 0b0101_0010).expect("memory is there");
    }
    let words = host.read_words(0, 4);
    assert_eq!(words, [0x11bb_11dd_1111_9911, 0x22bb_22dd_2222_9922, 0x33bb_33dd_3333_9933, 0x44bb_44dd_4444_9944]);
}
