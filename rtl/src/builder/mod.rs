//! The module under construction: ports, wires, registers, memories, instances, conditions, properties.
//!
//! Each thread builds one module at a time; instances build their children in between. A [`Signal`] belongs to the
//! module in which it was made, and use in another is refused. Mistakes are recorded with the Rust source line and
//! reported together by [`crate::elaborate`].

mod instance;
mod memory;
mod property;
mod state;
mod when;

pub use memory::{Memory, address_bits};
pub use state::{Register, Wire};
pub use when::When;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::Location;
use std::rc::Rc;

use crate::bits::Bits;
use crate::design::{Branch, Enumeration, MemoryDef, ModuleDef, Node, NodeId, Op, Port, RegisterDef, WireDef};
use crate::error::ElaborationError;
use crate::module::Bundle;
use crate::signal::Signal;
use crate::states::States;
use crate::wave::Format;

/// The largest signal: wide enough for any bus, small enough to catch a width that is an address.
pub const MAX_WIDTH: usize = 1 << 16;

thread_local! {
    /// Modules under construction on this thread, the innermost last.
    static STACK: RefCell<Vec<Builder>> = const { RefCell::new(Vec::new()) };
    static NEXT_MODULE_ID: Cell<u32> = const { Cell::new(0) };
    /// The line that closures of this crate describe hardware for; see [`at`].
    static HERE: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

/// `1 bit`, `2 bits`.
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// What is wrong with a name that is to stand in the Verilog.
pub(crate) fn name_fault(name: &str) -> Option<String> {
    let legal = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !legal {
        Some(format!("illegal name `{name}`; expected lower-case letters, digits and underscores, no digit first"))
    } else if crate::verilog::is_keyword(name) {
        Some(format!("the name `{name}` is reserved by Verilog"))
    } else if name == "clock" || name == "reset" {
        Some(format!("the name `{name}` is reserved; modules have it where they need it"))
    } else {
        None
    }
}

/// The Rust source line to name for what is described now: the caller's, or that of an enclosing [`at`].
#[track_caller]
pub(crate) fn here() -> &'static Location<'static> {
    HERE.get().unwrap_or(Location::caller())
}

/// Runs `body`, a closure that `#[track_caller]` does not reach, as if it stood at `location`.
pub(crate) fn at<R>(location: &'static Location<'static>, body: impl FnOnce() -> R) -> R {
    /// Goes back also when `body` panics.
    struct Restore(Option<&'static Location<'static>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            HERE.set(self.0);
        }
    }
    let _restore = Restore(HERE.replace(Some(location)));
    body()
}

/// The builder of the module that this thread is building.
pub(crate) fn current() -> Builder {
    STACK.with_borrow(|stack| stack.last().cloned()).expect("signals exist only inside `Module::build`")
}

/// A module under construction. A cheap handle: clones share the module.
#[derive(Clone)]
pub struct Builder {
    id: u32,
    state: Rc<RefCell<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub module: ModuleDef,
    pub errors: Vec<ElaborationError>,
    scopes: Vec<String>,
    path: Vec<Branch>,
    when_count: u32,
    names: HashMap<String, &'static Location<'static>>,
}

impl Builder {
    /// Runs `body` with a new module on top of this thread's stack, and returns what it described.
    pub(crate) fn describe<R>(name: String, body: impl FnOnce(&Builder) -> R) -> (R, ModuleDef, Vec<ElaborationError>) {
        let id = NEXT_MODULE_ID.replace(NEXT_MODULE_ID.get() + 1);
        let module = ModuleDef { name, ..ModuleDef::default() };
        let builder = Builder { id, state: Rc::new(RefCell::new(State { module, ..State::default() })) };
        STACK.with_borrow_mut(|stack| stack.push(builder.clone()));
        /// Takes the module off the stack also when `body` panics.
        struct Pop;
        impl Drop for Pop {
            fn drop(&mut self) {
                STACK.with_borrow_mut(|stack| stack.pop());
            }
        }
        let pop = Pop;
        let result = body(&builder);
        drop(pop);
        let state = builder.state.take();
        (result, state.module, state.errors)
    }

