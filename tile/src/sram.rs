//! SRAM: banks of 64 G-bit words with parity per byte, shared by the streams of the tile.
//!
//! ```text
//!                    +------+
//!  exchange -------->|      |----> words to send, exchange lists
//!  results --------->|      |
//!  inputs ---------->|      |----> inputs, weights, partials, lists, sequencer, host: data two cycles
//!  weights --------->| Sram |      after the request was taken
//!  partials -------->|      |----> fault: an address that cannot be, or a word whose parity is wrong
//!  lists ----------->|      |
//!  sequencer ------->|      |
//!  host ------------>|      |
//!                    +------+
//! ```
//! | Contract   |                                                                                   |
//! |------------|-----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 2, request taken to data                                     |
//! | Throughput | one access a cycle in each bank; one a cycle for each port                        |
//! | Handshake  | a request is taken in a cycle with `valid` and `ready`; data cannot be refused    |
//! | Order      | each port's data in the order of its requests                                     |
//! | Priority   | in each bank, the first port of the list above that wants it                      |
//! | Addresses  | bytes; multiples of 8 G for streams, of 8 for lists, sequencer and host           |
//! | Parity     | even, a bit a byte: cleared memory is legal                                       |
//! | Does not   | report faults of the host port: the host port checks addresses itself             |

use rtl::{Bits, Builder, Module, Ports, Signal, bundle, cat, lit, select};

/// Cycles from a request that is taken to its data.
pub const LATENCY_CYCLES: usize = 2;

/// Bits of a byte address.
pub const ADDRESS_BITS: usize = isa::layout::ADDRESS_BITS as usize;

