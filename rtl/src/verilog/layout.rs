//! Lines of at most [`COLUMNS`] columns.
//!
//! Expressions carry marks where a line may break. A line that fits is written whole, with a space for each mark;
//! a longer one is filled, and a chain of `?:` gets one line for each choice.

/// The longest line.
pub const COLUMNS: usize = 110;
/// A space, or a line break where the line is too long.
pub const SOFT: char = '\u{E000}';
/// A space, or a line break at every mark of this kind where the line is too long: between the choices of a `?:`.
pub const CHOICE: char = '\u{E001}';

/// `before`, `expression` and `after` at an indentation of `indent` spaces, broken where needed.
pub fn layout(indent: usize, before: &str, expression: &str, after: &str) -> String {
    let whole = format!("{before}{expression}{after}");
    let length = indent + whole.chars().count();
    let chosen = choices(&whole);
    if length <= COLUMNS && chosen.len() <= 3 {
        return pad(indent) + &plain(&whole) + "\n";
    }
    if chosen.len() == 1 {
        return fill(indent, &whole);
    }
    let mut text = fill(indent, before.trim_end());
    let body = format!("{expression}{after}");
    for choice in choices(&body) {
        text += &fill(indent + 4, choice);
    }
    text
}

/// Text split at the choices outside all brackets.
fn choices(text: &str) -> Vec<&str> {
    let mut parts = vec![];
    let (mut start, mut depth) = (0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            CHOICE if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Lines filled up to the last column, broken outside brackets where possible; continuation lines are indented.
fn fill(indent: usize, text: &str) -> String {
    if indent + text.chars().count() <= COLUMNS {
        return pad(indent) + &plain(text) + "\n";
    }
    let pieces = outermost_pieces(text);
    if pieces.len() == 1 {
        return pad(indent) + text + "\n";
    }
    // The condition of an `if` stands out from the statements below it.
    let further = if text.starts_with("if (") { 8 } else { 4 };
    let mut lines = String::new();
    let mut line = String::new();
    let mut columns = indent;
    for piece in pieces {
        if line.is_empty() {
            line += piece;
        } else if columns + line.chars().count() + 1 + piece.chars().count() <= COLUMNS {
            line.push(' ');
            line += piece;
        } else {
            lines += &fill(columns, &line);
            line = piece.to_string();
            columns = indent + further;
        }
    }
    lines + &fill(columns, &line)
}

/// Text split at the marks that lie inside the fewest brackets.
fn outermost_pieces(text: &str) -> Vec<&str> {
    // Below zero where the text is a piece that closes brackets which another has opened.
    let mut marks: Vec<(i32, usize)> = vec![];
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            SOFT | CHOICE => marks.push((depth, at)),
            _ => {}
        }
    }
    let least = marks.iter().map(|(depth, _)| *depth).min();
    let mut pieces = vec![];
    let mut start = 0;
    for (_, at) in marks.into_iter().filter(|(depth, _)| Some(*depth) == least) {
        pieces.push(&text[start..at]);
        start = at + SOFT.len_utf8();
    }
    pieces.push(&text[start..]);
    pieces
}

/// The text on one line.
pub fn plain(text: &str) -> String {
    text.replace([SOFT, CHOICE], " ")
}

/// Spaces.
pub fn pad(columns: usize) -> String {
    " ".repeat(columns)
}

/// Comment lines `// ...` of wrapped words; `next` starts the lines after the first.
pub fn comment(first: &str, next: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = format!("// {first}");
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > COLUMNS - 10 {
            lines += &(line + "\n");
            line = format!("// {next}");
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line += word;
        empty = false;
    }
    lines + line.trim_end() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_stay_whole() {
        assert_eq!(layout(4, "assign y = ", &format!("a{SOFT}+ b"), ";"), "    assign y = a + b;\n");
    }

    #[test]
    fn text_that_closes_brackets_of_another_piece_splits_outside_them() {
        let text = format!("a,{SOFT}b) &&{SOFT}c");
        assert_eq!(outermost_pieces(&text), [&format!("a,{SOFT}b) &&") as &str, "c"]);
    }

    #[test]
    fn long_lines_are_filled_and_long_choices_get_a_line_each() {
        let terms: Vec<String> = (0..40).map(|i| format!("term_{i}")).collect();
        let text = layout(4, "assign y = ", &terms.join(&format!(" |{SOFT}")), ";");
        assert!(text.lines().count() > 3 && text.lines().all(|line| line.len() <= COLUMNS), "{text}");
        let chain = format!("a ? b :{CHOICE}c ? d :{CHOICE}e ? f :{CHOICE}g");
        let text = layout(4, "assign y = ", &chain, ";");
        assert_eq!(text, "    assign y =\n        a ? b :\n        c ? d :\n        e ? f :\n        g;\n");
    }
}
