//! The functions.

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// e^x.
    Exp,
    /// 2^x.
    Exp2,
    /// Natural logarithm.
    Ln,
    /// Logarithm to base 2.
    Log2,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e^-x).
    Sigmoid,
    /// 1 / x.
    Reciprocal,
    /// Square root.
    Sqrt,
    /// 1 / sqrt(x).
    ReciprocalSqrt,
}

/// Bits of a code.
pub const CODE_BITS: usize = 4;

impl Function {
    /// All of them, in the order of their codes.
    pub const ALL: [Function; 9] = [
        Function::Exp,
        Function::Exp2,
        Function::Ln,
        Function::Log2,
        Function::Tanh,
        Function::Sigmoid,
        Function::Reciprocal,
        Function::Sqrt,
        Function::ReciprocalSqrt,
    ];

    /// The number by which hardware is told the function.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The name, as in C's libm where it has one.
    pub const fn name(self) -> &'static str {
        match self {
            Function::Exp => "exp",
            Function::Exp2 => "exp2",
            Function::Ln => "ln",
            Function::Log2 => "log2",
            Function::Tanh => "tanh",
            Function::Sigmoid => "sigmoid",
            Function::Reciprocal => "reciprocal",
            Function::Sqrt => "sqrt",
            Function::ReciprocalSqrt => "rsqrt",
        }
    }

    /// The function of that name.
    pub fn from_name(name: &str) -> Option<Function> {
        Function::ALL.into_iter().find(|function| function.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_tell_the_functions_apart() {
        for (code, function) in Function::ALL.into_iter().enumerate() {
            assert_eq!(function.code() as usize, code);
            assert_eq!(Function::from_name(function.name()), Some(function));
        }
        assert!(Function::ALL.len() <= 1 << CODE_BITS);
    }
}