/// The banks of a tile.
#[derive(Clone, Copy, Debug)]
pub struct Sram {
    /// Number of banks.
    pub banks: usize,
    /// Size of each, a power of two.
    pub bank_bytes: usize,
    /// G: 64-bit words of an access.
    pub access_words: usize,
    /// There are ports for an exchange.
    pub exchange: bool,
}

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
    /// Declares the ports, for access words of `bits` bits, with or without an exchange.
    pub fn ports(ports: &Ports, bits: usize, exchange: bool) -> SramOut {
        let read = |name: &str, bits: usize| PortOut::ports(&ports.nested(name), bits);
        SramOut {
            exchange: exchange.then(|| ExchangeAnswers::ports(&ports.nested("exchange"))),
            results: WriteOut::ports(&ports.nested("results")),
            inputs: read("inputs", bits),
            weights: read("weights", bits),
            partials: read("partials", bits),
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

impl ExchangeAnswers {
    fn ports(ports: &Ports) -> ExchangeAnswers {
        ExchangeAnswers {
            receive: WriteOut::ports(&ports.nested("receive")),
            send: PortOut::ports(&ports.nested("send"), 64),
            lists: PortOut::ports(&ports.nested("lists"), 64),
        }
    }
}

impl WriteOut {
    fn ports(ports: &Ports) -> WriteOut {
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

/// A port on its way to a bank.
struct Access {
    /// Legal and wanted.
    valid: Signal,
    /// Bank number.
    bank: Signal,
    /// Word in the bank.
    word: Signal,
    /// Byte address.
    address: Signal,
    /// The address cannot be.
    fault: Fault,
    /// Data with parity, and one enable a byte; `None` for ports that only read.
    write: Option<(Signal, Signal)>,
}

impl Module for Sram {
    type In = SramIn;
    type Out = SramOut;

    fn name(&self) -> String {
        let exchange = if self.exchange { "_x" } else { "" };
        format!("sram_{}x{}k_g{}{exchange}", self.banks, self.bank_bytes / 1024, self.access_words)
    }

    fn inputs(&self, ports: &Ports) -> SramIn {
        let access_bits = self.access_bits();
        let read = |name: &str| ReadRequest::ports(&ports.nested(name));
        let results = ports.nested("results_request");
        SramIn {
            exchange_request: self.exchange.then(|| ExchangeRequests::ports(&ports.nested("exchange_request"))),
            results_request: WriteRequest {
                valid: results.bit("valid"),
                address: results.input("address", ADDRESS_BITS),
                data: results.input("data", access_bits),
            },
            inputs_request: read("inputs_request"),
            weights_request: read("weights_request"),
            partials_request: read("partials_request"),
            lists_request: read("lists_request"),
            sequencer_request: read("sequencer_request"),
            host_request: HostRequest::ports(&ports.nested("host_request")),
            running: ports.bit("running"),
        }
    }

    fn build(&self, m: &Builder, io: SramIn) -> SramOut {
        m.summary("SRAM banks with parity, and the priority of the ports in each of them.");
        let wide = self.access_words;

        // Requests, highest priority first.
        let results = self.access(&io.results_request.valid, io.results_request.address, wide);
        let results = Access {
            write: Some((with_parity(io.results_request.data), lit(Bits::ones(8 * wide), 8 * wide))),
            ..results
        };
        let stream = |request: &ReadRequest| self.access(&request.valid, request.address, wide);
        let narrow = |request: &ReadRequest| self.access(&request.valid, request.address, 1);
        let part = |request: &HostRequest| Access {
            write: Some(self.part_write(request)),
            ..self.access(&request.valid, request.address, 1)
        };
        let mut accesses = vec![];
        if let Some(exchange) = &io.exchange_request {
            accesses.extend([part(&exchange.receive), narrow(&exchange.send), narrow(&exchange.lists)]);
        }
        let first = accesses.len();
        accesses.extend([
            results,
            stream(&io.inputs_request),
            stream(&io.weights_request),
            stream(&io.partials_request),
            narrow(&io.lists_request),
            narrow(&io.sequencer_request),
            part(&io.host_request),
        ]);
        let conflicts: Vec<Signal> = (0..accesses.len())
            .map(|port| {
                let access = &accesses[port];
                let above = accesses[..port].iter().map(|other| other.valid & other.bank.eq(access.bank));
                above.reduce(|a, b| a | b).map_or(lit(0, 1), |any| any & access.valid)
            })
            .collect();
        let taken: Vec<Signal> =
            accesses.iter().zip(&conflicts).map(|(access, &conflict)| access.valid & !conflict).collect();

        // Each bank is one memory with one port.
        let bank_data: Vec<Signal> = (0..self.banks).map(|bank| self.bank(m, bank, &accesses, &taken)).collect();

        // A cycle later the data is at the banks; one more, and it is in the port's register with its address.
        let port = |port: usize, name: &str, words: usize| {
            let access = &accesses[port];
            m.scope(name, || {
                let valid_1 = (taken[port] & io.running).register_reset("valid_1");
                let valid_2 = (valid_1 & io.running).register_reset("valid_2");
                let read = self.read_back(access, &bank_data, words);
                let parity = Fault::new(valid_2 & read.bad_parity, isa::ErrorCode::Parity, read.address);
                PortOut {
                    ready: taken[port],
                    conflict: conflicts[port],
                    fault: Fault { valid: access.fault.valid & io.running, ..access.fault.clone() },
                    valid: valid_2,
                    data: read.data,
                    parity,
                }
            })
        };
        let write_port = |port: usize| WriteOut {
            ready: taken[port],
            conflict: conflicts[port],
            fault: Fault { valid: accesses[port].fault.valid & io.running, ..accesses[port].fault.clone() },
        };
        let exchange = io.exchange_request.as_ref().map(|_| ExchangeAnswers {
            receive: write_port(0),
            send: port(1, "send_port", 1),
            lists: port(2, "exchange_lists_port", 1),
        });
        let inputs = port(first + 1, "inputs_port", wide);
        let weights = port(first + 2, "weights_port", wide);
        let partials = port(first + 3, "partials_port", wide);
        let lists = port(first + 4, "lists_port", 1);
        let sequencer = port(first + 5, "sequencer_port", 1);
        let host = m.scope("host_port", || self.read_back(&accesses[first + 6], &bank_data, 1));
        m.unused(host.address);
        SramOut {
            exchange,
            results: write_port(first),
            inputs,
            weights,
            partials,
            lists,
            sequencer,
            host: HostOut {
                ready: taken[first + 6],
                conflict: conflicts[first + 6],
                data: host.data,
                parity_error: host.bad_parity,
            },
        }
    }
}

impl Sram {
    fn access_bits(&self) -> usize {
        64 * self.access_words
    }

    fn bank_bits(&self) -> usize {
        rtl::builder::address_bits(self.banks)
    }

    fn memory_bytes(&self) -> usize {
        self.banks * self.bank_bytes
    }

    /// Takes an address apart and checks it: alignment to `words` 64-bit words first, then range.
    fn access(&self, valid: &Signal, address: Signal, words: usize) -> Access {
        let low = (8 * words).trailing_zeros() as usize;
        let access_low = (8 * self.access_words).trailing_zeros() as usize;
        let bank_low = self.bank_bytes.trailing_zeros() as usize;
        let misaligned = address.bits(0..low).any();
        let beyond = address.ge(self.memory_bytes());
        let code =
            rtl::mux(misaligned, lit(isa::ErrorCode::Misaligned.code(), 8), lit(isa::ErrorCode::OutOfRange.code(), 8));
        Access {
            valid: *valid & !misaligned & !beyond,
            bank: address.bits(bank_low..bank_low + self.bank_bits()),
            word: address.bits(access_low..bank_low),
            address,
            fault: Fault { valid: *valid & (misaligned | beyond), code, address },
            write: None,
        }
    }

    /// 64 bits at their place in the access word, and the bytes that are written.
    fn part_write(&self, request: &HostRequest) -> (Signal, Signal) {
        let words = self.access_words;
        let data = with_parity(request.data).repeat(words);
        let write = request.write.repeat(8) & request.lanes;
        let here = |word: usize| address_word(request.address, words).eq(word).repeat(8);
        let lanes: Vec<Signal> =
            (0..words).rev().map(|word| if words == 1 { write } else { write & here(word) }).collect();
        (data, cat(lanes))
    }

    fn bank(&self, m: &Builder, bank: usize, accesses: &[Access], taken: &[Signal]) -> Signal {
        let lanes = 8 * self.access_words;
        m.scope(format!("bank_{bank}"), || {
            let here: Vec<Signal> =
                accesses.iter().zip(taken).map(|(access, &taken)| taken & access.bank.eq(bank)).collect();
            // At most one port is here: AND-OR.
            let gather = |of: &dyn Fn(&Access) -> Option<Signal>| {
                let parts = accesses
                    .iter()
                    .zip(&here)
                    .filter_map(|(access, &here)| of(access).map(|signal| signal & here.repeat(signal.width())));
                parts.reduce(|a, b| a | b).expect("some port does")
            };
            let enable = here.iter().copied().reduce(|a, b| a | b).expect("ports");
            let word = gather(&|access| Some(access.word));
            let data = gather(&|access| access.write.map(|(data, _)| data));
            let write_lanes = gather(&|access| access.write.map(|(_, lanes)| lanes));
            let memory = m.memory("words", self.bank_bytes / lanes, 9 * lanes);
            memory.access("data", enable, word, data, write_lanes)
        })
    }

    /// The data of the bank that an access went to, registered, and whether its parity is wrong.
    fn read_back(&self, access: &Access, bank_data: &[Signal], words: usize) -> ReadBack {
        let (bank, address) = (access.bank.register("bank_1"), access.address.register("address_1"));
        let word = select(bank, bank_data);
        let word = if words == self.access_words {
            word
        } else {
            let options: Vec<Signal> = (0..self.access_words).map(|i| word.bits(72 * i..72 * (i + 1))).collect();
            select(address_word(address, self.access_words), options)
        };
        let word = word.register("word_2");
        let bytes: Vec<Signal> = (0..8 * words).rev().map(|i| word.bits(9 * i..9 * i + 8)).collect();
        let bad_bytes: Vec<Signal> = (0..8 * words).map(|i| word.bits(9 * i..9 * (i + 1)).parity()).collect();
        ReadBack { data: cat(bytes), bad_parity: cat(bad_bytes).any(), address: address.register("address_2") }
    }
}

/// Which 64-bit word of its access word an address names.
fn address_word(address: Signal, words: usize) -> Signal {
    address.bits(3..3 + words.trailing_zeros() as usize)
}

/// Every byte with its parity bit on top.
fn with_parity(data: Signal) -> Signal {
    let bytes: Vec<Signal> = (0..data.width() / 8)
        .rev()
        .map(|i| {
            let byte = data.bits(8 * i..8 * (i + 1));
            cat([byte.parity(), byte])
        })
        .collect();
    cat(bytes)
}

struct ReadBack {
    data: Signal,
    bad_parity: Signal,
    address: Signal,
}
