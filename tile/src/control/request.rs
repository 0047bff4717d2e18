//! The host's request: where it goes, and whether it can be served. Combinational.

use isa::Register;
use isa::register::{Access, REGISTERS};
use rtl::{Signal, lit, mux};

use crate::sram::HostRequest;

/// A request and what its address says: it goes to a register, to the SRAM, or nowhere.
pub struct Request {
    /// As the host makes it.
    pub host: HostRequest,
    /// It goes to the SRAM.
    pub to_memory: Signal,
    /// It is a read of a register that can be read, or a write of all of one that can be written.
    pub to_register: Signal,
    /// A write has all bytes.
    whole: Signal,
}

impl Request {
    /// Looks at a request.
    pub fn decode(host: HostRequest, memory_bytes: usize) -> Request {
        let HostRequest { address, write, lanes, .. } = host;
        let to_memory = (address.bits(0..3).is_zero() & address.lt(memory_bytes)).named("to_memory");
        let whole = lanes.all().named("whole");
        let any_but = |access: Access| {
            let registers = REGISTERS.iter().filter(|register| register.access != access);
            registers.map(|register| address.eq(register.address())).reduce(|a, b| a | b).expect("registers")
        };
        let to_register = mux(write, any_but(Access::ReadOnly) & whole, any_but(Access::WriteOnly));
        Request { host, to_memory, to_register, whole }
    }

    /// It is taken when the SRAM takes it; registers always do.
    pub fn ready(&self, sram_ready: Signal) -> Signal {
        mux(self.to_memory, sram_ready, lit(1, 1))
    }

    /// It writes all of this register.
    pub fn writes(&self, register: Register) -> Signal {
        self.host.valid & self.host.write & self.whole & self.host.address.eq(register.address())
    }

    /// What it asks of the SRAM.
    pub fn of_sram(&self) -> HostRequest {
        HostRequest { valid: self.host.valid & self.to_memory, ..self.host.clone() }
    }
}
