//! Random values and programs survive encoding, and disassembly and assembly.

use isa::command::OPCODE;
use isa::layout::Layout;
use isa::register::{Configuration, Status};
use isa::{
    AmpDescriptor, COMMANDS, Command, DecodeError, EncodeError, ExchangeDescriptor, ExchangeEntry, Flags, ListEntry,
    Program, Segment, VectorDescriptor, assemble, disassemble,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Words of a layout with random fields.
fn words_of(layout: Layout) -> impl Strategy<Value = Vec<u64>> {
    vec(any::<u64>(), layout.words).prop_map(move |mut words| {
        words.iter_mut().enumerate().for_each(|(index, word)| *word &= !layout.reserved_mask(index));
        words
    })
}

fn command_word() -> impl Strategy<Value = u64> {
    (0..COMMANDS.len(), any::<u64>()).prop_map(|(index, random)| {
        let command = COMMANDS[index];
        OPCODE.deposit(random & !command.layout.reserved_mask(0), command.opcode.into())
    })
}

/// Commands from 0x1000 on, of which the first and some others name a descriptor; descriptors from 0x2000 on, whose lists
/// begin in the entries from 0x3000 on; a vector descriptor at 0x3400; an exchange descriptor and its lists from 0x3800 on; other words behind.
fn program() -> impl Strategy<Value = Program> {
    let descriptor_place = (0..4u32).prop_map(|index| 0x2000 + index * 48);
    let commands = vec(
        prop_oneof![command_word(), descriptor_place.prop_map(|at| Command::Amp { descriptor: at }.encode().unwrap())],
        0..12,
    );
    let descriptors = vec((words_of(AmpDescriptor::LAYOUT), 0..20u32, 1..20u32), 4);
    let list = || vec(words_of(ExchangeEntry::LAYOUT), 0..4);
    let vector = words_of(VectorDescriptor::LAYOUT);
    (commands, descriptors, vec(any::<u64>(), 30), vector, list(), list(), vec(any::<u64>(), 0..4)).prop_map(
        |(mut commands, descriptors, entries, vector, sends, receives, others)| {
            commands.insert(0, Command::Amp { descriptor: 0x2000 }.encode().unwrap());
            commands.insert(1, Command::Exchange { descriptor: 0x3800 }.encode().unwrap());
            commands.insert(2, Command::Vector { descriptor: 0x3400 }.encode().unwrap());
            commands.push(Command::Halt.encode().unwrap());
            let mut descriptor_words = Vec::new();
            for (words, first, list_count) in descriptors {
                let words: [u64; 6] = words.try_into().unwrap();
                let list_address = 0x3000 + first * 8;
                let descriptor = AmpDescriptor { list_address, list_count, ..AmpDescriptor::decode(&words).unwrap() };
                descriptor_words.extend(descriptor.encode().unwrap());
            }
            let exchange = ExchangeDescriptor {
                send_address: 0x3810,
                send_count: sends.len() as u32,
                receive_address: 0x3810 + 16 * sends.len() as u32,
                receive_count: receives.len() as u32,
            };
            let lists = sends.into_iter().chain(receives).flatten();
            let mut segments = vec![
                Segment { address: 0x1000, words: commands },
                Segment { address: 0x2000, words: descriptor_words },
                Segment { address: 0x3000, words: entries },
                Segment { address: 0x3400, words: vector },
                Segment { address: 0x3800, words: exchange.encode().unwrap().into_iter().chain(lists).collect() },
                Segment { address: 0x4000, words: others },
            ];
            segments.retain(|segment| !segment.words.is_empty());
            Program { segments, entry: 0x1000, symbols: [("start".to_owned(), 0x1000)].into() }
        },
    )
}

macro_rules! layouts_round_trip {
    ($($test:ident: $type:ident;)+) => {
        proptest! {
            $(
                #[test]
                fn $test(words in words_of($type::LAYOUT)) {
                    let words = words.try_into().unwrap();
                    let value = $type::decode(&words).unwrap();
                    prop_assert_eq!(value.encode().unwrap(), words);
                }
            )+
        }
    };
}

layouts_round_trip! {
    amp_descriptors_survive_encoding: AmpDescriptor;
    list_entries_survive_encoding: ListEntry;
    vector_descriptors_survive_encoding: VectorDescriptor;
    exchange_descriptors_survive_encoding: ExchangeDescriptor;
    exchange_entries_survive_encoding: ExchangeEntry;
    configurations_survive_encoding: Configuration;
    statuses_survive_encoding: Status;
    flags_survive_encoding: Flags;
}

proptest! {
    #[test]
    fn commands_survive_encoding(word in command_word()) {
        prop_assert_eq!(Command::decode(word).unwrap().encode().unwrap(), word);
    }

    #[test]
    fn any_word_decodes_to_itself_or_is_refused(word in any::<u64>()) {
        match Command::decode(word) {
            Ok(command) => prop_assert_eq!(command.encode().unwrap(), word),
            Err(DecodeError::UnknownOpcode { opcode }) => prop_assert_eq!(u64::from(opcode), word & 0xFF),
            Err(DecodeError::ReservedBits { bits, .. }) => prop_assert!(bits != 0 && word & bits == bits),
        }
    }

    #[test]
    fn programs_survive_disassembly(program in program()) {
        let text = disassemble(&program);
        let expected = ["amp ", ".amp {", ".entry {", "vector ", ".vector {", "exchange ", ".exchange {"];
        prop_assert_eq!(expected.map(|part| text.contains(part)), [true; 7]);
        let exchange = program.segments.iter().find(|segment| segment.address == 0x3800).expect("it is there");
        prop_assert_eq!(text.matches(".exchange_entry {").count(), exchange.words.len() / 2 - 1);
        prop_assert_eq!(assemble(&text).unwrap(), program);
    }

    #[test]
    fn random_memory_survives_disassembly(
        words in vec(prop_oneof![any::<u64>(), command_word()], 1..40),
        entry in 0..40u32,
        label in 0..60u32,
    ) {
        let symbols = [("start".to_owned(), 0x80 + entry * 8), ("label".to_owned(), label * 8)].into();
        let program = Program { segments: vec![Segment { address: 0x80, words }], entry: 0x80 + entry * 8, symbols };
        prop_assert_eq!(assemble(&disassemble(&program)).unwrap(), program);
    }
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let refusal = AmpDescriptor { rows_x: 128, ..Default::default() }.encode().unwrap_err();
    assert_eq!(refusal, EncodeError { layout: "AmpDescriptor", field: "rows_x", value: 128, min: 0, max: 127 });
    assert_eq!(refusal.to_string(), "AmpDescriptor.rows_x = 128 does not fit its bits: expected 0..=127");

    let refusal = ListEntry { input_offset: -131_073, ..Default::default() }.encode().unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "ListEntry.input_offset = -131073 does not fit its bits: expected -131072..=131071"
    );

    let refusal = Command::Amp { descriptor: 0x100_0000 }.encode().unwrap_err();
    assert_eq!(refusal.to_string(), "Amp.descriptor = 16777216 does not fit its bits: expected 0..=16777215");
}

#[test]
fn reserved_bits_are_refused_one_by_one() {
    let mut refused = 0;
    for word in 0..AmpDescriptor::WORDS {
        for bit in 0..64 {
            let mut words = [0; AmpDescriptor::WORDS];
            words[word] = 1 << bit;
            let reserved = AmpDescriptor::LAYOUT.reserved_mask(word) >> bit & 1 == 1;
            assert_eq!(AmpDescriptor::decode(&words).is_err(), reserved, "word {word} bit {bit}");
            refused += u32::from(reserved);
        }
    }
    assert_eq!(refused, 1 + 1 + 3 + 14 + 16 + 44);
    assert_eq!(
        AmpDescriptor::decode(&[0x8080, 0, 0, 0, 0, 0]).unwrap_err().to_string(),
        "AmpDescriptor: reserved bits 0x8080 of word 0 are set: expected zero"
    );
    let reserved = |layout: Layout| [0, 1].map(|word| layout.reserved_mask(word));
    assert_eq!(reserved(ExchangeDescriptor::LAYOUT), [0xFFFF_0000_FF00_0000; 2]);
    assert_eq!(reserved(ExchangeEntry::LAYOUT), [0xFF << 56, 0xF << 60]);
}
