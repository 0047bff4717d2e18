//! Instances of other modules.

use super::{Builder, at, count, here};
use crate::bits::Bits;
use crate::design::{InstanceDef, NodeId, Op};
use crate::module::{Bundle, Module, child_module};
use crate::signal::Signal;

impl Builder {
    /// Instantiates `module` under the name `name`, in the reset of this module, and returns its outputs. Inputs have
    /// the widths of the child's ports. Each distinct module name is elaborated once.
    ///
    /// ```
    /// # use rtl::example::run;
    /// use rtl::generic::fifo::{Fifo, FifoIn};
    /// let outputs = run([1, 8, 1], [[1, 5, 0], [1, 6, 1], [0, 0, 1]], |m, [push_valid, push_data, pop_ready]| {
    ///     let queue = m.instance("queue", &Fifo { depth: 4, bits: 8 }, FifoIn { push_valid, push_data, pop_ready });
    ///     m.unused((queue.push_ready, queue.count));
    ///     rtl::mux(queue.pop_valid, queue.pop_data, rtl::lit(0, 8))
    /// });
    /// assert_eq!(outputs, [0, 5, 6]);
    /// ```
    #[track_caller]
    pub fn instance<M: Module>(&self, name: &str, module: &M, inputs: M::In) -> M::Out {
        self.instantiate(name, module, inputs, None)
    }

    /// As [`Builder::instance`], with a reset of its own (one bit, active high, synchronous).
    ///
    /// ```
    /// # use rtl::example::run;
    /// use rtl::generic::fifo::{Fifo, FifoIn};
    /// let outputs = run([1, 8, 1], [[1, 5, 0], [0, 0, 1], [0, 0, 0]], |m, [push_valid, push_data, clear]| {
    ///     let inputs = FifoIn { push_valid, push_data, pop_ready: rtl::lit(0, 1) };
    ///     let queue = m.instance_with_reset("queue", &Fifo { depth: 4, bits: 8 }, inputs, m.reset() | clear);
    ///     m.unused((queue.push_ready, (queue.pop_valid, queue.pop_data)));
    ///     queue.count
    /// });
    /// assert_eq!(outputs, [0, 1, 0]);
    /// ```
    #[track_caller]
    pub fn instance_with_reset<M: Module>(&self, name: &str, module: &M, inputs: M::In, reset: Signal) -> M::Out {
        let reset = self.one_bit(reset, "the reset of an instance");
        self.instantiate(name, module, inputs, Some(reset))
    }

    #[track_caller]
    fn instantiate<M: Module>(&self, name: &str, module: &M, inputs: M::In, reset: Option<NodeId>) -> M::Out {
        let name = self.claim_name(name);
        let child = child_module(module, self);
        let mut given: Vec<(String, Signal)> = vec![];
        inputs.map("", &mut |port, signal| {
            given.push((port.into(), signal));
            signal
        });
        let mut nodes = vec![];
        for (port, width) in &child.inputs {
            let found = given.iter().position(|(given, _)| given == port);
            let Some((_, signal)) = found.map(|i| given.swap_remove(i)) else {
                let bits = count(*width, "bit");
                self.error(format!("instance `{name}`: input `{port}` ({bits}) is not driven"));
                nodes.push(self.push(Op::Constant(Bits::zero(*width)), *width).id);
                continue;
            };
            if signal.width() == *width {
                nodes.push(self.own(signal));
            } else {
                let found = self.describe_signal(signal);
                let bits = count(*width, "bit");
                self.error(format!("instance `{name}`: input `{port}` has {bits} and is driven by {found}"));
                nodes.push(self.push(Op::Constant(Bits::zero(*width)), *width).id);
            }
        }
        for (port, _) in given {
            self.error(format!("instance `{name}`: module `{}` has no input `{port}`", child.name));
        }
        let instance = {
            let mut state = self.state.borrow_mut();
            state.module.has_clock |= child.has_clock;
            state.module.has_reset |= child.has_reset && reset.is_none();
            let location = here();
            let def = InstanceDef { name: name.clone(), module: child.index, inputs: nodes, reset, location };
            state.module.instances.push(def);
            state.module.instances.len() - 1
        };
        let location = here();
        let mut port = 0;
        let outputs = child.outputs.downcast_ref::<M::Out>().expect("one module name, one output bundle");
        outputs.map("", &mut |_, output| {
            port += 1;
            at(location, || self.push(Op::InstanceOutput { instance, port: port - 1 }, output.width()))
        })
    }
}
