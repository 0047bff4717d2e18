//! What tiles refuse, and how the refusals read.

use isa::{
    Activation, AmpDescriptor, Command, ErrorCode, ExchangeDescriptor, ExchangeEntry, Limits, ListEntry,
    VectorDescriptor, VectorOperation, VectorSource, Violation, assemble,
};

const NARROW: Limits = Limits::new(0x1_0000, 4, 64);
const WIDE: Limits = Limits::new(0x1_0000, 16, 64);

/// A tile with an exchange port.
fn joined(lane_words: u32) -> Limits {
    NARROW.with_exchange(lane_words)
}

fn descriptor() -> AmpDescriptor {
    AmpDescriptor {
        rows_x: 8,
        rows_y: 4,
        columns: 16,
        list_count: 2,
        input_stride_x: 4,
        input_stride_y: 32,
        list_address: 0x8000,
        weight_address: 0x4000,
        weight_stride: 4,
        result_address: 0xC000,
        result_stride_x: 8,
        result_stride_y: 64,
        ..Default::default()
    }
}

fn entry() -> ListEntry {
    ListEntry { k_count_minus_1: 15, x_last: 7, y_last: 3, ..Default::default() }
}

fn refusal(result: Result<(), Violation>) -> String {
    result.expect_err("the value is illegal").to_string()
}

#[test]
fn legal_values_pass_at_every_width() {
    for limits in [NARROW, WIDE] {
        descriptor().validate(&limits).unwrap();
        entry().validate(&descriptor(), &limits).unwrap();
    }
}

#[test]
fn commands_say_what_is_legal() {
    for (word, message) in [
        (0, "UNKNOWN_COMMAND: opcode 0x00 is not a command"),
        (0x101, "BAD_COMMAND: Halt: reserved bits 0x100 of word 0 are set: expected zero"),
        (0x03, "UNSUPPORTED: VECTOR: this tile has no such engine"),
        (0x04, "UNSUPPORTED: EXCHANGE: this tile has no such engine"),
        (0x05, "UNSUPPORTED: SYNC: this tile has no such engine"),
        (0x06, "UNSUPPORTED: WAIT engines = 0x0: expected a nonzero part of 0x1, the engines that exist"),
        (0x306, "UNSUPPORTED: WAIT engines = 0x3: expected a nonzero part of 0x1, the engines that exist"),
        (0x307, "UNSUPPORTED: SET seed_vector: this tile has no such engine"),
        (
            0x407,
            "UNSUPPORTED: SET register = 4: expected 0 (marker) or 1 (flags_clear) or 2 (seed_amp) or 3 (seed_vector)",
        ),
        (0x08, "BAD_COMMAND: LOOP count = 0: expected 1..=65535"),
        (0x04_0001_0008, "MISALIGNED: the LOOP target is at 0x4: expected a multiple of 8"),
        (0x1_0000_0001_0008, "OUT_OF_RANGE: the LOOP target: bytes 0x10000..0x10008, expected inside 0x0..0x10000"),
        (0x402, "MISALIGNED: the AMP descriptor is at 0x4: expected a multiple of 8"),
        (0xFFD802, "OUT_OF_RANGE: the AMP descriptor: bytes 0xffd8..0x10008, expected inside 0x0..0x10000"),
    ] {
        let refusal = Command::check(word, &NARROW).expect_err("the command is illegal");
        assert_eq!(refusal.to_string(), message, "{word:#x}");
    }
    Command::check(0xFFD002, &NARROW).unwrap();
}

#[test]
fn reserved_bits_make_a_bad_descriptor() {
    let mut words = descriptor().encode().unwrap();
    assert_eq!(AmpDescriptor::check(&words, &NARROW), Ok(descriptor()));
    words[3] |= 1 << 20;
    let refusal = AmpDescriptor::check(&words, &NARROW).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "BAD_DESCRIPTOR: AmpDescriptor: reserved bits 0x100000 of word 3 are set: expected zero"
    );
}

