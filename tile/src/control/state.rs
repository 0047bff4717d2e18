//! The state of the tile: whether a program runs, and how the last one ended.

use isa::register::{self, Status};
use isa::{ErrorCode, Register};
use rtl::{Builder, Signal, mux};

use super::request::Request;
use crate::fields::word_of;
use crate::sram::{ADDRESS_BITS, Fault};

/// The state.
pub struct State {
    /// A program runs.
    pub running: Signal,
    /// The host starts one.
    pub starts: Signal,
    /// The last program ended by itself.
    pub done: Signal,
    /// Why it was stopped, or 0.
    pub error_code: Signal,
    /// What the error is about.
    pub error_address: Signal,
}

impl State {
    /// Starts at the host's request; ends with the program or with the first fault, of which the host's STOP is one.
    pub fn new(
        m: &Builder,
        request: &Request,
        program_done: Signal,
        program_fault: Fault,
        program_counter: Signal,
    ) -> State {
        let running = m.register("running_state", 1).reset(0);
        let done = m.register("done_state", 1).reset(0);
        let error_code = m.register("error_code", 8).reset(0);
        let error_address = m.register("error_address", ADDRESS_BITS).reset(0);

        let start_beyond = request.host.data.bits(ADDRESS_BITS..64).any();
        let starts = (request.writes(register::START) & !running.q & !start_beyond).named("starts");
        let stop = Fault::new(request.writes(register::STOP), ErrorCode::Stopped, program_counter);
        let fault = mux(program_fault.valid, program_fault, stop);
        let stops = (running.q & fault.valid).named("stops");
        m.when(running.q & program_done, || {
            running.set(0);
            done.set(1);
        });
        m.when(stops, || {
            running.set(0);
            done.set(0);
            error_code.set(fault.code);
            error_address.set(fault.address);
        });
        m.when(starts, || {
            running.set(1);
            done.set(0);
            error_code.set(0);
            error_address.set(0);
        });
        State { running: running.q, starts, done: done.q, error_code: error_code.q, error_address: error_address.q }
    }

    /// What the host reads of it.
    pub fn registers(&self) -> [(Register, Signal); 2] {
        let status = word_of(&[
            (Status::RUNNING, self.running),
            (Status::DONE, self.done),
            (Status::ERROR_CODE, self.error_code),
        ]);
        [(register::STATUS, status), (register::ERROR_ADDRESS, self.error_address)]
    }
}
