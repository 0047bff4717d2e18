//! The committed reference pages are those that the declarations give.

use std::{env, fs, path::Path};

use isa::{COMMANDS, ErrorCode, REGISTERS, assemble, reference, register_reference};

#[test]
fn committed_pages_equal_the_declarations() {
    for (name, page) in [("isa.md", reference()), ("registers.md", register_reference())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
        if env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &page).unwrap_or_else(|error| panic!("docs/{name} cannot be written: {error}"));
        }
        let committed = fs::read_to_string(&path).unwrap_or_else(|error| panic!("docs/{name}: {error}"));
        let first_difference = committed.lines().zip(page.lines()).position(|(old, new)| old != new);
        assert!(
            committed == page,
            "docs/{name} differs from line {:?} on; UPDATE_DOCS=1 cargo test -p tessera-isa rewrites it",
            first_difference.map(|index| index + 1)
        );
    }
}

#[test]
fn pages_name_every_command_register_and_code() {
    let page = reference();
    for command in COMMANDS {
        assert!(page.contains(&format!("`{}", command.mnemonic)), "{}", command.mnemonic);
    }
    let page = register_reference();
    for register in REGISTERS {
        assert!(page.contains(&format!("| {:#x} | {} |", register.address(), register.name)), "{}", register.name);
    }
    for error in ErrorCode::ALL {
        assert!(page.contains(&format!("| {} | {error} |", error.code())), "{error}");
    }
}

#[test]
fn example_on_the_page_is_a_legal_program() {
    let page = reference();
    let example = page.split("```asm\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let program = assemble(example).unwrap();
    program.validate(&isa::Limits::new(0x1_0000, 16, 64)).unwrap();
    assert_eq!(program.segments.len(), 2);
}
