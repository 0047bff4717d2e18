//! The Verilog back end: how the text reads, that every tool accepts it, and that it means what the design means.

mod designs;
mod expected;
mod finds;
mod inference;
mod lint;
mod meaning;
mod random;
mod text;
mod tools;
