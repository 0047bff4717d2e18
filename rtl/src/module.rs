//! Modules, bundles of signals, and elaboration.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Debug;
use std::rc::Rc;

use crate::builder::{Builder, Wire, at, count, current, here, name_fault};
use crate::check;
use crate::design::{Design, ModuleDef};
use crate::error::{ElaborationError, ElaborationErrors};
use crate::signal::Signal;

/// A piece of hardware: a configuration struct that knows its name, its inputs and how it is built.
///
/// `name` must tell apart any two configurations that build different hardware: each name is built once and reused.
pub trait Module: Debug {
    /// Inputs, a bundle (see [`crate::bundle!`]); `()` if there are none.
    type In: Bundle;
    /// Outputs.
    type Out: Bundle;

    /// The Verilog module name.
    fn name(&self) -> String;

    /// Declares the inputs and their widths.
    fn inputs(&self, ports: &Ports) -> Self::In;

    /// Describes the hardware.
    fn build(&self, m: &Builder, io: Self::In) -> Self::Out;
}

/// Signals, or a struct, vector or array of them: what ports, muxes and pipeline registers work on.
pub trait Bundle: Clone + 'static {
    /// The same bundle with every signal replaced by what `f` makes of it. `f` is called in declaration order with
    /// the signal's name: field names joined by underscores, elements of a vector numbered from 0.
    fn map(&self, name: &str, f: &mut dyn FnMut(&str, Signal) -> Signal) -> Self;

    /// The bundle one clock later, in registers without reset, named `name` and the field names.
    ///
    /// ```
    /// # use rtl::example::run;
    /// use rtl::Bundle;
    /// let outputs = run([8, 8], [[5, 1], [6, 2]], |_, [a, b]| {
    ///     let (a, b) = (a, b).register_all("stage");
    ///     a + b
    /// });
    /// assert_eq!(outputs, [0, 6]);
    /// ```
    #[track_caller]
    fn register_all(&self, name: &str) -> Self {
        let location = here();
        self.map(name, &mut |name, signal| at(location, || signal.register(name)))
    }

    /// The signals, in declaration order.
    fn signals(&self) -> Vec<Signal> {
        let mut signals = vec![];
        self.map("", &mut |_, signal| {
            signals.push(signal);
            signal
        });
        signals
    }
}

/// `prefix_name`, or just `name` at the top.
pub fn join_name(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.into() } else { format!("{prefix}_{name}") }
}

impl Bundle for Signal {
    fn map(&self, name: &str, f: &mut dyn FnMut(&str, Signal) -> Signal) -> Self {
        f(name, *self)
    }
}

impl Bundle for () {
    fn map(&self, _: &str, _: &mut dyn FnMut(&str, Signal) -> Signal) -> Self {}
}

impl<B: Bundle> Bundle for Vec<B> {
    fn map(&self, name: &str, f: &mut dyn FnMut(&str, Signal) -> Signal) -> Self {
        self.iter().enumerate().map(|(i, item)| item.map(&join_name(name, &i.to_string()), f)).collect()
    }
}

impl<B: Bundle> Bundle for Option<B> {
    fn map(&self, name: &str, f: &mut dyn FnMut(&str, Signal) -> Signal) -> Self {
        self.as_ref().map(|item| item.map(name, f))
    }
}

impl<A: Bundle, B: Bundle> Bundle for (A, B) {
    fn map(&self, name: &str, f: &mut dyn FnMut(&str, Signal) -> Signal) -> Self {
        (self.0.map(&join_name(name, "0"), f), self.1.map(&join_name(name, "1"), f))
    }
}

