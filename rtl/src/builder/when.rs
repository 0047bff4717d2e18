//! Conditions: what is set only while they hold.

use super::Builder;
use crate::design::{Branch, NodeId};
use crate::signal::Signal;

impl Builder {
    /// What is set inside `body` is set only while `condition` (one bit) holds; chain [`When::or_when`] and
    /// [`When::otherwise`]. Conditions nest, and among assignments that apply the last wins.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([1, 8], [[0, 5], [1, 5]], |m, [double, a]| {
    ///     let result = m.wire("result_wire", 8);
    ///     result.set(a);
    ///     m.when(double, || result.set(a << 1));
    ///     result.value
    /// });
    /// assert_eq!(outputs, [5, 10]);
    /// ```
    #[track_caller]
    pub fn when(&self, condition: Signal, body: impl FnOnce()) -> When {
        let condition = self.one_bit(condition, "the condition of `when`");
        let when = {
            let mut state = self.state.borrow_mut();
            state.when_count += 1;
            state.when_count - 1
        };
        self.branch(Branch { when, condition, taken: true }, body);
        When { builder: self.clone(), when, condition, depth: 1, outer: vec![] }
    }

    fn branch(&self, branch: Branch, body: impl FnOnce()) {
        self.state.borrow_mut().path.push(branch);
        body();
        self.state.borrow_mut().path.pop();
    }
}

/// A `when` that can still get an `otherwise`.
pub struct When {
    builder: Builder,
    when: u32,
    condition: NodeId,
    depth: usize,
    outer: Vec<Branch>,
}

impl When {
    /// What is set inside `body` is set only while no condition of the chain holds.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([1], [[1], [0]], |m, [up]| {
    ///     let count = m.register("count", 8).reset(10);
    ///     m.when(up, || count.set(count.q + 1)).otherwise(|| count.set(count.q - 1));
    ///     count.q
    /// });
    /// assert_eq!(outputs, [10, 11]);
    /// ```
    pub fn otherwise(self, body: impl FnOnce()) {
        self.in_else(body);
    }

    /// Chains another condition (one bit): `body` applies while no earlier condition holds and this one does.
    ///
    /// ```
    /// # use rtl::example::run;
    /// let outputs = run([1, 1], [[0, 0], [0, 1], [1, 1]], |m, [a, b]| {
    ///     let which = m.wire("which", 2);
    ///     which.set(0);
    ///     m.when(a, || which.set(1)).or_when(b, || which.set(2));
    ///     which.value
    /// });
    /// assert_eq!(outputs, [0, 2, 1]);
    /// ```
    #[track_caller]
    pub fn or_when(self, condition: Signal, body: impl FnOnce()) -> When {
        let condition = self.builder.one_bit(condition, "the condition of `or_when`");
        let builder = self.builder.clone();
        let when = {
            let mut state = builder.state.borrow_mut();
            state.when_count += 1;
            state.when_count - 1
        };
        let mut outer = self.outer.clone();
        outer.push(Branch { when: self.when, condition: self.condition, taken: false });
        self.in_else(|| builder.branch(Branch { when, condition, taken: true }, body));
        When { builder, when, condition, depth: self.depth + 1, outer }
    }

    fn in_else(&self, body: impl FnOnce()) {
        let last = Branch { when: self.when, condition: self.condition, taken: false };
        let count = self.outer.len() + 1;
        self.builder.state.borrow_mut().path.extend(self.outer.iter().copied().chain([last]));
        body();
        let mut state = self.builder.state.borrow_mut();
        let keep = state.path.len() - count;
        state.path.truncate(keep);
    }
}
