//! A model's waveforms.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_void};
use std::fs::File;
use std::io::{self, BufWriter, Write};
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

/// Where a waveform goes.
pub(crate) struct TraceOutput {
    /// The outermost instance that it shows.
    instance: String,
    stream: RefCell<Stream>,
}

struct Stream {
    to: Box<dyn Write>,
    failure: Option<io::Error>,
}

impl std::fmt::Debug for TraceOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "waveform of {}", self.instance)
    }
}

/// Called by the simulation with pieces of the waveform.
unsafe extern "C" fn write_piece(output: *mut c_void, bytes: *const c_char, length: usize) {
    // SAFETY: the simulation hands back the pointer to the model's output, which lives as long as the trace is open,
    // and `length` bytes that stay as they are during the call.
    let (output, bytes) =
        unsafe { (&*output.cast::<TraceOutput>(), std::slice::from_raw_parts(bytes.cast::<u8>(), length)) };
    let mut stream = output.stream.borrow_mut();
    if stream.failure.is_none() {
        stream.failure = stream.to.write_all(bytes).err();
    }
}

/// Waveforms, of a build with [`crate::Trace::Vcd`].
impl Model {
    /// Starts a VCD file with all signals of the design. Every half cycle from now on is written: inputs change
    /// with the falling edge of the clock, registers with the rising edge. A waveform that is being written ends.
    ///
    /// # Errors
    /// As [`Model::trace_to`]; also if the file cannot be written.
    pub fn open_trace(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.open_trace_of(path, &TraceScope::default())
    }

    /// Starts a VCD file with a part of the design, as [`Model::open_trace`].
    ///
    /// # Errors
    /// As [`Model::open_trace`].
    pub fn open_trace_of(&mut self, path: impl AsRef<Path>, scope: &TraceScope) -> Result<(), Error> {
        let path = path.as_ref();
        let file = File::create(path).map_err(Error::io("write", path))?;
        self.trace_to(BufWriter::new(file), scope)
    }

    /// Writes a waveform to `to`, as [`Model::open_trace`] to a file.
    ///
    /// # Errors
    /// [`Error::Trace`] if the design was built without tracing, or if the header cannot be written.
    pub fn trace_to(&mut self, to: impl Write + 'static, scope: &TraceScope) -> Result<(), Error> {
        self.close_trace()?;
        let mut instance = self.library.top.clone();
        if !scope.instance.is_empty() {
            instance = format!("{instance}.{}", scope.instance);
        }
        let refused = |reason: &str| Error::Trace { instance: instance.clone(), reason: reason.into() };
        let functions = self.library.trace.ok_or_else(|| refused("the design was built without `Trace::Vcd`"))?;
        let c_instance = CString::new(instance.as_str()).map_err(|_| refused("the name has a zero byte"))?;
        let stream = RefCell::new(Stream { to: Box::new(to), failure: None });
        let output = Box::leak(Box::new(TraceOutput { instance: instance.clone(), stream })).into();
        self.trace = Some(output);
        let context = output.as_ptr().cast();
        // SAFETY: the simulation is alive, the text outlives the call, and the output is freed after the trace was
        // closed.
        let shows = unsafe {
            (functions.open)(
                self.simulation.as_ptr(),
                write_piece,
                context,
                i32::from(scope.levels),
                c_instance.as_ptr(),
            )
        };
        if !shows {
            self.close_trace()?;
            return Err(refused("no such instance has signals, or the simulation broke before"));
        }
        Ok(())
    }

    /// A waveform is being written.
    pub fn is_tracing(&self) -> bool {
        self.trace.is_some()
    }

    /// Ends the waveform, if one is being written, and drops what it was written to. Dropping the model does the
    /// same.
    ///
    /// # Errors
    /// [`Error::Trace`] with the first failure to write it.
    pub fn close_trace(&mut self) -> Result<(), Error> {
        if let Some(functions) = self.library.trace {
            // SAFETY: the simulation is alive.
            unsafe { (functions.close)(self.simulation.as_ptr()) }
        }
        let Some(output) = self.trace.take() else { return Ok(()) };
        // SAFETY: it was leaked by `trace_to`, is taken once, and the simulation no longer knows it.
        let TraceOutput { instance, stream } = *unsafe { Box::from_raw(output.as_ptr()) };
        let Stream { mut to, failure } = stream.into_inner();
        let failure = failure.or_else(|| to.flush().err());
        failure.map_or(Ok(()), |failure| Err(Error::Trace { instance, reason: failure.to_string() }))
    }
}
