//! A waveform in memory, and the run that the tests look at.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use golden::Start;
use kernels::device::{Device, DeviceError, NativeTile, VerilatorTile};
use kernels::matmul::{MatmulProblem, Operands, plan, run_matmul};
use kernels::random::Random;
use kernels::report::KernelReport;
use rtl::wave::{Kind, Sink, TraceOptions, VariableId, Waveform};
use tile::TileConfig;

/// A value, as tests compare it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Bits(Vec<u64>),
    /// The bits of an `f64`: a NaN equals itself.
    Real(u64),
    Text(String),
}

/// What came, in order.
#[derive(Default)]
pub struct Collected {
    /// Path of each name, with its kind and its variable.
    pub names: BTreeMap<String, (Kind, usize)>,
    /// Of each variable, its changes.
    pub changes: Vec<Vec<(u64, Value)>>,
    scopes: Vec<String>,
    time: u64,
    finished: bool,
}

/// A sink whose contents can be read later.
#[derive(Clone, Default)]
pub struct Collect(pub Arc<Mutex<Collected>>);

impl Collect {
    fn add(&self, variable: VariableId, value: Value) -> io::Result<()> {
        let mut collected = self.0.lock().unwrap();
        let time = collected.time;
        let changes = &mut collected.changes[variable.0];
        assert!(changes.last().is_none_or(|(_, last)| *last != value), "{value:?} is written again");
        changes.push((time, value));
        Ok(())
    }

    fn name(&self, name: &str, kind: Kind, variable: usize) {
        let mut collected = self.0.lock().unwrap();
        let path = format!("{}.{name}", collected.scopes.join("."));
        assert!(collected.names.insert(path.clone(), (kind, variable)).is_none(), "{path} is declared twice");
    }
}

impl Sink for Collect {
    fn open_scope(&mut self, name: &str, _module: &str) -> io::Result<()> {
        self.0.lock().unwrap().scopes.push(name.into());
        Ok(())
    }

    fn close_scope(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().scopes.pop();
        Ok(())
    }

    fn declare(&mut self, name: &str, kind: Kind) -> io::Result<VariableId> {
        let variable = self.0.lock().unwrap().changes.len();
        self.0.lock().unwrap().changes.push(vec![]);
        self.name(name, kind, variable);
        Ok(VariableId(variable))
    }

    fn declare_alias(&mut self, name: &str, kind: Kind, variable: VariableId) -> io::Result<()> {
        self.name(name, kind, variable.0);
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn time(&mut self, nanoseconds: u64) -> io::Result<()> {
        let mut collected = self.0.lock().unwrap();
        assert!(nanoseconds >= collected.time, "time goes forward");
        collected.time = nanoseconds;
        Ok(())
    }

    fn bits(&mut self, variable: VariableId, words: &[u64]) -> io::Result<()> {
        self.add(variable, Value::Bits(words.into()))
    }

    fn real(&mut self, variable: VariableId, number: f64) -> io::Result<()> {
        self.add(variable, Value::Real(number.to_bits()))
    }

    fn text(&mut self, variable: VariableId, text: &str) -> io::Result<()> {
        self.add(variable, Value::Text(text.into()))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().finished = true;
        Ok(())
    }
}

/// Rows, columns and K of the product.
pub const SIZE: usize = 20;

/// Both simulators.
pub const SIMULATORS: [&str; 2] = ["native", "verilator"];

/// Runs a random product on `ipu64` with these waveforms; returns what it gave, with its operands.
pub fn run(simulator: &str, waveforms: Vec<Waveform>) -> Result<(KernelReport, Vec<u16>, Vec<u16>), DeviceError> {
    run_product(&TileConfig::ipu64(), simulator, [SIZE; 3], waveforms)
}

/// As [`run`], on any tile, of this M, N and K.
pub fn run_product(
    config: &TileConfig,
    simulator: &str,
    [m, n, k]: [usize; 3],
    waveforms: Vec<Waveform>,
) -> Result<(KernelReport, Vec<u16>, Vec<u16>), DeviceError> {
    let mut device: Box<dyn Device> = match simulator {
        "native" => Box::new(NativeTile::traced(config, waveforms)?),
        _ => Box::new(VerilatorTile::traced(config, waveforms)?),
    };
    let plan = plan(config, &MatmulProblem::new(m, n, k)).expect("a product that fits");
    let mut random = Random::new(7);
    let (a, b) = (random.fp16s(m * k), random.fp16s(k * n));
    let operands = Operands { a: &a, b: &b, start: Start::Zero, residual: None };
    let report = run_matmul(&mut *device, &plan, &operands, &mut |_| ())?;
    device.finish()?;
    Ok((report, a, b))
}

/// The waveform of a run.
pub fn collect(config: &TileConfig, simulator: &str, options: TraceOptions) -> Collected {
    let collect = Collect::default();
    run_product(config, simulator, [SIZE; 3], vec![Waveform::new(collect.clone(), options)]).unwrap();
    let collected = std::mem::take(&mut *collect.0.lock().unwrap());
    assert!(collected.finished, "the waveform ends");
    collected
}