#[test]
fn descriptors_say_what_is_legal() {
    let good = descriptor();
    for (bad, message) in [
        (AmpDescriptor { rows_x: 0, ..good }, "BAD_DESCRIPTOR: rows_x = 0: expected 1..=64"),
        (AmpDescriptor { rows_y: 65, ..good }, "BAD_DESCRIPTOR: rows_y = 65: expected 1..=64"),
        (AmpDescriptor { rows_x: 17, ..good }, "BAD_DESCRIPTOR: rows_x * rows_y = 68: expected at most 64"),
        (AmpDescriptor { columns: 17, ..good }, "BAD_DESCRIPTOR: columns = 17: expected 1..=16"),
        (AmpDescriptor { list_count: 0, ..good }, "BAD_DESCRIPTOR: list_count = 0: expected 1..=65535"),
        (
            AmpDescriptor { activation: Activation(2), ..good },
            "BAD_DESCRIPTOR: activation = 2: expected 0 (none) or 1 (relu)",
        ),
        (AmpDescriptor { list_address: 4, ..good }, "MISALIGNED: list_address = 0x4: expected a multiple of 8"),
        (
            AmpDescriptor { list_address: 0xFFF8, ..good },
            "LIST_OUT_OF_RANGE: the block list: bytes 0xfff8..0x10008, expected inside 0x0..0x10000",
        ),
        (
            AmpDescriptor { result_address: 0xF808, ..good },
            "OUT_OF_RANGE: the result: bytes 0xf808..0x10008, expected inside 0x0..0x10000",
        ),
        (
            AmpDescriptor { partial_in: true, partial_stride_y: -1, ..good },
            "OUT_OF_RANGE: the partial sums: bytes -0x18..0x40, expected inside 0x0..0x10000",
        ),
    ] {
        assert_eq!(refusal(bad.validate(&NARROW)), message);
    }
}

#[test]
fn vector_descriptors_say_what_is_legal() {
    let good = VectorDescriptor {
        operation: VectorOperation::FMA,
        b_source: VectorSource::ROW_SCALAR,
        c_source: VectorSource::CONSTANT,
        c_address: 4,
        rows: 4,
        columns: 9,
        a_fp16: true,
        a_address: 0xFFA0,
        a_stride_x: 1,
        a_stride_y: 3,
        b_address: 0xFFE0,
        b_stride_x: 1000,
        b_stride_y: 1,
        result_address: 0x1000,
        result_stride_x: 1,
        result_stride_y: 5,
        ..Default::default()
    };
    good.validate(&NARROW).unwrap();
    let function = VectorDescriptor { operation: VectorOperation::EXP, result_fp16: true, ..good };
    function.validate(&NARROW).unwrap();
    for (bad, message) in [
        (VectorDescriptor { rows: 0, ..good }, "BAD_DESCRIPTOR: rows = 0: expected 1..=65535"),
        (VectorDescriptor { columns: 0, ..good }, "BAD_DESCRIPTOR: columns = 0: expected 1..=65535"),
        (
            VectorDescriptor { b_source: VectorSource(3), ..good },
            "BAD_DESCRIPTOR: b_source = 3: expected 0 (stream) or 1 (row_scalar) or 2 (constant)",
        ),
        (
            VectorDescriptor { result_fp16: false, ..function },
            "BAD_DESCRIPTOR: a_fp16 != result_fp16: expected a function's operand as its result",
        ),
        (
            VectorDescriptor { saturate: true, ..function },
            "BAD_DESCRIPTOR: stochastic or saturate: expected neither of a function",
        ),
        (
            VectorDescriptor { stochastic: true, ..function },
            "BAD_DESCRIPTOR: stochastic or saturate: expected neither of a function",
        ),
        (VectorDescriptor { b_address: 4, ..good }, "MISALIGNED: b_address = 0x4: expected a multiple of 8"),
        (
            VectorDescriptor { a_stride_y: 4, ..good },
            "OUT_OF_RANGE: a: bytes 0xffa0..0x10018, expected inside 0x0..0x10000",
        ),
        (
            VectorDescriptor { b_address: 0xFFE8, ..good },
            "OUT_OF_RANGE: b: bytes 0xffe8..0x10008, expected inside 0x0..0x10000",
        ),
        (
            VectorDescriptor { result_address: 0, result_stride_y: -1, ..good },
            "OUT_OF_RANGE: result: bytes -0x18..0x28, expected inside 0x0..0x10000",
        ),
    ] {
        assert_eq!(refusal(bad.validate(&NARROW)), message);
    }
    for code in [13, 25, 27] {
        let bad = VectorDescriptor { operation: VectorOperation(code), ..good };
        assert!(refusal(bad.validate(&NARROW)).starts_with(&format!("BAD_DESCRIPTOR: operation = {code}: expected")));
    }
    let command = Command::Vector { descriptor: 0xFFC8 };
    command.validate(&NARROW.with_vector()).unwrap();
    let across = Command::Vector { descriptor: 0xFFD0 }.validate(&NARROW.with_vector());
    let message = "OUT_OF_RANGE: the vector descriptor: bytes 0xffd0..0x10008, expected inside 0x0..0x10000";
    assert_eq!(refusal(across), message);
}

