//! A recipe as hardware.

use std::collections::HashSet;
use std::fmt;
use std::rc::Rc;

use rtl::builder::{Memory, address_bits};
use rtl::{Bits, Builder, Module, Ports, Register, Signal, States, cat, lit, mux, select};

use crate::operators::{operation, operation_names};
use crate::random::pattern;
use crate::recipe::{Block, Keep, MAX_WIDTH, MemoryRecipe, ModuleRecipe, Pick, PortKind, Recipe, Step, When};
use crate::shape::{Five, Results, Shape, Three, Two};

/// One module of a recipe.
#[derive(Clone)]
pub struct Circuit {
    prefix: String,
    recipe: Rc<Recipe>,
    module: usize,
}

impl Circuit {
    /// The top of `recipe`; the names of its modules begin with `prefix`.
    pub fn new(prefix: &str, recipe: &Recipe) -> Circuit {
        assert!(!recipe.modules.is_empty(), "a recipe has a top");
        Circuit { prefix: prefix.into(), recipe: Rc::new(recipe.clone()), module: recipe.modules.len() - 1 }
    }

    fn recipe(&self) -> &ModuleRecipe {
        &self.recipe.modules[self.module]
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Circuit {}", self.name())
    }
}

impl Module for Circuit {
    type In = Shape;
    type Out = Results;

    fn name(&self) -> String {
        format!("{}_m{}", self.prefix, self.module)
    }

    fn inputs(&self, ports: &Ports) -> Shape {
        let widths = &self.recipe().inputs;
        let names = Shape::names(widths.len());
        Shape::new(names.iter().zip(widths).map(|(name, &width)| ports.input(name, clip(width))).collect())
    }

    fn build(&self, m: &Builder, io: Shape) -> Results {
        m.summary("A random circuit.");
        m.unused(io.clone());
        let mut body = Body::new(m, self);
        body.given(lit(0, 1));
        body.given(lit(pattern(self.module as u64 + 7, 70), 70));
        for signal in rtl::Bundle::signals(&io) {
            body.given(signal);
        }
        if self.recipe().reads_reset {
            body.given(m.reset());
        }
        Results { result: body.build(self.recipe()) }
    }
}

/// A width that values can have.
pub fn clip(width: u16) -> usize {
    (width as usize).clamp(1, MAX_WIDTH)
}

/// A module under construction: the values so far.
pub struct Body<'a> {
    /// The builder of the module.
    pub m: &'a Builder,
    circuit: &'a Circuit,
    values: Vec<Value>,
    names: HashSet<&'static str>,
    instances: usize,
}

struct Value {
    signal: Signal,
    read: bool,
    output: bool,
}

impl<'a> Body<'a> {
    /// So that the hierarchy stays small: three levels below the top.
    const INSTANCES: usize = 3;

    fn new(m: &'a Builder, circuit: &'a Circuit) -> Self {
        Body { m, circuit, values: vec![], names: HashSet::new(), instances: 0 }
    }

    /// A value that need not be read.
    fn given(&mut self, signal: Signal) {
        self.values.push(Value { signal, read: true, output: false });
    }

    /// A value that becomes an output if nothing reads it.
    fn add(&mut self, signal: Signal) {
        self.values.push(Value { signal, read: false, output: false });
    }

    /// The value that was picked.
    pub fn pick(&mut self, pick: Pick) -> Signal {
        let last = self.values.len() - 1;
        let value = &mut self.values[last - pick.back as usize % (last + 1)];
        value.read = true;
        value.signal
    }

    /// The value that was picked, brought to `width` bits.
    pub fn fit(&mut self, pick: Pick, width: usize) -> Signal {
        let value = self.pick(pick);
        let fit = pick.fit as usize;
        match value.width() {
            own if own > width => {
                let low = fit % (own - width + 1);
                value.bits(low..low + width)
            }
            own if own < width && fit.is_multiple_of(2) => value.zero_extend(width),
            _ => value.sign_extend(width),
        }
    }

    fn build(mut self, recipe: &ModuleRecipe) -> Shape {
        let m = self.m;
        // Wires are declared before what drives them.
        let wires: Vec<_> = recipe
            .steps
            .iter()
            .enumerate()
            .map(|(i, step)| match step {
                Step::Wire { width, .. } => Some(m.wire(&format!("wire_{i}"), clip(*width))),
                _ => None,
            })
            .collect();
        let mut groups = vec![];
        for (g, group) in recipe.registers.iter().enumerate() {
            let mut members = vec![];
            for (i, &(width, reset)) in group.members.iter().enumerate() {
                let width = clip(width);
                let mut register = m.register(&format!("register_{g}_{i}"), width);
                if let Some(number) = reset {
                    register = register.reset(lit(pattern(number, width), width));
                }
                self.add(register.q);
                members.push(register);
            }
            groups.push(members);
        }
        for (i, (step, wire)) in recipe.steps.iter().zip(&wires).enumerate() {
            match (step, wire) {
                (Step::Wire { default, whens, .. }, Some(wire)) => {
                    let width = wire.value.width();
                    let value = self.fit(*default, width);
                    wire.set(value);
                    self.whens(whens, &mut |body, pick| {
                        let value = body.fit(pick, width);
                        wire.set(value);
                    });
                    self.add(wire.value);
                }
                _ => self.step(i, step),
            }
        }
        for (group, members) in recipe.registers.iter().zip(&groups) {
            let mut driven = false;
            self.block(&group.block, &mut |body, pick| {
                driven = true;
                for (i, register) in members.iter().enumerate() {
                    let value = body.fit(Pick { back: pick.back.wrapping_add(i as u16), ..pick }, register.q.width());
                    register.set(value);
                }
            });
            if !driven {
                members.iter().for_each(|register| register.set(register.q + 1u64));
            }
        }
        let observed: Vec<Signal> =
            self.values.iter().filter(|value| !value.read || value.output).map(|value| value.signal).collect();
        let last = self.values.last().expect("there are constants").signal;
        Shape::new(if observed.is_empty() { vec![last] } else { observed })
    }

