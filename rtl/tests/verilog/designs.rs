//! The designs that the tests emit.

use rtl::{Bits, Builder, Module, Ports, Signal, bundle, cat, lit, mux, select, states};

bundle! {
    pub struct OperatorsIn { pub a: Signal, pub b: Signal, pub n: Signal, pub wide: Signal, pub c: Signal }
}
bundle! {
    pub struct OperatorsOut { pub bits: Vec<Signal>, pub words: Vec<Signal> }
}

/// Every operator, and every pair of operators whose nesting Verilog could read at another width.
#[derive(Debug)]
pub struct Operators {
    /// At least 2.
    pub width: usize,
}

impl Module for Operators {
    type In = OperatorsIn;
    type Out = OperatorsOut;

    fn name(&self) -> String {
        format!("operators_{}", self.width)
    }

    fn inputs(&self, ports: &Ports) -> OperatorsIn {
        OperatorsIn {
            a: ports.input("a", self.width),
            b: ports.input("b", self.width),
            n: ports.input("n", 3),
            wide: ports.input("wide", 40),
            c: ports.bit("c"),
        }
    }

    fn build(&self, m: &Builder, OperatorsIn { a, b, n, wide, c }: OperatorsIn) -> OperatorsOut {
        m.summary("Every operator, alone and nested, at a width that may be any.");
        let w = self.width;
        let sum = a + b;
        let bits = vec![
            a.eq(b),
            a.ne(b),
            a.lt(b),
            a.le(b),
            a.gt(b),
            a.ge(b),
            a.lt_signed(b),
            a.ge_signed(b),
            a.any(),
            a.all(),
            a.parity(),
            a.is_zero(),
            !a.all(),
            (a + b).lt(a - b),
            (a + b).lt_signed(a - b),
            (a - b).any() & !(a.all() | b.parity()),
            a.lt(0),
            a.ge(0),
            lit(3, w).lt(a),
            lit(3, w).ge(a),
            sum.msb(),
            a.eq(3) | a.eq(2),
            (!a).eq(b - 1),
            (a.shift_left(n) + b).lt(b),
            c ^ a.msb(),
            (c + a.msb()).eq(lit(1, 1)),
        ];
        let words = vec![
            !a,
            a & b | a ^ b,
            a + b - (a - b),
            a + (b + lit(1, w)),
            -a,
            -(a + b) + !(b - a),
            a.shift_left(n),
            (a + b).shift_right(n),
            a.shift_right_signed(n),
            (a + b).shift_right_signed(n) - b,
            a.shift_right_signed(wide) ^ b,
            a.shift_left(wide).shift_right(wide + 1),
            a.shift_left(lit(1, 3)).shift_right(lit(9, 70)),
            a.shift_right_signed(lit(200, 70)),
            mux(c, a + b, mux(a.any(), b, a)),
            mux(a.lt(b) | c, mux(c, b, a), a),
            select(n, [a, b, a + b, a - b, b]),
            select(n, vec![a; 20]) ^ select(n, [b, a, b, a, b, a, b, a, a + 1]),
            select(c, [a, b]) + select(n, [b, a]),
            (a * b).bits(1..w + 1),
            ((a + b) * (a - b)).truncate(w),
            (a * c).truncate(w),
            a.mul_signed(b - a).bits(w - 1..2 * w - 1),
            a.mul_signed(n).truncate(w),
            cat([a + b, lit(1, 2), c]).truncate(w),
            cat([a + b, lit(1, 2), c]).bits(3..w + 3),
            (a + b).sign_extend(w + 3).bits(2..w + 2),
            c.sign_extend(w) & a,
            a.widening_add(b).bits(1..w + 1),
            a << 1 | b >> 1,
            (sum >> 1) + (sum << 1),
            c.repeat(w) & a,
            cat([a, a]).truncate(w),
            a + 1,
            lit(Bits::ones(w), w) - a,
            (a + b).bits(1..w).zero_extend(w),
        ];
        OperatorsOut { bits, words }
    }
}

states! {
    /// What the machine does.
    pub enum Phase {
        /// Waits for a start.
        Idle,
        /// Counts.
        RunUp,
        /// Has counted.
        Done,
    }
}

bundle! {
    pub struct MachineIn {
        pub start: Signal, pub address: Signal, pub data: Signal, pub lanes: Signal, pub enable: Signal,
    }
}
bundle! {
    pub struct MachineOut {
        pub busy: Signal, pub count: Signal, pub single: Signal, pub read_data: Signal, pub now: Signal,
        pub children: (Signal, Signal), pub square: Signal, pub phase: Signal, pub word: Signal,
    }
}

/// A state machine, memories of every kind, children, properties, and values that are only partly read.
#[derive(Debug)]
pub struct Machine;

impl Module for Machine {
    type In = MachineIn;
    type Out = MachineOut;