#[test]
fn a_small_tile_refuses_the_rows_that_a_large_one_takes() {
    let small = Limits { rows: 16, ..NARROW };
    for (bad, message) in [
        (AmpDescriptor { rows_x: 17, rows_y: 1, ..descriptor() }, "BAD_DESCRIPTOR: rows_x = 17: expected 1..=16"),
        (AmpDescriptor { rows_x: 1, rows_y: 17, ..descriptor() }, "BAD_DESCRIPTOR: rows_y = 17: expected 1..=16"),
        (
            AmpDescriptor { rows_x: 6, rows_y: 3, ..descriptor() },
            "BAD_DESCRIPTOR: rows_x * rows_y = 18: expected at most 16",
        ),
    ] {
        bad.validate(&NARROW).unwrap();
        assert_eq!(refusal(bad.validate(&small)), message);
    }
    AmpDescriptor { rows_x: 4, rows_y: 4, ..descriptor() }.validate(&small).unwrap();
}

#[test]
fn wide_streams_need_whole_accesses() {
    let good = descriptor();
    for (bad, message) in [
        (AmpDescriptor { input_address: 8, ..good }, "MISALIGNED: input_address = 0x8: expected a multiple of 32"),
        (
            AmpDescriptor { result_stride_x: -6, ..good },
            "MISALIGNED: result_stride_x = -6 words: expected a multiple of 4",
        ),
        (
            AmpDescriptor { partial_in: true, partial_address: 16, ..good },
            "MISALIGNED: partial_address = 0x10: expected a multiple of 32",
        ),
    ] {
        assert_eq!(refusal(bad.validate(&WIDE)), message);
        let narrow = bad.validate(&NARROW);
        assert!(narrow.is_ok() || narrow.is_err_and(|violation| violation.code != ErrorCode::Misaligned));
    }
    // What is not read is not checked.
    AmpDescriptor { partial_address: 3, partial_stride_x: 1, ..good }.validate(&WIDE).unwrap();
}

#[test]
fn entries_say_what_is_legal() {
    let good = entry();
    for (bad, limits, message) in [
        (
            ListEntry { x_last: 8, ..good },
            NARROW,
            "BAD_ENTRY: x_first..=x_last = 0..=8: expected an ascending range inside 0..8",
        ),
        (
            ListEntry { y_first: 3, y_last: 2, ..good },
            NARROW,
            "BAD_ENTRY: y_first..=y_last = 3..=2: expected an ascending range inside 0..4",
        ),
        (ListEntry { input_offset: -2, ..good }, WIDE, "MISALIGNED: input_offset = -2 words: expected a multiple of 4"),
        (ListEntry { weight_block: 1, ..good }, WIDE, "MISALIGNED: weight_block = 1 words: expected a multiple of 4"),
        (
            ListEntry { input_offset: -4, ..good },
            NARROW,
            "OUT_OF_RANGE: the input: bytes -0x20..0x3e0, expected inside 0x0..0x10000",
        ),
        (
            ListEntry { weight_block: 0x17C4, ..good },
            NARROW,
            "OUT_OF_RANGE: the weight block: bytes 0xfe20..0x10020, expected inside 0x0..0x10000",
        ),
    ] {
        assert_eq!(refusal(bad.validate(&descriptor(), &limits)), message);
    }
    // Padding: the rectangle begins where the offset has reached the image.
    ListEntry { input_offset: -4, x_first: 1, ..good }.validate(&descriptor(), &NARROW).unwrap();
}

