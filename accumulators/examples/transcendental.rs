//! Prints the Verilog of the transcendental unit, which no tile contains yet:
//!
//!     cargo run -p tessera-accumulators --example transcendental > transcendental.v

fn main() -> Result<(), rtl::ElaborationErrors> {
    let design = rtl::elaborate(&accumulators::Transcendental)?;
    for file in rtl::verilog::emit(&design, &rtl::verilog::Options::default()) {
        print!("{}", file.text);
    }
    Ok(())
}
