//! How the results of a run differ from those of the golden model.

use std::fmt;

use golden::{Flags, MatmulResult, OutputType};

/// How a run compares with the golden model.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Results that were compared.
    pub compared: usize,
    /// Those that differ.
    pub different: usize,
    /// The first of them.
    pub first: Option<Difference>,
    /// Flags of the run and of the golden model.
    pub flags: (Flags, Flags),
}

/// A result that is not the golden model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Row of the result.
    pub row: usize,
    /// Column of the result.
    pub column: usize,
    /// Bit pattern of the run.
    pub found: u32,
    /// Bit pattern of the golden model.
    pub expected: u32,
    /// Type of the result.
    pub output: OutputType,
}

impl Comparison {
    /// Compares every result of a run, in rows of so many columns, bit for bit, and its flags. Panics unless both have as
    /// many, and at least one.
    pub fn new(columns: usize, output: OutputType, (bits, flags): (&[u32], Flags), expected: &MatmulResult) -> Self {
        assert_eq!(bits.len(), expected.bits.len(), "as many results as the golden model has");
        assert!(!expected.bits.is_empty(), "nothing to compare");
        let pairs = bits.iter().zip(&expected.bits).enumerate();
        let mut differences =
            pairs.filter(|(_, (found, expected))| found != expected).map(|(index, (&found, &expected))| Difference {
                row: index / columns,
                column: index % columns,
                found,
                expected,
                output,
            });
        let first = differences.next();
        Comparison {
            compared: bits.len(),
            different: differences.count() + usize::from(first.is_some()),
            first,
            flags: (flags, expected.flags),
        }
    }

    /// Whether every result and every flag is the golden model's.
    pub fn bit_exact(&self) -> bool {
        self.different == 0 && self.flags.0 == self.flags.1
    }
}

impl Difference {
    /// Both bit patterns and both numbers.
    pub fn values(&self) -> String {
        let format = self.output.format();
        let digits = if self.output == OutputType::Fp16 { 4 } else { 8 };
        let Difference { found, expected, .. } = *self;
        let (number, golden) = (format.to_f64(found), format.to_f64(expected));
        format!("simulated 0x{found:0digits$x} ({number}), golden 0x{expected:0digits$x} ({golden})")
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}, column {}: {}", self.row, self.column, self.values())
    }
}