#[test]
fn exchange_commands_need_an_exchange_port() {
    for (word, message) in [
        (0x405, "BAD_ZONE: SYNC zone = 4: expected 0..4"),
        (0x404, "MISALIGNED: the exchange descriptor is at 0x4: expected a multiple of 8"),
        (0xFFF804, "OUT_OF_RANGE: the exchange descriptor: bytes 0xfff8..0x10008, expected inside 0x0..0x10000"),
        (0x706, "UNSUPPORTED: WAIT engines = 0x7: expected a nonzero part of 0x5, the engines that exist"),
    ] {
        let refusal = Command::check(word, &joined(1)).expect_err("the command is illegal");
        assert_eq!(refusal.to_string(), message, "{word:#x}");
    }
    for word in [0x305, 0xFFF004, 0x406, 0x506] {
        Command::check(word, &joined(1)).unwrap();
        assert_eq!(Command::check(word, &NARROW).expect_err("no port").code, ErrorCode::Unsupported);
    }
}

#[test]
fn exchange_descriptors_say_what_is_legal() {
    let good =
        ExchangeDescriptor { send_address: 0xFFF0, send_count: 1, receive_address: 0x8000, receive_count: 0x800 };
    let check = |descriptor: ExchangeDescriptor| ExchangeDescriptor::check(&descriptor.encode().unwrap(), &joined(1));
    assert_eq!(check(good), Ok(good));
    // An empty list lies nowhere.
    check(ExchangeDescriptor { send_address: 0xFF_FFF8, send_count: 0, ..good }).unwrap();
    for (bad, message) in [
        (
            ExchangeDescriptor { send_address: 0x1004, ..good },
            "MISALIGNED: the send list is at 0x1004: expected a multiple of 8",
        ),
        (
            ExchangeDescriptor { receive_address: 1, receive_count: 0, ..good },
            "MISALIGNED: the receive list is at 0x1: expected a multiple of 8",
        ),
        (
            ExchangeDescriptor { send_count: 2, ..good },
            "LIST_OUT_OF_RANGE: the send list: bytes 0xfff0..0x10010, expected inside 0x0..0x10000",
        ),
        (
            ExchangeDescriptor { receive_count: 0x801, ..good },
            "LIST_OUT_OF_RANGE: the receive list: bytes 0x8000..0x10010, expected inside 0x0..0x10000",
        ),
    ] {
        assert_eq!(check(bad).unwrap_err().to_string(), message);
    }
    let [first, second] = good.encode().unwrap();
    assert_eq!(
        ExchangeDescriptor::check(&[first, second | 1 << 63], &joined(1)).unwrap_err().to_string(),
        "BAD_DESCRIPTOR: ExchangeDescriptor: reserved bits 0x8000000000000000 of word 1 are set: expected zero"
    );
}

