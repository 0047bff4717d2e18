//! Wires and registers: what is set, and when.

use super::{at, count, current, here};
use crate::design::{Assignment, ModuleDef, Op};
use crate::signal::{Operand, Signal};
use crate::states::States;

/// Records `target.set(value)` under the branches of the moment; refuses one that hides an earlier one.
#[track_caller]
fn assign(target: &str, width: usize, value: Signal, pick: impl FnOnce(&mut ModuleDef) -> &mut Vec<Assignment>) {
    let builder = current();
    if value.width() != width {
        let found = builder.describe_signal(value);
        return builder.error(format!("`{target}` has {} and is set to {found}", count(width, "bit")));
    }
    let value = builder.own(value);
    let location = here();
    let mut state = builder.state.borrow_mut();
    let path = state.path.clone();
    let assignments = pick(&mut state.module);
    let hidden = assignments.iter().find(|earlier| earlier.path.starts_with(&path)).map(|earlier| earlier.location);
    assignments.push(Assignment { path, value, location });
    drop(state);
    if let Some(first) = hidden {
        let (file, line) = (first.file(), first.line());
        builder.error(format!("`{target}` is driven twice; this hides what is set at {file}:{line}"));
    }
}

/// A combinational signal that is used before it is driven.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// Its value.
    pub value: Signal,
    pub(super) index: u32,
}

impl Wire {
    /// Drives the wire with a value of its width. The first `set` must be unconditional; later ones, under `when`, win
    /// over it.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([1], [[0], [1]], |m, [a]| {
    ///     let wire = m.wire("wire_value", 8);
    ///     wire.set(3);
    ///     m.when(a, || wire.set(4));
    ///     wire.value
    /// });
    /// assert_eq!(outputs, [3, 4]);
    /// ```
    #[track_caller]
    pub fn set(self, value: impl Operand) {
        let value = value.like(self.value);
        let index = self.index as usize;
        if let Some(name) = target_name(self.value) {
            assign(&name, self.value.width(), value, |module| &mut module.wires[index].assignments);
        }
    }
}

/// A register; see [`Builder::register`](super::Builder::register).
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// Its value since the last clock edge.
    pub q: Signal,
    pub(super) index: u32,
}

impl Register {
    /// The constant, of the register's width, that is taken at a clock edge while the module's reset is high.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([8], [[5], [6]], |m, [a]| {
    ///     let register = m.register("value", 8).reset(7);
    ///     register.set(a);
    ///     register.q
    /// });
    /// assert_eq!(outputs, [7, 5]);
    /// ```
    #[track_caller]
    pub fn reset(self, value: impl Operand) -> Register {
        let builder = current();
        let value = value.like(self.q);
        let Some(name) = target_name(self.q) else { return self };
        if value.width() != self.q.width() {
            let (bits, found) = (count(self.q.width(), "bit"), builder.describe_signal(value));
            builder.error(format!("`{name}` has {bits} and its reset value is {found}"));
            return self;
        }
        let node = builder.own(value);
        let Op::Constant(bits) = builder.state.borrow().module.node(node).op.clone() else {
            builder.error(format!("the reset value of `{name}` is not a constant"));
            return self;
        };
        let mut state = builder.state.borrow_mut();
        state.module.has_reset = true;
        state.module.registers[self.index as usize].reset = Some(bits);
        drop(state);
        self
    }

    /// Sets the value, of the register's width, from the next clock edge on. Under `when` it applies only while the
    /// condition holds; among several that apply, the last wins; if none does, the register holds.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([1], [[0], [1], [0]], |m, [double]| {
    ///     let value = m.register("value", 8).reset(3);
    ///     value.set(value.q + 1);
    ///     m.when(double, || value.set(value.q << 1));
    ///     value.q
    /// });
    /// assert_eq!(outputs, [3, 4, 8]);
    /// ```
    #[track_caller]
    pub fn set(self, value: impl Operand) {
        let value = value.like(self.q);
        let index = self.index as usize;
        if let Some(name) = target_name(self.q) {
            assign(&name, self.q.width(), value, |module| &mut module.registers[index].assignments);
        }
    }
}

/// The name of the wire or register that `signal` reads; `None`, and an error, if it belongs to another module.
#[track_caller]
fn target_name(signal: Signal) -> Option<String> {
    let builder = current();
    if signal.module != builder.id {
        let bits = count(signal.width(), "bit");
        builder.error(format!("a wire or register of another module ({bits}) is set here; pass it through a port"));
        return None;
    }
    let name = builder.state.borrow().module.node(signal.id).name.clone();
    Some(name.expect("wires and registers have names"))
}

impl Signal {
    /// This signal one clock later, in a register of its width without reset.
    ///
    /// ```
    /// # use rtl::example::run;
    /// assert_eq!(run([8], [[5], [6], [7]], |_, [a]| a.register("later")), [0, 5, 6]);
    /// ```
    #[track_caller]
    pub fn register(self, name: &str) -> Signal {
        let register = current().register(name, self.width());
        register.set(self);
        self.carry_format(register.q)
    }

    /// This signal one clock later, in a register of its width that resets to zero.
    ///
    /// ```
    /// # use rtl::example::run;
    /// assert_eq!(run([8], [[5], [6], [7]], |_, [a]| a.register_reset("later")), [0, 5, 6]);
    /// ```
    #[track_caller]
    pub fn register_reset(self, name: &str) -> Signal {
        let register = current().register(name, self.width()).reset(0);
        register.set(self);
        self.carry_format(register.q)
    }

    /// This signal as it was at the last clock edge at which `enable` (one bit) held; the same width.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([8, 1], [[5, 1], [6, 0], [7, 1], [8, 0]], |_, [a, enable]| a.register_if("held", enable));
    /// assert_eq!(outputs, [0, 5, 5, 7]);
    /// ```
    #[track_caller]
    pub fn register_if(self, name: &str, enable: Signal) -> Signal {
        let (builder, location) = (current(), here());
        let register = builder.register(name, self.width());
        builder.when(enable, || at(location, || register.set(self)));
        self.carry_format(register.q)
    }

    /// `later`, which waveforms show in the format of this signal.
    fn carry_format(self, later: Signal) -> Signal {
        let builder = current();
        let id = builder.own(self);
        let format = builder.state.borrow().module.formats.get(&id).copied();
        if let Some(format) = format {
            builder.show_as(later, format);
        }
        later
    }

    /// This signal `cycles` clocks later (resets to zero if `reset`), of the same width; `name` gets the suffixes `_1`,
    /// `_2`, ...
    ///
    /// ```
    /// # use rtl::example::run;
    /// assert_eq!(run([8], [[5], [6], [7]], |_, [a]| a.delay("late", 2, true)), [0, 0, 5]);
    /// ```
    #[track_caller]
    pub fn delay(self, name: &str, cycles: usize, reset: bool) -> Signal {
        let location = here();
        (1..=cycles).fold(self, |signal, cycle| {
            let name = format!("{name}_{cycle}");
            at(location, || if reset { signal.register_reset(&name) } else { signal.register(&name) })
        })
    }

    /// One bit: this state register holds `state`.
    ///
    /// ```
    /// # use rtl::example::run;
    /// rtl::states! { enum Light { Red, Green } }
    /// let outputs = run([], [[]; 2], |m, []| {
    ///     let light = m.state_register::<Light>("light");
    ///     light.set(Light::Green);
    ///     light.q.is(Light::Green)
    /// });
    /// assert_eq!(outputs, [0, 1]);
    /// ```
    #[track_caller]
    pub fn is<S: States + Operand>(self, state: S) -> Signal {
        self.eq(state)
    }
}
