//! How the text looks: every name is declared before it is used, lines are short, and it is the same every time.

use std::collections::HashMap;

use rtl::generic::Fifo;
use rtl::verilog::{Options, emit, emit_string};
use rtl::{Design, elaborate};

use crate::designs::{Machine, Operators, SinglePortRam};

fn designs() -> Vec<Design> {
    vec![
        elaborate(&Machine).unwrap(),
        elaborate(&Operators { width: 130 }).unwrap(),
        elaborate(&SinglePortRam).unwrap(),
        elaborate(&Fifo { depth: 6, bits: 4 }).unwrap(),
    ]
}

/// Identifiers of a line, without comments, strings, `.port` names and numbers.
fn words(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap();
    let code: Vec<&str> = code.split('"').step_by(2).collect();
    let code = code.join(" ");
    let mut words = vec![];
    let mut word = String::new();
    let mut before = ' ';
    for c in code.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || c == '_' || c == '\'' {
            if word.is_empty() {
                word.push(before);
            }
            word.push(c);
        } else {
            if word.len() > 1
                && !word.starts_with(['.', '`', '$'])
                && !word[1..].starts_with(|c: char| c.is_ascii_digit())
            {
                words.push(word[1..].to_string());
            }
            word.clear();
            before = c;
        }
    }
    words
}

#[test]
fn names_are_declared_once_and_before_their_first_use() {
    let kinds = ["wire", "reg", "integer", "localparam"];
    let mut checked = 0;
    for design in designs() {
        for file in emit(&design, &Options::simulation()) {
            let lines: Vec<Vec<String>> = file.text.lines().map(words).collect();
            let mut declared: HashMap<&str, usize> = HashMap::new();
            for (number, line) in lines.iter().enumerate() {
                let kind = line.iter().rposition(|word| kinds.contains(&word.as_str()));
                if let Some(name) = kind.and_then(|kind| line.get(kind + 1)) {
                    assert_eq!(declared.insert(name, number), None, "{}: `{name}` twice", file.name);
                }
            }
            for (number, line) in lines.iter().enumerate() {
                for word in line {
                    if let Some(&at) = declared.get(word.as_str()) {
                        assert!(at <= number, "{}:{}: `{word}` is declared below", file.name, number + 1);
                        checked += 1;
                    }
                }
            }
        }
    }
    assert!(checked > 500, "{checked}");
}

#[test]
fn lines_have_at_most_110_columns_and_no_space_at_the_end() {
    for design in designs() {
        let text = emit_string(&design, &Options::default());
        assert!(text.ends_with("endmodule\n"));
        for line in text.lines() {
            assert!(line.chars().count() <= 110 && line.trim_end() == line, "{line:?}");
            assert!(line.is_ascii(), "{line:?}");
        }
    }
}

#[test]
fn text_is_the_same_every_time() {
    for (a, b) in designs().iter().zip(designs()) {
        assert_eq!(emit(a, &Options::default()), emit(&b, &Options::default()));
    }
}

#[test]
fn files_are_named_after_modules_and_the_top_is_last() {
    let files = emit(&elaborate(&Machine).unwrap(), &Options::default());
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["child.v", "machine.v"]);
}

#[test]
fn exported_text_has_no_simulator_attributes() {
    let design = elaborate(&Machine).unwrap();
    assert!(!emit_string(&design, &Options::default()).contains("public_flat"));
    assert!(emit_string(&design, &Options::simulation()).contains("/*verilator public_flat_rw*/"));
}