#[test]
fn exchange_entries_say_what_is_legal() {
    let good = ExchangeEntry { row_words: 4, rows: 3, row_stride: 6, word_address: 0x3FF0, ..Default::default() };
    good.validate(true, &joined(2)).unwrap();
    ExchangeEntry { source: 4095, ..good }.validate(false, &joined(2)).unwrap();
    for (bad, message) in [
        (ExchangeEntry { row_words: 0, ..good }, "BAD_DESCRIPTOR: row_words = 0: expected at least 1"),
        (ExchangeEntry { rows: 0, ..good }, "BAD_DESCRIPTOR: rows = 0: expected at least 1"),
        (ExchangeEntry { source: 2, ..good }, "BAD_DESCRIPTOR: source = 2 in a send list: expected 0"),
        (ExchangeEntry { row_words: 3, ..good }, "MISALIGNED: row_words = 3: expected a multiple of 2"),
        (ExchangeEntry { word_address: 7, ..good }, "MISALIGNED: word_address = 7: expected a multiple of 2"),
        (ExchangeEntry { row_stride: 5, ..good }, "MISALIGNED: row_stride = 5: expected a multiple of 2"),
        (
            ExchangeEntry { word_address: 0x3FF2, ..good },
            "OUT_OF_RANGE: the words: bytes 0xffc8..0x10008, expected inside 0x0..0x10000",
        ),
    ] {
        assert_eq!(refusal(bad.validate(true, &joined(2))), message);
        // Lanes of one word are never misaligned.
        let narrow = bad.validate(true, &joined(1));
        assert!(narrow.is_ok() || narrow.is_err_and(|violation| violation.code != ErrorCode::Misaligned));
    }
}

#[test]
fn programs_are_followed_to_their_exchange_entries() {
    let text = "
        exchange lists
        sync 0
        wait exchange
        halt
        .exchange lists { send_address = sends, send_count = 1, receive_address = receives, receive_count = 2 }
sends:  .exchange_entry { row_words = 8, rows = 1, word_address = 0x1000 }
receives:
        .exchange_entry { row_words = 8, rows = 1, source = 1, word_address = 0x2000 }
        .exchange_entry { start_cycle = 8, row_words = 4, rows = 0, source = 2, word_address = 0x3000 }
";
    let program = assemble(text).unwrap();
    assert_eq!(program.address_of("lists"), Some(0x20));
    assert_eq!(
        program.validate(&joined(1)).unwrap_err().to_string(),
        "at 0x50: BAD_DESCRIPTOR: rows = 0: expected at least 1"
    );
    let good = text.replace("rows = 0", "rows = 2");
    let refused_at = |text: &str| assemble(text).unwrap().validate(&joined(1)).map_err(|error| error.address);
    assert_eq!(refused_at(&good), Ok(()));
    assert_eq!(
        refused_at(&good.replace("row_words = 8, rows = 1, word", "row_words = 8, rows = 1, source = 1, word")),
        Err(0x30)
    );
    assert_eq!(refused_at(&good.replace("send_count = 1", "send_count = 4096")), Err(0x20));
    assert_eq!(refused_at(&good.replace("sync 0", "sync 4")), Err(8));
    assert_eq!(assemble(text).unwrap().validate(&NARROW).map_err(|error| error.address), Err(0));
}

#[test]
fn programs_are_followed_to_their_entries() {
    let text = "
        amp panel
        wait amp
        halt
        .word 0                     ; behind HALT: not a command
        .org 0x100
        .amp panel { rows_x = 2, rows_y = 1, columns = 16, list_address = list, list_count = 2 }
list:   .entry { x_last = 1 }
        .entry { x_last = 2 }
";
    let refusal = assemble(text).unwrap().validate(&NARROW).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "at 0x138: BAD_ENTRY: x_first..=x_last = 0..=2: expected an ascending range inside 0..2"
    );
    let good = text.replace("x_last = 2", "x_last = 1");
    let refused_at = |text: &str| assemble(text).unwrap().validate(&NARROW).map_err(|error| error.address);
    assert_eq!(refused_at(&good), Ok(()));
    assert_eq!(refused_at(&good.replace("rows_y = 1", "rows_y = 0")), Err(0x100));
    assert_eq!(refused_at(&good.replace("wait amp", "wait vector")), Err(8));
    assert_eq!(
        assemble("amp 0x100").unwrap().validate(&NARROW).unwrap_err().to_string(),
        "at 0x8: UNKNOWN_COMMAND: the program has no word here: expected a command"
    );
    // What is not in the image is written at run time, and checked by the tile.
    assert_eq!(refused_at("amp 0x100\n halt"), Ok(()));
}
