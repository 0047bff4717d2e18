//! The declarations agree with the published interface, and with each other.

use std::collections::BTreeSet;

use isa::command::{Loop, OPCODE};
use isa::layout::Layout;
use isa::register::{self, Configuration, Status};
use isa::{
    AmpDescriptor, COMMANDS, Command, ControlRegister, EngineMask, ErrorCode, ExchangeDescriptor, ExchangeEntry, Flags,
    ListEntry, REGISTERS, Register, VectorDescriptor, VectorOperation, VectorSource,
};

fn layouts() -> Vec<Layout> {
    let commands = COMMANDS.iter().map(|command| command.layout);
    let engines = [AmpDescriptor::LAYOUT, ListEntry::LAYOUT, VectorDescriptor::LAYOUT];
    let exchange = [ExchangeDescriptor::LAYOUT, ExchangeEntry::LAYOUT];
    let registers = [Configuration::LAYOUT, Status::LAYOUT, Flags::LAYOUT];
    commands.chain(engines).chain(exchange).chain(registers).collect()
}

/// Fails unless all of `items` differ.
fn assert_unique<T: Ord + std::fmt::Debug>(items: impl IntoIterator<Item = T>) {
    let items: Vec<T> = items.into_iter().collect();
    assert!(!items.is_empty());
    assert_eq!(items.iter().collect::<BTreeSet<_>>().len(), items.len(), "{items:?}");
}

#[test]
fn no_two_fields_share_a_bit_or_a_name() {
    for layout in layouts() {
        assert_unique(layout.fields.iter().map(|field| field.name));
        let bits = layout.fields.iter().flat_map(|field| (field.low..=field.high()).map(|bit| (field.word, bit)));
        assert_unique(bits);
    }
}

#[test]
fn every_field_says_what_it_means() {
    for layout in layouts() {
        assert!(layout.meaning.ends_with('.'), "{}", layout.name);
        for field in layout.fields {
            assert!(field.meaning.ends_with('.'), "{}.{}", layout.name, field.name);
        }
    }
}

#[test]
fn opcodes_offsets_and_codes_are_unique() {
    assert_unique(COMMANDS.iter().map(|command| command.opcode));
    assert_unique(COMMANDS.iter().map(|command| command.mnemonic));
    assert!(COMMANDS.iter().all(|command| command.opcode != 0), "a zero word is no command");
    assert_unique(REGISTERS.iter().map(|register| register.offset));
    assert_unique(REGISTERS.iter().map(|register| register.name));
    assert!(REGISTERS.iter().all(|register| register.offset % 8 == 0));
    assert_unique(ErrorCode::ALL.iter().map(|error| error.code()));
    assert_unique(ErrorCode::ALL.iter().map(|error| error.name()));
}

#[test]
fn commands_have_their_published_encodings() {
    for (command, word) in [
        (Command::Halt, 0x01),
        (Command::Amp { descriptor: 0xAB_CDE8 }, 0xABCD_E802),
        (Command::Vector { descriptor: 8 }, 0x803),
        (Command::Exchange { descriptor: 8 }, 0x804),
        (Command::Sync { zone: 0x5A }, 0x5A05),
        (Command::Wait { engines: EngineMask::AMP | EngineMask::EXCHANGE }, 0x506),
        (Command::Set { register: ControlRegister::FLAGS_CLEAR, value: 0x1F }, 0x1F_0000_0107),
        (Command::Loop { level: 1, count: 3, target: 0x12_3458 }, 0x12_3458_0003_0108),
    ] {
        assert_eq!(command.encode(), Ok(word));
        assert_eq!(Command::decode(word), Ok(command));
    }
    assert_eq!((OPCODE.mask(), Loop::CODE, Loop::TARGET.mask()), (0xFF, 8, 0xFF_FFFF_0000_0000));
}

#[test]
fn descriptors_and_entries_have_their_published_encodings() {
    let descriptor = AmpDescriptor {
        rows_x: 64,
        rows_y: 1,
        columns: 16,
        partial_in: true,
        result_fp16: true,
        result_exact: true,
        saturate: true,
        activation: isa::Activation::RELU,
        list_count: 0xFFFF,
        partial_exact: true,
        stochastic: true,
        input_address: 0x1000,
        input_stride_x: -1,
        input_stride_y: 2,
        list_address: 0x2000,
        weight_address: 0x3000,
        weight_stride: -4,
        result_address: 0x4000,
        result_stride_x: 8,
        result_stride_y: -8,
        partial_address: 0x5000,
        partial_stride_x: 0,
        partial_stride_y: 1,
    };
    assert_eq!(
        descriptor.encode().unwrap(),
        [
            0x0003_FFFF_1F10_0140,
            0x0000_2FFF_FF00_1000,
            0x0000_0030_0000_2000,
            0xF_FFFC,
            0xFFFF_8000_0800_4000,
            0x0000_1000_0000_5000,
        ]
    );
    let entry = ListEntry {
        input_offset: -1,
        weight_block: 1,
        k_count_minus_1: 15,
        transposed: true,
        y_first: 1,
        y_last: 2,
        x_first: 3,
        x_last: 4,
    };
    let word = 0x3_FFFF | 1 << 18 | 15 << 35 | 1 << 39 | 1 << 40 | 2 << 46 | 3 << 52 | 4 << 58;
    assert_eq!(entry.encode(), Ok([word]));
    assert_eq!((entry.k_count(), descriptor.rows()), (16, 64));
    assert!(entry.covers(3, 1) && entry.covers(4, 2) && !entry.covers(2, 1) && !entry.covers(3, 3));
}

