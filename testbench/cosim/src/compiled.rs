//! A compiled design: the factory of its models.

use std::path::{Path, PathBuf};

use crate::compile::{Compiler, LIBRARY_FILE};
use crate::library::Library;
use crate::{Design, Error, Model, Options};

/// State in which registers start that the Verilog gives no initial value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitialState {
    /// All zeros.
    #[default]
    Zeros,
    /// All ones.
    Ones,
    /// Random bits from this seed.
    Random(u16),
}

/// A design that is compiled and loaded. Models that come from one `CompiledDesign`, or from equal ones,
/// share port and memory handles.
#[derive(Clone, Debug)]
pub struct CompiledDesign {
    library: &'static Library,
    folder: PathBuf,
    newly_built: bool,
}

impl Design {
    /// Compiles and loads the design, or takes it from the cache.
    ///
    /// # Errors
    /// What is missing, what Verilator or the C++ compiler refuses, how the port list differs from the module.
    pub fn compile(&self, options: &Options) -> Result<CompiledDesign, Error> {
        let cached = Compiler::new(self, options)?.compile()?;
        let library = Library::load(&cached.folder.join(LIBRARY_FILE), self, options.trace)?;
        Ok(CompiledDesign { library, folder: cached.folder, newly_built: cached.built })
    }

    /// Compiles the design and makes one model: [`Design::compile`], then [`CompiledDesign::model`].
    ///
    /// # Errors
    /// As these two.
    pub fn simulate(&self, options: &Options) -> Result<Model, Error> {
        self.compile(options)?.model()
    }
}

impl CompiledDesign {
    /// A new model; registers without an initial value start at zero.
    ///
    /// # Errors
    /// [`Error::Failed`] if an `initial` block reports a failure.
    pub fn model(&self) -> Result<Model, Error> {
        self.model_starting(InitialState::Zeros)
    }

    /// A new model whose registers without an initial value start as told. Random states find what a reset
    /// forgot.
    ///
    /// # Errors
    /// As [`CompiledDesign::model`].
    pub fn model_starting(&self, initial: InitialState) -> Result<Model, Error> {
        Model::new(self.library, initial)
    }

    /// Whether this call compiled it; `false` if it came from the cache.
    pub fn newly_built(&self) -> bool {
        self.newly_built
    }

    /// Its folder in the cache.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
