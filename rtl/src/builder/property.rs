//! Assertions and cover points.

use super::{Builder, here};
use crate::design::{Property, PropertyKind};
use crate::signal::Signal;

impl Builder {
    /// States that `condition` (one bit) holds at every clock edge without reset. Checked by both simulators, and
    /// emitted for formal tools.
    ///
    /// ```
    /// # use rtl::example::circuit;
    /// let design = circuit([8], |m, [a]| {
    ///     m.assert("below_100", a.lt(100));
    ///     a
    /// });
    /// let mut sim = rtl::sim::Simulator::new(&design.unwrap()).unwrap();
    /// let a = sim.input("a").unwrap();
    /// sim.set(a, 99);
    /// assert!(sim.step(1).is_ok());
    /// sim.set(a, 100);
    /// assert!(sim.step(1).unwrap_err().to_string().contains("below_100"));
    /// ```
    #[track_caller]
    pub fn assert(&self, name: &str, condition: Signal) {
        self.property(name, PropertyKind::Assert, condition);
    }

    /// Counts the clock edges without reset at which `condition` (one bit) holds.
    ///
    /// ```
    /// # use rtl::example::circuit;
    /// let design = circuit([8], |m, [a]| {
    ///     m.cover("zero", a.is_zero());
    ///     a
    /// });
    /// let mut sim = rtl::sim::Simulator::new(&design.unwrap()).unwrap();
    /// sim.step(3).unwrap();
    /// assert_eq!(sim.cover_counts(), [("zero", 3)]);
    /// ```
    #[track_caller]
    pub fn cover(&self, name: &str, condition: Signal) {
        self.property(name, PropertyKind::Cover, condition);
    }

    #[track_caller]
    fn property(&self, name: &str, kind: PropertyKind, condition: Signal) {
        let name = self.claim_name(name);
        let condition = self.one_bit(condition, "a property");
        let mut state = self.state.borrow_mut();
        state.module.has_clock = true;
        state.module.has_reset = true;
        let location = here();
        state.module.properties.push(Property { name, kind, condition, location });
    }
}
