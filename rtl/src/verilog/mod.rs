//! The Verilog back end.

/// True for words that Verilog or SystemVerilog reserves.
pub fn is_keyword(word: &str) -> bool {
    matches!(word, "wire" | "reg" | "module")
}
