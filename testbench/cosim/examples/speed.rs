//! What the bridge costs: time to build a tiny counter, time to load it again, clock cycles a second.
//!
//!     cargo run --release -p tessera-cosim --example speed

use std::time::Instant;

use tessera_cosim::{Design, Error, Options};

const CYCLES: u64 = 20_000_000;

const COUNTER: &str = "
module counter (input clock, input enable, output reg [31:0] count);
  initial count = 0;
  always @(posedge clock) if (enable) count <= count + 1;
endmodule
";

fn main() -> Result<(), Error> {
    let cache = std::env::temp_dir().join(format!("tessera-speed-{}", std::process::id()));
    let counter =
        |text: &str| Design::from_verilog("counter", text).input("clock", 1).input("enable", 1).output("count", 32);
    let options = Options { cache: Some(cache.clone()), ..Options::default() };

    let seconds = |label: &str, design: &Design| {
        let start = Instant::now();
        let compiled = design.compile(&options)?;
        println!("{label:<52} {:>12.3} s", start.elapsed().as_secs_f64());
        Ok::<_, Error>(compiled)
    };
    seconds("build, Verilator's runtime included", &counter(COUNTER))?;
    seconds("build of another text", &counter(&format!("{COUNTER}// another text\n")))?;
    let compiled = seconds("the first again, from the cache", &counter(COUNTER))?;

    let mut model = compiled.model()?;
    let (enable, count) = (model.port("enable")?, model.port("count")?);
    model.set_u64(enable, 1);
    let rate = |label: &str, start: Instant| {
        println!("{label:<52} {:>12.0} cycles/s", CYCLES as f64 / start.elapsed().as_secs_f64());
    };
    let start = Instant::now();
    model.step(CYCLES)?;
    rate("step(n)", start);

    let start = Instant::now();
    for cycle in 0..CYCLES {
        model.set_u64(enable, cycle & 1);
        model.step(1)?;
        std::hint::black_box(model.get_u64(count));
    }
    rate("set_u64, step(1), get_u64", start);

    model.set_u64(enable, 1);
    let start = Instant::now();
    model.run_until(count, model.get_u64(count) + CYCLES, CYCLES)?;
    rate("run_until", start);
    std::fs::remove_dir_all(&cache).map_err(|source| Error::Io { action: "remove", path: cache, source })
}
