//! A model's waveforms.

use std::ffi::CString;
use std::path::Path;

use crate::{Error, Model};

/// What a waveform shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceScope {
    /// The path of an instance below the top module, such as `amp.lane_0`; empty for the top module.
    pub instance: String,
    /// How many levels of the hierarchy from there on, 1 for that instance alone; 0 for all.
    pub levels: u16,
}

/// Waveforms, of a build with [`crate::Trace::Vcd`].
impl Model {
    /// Starts a VCD file with all signals of the design. Every half cycle from now on is written: inputs change
    /// with the falling edge of the clock, registers with the rising edge. A file that is open is closed.
    ///
    /// # Errors
    /// [`Error::Trace`] if the design was built without tracing, the file cannot be written, or the scope is empty.
    pub fn open_trace(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.open_trace_of(path, &TraceScope::default())
    }

    /// Starts a VCD file with a part of the design, as [`Model::open_trace`].
    ///
    /// # Errors
    /// As [`Model::open_trace`].
    pub fn open_trace_of(&mut self, path: impl AsRef<Path>, scope: &TraceScope) -> Result<(), Error> {
        let path = path.as_ref();
        let refused = |reason| Error::Trace { path: path.into(), reason };
        let functions = self.library.trace.ok_or_else(|| refused("the design was built without `Trace::Vcd`"))?;
        let mut instance = self.library.top.clone();
        if !scope.instance.is_empty() {
            instance = format!("{instance}.{}", scope.instance);
        }
        let c_text = |text: &str| CString::new(text).map_err(|_| refused("a name has a zero byte"));
        let c_path = c_text(path.to_str().ok_or_else(|| refused("the path is not UTF-8"))?)?;
        let c_instance = c_text(&instance)?;
        self.close_trace();
        // SAFETY: the simulation is alive and the texts outlive the call.
        let opened = unsafe {
            (functions.open)(self.simulation.as_ptr(), c_path.as_ptr(), i32::from(scope.levels), c_instance.as_ptr())
        };
        if opened { Ok(()) } else { Err(refused("the file cannot be written, or no such instance has signals")) }
    }

    /// Ends the VCD file, if one is open. Dropping the model does the same.
    pub fn close_trace(&mut self) {
        if let Some(functions) = self.library.trace {
            // SAFETY: the simulation is alive.
            unsafe { (functions.close)(self.simulation.as_ptr()) }
        }
    }
}
