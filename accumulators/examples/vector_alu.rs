//! Prints the Verilog of the vector ALU:
//!
//!     cargo run -p tessera-accumulators --example vector_alu > vector_alu.v

fn main() -> Result<(), rtl::ElaborationErrors> {
    let design = rtl::elaborate(&accumulators::VectorAlu)?;
    print!("{}", rtl::verilog::emit_string(&design, &rtl::verilog::Options::default()));
    Ok(())
}
