//! The ports of the SRAM: requests, and what comes back.

use rtl::{Ports, Signal, bundle, lit};

use super::{ADDRESS_BITS, Sram};

bundle! {
    /// A read.
    pub struct ReadRequest {
        /// Wanted.
        pub valid: Signal,
        /// Byte address.
        pub address: Signal,
    }
}

bundle! {
    /// A write of a whole access word.
    pub struct WriteRequest {
        /// Wanted.
        pub valid: Signal,
        /// Byte address.
        pub address: Signal,
        /// Access word.
        pub data: Signal,
    }
}

bundle! {
    /// A read or a write of one 64-bit word, or of bytes of it.
    pub struct HostRequest {
        /// Wanted.
        pub valid: Signal,
        /// Byte address: legal, a multiple of 8.
        pub address: Signal,
        /// Write rather than read.
        pub write: Signal,
        /// 64 bits.
        pub data: Signal,
        /// One bit a byte that is written.
        pub lanes: Signal,
    }
}

bundle! {
    /// Requests of the exchange port.
    pub struct ExchangeRequests {
        /// Words that were received.
        pub receive: HostRequest,
        /// Words to send.
        pub send: ReadRequest,
        /// Descriptors and lists.
        pub lists: ReadRequest,
    }
}

bundle! {
    /// What the exchange port gets.
    pub struct ExchangeAnswers {
        /// Words that were received: nothing comes back.
        pub receive: WriteOut,
        /// Words to send.
        pub send: PortOut,
        /// Descriptors and lists.
        pub lists: PortOut,
    }
}

bundle! {
    /// Requests of the vector engine, the first before the others in each bank.
    pub struct VectorRequests {
        /// Results.
        pub results: HostRequest,
        /// Operands a, b and c.
        pub operands: Vec<ReadRequest>,
    }
}

bundle! {
    /// What the vector engine gets.
    pub struct VectorAnswers {
        /// Results: nothing comes back.
        pub results: WriteOut,
        /// Operands a, b and c.
        pub operands: Vec<PortOut>,
    }
}

bundle! {
    /// Requests of all ports.
    pub struct SramIn {
        /// The exchange.
        pub exchange_request: Option<ExchangeRequests>,
        /// Results of the AMP.
        pub results_request: WriteRequest,
        /// Inputs of the AMP.
        pub inputs_request: ReadRequest,
        /// Weights of the AMP.
        pub weights_request: ReadRequest,
        /// Partial sums of the AMP.
        pub partials_request: ReadRequest,
        /// The vector engine.
        pub vector_request: Option<VectorRequests>,
        /// Descriptors and block lists.
        pub lists_request: ReadRequest,
        /// Commands.
        pub sequencer_request: ReadRequest,
        /// The host.
        pub host_request: HostRequest,
        /// A program runs; without it, no port but the host's gets data or faults.
        pub running: Signal,
    }
}

bundle! {
    /// An address at fault, or a word.
    pub struct Fault {
        /// There is one, in this cycle.
        pub valid: Signal,
        /// [`isa::ErrorCode`], 8 bits.
        pub code: Signal,
        /// Byte address.
        pub address: Signal,
    }
}

bundle! {
    /// What a port gets.
    pub struct PortOut {
        /// The request is taken in this cycle.
        pub ready: Signal,
        /// Another port keeps the request from its bank.
        pub conflict: Signal,
        /// The address cannot be; the request is not taken.
        pub fault: Fault,
        /// The data of a read is there.
        pub valid: Signal,
        /// Data: an access word, or 64 bits.
        pub data: Signal,
        /// The data's parity is wrong.
        pub parity: Fault,
    }
}

bundle! {
    /// Answers to all ports.
    pub struct SramOut {
        /// The exchange.
        pub exchange: Option<ExchangeAnswers>,
        /// Results of the AMP: nothing comes back.
        pub results: WriteOut,
        /// Inputs of the AMP.
        pub inputs: PortOut,
        /// Weights of the AMP.
        pub weights: PortOut,
        /// Partial sums of the AMP.
        pub partials: PortOut,
        /// The vector engine.
        pub vector: Option<VectorAnswers>,
        /// Descriptors and block lists.
        pub lists: PortOut,
        /// Commands.
        pub sequencer: PortOut,
        /// The host; data of reads only.
        pub host: HostOut,
    }
}