    fn name(&self) -> String {
        "machine".into()
    }

    fn inputs(&self, ports: &Ports) -> MachineIn {
        MachineIn {
            start: ports.bit("start"),
            address: ports.input("address", 7),
            data: ports.input("data", 32),
            lanes: ports.input("lanes", 4),
            enable: ports.bit("enable"),
        }
    }

    fn build(&self, m: &Builder, io: MachineIn) -> MachineOut {
        m.summary("A state machine, memories of every kind, and children.");
        let phase = m.state_register::<Phase>("phase");
        let count = m.register("count", 8).reset(0);
        let last = m.register("last", 8);
        m.when(phase.q.is(Phase::Idle), || {
            m.when(io.start, || {
                phase.set(Phase::RunUp);
                count.set(0);
            });
        })
        .or_when(phase.q.is(Phase::RunUp), || {
            count.set(count.q + 1);
            m.when(count.q.eq(99), || phase.set(Phase::Done));
        })
        .otherwise(|| {
            phase.set(mux(io.start, lit(1, 2), lit(0, 2)));
            last.set(count.q);
        });
        let next = m.wire("next", 8);
        let early = (next.value + count.q).named("early");
        next.set(count.q);
        m.when(io.enable & io.start, || next.set(last.q));

        // An address past the last word is refused by an assertion.
        let address = mux(io.address.lt(100), io.address, lit(0, 7));
        let single = m.memory("single_words", 100, 32);
        let single = single.access("single", io.enable, address, io.data, io.lanes);
        let dual = m.memory("dual_words", 128, 32).collision_free();
        dual.write(io.address, io.data, io.enable);
        let read_data = dual.read_registered("read_data", io.address + 1, io.start & io.enable);
        let distributed = m.memory("distributed", 16, 8);
        distributed.write(io.address.truncate(4), next.value, io.enable);
        distributed.write(io.address.bits(3..7), early, io.start);
        let now = distributed.read("now_word", io.address.bits(1..5));
        let squares = m.memory("squares", 16, 8).initial((0..10).map(|i| Bits::from_u64(i * i, 8)).collect());
        let square = squares.read("square", count.q.truncate(4));
        let lanes_only = m.memory("lanes_only", 4, 4);
        lanes_only.write_lanes(io.address.truncate(2), io.data.truncate(4), io.lanes);
        let word = lanes_only.read_registered("word", io.address.bits(2..4), lit(1, 1));

        let child = m.instance("child_0", &Child, ChildIn { x: (count.q + next.value).truncate(7) });
        let other = m.instance_with_reset("child_1", &Child, ChildIn { x: io.address }, io.start & io.enable);
        m.assert("phase_is_known", phase.q.ne(lit(3, 2)));
        m.cover("runs", phase.q.is(Phase::RunUp));
        MachineOut {
            busy: phase.q.ne(lit(0, 2)).named("busy"),
            count: count.q,
            single,
            read_data,
            now,
            children: (child.sum, other.q),
            square,
            phase: phase.q,
            word,
        }
    }
}

bundle! {
    pub struct ChildIn { pub x: Signal }
}
bundle! {
    pub struct ChildOut { pub q: Signal, pub sum: Signal }
}

/// A small module, of which one output each is read by its parent.
#[derive(Debug)]
pub struct Child;

impl Module for Child {
    type In = ChildIn;
    type Out = ChildOut;

    fn name(&self) -> String {
        "child".into()
    }

    fn inputs(&self, ports: &Ports) -> ChildIn {
        ChildIn { x: ports.input("x", 7) }
    }

    fn build(&self, m: &Builder, ChildIn { x }: ChildIn) -> ChildOut {
        m.summary("One later, one more.");
        ChildOut { q: x.register_reset("q"), sum: x + 1 }
    }
}

bundle! {
    pub struct RamIn { pub enable: Signal, pub lanes: Signal, pub address: Signal, pub data: Signal }
}
bundle! {
    pub struct RamOut { pub read_data: Signal }
}

/// A single-port memory with one write enable a byte.
#[derive(Debug)]
pub struct SinglePortRam;

impl Module for SinglePortRam {
    type In = RamIn;
    type Out = RamOut;

    fn name(&self) -> String {
        "single_port_ram".into()
    }

    fn inputs(&self, ports: &Ports) -> RamIn {
        RamIn {
            enable: ports.bit("enable"),
            lanes: ports.input("lanes", 4),
            address: ports.input("address", 10),
            data: ports.input("data", 32),
        }
    }

    fn build(&self, m: &Builder, io: RamIn) -> RamOut {
        m.summary("A single-port memory of 32-bit words with one write enable a byte.");
        let words = m.memory("words", 1000, 32);
        RamOut { read_data: words.access("read_data", io.enable, io.address, io.data, io.lanes) }
    }
}