#[test]
fn vector_descriptors_have_their_published_encoding() {
    let descriptor = VectorDescriptor {
        operation: VectorOperation::FMA,
        stochastic: true,
        saturate: true,
        a_source: VectorSource::STREAM,
        b_source: VectorSource::ROW_SCALAR,
        c_source: VectorSource::CONSTANT,
        a_fp16: true,
        b_fp16: false,
        c_fp16: true,
        result_fp16: true,
        rows: 0x1234,
        columns: 0x5678,
        a_address: 0x1000,
        a_stride_x: -1,
        a_stride_y: 2,
        b_address: 0x2000,
        b_stride_x: 0,
        b_stride_y: 1,
        c_address: 0,
        c_stride_x: 0,
        c_stride_y: 0,
        result_address: 0x4000,
        result_stride_x: 1,
        result_stride_y: -8,
        constant_a: 0x1111_2222,
        constant_b: 0x3333_4444,
        constant_c: 0x5555_6666,
    };
    assert_eq!(
        descriptor.encode().unwrap(),
        [
            0x5678_1234_000D_2464,
            0x0000_2FFF_FF00_1000,
            0x0000_1000_0000_2000,
            0,
            0xFFFF_8000_0100_4000,
            0x3333_4444_1111_2222,
            0x5555_6666,
        ]
    );
}

#[test]
fn vector_operations_have_the_operands_of_their_meaning() {
    let mut named = 0;
    for name in VectorOperation::NAMES {
        let operation = VectorOperation(name.value as u8);
        let words = name.meaning.split(|c: char| !c.is_alphanumeric());
        let mentions = |letter: &str| words.clone().any(|word| word == letter);
        assert_eq!(operation.has_b(), mentions("b"), "{}", name.name);
        assert_eq!(operation.has_c(), mentions("c"), "{}", name.name);
        assert_eq!(operation.is_reduction(), name.value >= 28, "{}", name.name);
        let function = (16..=24).contains(&name.value).then(|| name.value as u32 - 16);
        assert_eq!(operation.function(), function, "{}", name.name);
        named += 1;
    }
    assert_eq!(named, 13 + 9 + 4);
    let dot = VectorDescriptor { operation: VectorOperation::DOT, b_fp16: true, ..Default::default() };
    let words = dot.operands().iter().chain([&dot.result()]).map(|o| (o.name, o.row_words(9))).collect::<Vec<_>>();
    assert_eq!(words, [("a", 5), ("b", 3), ("result", 1)]);
}

#[test]
fn exchanges_have_their_published_encodings() {
    let descriptor =
        ExchangeDescriptor { send_address: 0x1000, send_count: 3, receive_address: 0xAB_CDE8, receive_count: 0xFFFF };
    assert_eq!(descriptor.encode(), Ok([0x3_0000_1000, 0xFFFF_00AB_CDE8]));
    let entry = ExchangeEntry {
        start_cycle: 0x12_3456,
        row_words: 0x7_89AB,
        source: 0xCDE,
        word_address: 0xF_0123,
        row_stride: 0x4_5678,
        rows: 0x9_ABCD,
    };
    assert_eq!(entry.encode(), Ok([0x00CD_E789_AB12_3456, 0x09AB_CD45_678F_0123]));
    assert_eq!(entry.total_words(), 0x7_89AB * 0x9_ABCD);
}

#[test]
fn registers_have_their_published_places() {
    assert_eq!(register::IDENTITY_VALUE.to_be_bytes(), *b"TESSERA\x03");
    assert_eq!((register::START.address(), register::ZONES.address()), (0x80_0018, 0x80_00C0));
    assert_eq!((register::AMP_NANS.offset, register::VECTOR_ZEROED.offset), (0xC8, 0xF0));
    assert_eq!(Register::from_name("FLAGS"), Some(&register::FLAGS));
    assert_eq!(register::STATUS.fields, Status::LAYOUT.fields);
    assert_eq!(register::CYCLES.fields, []);

    let status = Status { running: false, done: true, error_code: 8 };
    assert_eq!(status.encode(), Ok([0x802]));
    assert_eq!(status.error(), Some(ErrorCode::BadEntry));
    assert_eq!(Status { error_code: 200, ..status }.error(), None);
    let flags = Flags { nv: true, hr: true, ..Default::default() };
    assert_eq!(flags.encode(), Ok([0x11]));
}
