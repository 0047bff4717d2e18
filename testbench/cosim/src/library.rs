//! A compiled model's C interface (`cpp/shim.cpp`), loaded.

use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use crate::Error;
use crate::design::{Design, PortDeclaration};
use crate::options::Trace;

/// A simulation inside the library.
#[repr(C)]
pub(crate) struct Simulation {
    _opaque: [u8; 0],
}

/// How a call into the simulation ended; the numbers are the shim's.
pub(crate) mod status {
    pub const OK: u32 = 0;
    pub const FINISHED: u32 = 1;
    pub const FAILED: u32 = 2;
}

/// A public variable as the shim lists it.
#[repr(C)]
pub(crate) struct RawVariable {
    pub scope: *const c_char,
    pub name: *const c_char,
    pub data: *mut c_void,
    pub width_bits: u32,
    pub depth: u32,
    pub stride_bytes: u32,
}

/// Takes a piece of a waveform: where it goes, its bytes and how many.
pub(crate) type WritePiece = unsafe extern "C" fn(*mut c_void, *const c_char, usize);

/// The functions of a library that can trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TraceFunctions {
    pub open: unsafe extern "C" fn(*mut Simulation, WritePiece, *mut c_void, c_int, *const c_char) -> bool,
    pub close: unsafe extern "C" fn(*mut Simulation),
}

/// One loaded library: its functions, and what its design looks like.
#[derive(Debug)]
pub(crate) struct Library {
    /// Equal for all models of one design in this process, so that they share port handles.
    pub id: usize,
    pub top: String,
    pub ports: Vec<PortDeclaration>,
    pub create: unsafe extern "C" fn(c_int, c_int, *mut u32) -> *mut Simulation,
    pub destroy: unsafe extern "C" fn(*mut Simulation),
    pub port: unsafe extern "C" fn(*mut Simulation, u32) -> *mut c_void,
    pub eval: unsafe extern "C" fn(*mut Simulation) -> u32,
    pub step: unsafe extern "C" fn(*mut Simulation, u64, *mut u64) -> u32,
    pub failure: unsafe extern "C" fn(*mut Simulation) -> *const c_char,
    pub messages: unsafe extern "C" fn(*mut Simulation) -> *const c_char,
    pub clear_messages: unsafe extern "C" fn(*mut Simulation),
    pub variable: unsafe extern "C" fn(*mut Simulation, u32, *mut RawVariable) -> bool,
    pub trace: Option<TraceFunctions>,
}

impl Library {
    /// Loads a design's library, once a process. It stays loaded: the C++ runtime in it has thread-local
    /// state whose end cannot be waited for.
    pub fn load(path: &Path, design: &Design, trace: Trace) -> Result<&'static Self, Error> {
        static LOADED: LazyLock<Mutex<HashMap<PathBuf, &'static Library>>> = LazyLock::new(Mutex::default);
        let mut loaded = LOADED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(library) = loaded.get(path) {
            return Ok(library);
        }
        let functions = Self::load_functions(path, loaded.len(), design, trace);
        let library: &'static Self =
            Box::leak(Box::new(functions.map_err(|source| Error::Load { path: path.into(), source })?));
        loaded.insert(path.into(), library);
        Ok(library)
    }

    fn load_functions(path: &Path, id: usize, design: &Design, trace: Trace) -> Result<Self, libloading::Error> {
        // SAFETY: the library was compiled from `cpp/shim.cpp`, whose text is part of the cached folder's name:
        // it has these functions with these types, and its initializers are those of the C++ library.
        unsafe {
            let code = Box::leak(Box::new(libloading::Library::new(path)?));
            let trace = match trace {
                Trace::None => None,
                Trace::Vcd => Some(TraceFunctions {
                    open: *code.get(b"cosim_trace_open\0")?,
                    close: *code.get(b"cosim_trace_close\0")?,
                }),
            };
            Ok(Self {
                id,
                top: design.top.clone(),
                ports: design.ports.clone(),
                create: *code.get(b"cosim_create\0")?,
                destroy: *code.get(b"cosim_destroy\0")?,
                port: *code.get(b"cosim_port\0")?,
                eval: *code.get(b"cosim_eval\0")?,
                step: *code.get(b"cosim_step\0")?,
                failure: *code.get(b"cosim_failure\0")?,
                messages: *code.get(b"cosim_messages\0")?,
                clear_messages: *code.get(b"cosim_clear_messages\0")?,
                variable: *code.get(b"cosim_variable\0")?,
                trace,
            })
        }
    }
}
