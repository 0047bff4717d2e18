//! SRAM: banks of 64 G-bit words with parity per byte, shared by the streams of the tile.
//!
//! ```text
//!                    +------+
//!  exchange -------->|      |----> words to send, exchange lists
//!  results --------->|      |
//!  inputs ---------->|      |----> inputs, weights, partials, vector, lists, sequencer, host: data two
//!  weights --------->| Sram |      cycles after the request was taken
//!  partials -------->|      |----> fault: an address that cannot be, or a word whose parity is wrong
//!  vector ---------->|      |
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
//! | Addresses  | bytes; multiples of 8 G for streams, of 8 for all others                          |
//! | Parity     | even, a bit a byte: cleared memory is legal                                       |
//! | Does not   | report faults of the host port: the host port checks addresses itself             |

mod ports;

use rtl::{Bits, Builder, Module, Ports, Signal, cat, lit, select};

pub use self::ports::{
    ExchangeAnswers, ExchangeRequests, Fault, HostOut, HostRequest, PortOut, ReadRequest, SramIn, SramOut,
    VectorAnswers, VectorRequests, WriteOut, WriteRequest,
};

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
    /// There are ports for a vector engine.
    pub vector: bool,
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
        let vector = if self.vector { "_v" } else { "" };
        format!("sram_{}x{}k_g{}{vector}{exchange}", self.banks, self.bank_bytes / 1024, self.access_words)
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
            vector_request: self.vector.then(|| VectorRequests::ports(&ports.nested("vector_request"))),
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
        ]);
        let vector = accesses.len();
        if let Some(requests) = &io.vector_request {
            accesses.push(part(&requests.results));
            accesses.extend(requests.operands.iter().map(narrow));
        }
        let last = accesses.len();
        accesses.extend([narrow(&io.lists_request), narrow(&io.sequencer_request), part(&io.host_request)]);
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
        let vector = io.vector_request.as_ref().map(|_| {
            let names = ["vector_a_port", "vector_b_port", "vector_c_port"];
            let operands = (vector + 1..).zip(names).map(|(index, name)| port(index, name, 1)).collect();
            VectorAnswers { results: write_port(vector), operands }
        });
        let lists = port(last, "lists_port", 1);
        let sequencer = port(last + 1, "sequencer_port", 1);
        let host = m.scope("host_port", || self.read_back(&accesses[last + 2], &bank_data, 1));
        m.unused(host.address);
        SramOut {
            exchange,
            results: write_port(first),
            inputs,
            weights,
            partials,
            vector,
            lists,
            sequencer,
            host: HostOut {
                ready: taken[last + 2],
                conflict: conflicts[last + 2],
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