    fn step(&mut self, i: usize, step: &Step) {
        let m = self.m;
        match step {
            Step::Skip | Step::Wire { .. } => self.given(lit(0, 1)),
            Step::Operation { operator, operands, width, number, keep } => {
                let value = operation(self, i, *operator, *operands, clip(*width), *number);
                if *keep == Keep::Named && operation_names(*operator) {
                    self.name(i, *number, value);
                }
                self.values.push(Value { signal: value, read: *keep == Keep::Hidden, output: *keep == Keep::Output });
            }
            Step::Memory(recipe) => self.memory(i, recipe),
            Step::Instance { module, reset, inputs } => self.instance(i, *module, *reset, inputs),
            Step::Machine { states, transitions, wild } => match states % 3 {
                0 => self.machine(i, &[Two::Off, Two::On], transitions, *wild),
                1 => self.machine(i, &[Three::Idle, Three::Busy, Three::Done], transitions, *wild),
                _ => {
                    let all = [Five::Alpha, Five::Beta, Five::Gamma, Five::Delta, Five::Epsilon];
                    self.machine(i, &all, transitions, *wild);
                }
            },
            Step::Assert { law, operands, width } => {
                let (a, b) = (self.fit(operands[0], clip(*width)), self.fit(operands[1], clip(*width)));
                m.assert(&format!("law_{i}"), holds(*law, a, b));
                self.given(lit(0, 1));
            }
            Step::Cover(pick) => {
                let condition = self.fit(*pick, 1);
                m.cover(&format!("cover_{i}"), condition);
                self.given(lit(0, 1));
            }
        }
    }

    /// Names that the Verilog back end might choose itself, each once; otherwise one of the step's own.
    fn name(&mut self, i: usize, number: u64, value: Signal) {
        const TEMPTING: [&str; 8] = [
            "index",
            "unused_ok",
            "sum",
            "selected",
            "memory_1_word",
            "value_2_address",
            "not_value",
            "instance_3_plain_0",
        ];
        let tempting = TEMPTING[number as usize % TEMPTING.len()];
        if number.is_multiple_of(3) && self.names.insert(tempting) {
            value.named(tempting);
        } else {
            value.named(format!("value_{i}"));
        }
    }

    fn block(&mut self, block: &Block, set: &mut dyn FnMut(&mut Body, Pick)) {
        if let Some(pick) = block.set {
            set(self, pick);
        }
        self.whens(&block.whens, set);
    }

    fn whens(&mut self, whens: &[When], set: &mut dyn FnMut(&mut Body, Pick)) {
        let m = self.m;
        for when in whens {
            let mut arms = when.arms.iter();
            let Some((condition, block)) = arms.next() else { continue };
            let condition = self.fit(*condition, 1);
            let mut chain = m.when(condition, || self.block(block, set));
            for (condition, block) in arms {
                let condition = self.fit(*condition, 1);
                chain = chain.or_when(condition, || self.block(block, set));
            }
            if let Some(block) = &when.otherwise {
                chain.otherwise(|| self.block(block, set));
            }
        }
    }

    fn machine<S: States + rtl::Operand>(
        &mut self,
        i: usize,
        all: &[S],
        transitions: &[(u8, u8, Pick)],
        wild: Option<Pick>,
    ) {
        let m = self.m;
        let register = m.state_register::<S>(&format!("state_{i}"));
        self.add(register.q);
        let at = |number: u8| all[number as usize % all.len()];
        let wild = wild.map(|pick| self.fit(pick, register.q.width()));
        register.set(wild.unwrap_or(register.q));
        let mut chain: Option<rtl::builder::When> = None;
        for &(from, to, condition) in transitions {
            let condition = self.fit(condition, 1);
            let next = || drop(m.when(condition, || register.set(at(to))));
            chain = Some(match chain {
                None => m.when(register.q.is(at(from)), next),
                Some(chain) => chain.or_when(register.q.is(at(from)), next),
            });
        }
        self.add(register.q.is(at(1)));
    }