    /// True while this thread is inside the `build` of a module of this name.
    pub(crate) fn is_building(name: &str) -> bool {
        STACK.with_borrow(|stack| stack.iter().any(|builder| builder.state.borrow().module.name == name))
    }

    // ----- what signals use ---------------------------------------------------------------------------------------

    #[track_caller]
    pub(crate) fn error(&self, message: String) {
        self.error_at(message, here());
    }

    pub(crate) fn error_at(&self, message: String, location: &'static Location<'static>) {
        let module = self.state.borrow().module.name.clone();
        self.state.borrow_mut().errors.push(ElaborationError { module, message, location });
    }

    #[track_caller]
    pub(crate) fn push(&self, op: Op, width: usize) -> Signal {
        let width = self.checked_width(width);
        let mut state = self.state.borrow_mut();
        let id = NodeId(u32::try_from(state.module.nodes.len()).expect("fewer than 2^32 nodes"));
        state.module.nodes.push(Node { op, width, name: None, location: here() });
        Signal { module: self.id, id, width: width as u32 }
    }

    #[track_caller]
    fn checked_width(&self, width: usize) -> usize {
        if (1..=MAX_WIDTH).contains(&width) {
            return width;
        }
        self.error(format!("a width of {width} bits; expected 1 to {MAX_WIDTH}"));
        width.clamp(1, MAX_WIDTH)
    }

    /// The node of `signal`, or a zero of its width and an error if it belongs to another module.
    #[track_caller]
    pub(crate) fn own(&self, signal: Signal) -> NodeId {
        if signal.module == self.id {
            return signal.id;
        }
        let bits = count(signal.width(), "bit");
        self.error(format!("a signal of another module ({bits}) is used here; pass it through a port"));
        self.push(Op::Constant(Bits::zero(signal.width())), signal.width()).id
    }

    /// What to call a node in a message: its name, or its width.
    pub(crate) fn describe_signal(&self, signal: Signal) -> String {
        if signal.module != self.id {
            return format!("a signal ({})", count(signal.width(), "bit"));
        }
        let state = self.state.borrow();
        match &state.module.node(signal.id).name {
            Some(name) => format!("`{name}` ({})", count(signal.width(), "bit")),
            None => format!("an unnamed signal ({})", count(signal.width(), "bit")),
        }
    }

    /// The line that described `signal`.
    #[track_caller]
    pub(crate) fn location_of(&self, signal: Signal) -> &'static Location<'static> {
        if signal.module == self.id { self.state.borrow().module.node(signal.id).location } else { here() }
    }

    /// Applies the current scopes to a name, and refuses a duplicate or an illegal identifier.
    #[track_caller]
    fn claim_name(&self, name: &str) -> String {
        let mut state = self.state.borrow_mut();
        let full: String = state.scopes.iter().flat_map(|scope| [scope.as_str(), "_"]).chain([name]).collect();
        let duplicate = state.names.insert(full.clone(), here());
        drop(state);
        if let Some(fault) = name_fault(&full) {
            self.error(fault);
        }
        if let Some(first) = duplicate {
            self.error(format!("duplicate name `{full}`; first used at {}:{}", first.file(), first.line()));
        }
        full
    }

    #[track_caller]
    pub(crate) fn name_node(&self, signal: Signal, name: &str) {
        let id = self.own(signal);
        let old = self.state.borrow().module.node(id).name.clone();
        if let Some(old) = old {
            return self.error(format!("`{old}` already has a name; it cannot also be `{name}`"));
        }
        let full = self.claim_name(name);
        self.state.borrow_mut().module.nodes[id.index()].name = Some(full);
    }

    #[track_caller]
    pub(crate) fn show_as(&self, signal: Signal, format: Format) {
        let id = self.own(signal);
        if format.element_bits(signal.width()).is_none() {
            let (found, name) = (self.describe_signal(signal), format.name());
            return self.error(format!("{found} cannot be shown as {name}: that is no number of whole elements"));
        }
        self.state.borrow_mut().module.formats.insert(id, format);
    }

    // ----- what descriptions use ----------------------------------------------------------------------------------

