//! The design that most tests share, and folders to build in.

use std::path::{Path, PathBuf};

use tessera_cosim::{CompiledDesign, Design, Model, Options, Public, Trace};

/// `bench.v`.
pub fn bench() -> Design {
    Design::from_verilog("bench", include_str!("bench.v"))
        .input("clock", 1)
        .input("reset", 1)
        .input("enable", 1)
        .input("refused", 8)
        .output("count", 8)
        .output("next__count", 8)
        .input("wide_in", 300)
        .output("wide_out", 300)
        .output("wide_low", 64)
        .input("write", 1)
        .input("address", 4)
        .input("data", 72)
        .output("word", 72)
        .output("half", 16)
        .input("template", 1)
        .input("oscillate", 1)
        .output("oscillation", 1)
}

/// How every test builds it, so that it is built once.
pub fn bench_options() -> Options {
    let public = vec![Public { module: "store".into(), variable: "halves".into() }];
    Options { public, ..traced() }
}

/// Every test traces, so that all share one compiled runtime.
pub fn traced() -> Options {
    Options { trace: Trace::Vcd, ..Options::default() }
}

/// The compiled bench.
pub fn compiled_bench() -> CompiledDesign {
    bench().compile(&bench_options()).unwrap()
}

/// A bench that counts from zero in every cycle.
pub fn counting_bench() -> Model {
    let mut model = compiled_bench().model().unwrap();
    let [reset, enable] = ["reset", "enable"].map(|name| model.port(name).unwrap());
    model.set_u64(reset, 1);
    model.step(1).unwrap();
    model.set_u64(reset, 0);
    model.set_u64(enable, 1);
    model
}

/// A folder of this process that ends with the value.
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Creates it; `name` is unique in the test program.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tessera-cosim-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
