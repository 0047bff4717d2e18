//! Ports in bundles of every kind, and states of every size.

use rtl::{Signal, bundle, states};

bundle! {
    /// Part of a bundle.
    pub struct Nested {
        /// Not always there.
        pub control: Option<Signal>,
        /// Any number.
        pub lanes: Vec<Signal>,
    }
}
bundle! {
    /// The ports of one direction, in bundles of every kind.
    pub struct Shape {
        /// Any number.
        pub plain: Vec<Signal>,
        /// A bundle.
        pub nested: Nested,
        /// Not always there.
        pub pair: Option<(Signal, Signal)>,
    }
}

bundle! {
    /// The outputs of a circuit.
    pub struct Results {
        /// So that their names differ from those of the inputs.
        pub result: Shape,
    }
}

impl Shape {
    /// Names of `count` ports, in order.
    pub fn names(count: usize) -> Vec<String> {
        let lanes = count / 3;
        let (pair, control) = (count >= 4, count >= 3);
        let plain = count - lanes - 2 * pair as usize - control as usize;
        let plain = (0..plain).map(|i| format!("plain_{i}"));
        let control = control.then(|| "nested_control".to_string());
        let lanes = (0..lanes).map(|i| format!("nested_lanes_{i}"));
        let pair = pair.then(|| ["pair_0".to_string(), "pair_1".to_string()]);
        plain.chain(control).chain(lanes).chain(pair.into_iter().flatten()).collect()
    }

    /// The bundle of these signals, in the order of [`Shape::names`].
    pub fn new(signals: Vec<Signal>) -> Shape {
        let named: Vec<(String, Signal)> = Shape::names(signals.len()).into_iter().zip(signals).collect();
        let starting = |start: &str| -> Vec<Signal> {
            named.iter().filter(|(name, _)| name.starts_with(start)).map(|(_, signal)| *signal).collect()
        };
        let pair = starting("pair");
        Shape {
            plain: starting("plain"),
            nested: Nested { control: starting("nested_control").first().copied(), lanes: starting("nested_lanes") },
            pair: pair.first().map(|&first| (first, pair[1])),
        }
    }
}

states! {
    /// As few as there can be.
    pub enum Two { /// Off.
        Off, /// On.
        On }
}
states! {
    /// Not a power of two.
    pub enum Three { /// First.
        Idle, /// Second.
        Busy, /// Third.
        Done }
}
states! {
    /// Three bits, three of whose values have no name.
    pub enum Five { /// First.
        Alpha, /// Second.
        Beta, /// Third.
        Gamma, /// Fourth.
        Delta, /// Fifth.
        Epsilon }
}