/// Declares a struct of signals (or of bundles) and implements [`Bundle`] for it. If every field is `Copy`, put
/// `#[derive(Copy)]` before it.
#[macro_export]
macro_rules! bundle {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident {
        $($(#[$field_attribute:meta])* $field_visibility:vis $field:ident: $kind:ty),* $(,)?
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug)]
        $visibility struct $name {
            $($(#[$field_attribute])* $field_visibility $field: $kind),*
        }

        impl $crate::Bundle for $name {
            fn map(
                &self,
                name: &str,
                f: &mut dyn FnMut(&str, $crate::Signal) -> $crate::Signal,
            ) -> Self {
                $name {
                    $($field: $crate::Bundle::map(
                        &self.$field,
                        &$crate::module::join_name(name, stringify!($field)),
                        f,
                    )),*
                }
            }
        }
    };
}

/// Declares the input ports of a module, or a bundle of wires ([`Builder::wires`]).
pub struct Ports {
    builder: Builder,
    prefix: String,
    /// Where the wires go; `None` makes input ports.
    wires: Option<Rc<RefCell<Vec<Wire>>>>,
}

/// A bundle of wires: used before it is driven. See [`Builder::wires`].
pub struct Wires<B> {
    /// The values.
    pub value: B,
    wires: Vec<Wire>,
}

impl<B: Bundle> Wires<B> {
    /// Drives every wire of the bundle, in declaration order, each with a signal of its width.
    #[track_caller]
    pub fn set(&self, driver: &B) {
        let drivers = driver.signals();
        if drivers.len() != self.wires.len() {
            let (wires, drivers) = (count(self.wires.len(), "wire"), count(drivers.len(), "signal"));
            return current().error(format!("a bundle of {wires} is driven by {drivers}"));
        }
        for (wire, signal) in self.wires.iter().zip(drivers) {
            wire.set(signal);
        }
    }
}

impl Builder {
    /// A bundle of wires, declared like ports, with the names prefixed by `name` and an underscore.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([8], [[5], [6]], |m, [a]| {
    ///     let pair = m.wires("pair", |ports| (ports.input("low", 8), ports.bit("odd")));
    ///     pair.set(&(a + 1, a.bit(0)));
    ///     rtl::mux(pair.value.1, pair.value.0, a)
    /// });
    /// assert_eq!(outputs, [6, 6]);
    /// ```
    pub fn wires<B: Bundle>(&self, name: &str, declare: impl FnOnce(&Ports) -> B) -> Wires<B> {
        let wires = Rc::new(RefCell::new(vec![]));
        let ports = Ports { builder: self.clone(), prefix: name.into(), wires: Some(wires.clone()) };
        let value = declare(&ports);
        Wires { value, wires: wires.take() }
    }
}

impl Ports {
    /// An input, or a wire, of `width` bits.
    #[track_caller]
    pub fn input(&self, name: &str, width: usize) -> Signal {
        let name = join_name(&self.prefix, name);
        match &self.wires {
            None => self.builder.input(&name, width),
            Some(wires) => {
                let wire = self.builder.wire(&name, width);
                wires.borrow_mut().push(wire);
                wire.value
            }
        }
    }

    /// An input of one bit.
    #[track_caller]
    pub fn bit(&self, name: &str) -> Signal {
        self.input(name, 1)
    }

    /// `count` inputs of `width` bits, named `name_0`, `name_1`, ...
    #[track_caller]
    pub fn array(&self, name: &str, count: usize, width: usize) -> Vec<Signal> {
        let location = here();
        (0..count).map(|i| at(location, || self.input(&format!("{name}_{i}"), width))).collect()
    }

    /// Ports of a nested bundle: names get the prefix `name` and an underscore.
    pub fn nested(&self, name: &str) -> Ports {
        Ports { builder: self.builder.clone(), prefix: join_name(&self.prefix, name), wires: self.wires.clone() }
    }
}

/// What an instance needs to know about its module.
#[derive(Clone)]
pub(crate) struct Child {
    pub name: String,
    pub index: usize,
    pub inputs: Vec<(String, usize)>,
    pub outputs: Rc<dyn Any>,
    pub has_clock: bool,
    pub has_reset: bool,
    configuration: String,
}

/// One run of [`elaborate`] on this thread.
#[derive(Default)]
struct Elaboration {
    modules: Vec<ModuleDef>,
    children: HashMap<String, Child>,
    errors: Vec<ElaborationError>,
}

thread_local! {
    static ELABORATION: RefCell<Option<Elaboration>> = const { RefCell::new(None) };
}

fn with_elaboration<R>(f: impl FnOnce(&mut Elaboration) -> R) -> R {
    ELABORATION.with_borrow_mut(|elaboration| f(elaboration.as_mut().expect("inside `elaborate`")))
}

/// Builds `module` and everything below it, checks the result, and returns the design.
///
/// # Errors
/// Everything that is wrong, each with module, names, widths and Rust source line: see [`crate::check`].
///
/// # Panics
/// If called from within [`Module::build`]; use [`Builder::instance`] there.
#[track_caller]
pub fn elaborate<M: Module>(module: &M) -> Result<Design, ElaborationErrors> {
    ELABORATION.with_borrow_mut(|elaboration| {
        assert!(elaboration.is_none(), "`elaborate` inside `Module::build`; use `Builder::instance`");
        *elaboration = Some(Elaboration::default());
    });
    /// Ends the run also when a description panics.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            ELABORATION.set(None);
        }
    }
    let end = End;
    build(module);
    let Elaboration { modules, mut errors, .. } = with_elaboration(std::mem::take);
    drop(end);
    let design = Design { modules };
    if errors.is_empty() {
        errors = check::check(&design);
    }
    if errors.is_empty() { Ok(design) } else { Err(ElaborationErrors(errors)) }
}

/// Builds `module` into the current elaboration.
#[track_caller]
fn build<M: Module>(module: &M) -> Child {
    let configuration = format!("{module:?}");
    let location = here();
    let (outputs, def, errors) = Builder::describe(module.name(), |m| {
        if let Some(fault) = name_fault(&module.name()) {
            m.error_at(fault, location);
        }
        m.set_configuration(configuration.clone());
        let io = module.inputs(&Ports { builder: m.clone(), prefix: String::new(), wires: None });
        let outputs = module.build(m, io);
        outputs.map("", &mut |name, signal| {
            at(m.location_of(signal), || m.output(name, signal));
            signal
        });
        outputs
    });
    with_elaboration(|elaboration| {
        let child = Child {
            name: def.name.clone(),
            index: elaboration.modules.len(),
            inputs: def.inputs.iter().map(|port| (port.name.clone(), port.width)).collect(),
            outputs: Rc::new(outputs),
            has_clock: def.has_clock,
            has_reset: def.has_reset,
            configuration,
        };
        elaboration.errors.extend(errors);
        elaboration.modules.push(def);
        elaboration.children.insert(child.name.clone(), child.clone());
        child
    })
}

/// The child for an instance: built once for each name; another configuration under the same name is refused.
#[track_caller]
pub(crate) fn child_module<M: Module>(module: &M, parent: &Builder) -> Child {
    let name = module.name();
    assert!(!Builder::is_building(&name), "module `{name}` contains an instance of itself");
    let known = with_elaboration(|elaboration| elaboration.children.get(&name).cloned());
    let Some(child) = known else { return build(module) };
    let configuration = format!("{module:?}");
    if child.configuration == configuration && child.outputs.is::<M::Out>() {
        return child;
    }
    let (name, first) = (&child.name, &child.configuration);
    parent.error(format!("two modules are called `{name}`: {first} and {configuration}"));
    // Built all the same, so that elaboration goes on to find further errors.
    build(module)
}
