//! Deliberate faults in the emitted text, which the comparison must notice.

/// A mistake that a Verilog back end could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// `{{3{a[4]}}, a}` becomes `{{3{1'b0}}, a}`.
    MissingSignExtension,
    /// The last branch of a selection, `default:`, assigns nothing.
    DroppedDefault,
    /// A slice `[7:4]` is taken one bit too low.
    SliceOffByOne,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 3] = [Fault::MissingSignExtension, Fault::DroppedDefault, Fault::SliceOffByOne];

    /// The text with the fault, in every place that has the form.
    pub fn inject(self, verilog: &str) -> String {
        let lines = verilog.lines().map(|line| match self {
            Fault::MissingSignExtension => without_sign(line),
            Fault::DroppedDefault => match line.trim_start().strip_prefix("default:") {
                Some(_) if line.ends_with(';') => line.replace(line.trim_start(), "default: ;"),
                _ => line.into(),
            },
            Fault::SliceOffByOne => lower_slices(line),
        });
        lines.collect::<Vec<String>>().join("\n") + "\n"
    }
}

/// Replaces the repeated bit in `{{3{a[4]}}, `.
fn without_sign(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{") {
        text += before;
        text += "{{";
        rest = after;
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let bit = after[digits..].strip_prefix('{').and_then(|bit| bit.split_once("}}, "));
        if let Some((bit, after)) = bit
            && bit.ends_with(']')
            && !bit.contains([':', '{', ','])
        {
            text += &format!("{}{{1'b0}}}}, ", &rest[..digits]);
            rest = after;
        }
    }
    text + rest
}

/// `[high:low]` with `low > 0` becomes `[high-1:low-1]`.
fn lower_slices(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('[') {
        text += before;
        let Some((inside, after)) = after.split_once(']') else { break };
        let bounds =
            inside.split_once(':').and_then(|(high, low)| Some((high.parse::<u32>().ok()?, low.parse::<u32>().ok()?)));
        text += &match bounds {
            Some((high, low)) if low > 0 && high > low => format!("[{}:{}]", high - 1, low - 1),
            _ => format!("[{inside}]"),
        };
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_change_what_they_say_and_nothing_else() {
        let text = "assign a = {{3{b[4]}}, b} + {{2{c}}, d};\n            default: a = b;\nreg [7:0] m [0:9];\n\
                    x = y[7:4] + z[3:0];\n";
        let sign = text.replace("{{3{b[4]}}, b}", "{{3{1'b0}}, b}");
        assert_eq!(Fault::MissingSignExtension.inject(text), sign);
        assert_eq!(Fault::DroppedDefault.inject(text), text.replace("default: a = b;", "default: ;"));
        assert_eq!(Fault::SliceOffByOne.inject(text), text.replace("[7:4]", "[6:3]"));
    }
}
