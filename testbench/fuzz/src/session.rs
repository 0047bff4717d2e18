//! Batches of random recipes through all simulators; a recipe on which they disagree is shrunk.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rtl::verilog::{Options, emit_string};

use crate::batch::Batch;
use crate::faults::Fault;
use crate::recipe::Recipe;
use crate::run::{Compared, RunError, Simulator, compare};
use crate::{native, strategy};

/// A recipe on which simulators disagree, or that one of them refuses.
#[derive(Clone, Debug)]
pub struct Find {
    /// The simulator that differs from the native one; `native` where that one failed by itself.
    pub simulator: &'static str,
    /// What it did.
    pub message: String,
    /// On which recipe.
    pub recipe: Recipe,
}

/// Draws recipes; the same seed, the same recipes.
pub struct Generator {
    runner: TestRunner,
}

impl Generator {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Generator {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Generator { runner: TestRunner::new_with_rng(Config::default(), rng) }
    }

    /// `count` recipes that can be shrunk.
    pub fn draw(&mut self, count: usize) -> Vec<Box<dyn ValueTree<Value = Recipe>>> {
        let recipe = strategy::recipe().boxed();
        (0..count).map(|_| recipe.new_tree(&mut self.runner).expect("no recipe is rejected") as _).collect()
    }
}

/// How recipes are run.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// What the native simulator is compared with.
    pub simulator: &'a dyn Simulator,
    /// Cycles of each design.
    pub cycles: usize,
    /// A mistake that is put into the emitted text.
    pub fault: Option<Fault>,
}

/// What is wrong with a batch: with which design, if that is known, and what.
struct Failure {
    design: Option<usize>,
    simulator: &'static str,
    message: String,
}

impl Session<'_> {
    /// Runs `recipes` together and compares.
    ///
    /// # Errors
    /// The first find, by index among the recipes.
    ///
    /// # Panics
    /// If a program that is needed is missing.
    pub fn check(&self, recipes: &[Recipe]) -> Result<Compared, (usize, Find)> {
        let failure = match self.attempt(recipes) {
            Ok(compared) => return Ok(compared),
            Err(failure) => failure,
        };
        if let Some(index) = failure.design.or((recipes.len() == 1).then_some(0)) {
            let Failure { simulator, message, .. } = failure;
            return Err((index, Find { simulator, message, recipe: recipes[index].clone() }));
        }
        // Nobody says which design it is: the half that has it does.
        let (low, high) = recipes.split_at(recipes.len() / 2);
        let mut compared = self.check(low)?;
        compared += self.check(high).map_err(|(index, find)| (low.len() + index, find))?;
        // Only together do they fail; the first stands for all.
        let Failure { simulator, message, .. } = failure;
        let message = format!("only in a batch of {}: {message}", recipes.len());
        Err((0, Find { simulator, message, recipe: recipes[0].clone() }))
    }

    fn attempt(&self, recipes: &[Recipe]) -> Result<Compared, Failure> {
        let native = |message| Failure { design: None, simulator: "native", message };
        let caught = catch(|| {
            let batch = Batch::new(recipes, self.cycles).map_err(native)?;
            let verilog = emit_string(&batch.together, &Options::simulation());
            let runs = native::run(&batch);
            let runs = runs.map_err(|(design, message)| Failure { design: Some(design), ..native(message) })?;
            Ok((batch, verilog, runs))
        });
        let (batch, verilog, expected) = caught.map_err(native)??;
        let verilog = self.fault.map_or_else(|| verilog.clone(), |fault| fault.inject(&verilog));
        let failure = |design, message| Failure { design, simulator: self.simulator.name(), message };
        let found = match self.simulator.run(&batch, &verilog) {
            Ok(found) => found,
            Err(RunError::Refused(message)) => return Err(failure(None, message)),
            Err(RunError::Environment(message)) => panic!("{}: {message}", self.simulator.name()),
        };
        compare(&batch, &expected, &found)
            .map_err(|mismatches| failure(Some(mismatches[0].design), mismatches[0].message.clone()))
    }

    /// The smallest recipe that is found within `time` on which the simulators still disagree.
    pub fn shrink(&self, tree: &mut dyn ValueTree<Value = Recipe>, find: Find, time: Duration) -> Find {
        let start = Instant::now();
        let mut smallest = find;
        let mut simpler = tree.simplify();
        while simpler && start.elapsed() < time {
            simpler = match self.check(&[tree.current()]) {
                Err((_, find)) => {
                    smallest = find;
                    tree.simplify()
                }
                Ok(_) => tree.complicate(),
            };
        }
        smallest
    }
}

/// The emitted text of a recipe on its own.
///
/// # Errors
/// What elaboration or the back end refuses.
pub fn verilog(recipe: &Recipe) -> Result<String, String> {
    let text = || {
        let design = rtl::elaborate(&crate::Circuit::new("d0", recipe)).map_err(|errors| errors.to_string())?;
        Ok(emit_string(&design, &Options::simulation()))
    };
    catch(text)?
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// True while this thread runs what is tested: a panic then is a find.
pub fn is_catching() -> bool {
    CATCHING.get()
}

/// Runs what is tested; a panic is an error.
fn catch<R>(tested: impl FnOnce() -> R) -> Result<R, String> {
    CATCHING.set(true);
    let caught = catch_unwind(AssertUnwindSafe(tested));
    CATCHING.set(false);
    caught.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        format!("panic: {}", text.unwrap_or("without a message"))
    })
}