    /// One sentence that says what the module does; stands in the Verilog header.
    ///
    /// ```
    /// # use rtl::example::circuit;
    /// let design = circuit([8], |m, [a]| {
    ///     m.summary("Doubles a number.");
    ///     a << 1
    /// });
    /// assert!(rtl::verilog::emit_string(&design.unwrap(), &Default::default()).contains("Doubles a number."));
    /// ```
    pub fn summary(&self, text: &str) {
        self.state.borrow_mut().module.summary = text.into();
    }

    /// The module's synchronous reset, active high: one bit. Registers with [`Register::reset`] need not read it.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([8], [[5], [6]], |m, [a]| rtl::mux(m.reset(), rtl::lit(0, 8), a));
    /// assert_eq!(outputs, [5, 6]);
    /// ```
    #[track_caller]
    pub fn reset(&self) -> Signal {
        self.state.borrow_mut().module.has_reset = true;
        self.push(Op::Reset, 1)
    }

    /// Names inside `body` are prefixed with `name` and an underscore, so that a helper can be used many times.
    ///
    /// ```
    /// # use rtl::example::circuit;
    /// let delayed = |m: &rtl::Builder, a: rtl::Signal, name: &str| m.scope(name, || a.register("state"));
    /// let design = circuit([8, 8], |m, [a, b]| delayed(m, a, "left") + delayed(m, b, "right")).unwrap();
    /// let names: Vec<_> = design.top().registers.iter().map(|register| &register.name).collect();
    /// assert_eq!(names, ["left_state", "right_state"]);
    /// ```
    pub fn scope<R>(&self, name: impl Into<String>, body: impl FnOnce() -> R) -> R {
        self.state.borrow_mut().scopes.push(name.into());
        let result = body();
        self.state.borrow_mut().scopes.pop();
        result
    }

