//! What a sweep has found.

use serde::{Deserialize, Serialize};

/// Of a chunk, or of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Operands, NaNs and those outside the domain included.
    pub operands: u64,
    /// Largest distance of a result from the exact value, in units of the exact value's last place.
    pub largest_error_ulp: f64,
    /// An operand with that error.
    pub worst_operand: u32,
    /// Results that are not the nearest number.
    pub misrounded: u64,
    /// Results that are less (in a function that falls, more) than that of the next smaller operand.
    pub steps_back: u64,
    /// Results whose flags, or whose special values, are wrong.
    pub wrong: u64,
    /// Results that FP64 left open.
    pub left_open: u64,
    /// Time, of all threads together.
    pub seconds: f64,
}

impl Tally {
    /// Both together.
    pub fn merge(self, other: Tally) -> Tally {
        let worse = if other.largest_error_ulp > self.largest_error_ulp { other } else { self };
        Tally {
            operands: self.operands + other.operands,
            largest_error_ulp: worse.largest_error_ulp,
            worst_operand: worse.worst_operand,
            misrounded: self.misrounded + other.misrounded,
            steps_back: self.steps_back + other.steps_back,
            wrong: self.wrong + other.wrong,
            left_open: self.left_open + other.left_open,
            seconds: self.seconds + other.seconds,
        }
    }

    /// The function is within 1 ulp, monotonic, and right in flags and special values.
    pub fn is_sound(&self) -> bool {
        self.largest_error_ulp <= 1.0 && self.steps_back == 0 && self.wrong == 0
    }
}

/// The head of the table of results, in Markdown.
pub const HEAD: &str = "\
| function   | operands      | largest error | at         | not the nearest      | monotonic | wrong flags | open in FP64 | time  |
|------------|---------------|---------------|------------|----------------------|-----------|-------------|--------------|-------|";

/// A line of it.
pub fn line(name: &str, tally: &Tally) -> String {
    let Tally { operands, largest_error_ulp, worst_operand, misrounded, steps_back, wrong, left_open, seconds } = tally;
    let percent = 100.0 * *misrounded as f64 / (*operands).max(1) as f64;
    let monotonic = if *steps_back == 0 { "yes".to_string() } else { format!("no: {steps_back}") };
    format!(
        "| {name:<10} | {operands:>13} | {largest_error_ulp:>9.4} ulp | {worst_operand:#010x} | \
         {misrounded:>10} {percent:>7.4} % | {monotonic:<9} | {wrong:>11} | {left_open:>12} | {seconds:>3.0} s |"
    )
}