bundle! {
    /// What a write port gets.
    pub struct WriteOut {
        /// The request is taken in this cycle.
        pub ready: Signal,
        /// Another port keeps the request from its bank.
        pub conflict: Signal,
        /// The address cannot be; the request is not taken.
        pub fault: Fault,
    }
}

bundle! {
    /// What the host gets.
    pub struct HostOut {
        /// The request is taken in this cycle.
        pub ready: Signal,
        /// Another port keeps the request from its bank.
        pub conflict: Signal,
        /// 64 bits, two cycles after a read was taken.
        pub data: Signal,
        /// The data's parity is wrong.
        pub parity_error: Signal,
    }
}

impl ReadRequest {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> ReadRequest {
        ReadRequest { valid: ports.bit("valid"), address: ports.input("address", ADDRESS_BITS) }
    }
}

impl SramOut {
    /// Declares the ports of such an SRAM.
    pub fn ports(ports: &Ports, sram: &Sram) -> SramOut {
        let bits = sram.access_bits();
        let read = |name: &str, bits: usize| PortOut::ports(&ports.nested(name), bits);
        SramOut {
            exchange: sram.exchange.then(|| ExchangeAnswers::ports(&ports.nested("exchange"))),
            results: WriteOut::ports(&ports.nested("results")),
            inputs: read("inputs", bits),
            weights: read("weights", bits),
            partials: read("partials", bits),
            vector: sram.vector.then(|| VectorAnswers::ports(&ports.nested("vector"))),
            lists: read("lists", 64),
            sequencer: read("sequencer", 64),
            host: HostOut::ports(&ports.nested("host")),
        }
    }
}

impl ExchangeRequests {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> ExchangeRequests {
        ExchangeRequests {
            receive: HostRequest::ports(&ports.nested("receive")),
            send: ReadRequest::ports(&ports.nested("send")),
            lists: ReadRequest::ports(&ports.nested("lists")),
        }
    }
}

impl VectorRequests {
    pub(super) fn ports(ports: &Ports) -> VectorRequests {
        VectorRequests {
            results: HostRequest::ports(&ports.nested("results")),
            operands: (0..3).map(|i| ReadRequest::ports(&ports.nested(&format!("operands_{i}")))).collect(),
        }
    }
}

impl VectorAnswers {
    pub(super) fn ports(ports: &Ports) -> VectorAnswers {
        VectorAnswers {
            results: WriteOut::ports(&ports.nested("results")),
            operands: (0..3).map(|i| PortOut::ports(&ports.nested(&format!("operands_{i}")), 64)).collect(),
        }
    }
}

impl ExchangeAnswers {
    pub(super) fn ports(ports: &Ports) -> ExchangeAnswers {
        ExchangeAnswers {
            receive: WriteOut::ports(&ports.nested("receive")),
            send: PortOut::ports(&ports.nested("send"), 64),
            lists: PortOut::ports(&ports.nested("lists"), 64),
        }
    }
}

impl WriteOut {
    pub(super) fn ports(ports: &Ports) -> WriteOut {
        WriteOut {
            ready: ports.bit("ready"),
            conflict: ports.bit("conflict"),
            fault: Fault::ports(&ports.nested("fault")),
        }
    }
}

impl PortOut {
    /// Declares the ports, for a port of `bits` bits.
    pub fn ports(ports: &Ports, bits: usize) -> PortOut {
        PortOut {
            ready: ports.bit("ready"),
            conflict: ports.bit("conflict"),
            fault: Fault::ports(&ports.nested("fault")),
            valid: ports.bit("valid"),
            data: ports.input("data", bits),
            parity: Fault::ports(&ports.nested("parity")),
        }
    }
}

impl HostOut {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> HostOut {
        HostOut {
            ready: ports.bit("ready"),
            conflict: ports.bit("conflict"),
            data: ports.input("data", 64),
            parity_error: ports.bit("parity_error"),
        }
    }
}

impl HostRequest {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> HostRequest {
        HostRequest {
            valid: ports.bit("valid"),
            address: ports.input("address", ADDRESS_BITS),
            write: ports.bit("write"),
            data: ports.input("data", 64),
            lanes: ports.input("lanes", 8),
        }
    }
}

impl Fault {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> Fault {
        Fault { valid: ports.bit("valid"), code: ports.input("code", 8), address: ports.input("address", ADDRESS_BITS) }
    }

    /// `valid` with a constant code.
    pub fn new(valid: Signal, code: isa::ErrorCode, address: Signal) -> Fault {
        Fault { valid, code: lit(code.code(), 8), address }
    }
}
