//! Command files of Surfer, which it runs with `surfer --command-file`: they name what is to be seen, and so hold for
//! any version, where its state files hold the numbers that one version gave to the signals of one waveform.

use std::fmt::Write;

use super::{Group, Style};

/// A command file that shows the groups, of a design with this top.
pub fn surfer_command_file(top: &str, groups: &[Group]) -> String {
    let mut text = String::new();
    let mut line = |line: &str| writeln!(text, "{line}").expect("a string takes everything");
    let count = groups.iter().map(|group| group.signals.len() + 1).sum();
    let mut index = 0;
    for Group { title, signals } in groups {
        line(&format!("divider_add {title}"));
        index += 1;
        for (name, style) in signals {
            line(&format!("variable_add {top}.{}", name.path));
            if *style == Style::Decimal {
                line(&format!("item_focus {}_", letters(index, count)));
                line("item_set_format Unsigned");
                line("item_unfocus");
            }
            index += 1;
        }
    }
    line("zoom_fit");
    text
}

/// What Surfer calls the item at `index` of `count`: the hexadecimal digits, in letters from `a` to `p`.
fn letters(index: usize, count: usize) -> String {
    let digits = count.ilog(16) as usize + 1;
    let letter = |digit: char| char::from(b'a' + digit.to_digit(16).expect("a hexadecimal digit") as u8);
    format!("{index:0digits$x}").chars().map(letter).collect()
}