    fn memory(&mut self, i: usize, recipe: &MemoryRecipe) {
        let m = self.m;
        let (depth, width) = ((recipe.depth as usize).clamp(2, 400), clip(recipe.width));
        let mut memory = m.memory(&format!("memory_{i}"), depth, width);
        let writes = |kind| matches!(kind, PortKind::Write | PortKind::WriteLanes | PortKind::Access);
        let written = recipe.ports.iter().any(|port| writes(port.kind));
        if recipe.initial.is_some() || !written {
            let (count, number) = recipe.initial.unwrap_or((1, 3));
            let count = 1 + count as usize % depth;
            memory = memory.initial((0..count as u64).map(|word| pattern(number + word, width)).collect());
        }
        // Reads in one phase, writes in the other: they cannot meet.
        let single = recipe.ports.iter().any(|port| port.kind == PortKind::Access);
        let phase = recipe.collision_free.filter(|_| !single).map(|pick| self.fit(pick, 1));
        if phase.is_some() {
            memory = memory.collision_free();
        }
        let reading = |enable: Signal| phase.map_or(enable, |phase| enable & phase);
        let writing = |enable: Signal| phase.map_or(enable, |phase| enable & (!phase).repeat(enable.width()));
        let mut data_read = vec![];
        for (p, port) in recipe.ports.iter().enumerate() {
            let name = format!("memory_{i}_read_{p}");
            let address = self.address(memory, depth, port.address);
            let lanes: Vec<usize> = (1..=width.min(40)).filter(|lanes| width % lanes == 0).collect();
            let lanes = lanes[port.lane_count as usize % lanes.len()];
            match port.kind {
                PortKind::Read => data_read.push(memory.read(&name, address)),
                PortKind::ReadRegistered => {
                    let enable = reading(self.fit(port.enable, 1));
                    data_read.push(memory.read_registered(&name, address, enable));
                }
                PortKind::Write => {
                    let (data, enable) = (self.fit(port.data, width), self.fit(port.enable, 1));
                    memory.write(address, data, writing(enable));
                }
                PortKind::WriteLanes => {
                    let (data, enables) = (self.fit(port.data, width), self.fit(port.enable, lanes));
                    memory.write_lanes(address, data, writing(enables));
                }
                PortKind::Access => {
                    let (data, enable) = (self.fit(port.data, width), self.fit(port.enable, 1));
                    let lanes = self.fit(port.lanes, lanes);
                    data_read.push(memory.access(&name, enable, address, data, lanes));
                }
            }
        }
        if data_read.is_empty() {
            let first = lit(Bits::zero(address_bits(depth)), address_bits(depth));
            data_read.push(memory.read(&format!("memory_{i}_first"), first));
        }
        data_read.into_iter().for_each(|data| self.add(data));
    }

    /// An address below the depth: compared, or with the top bit clear.
    fn address(&mut self, memory: Memory, depth: usize, pick: Pick) -> Signal {
        let bits = memory.address_bits();
        if depth == 1 << bits {
            return self.fit(pick, bits);
        }
        if pick.fit.is_multiple_of(3) && bits > 1 {
            return self.fit(pick, bits - 1).zero_extend(bits);
        }
        let address = self.fit(pick, bits);
        mux(address.lt(depth), address, lit(depth - 1, bits))
    }

    fn instance(&mut self, i: usize, module: u16, reset: Option<Pick>, inputs: &[Pick]) {
        let below = self.circuit.module;
        if below == 0 || self.instances == Self::INSTANCES || inputs.is_empty() {
            return self.given(lit(0, 1));
        }
        self.instances += 1;
        let child = Circuit { module: module as usize % below, ..self.circuit.clone() };
        let mut signals = vec![];
        for (k, &width) in child.recipe().inputs.iter().enumerate() {
            let pick = inputs[k % inputs.len()];
            let pick = Pick { back: pick.back.wrapping_add((k / inputs.len()) as u16), ..pick };
            signals.push(self.fit(pick, clip(width)));
        }
        let name = format!("instance_{i}");
        let inputs = Shape::new(signals);
        let outputs = match reset {
            Some(pick) => {
                let reset = self.fit(pick, 1);
                self.m.instance_with_reset(&name, &child, inputs, reset)
            }
            None => self.m.instance(&name, &child, inputs),
        };
        for signal in rtl::Bundle::signals(&outputs) {
            self.add(signal);
        }
    }

    /// A register under a condition, outside the recipe's groups.
    pub fn register_if(&mut self, name: &str, value: Signal, condition: Signal) -> Register {
        let register = self.m.register(name, value.width());
        self.m.when(condition, || register.set(value));
        register
    }
}

/// A law of arithmetic about `a` and `b`.
fn holds(law: u8, a: Signal, b: Signal) -> Signal {
    let width = a.width();
    match law % 8 {
        0 => a.lt(b) | a.ge(b),
        1 => (a + b - b).eq(a),
        2 => !(a.eq(b) & a.ne(b)),
        3 => (a ^ b ^ b).eq(a),
        4 => a.lt_signed(b) | a.ge_signed(b),
        5 => a.zero_extend(width + 1).sign_extend(width + 2).truncate(width).eq(a),
        6 => select(a, [b, b, b]).eq(b),
        _ => cat([a, b]).bits(width..2 * width).eq(a),
    }
}