    /// A wire of `width` bits: a signal that is used before it is driven. Drive it with [`Wire::set`].
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([8], [[5], [6]], |m, [a]| {
    ///     let next = m.wire("next", 8);
    ///     let sum = next.value + 1;
    ///     next.set(a << 1);
    ///     sum
    /// });
    /// assert_eq!(outputs, [11, 13]);
    /// ```
    #[track_caller]
    pub fn wire(&self, name: &str, width: usize) -> Wire {
        let name = self.claim_name(name);
        let index = self.state.borrow().module.wires.len();
        let value = self.push(Op::Wire(index), width);
        let mut state = self.state.borrow_mut();
        state.module.nodes[value.id.index()].name = Some(name.clone());
        state.module.wires.push(WireDef {
            name,
            width: value.width(),
            node: value.id,
            assignments: vec![],
            location: here(),
        });
        Wire { value, index: index as u32 }
    }

    /// A register of `width` bits that holds its value until set. Without [`Register::reset`] its value is undefined
    /// until first set (the native simulator and Verilator start it at zero).
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([1], [[1], [1], [0], [1]], |m, [enable]| {
    ///     let count = m.register("count", 8).reset(0);
    ///     m.when(enable, || count.set(count.q + 1));
    ///     count.q
    /// });
    /// assert_eq!(outputs, [0, 1, 2, 2]);
    /// ```
    #[track_caller]
    pub fn register(&self, name: &str, width: usize) -> Register {
        let name = self.claim_name(name);
        let index = self.state.borrow().module.registers.len();
        let q = self.push(Op::Register(index), width);
        let mut state = self.state.borrow_mut();
        state.module.has_clock = true;
        state.module.nodes[q.id.index()].name = Some(name.clone());
        state.module.registers.push(RegisterDef {
            name,
            width: q.width(),
            node: q.id,
            reset: None,
            assignments: vec![],
            enumeration: None,
            location: here(),
        });
        Register { q, index: index as u32 }
    }

    /// A state register that resets to the first state of `S` (see [`crate::states!`]), just wide enough for all of
    /// them: for n states `ceil(log2(n))` bits, at least one.
    ///
    /// ```
    /// # use rtl::example::run;
    /// rtl::states! { enum Light { Red, Green, Amber } }
    /// let outputs = run([], [[]; 4], |m, []| {
    ///     let light = m.state_register::<Light>("light");
    ///     m.when(light.q.is(Light::Red), || light.set(Light::Green))
    ///         .or_when(light.q.is(Light::Green), || light.set(Light::Amber))
    ///         .otherwise(|| light.set(Light::Red));
    ///     assert_eq!(light.q.width(), 2);
    ///     light.q
    /// });
    /// assert_eq!(outputs, [0, 1, 2, 0]);
    /// ```
    #[track_caller]
    pub fn state_register<S: States>(&self, name: &str) -> Register {
        let bits = S::STATES.len().next_power_of_two().trailing_zeros().max(1) as usize;
        let register = self.register(name, bits).reset(0);
        let values = S::STATES.iter().map(ToString::to_string).collect();
        let enumeration = Enumeration { name: S::NAME.into(), values };
        self.state.borrow_mut().module.registers[register.index as usize].enumeration = Some(enumeration);
        register
    }

    /// A memory of `depth` words of `width` bits, zero at power-up. Addresses have `ceil(log2(depth))` bits (at least
    /// one) and must be below `depth`, which is asserted.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([2, 8, 1], [[3, 7, 1], [3, 0, 0], [2, 0, 0]], |m, [address, data, enable]| {
    ///     let memory = m.memory("words", 4, 8);
    ///     memory.write(address, data, enable);
    ///     memory.read("word", address)
    /// });
    /// assert_eq!(outputs, [0, 7, 0]);
    /// ```
    #[track_caller]
    pub fn memory(&self, name: &str, depth: usize, width: usize) -> Memory {
        let name = self.claim_name(name);
        if depth < 2 {
            self.error(format!("memory `{name}` has {}; expected at least 2", count(depth, "word")));
        }
        let width = self.checked_width(width);
        let mut state = self.state.borrow_mut();
        state.module.has_clock = true;
        let index = state.module.memories.len() as u32;
        state.module.memories.push(MemoryDef {
            name,
            depth: depth.max(2),
            width,
            initial: vec![],
            collision_free: false,
            reads: vec![],
            writes: vec![],
            location: here(),
        });
        Memory { module: self.id, index }
    }

    #[track_caller]
    fn one_bit(&self, signal: Signal, what: &str) -> NodeId {
        if signal.width() != 1 {
            self.error(format!("{what} is {}; expected 1 bit", self.describe_signal(signal)));
            return self.push(Op::Constant(Bits::zero(1)), 1).id;
        }
        self.own(signal)
    }

    /// States that the bits of `signal` (of any width) that nothing reads are left unread on purpose, so that lint
    /// tools accept it.
    ///
    /// ```
    /// # use rtl::example::circuit;
    /// let design = circuit([8], |m, [a]| {
    ///     m.unused(a.bits(1..8));
    ///     a.bit(0)
    /// });
    /// assert!(design.is_ok());
    /// ```
    #[track_caller]
    pub fn unused(&self, signal: impl Bundle) {
        for signal in signal.signals() {
            let node = self.own(signal);
            self.state.borrow_mut().module.unused.push(node);
        }
    }

    // ----- ports (used by `elaborate`) ----------------------------------------------------------------------------

    #[track_caller]
    pub(crate) fn input(&self, name: &str, width: usize) -> Signal {
        let name = self.claim_name(name);
        let index = self.state.borrow().module.inputs.len();
        let signal = self.push(Op::Input(index), width);
        let mut state = self.state.borrow_mut();
        state.module.nodes[signal.id.index()].name = Some(name.clone());
        state.module.inputs.push(Port { name, width: signal.width(), node: signal.id });
        signal
    }

    #[track_caller]
    pub(crate) fn output(&self, name: &str, signal: Signal) {
        let node = self.own(signal);
        // An output may share its name with the register, wire or node that drives it, but with nothing else.
        let same = self.state.borrow().module.node(node).name.as_deref() == Some(name)
            && !matches!(self.state.borrow().module.node(node).op, Op::Input(_));
        let name = if same { name.to_string() } else { self.claim_name(name) };
        self.state.borrow_mut().module.outputs.push(Port { name, width: signal.width(), node });
    }

    pub(crate) fn set_configuration(&self, configuration: String) {
        self.state.borrow_mut().module.configuration = configuration;
    }
}
