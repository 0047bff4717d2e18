//! Exchange port: sends and receives what its lists say, cycle-exact from the barrier on.
//!
//! ```text
//!                     +--------------+
//!  command ---------->|              |----> lane      (to the fabric)
//!  released --------->|              |----> select    (to the fabric)
//!  received, faults ->| ExchangePort |----> send, receive, lists requests (SRAM)
//!  SRAM data -------->|              |----> prepared, idle, fault
//!                     +--------------+
//! ```
//! | Contract   |                                                                                    |
//! |------------|------------------------------------------------------------------------------------|
//! | Latency    | the word of cycle c is on the lane [`FIRST_WORD_CYCLES`] + c cycles after the      |
//! |            | release, and in that cycle the receiver selects; it is written                     |
//! |            | [`ExchangePortConfig::latency_cycles`] later, and seen by reads one after that     |
//! | Throughput | a word a cycle out and a word a cycle in, without a gap between entries            |
//! | Lists      | [`QUEUE_ENTRIES`] entries of each list wait at the barrier; of those behind, an    |
//! |            | entry of each list every [`CYCLES_PER_ENTRY`] cycles                               |
//! | Handshake  | `command` is valid and ready; lanes are valid only                                 |
//! | Refuses    | BAD_DESCRIPTOR, MISALIGNED, LIST_OUT_OF_RANGE, LATE_ENTRY, OUT_OF_RANGE,           |
//! |            | SILENT_LANE, MISSING_TILE, UNHEARD_WORD, BANK_CONFLICT, PARITY                     |
//! | Does not   | wait for anything once released: its SRAM ports come first in every bank           |
//!
//! ```text
//!   descriptor address --> lists --> queue --> walker --> send request --> SRAM --> lane
//!                             \----> queue --> walker --> select
//!                                                \------> address, as long as the word is in the fabric --> receive
//! ```

mod list_reader;
mod walker;

use isa::ErrorCode;
use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit, mux, states};

use self::list_reader::{ListReader, ListReaderIn};
use self::walker::{WORD_ADDRESS_BITS, Walker, WalkerIn};
use crate::engine::amp_engine::StreamIn;
use crate::sram::{ADDRESS_BITS, Fault, HostRequest, LATENCY_CYCLES, ReadRequest};

pub use self::list_reader::{CYCLES_PER_ENTRY, QUEUE_ENTRIES, QUEUE_PLACES};

/// From the cycle in which the barrier releases the tile to the word of cycle 0 on its lane: the counter starts, the
/// first entry is taken, the word is read.
pub const FIRST_WORD_CYCLES: usize = 2 + LATENCY_CYCLES;

/// What an exchange port depends on; the machine around the tile decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangePortConfig {
    /// 32-bit words that a lane carries in a cycle: 1 or 2.
    pub lane_words: usize,
    /// Bits of a tile's number, 1 to 11.
    pub source_bits: usize,
    /// From a word on its lane to the word at its receivers, at least 1.
    pub latency_cycles: usize,
    /// From a word on its lane to the news that nobody listened.
    pub unheard_cycles: usize,
}

impl ExchangePortConfig {
    /// Bits of a lane.
    pub fn lane_bits(&self) -> usize {
        32 * self.lane_words
    }

    /// Cycles from the release to the idle port, on a tile whose last word, sent or received, leaves its source in the
    /// cycle before `end_cycle`.
    pub fn idle_after_cycles(&self, end_cycle: u64) -> u64 {
        (FIRST_WORD_CYCLES + self.settle_cycles() + 1) as u64 + end_cycle
    }

    /// From the last word that a walker is at to the end of all that it can lead to: written, or told to be unheard.
    fn settle_cycles(&self) -> usize {
        self.latency_cycles.max(self.unheard_cycles) + 1
    }

    /// `kind` with the parameters of the hardware.
    pub(crate) fn module_name(&self, kind: &str) -> String {
        let ExchangePortConfig { lane_words, source_bits, latency_cycles, unheard_cycles } = self;
        format!("{kind}_l{}_s{source_bits}_d{latency_cycles}_u{unheard_cycles}", 32 * lane_words)
    }
}

/// The exchange port.
#[derive(Clone, Copy, Debug)]
pub struct ExchangePort {
    /// Configuration.
    pub config: ExchangePortConfig,
}

bundle! {
    /// A word, or none.
    #[derive(Copy)]
    pub struct Lane {
        /// There is a word.
        pub valid: Signal,
        /// The word.
        pub data: Signal,
    }
}

bundle! {
    /// Whom a tile hears in a cycle.
    #[derive(Copy)]
    pub struct Select {
        /// The tile expects a word.
        pub listen: Signal,
        /// The tile whose lane it is on.
        pub source: Signal,
    }
}

bundle! {
    /// What the fabric brings a tile.
    #[derive(Copy)]
    pub struct Arrivals {
        /// The word of the lane that was selected.
        pub received: Lane,
        /// There was none.
        pub silent: Signal,
        /// There is no such lane.
        pub missing: Signal,
        /// This tile's word was selected by nobody.
        pub unheard: Signal,
    }
}

bundle! {
    /// Commands, the barrier, words.
    pub struct ExchangePortIn {
        /// An exchange is to be prepared.
        pub command_valid: Signal,
        /// Byte address of its descriptor.
        pub command_address: Signal,
        /// The barrier releases the tile: what is prepared starts.
        pub released: Signal,
        /// From the fabric.
        pub arrivals: Arrivals,
        /// The lists port.
        pub lists: StreamIn,
        /// The lists port refuses.
        pub lists_fault: Fault,
        /// The send port's data.
        pub sent: Signal,
        /// A word that was asked for is there.
        pub sent_valid: Signal,
        /// The send port's request loses its bank.
        pub send_conflict: Signal,
    }
}

bundle! {
    /// Words, requests and state.
    pub struct ExchangePortOut {
        /// The command is taken.
        pub command_ready: Signal,
        /// Nothing is prepared or under way.
        pub idle: Signal,
        /// Prepared, or being prepared, and not started.
        pub pending: Signal,
        /// A barrier may release the tile.
        pub prepared: Signal,
        /// An exchange is under way.
        pub running: Signal,
        /// To the fabric.
        pub lane: Lane,
        /// To the fabric.
        pub select: Select,
        /// Descriptors and lists.
        pub lists_request: ReadRequest,
        /// Words to send.
        pub send_request: ReadRequest,
        /// Words that were received.
        pub receive_request: HostRequest,
        /// What cannot be.
        pub fault: Fault,
    }
}

states! {
    /// What the port does.
    enum State {
        /// Nothing.
        Idle,
        /// Lists are being fetched.
        Prepare,
        /// The beginning of the lists is there.
        Prepared,
        /// Words are under way.
        Run,
    }
}

impl Lane {
    /// Declares the ports, for a lane of `bits` bits.
    pub fn ports(ports: &Ports, bits: usize) -> Lane {
        Lane { valid: ports.bit("valid"), data: ports.input("data", bits) }
    }
}

impl Select {
    /// Declares the ports, for tile numbers of `source_bits` bits.
    pub fn ports(ports: &Ports, source_bits: usize) -> Select {
        Select { listen: ports.bit("listen"), source: ports.input("source", source_bits) }
    }
}

impl Arrivals {
    /// Declares the ports, for lanes of `bits` bits.
    pub fn ports(ports: &Ports, bits: usize) -> Arrivals {
        Arrivals {
            received: Lane::ports(&ports.nested("received"), bits),
            silent: ports.bit("silent"),
            missing: ports.bit("missing"),
            unheard: ports.bit("unheard"),
        }
    }
}

impl Module for ExchangePort {
    type In = ExchangePortIn;
    type Out = ExchangePortOut;

    fn name(&self) -> String {
        self.config.module_name("exchange_port")
    }

    fn inputs(&self, ports: &Ports) -> ExchangePortIn {
        ExchangePortIn {
            command_valid: ports.bit("command_valid"),
            command_address: ports.input("command_address", ADDRESS_BITS),
            released: ports.bit("released"),
            arrivals: Arrivals::ports(&ports.nested("arrivals"), self.config.lane_bits()),
            lists: StreamIn::ports(&ports.nested("lists"), 64),
            lists_fault: Fault::ports(&ports.nested("lists_fault")),
            sent: ports.input("sent", 64),
            sent_valid: ports.bit("sent_valid"),
            send_conflict: ports.bit("send_conflict"),
        }
    }

    fn build(&self, m: &Builder, io: ExchangePortIn) -> ExchangePortOut {
        m.summary("Sends and receives what its lists say, cycle-exact from the barrier on.");
        let config = self.config;
        let state = m.state_register::<State>("state");
        let idle = state.q.is(State::Idle);
        let take = (io.command_valid & idle).named("take");
        let start = (state.q.is(State::Prepared) & io.released).named("start");

        // Lists, and what carries them out. Receivers run behind by the time that it takes to read a word.
        let (take_send, take_receive) = (m.wire("take_send", 1), m.wire("take_receive", 1));
        let lists = m.instance(
            "lists",
            &ListReader,
            ListReaderIn {
                start: take,
                address: io.command_address,
                port: io.lists,
                port_fault: io.lists_fault,
                take_send: take_send.value,
                take_receive: take_receive.value,
            },
        );
        let walker = |name: &str, sends: bool, start: Signal| {
            let queue = if sends { lists.sends.clone() } else { lists.receives.clone() };
            m.instance(name, &Walker { lane_words: config.lane_words, sends }, WalkerIn { start, queue })
        };
        let send = walker("send", true, start);
        let receive = walker("receive", false, start.delay("receive_starts", LATENCY_CYCLES, true));
        take_send.set(send.take);
        take_receive.set(receive.take);

        // Out: a word is read, and its half of the memory's word goes on the lane.
        let send_address = byte_address(send.word_address);
        let half = send.word_address.bit(0).delay("send_half", LATENCY_CYCLES, false);
        let data = match config.lane_words {
            1 => mux(half, io.sent.bits(32..64), io.sent.bits(0..32)),
            _ => {
                m.unused(half);
                io.sent
            }
        };
        let lane = Lane { valid: io.sent_valid, data };

        // In: where the word goes is known when the lane is selected, and waits as long as the word is on its way.
        let beyond = receive.source.bits(config.source_bits..receive.source.width()).any().named("source_beyond");
        let select = Select { listen: receive.valid & !beyond, source: receive.source.truncate(config.source_bits) };
        let missing = (receive.valid & beyond).delay("missing", config.latency_cycles, true) | io.arrivals.missing;
        let arrival_address = receive.word_address.delay("arrival_address", config.latency_cycles, false);
        let arrival_byte = cat([arrival_address, lit(0, 2)]).zero_extend(ADDRESS_BITS);
        let data = io.arrivals.received.data.repeat(2 / config.lane_words);
        let lanes = match config.lane_words {
            1 => mux(arrival_address.bit(0), lit(0xf0, 8), lit(0x0f, 8)),
            _ => lit(0xff, 8),
        };
        let receive_request = HostRequest {
            valid: io.arrivals.received.valid & state.q.is(State::Run),
            address: byte_address(arrival_address),
            write: lit(1, 1),
            data,
            lanes,
        };

        // The end: all that walkers have begun has come to its end. The sender's words take the SRAM's time more.
        let busy = |name: &str, walker_busy: Signal, cycles: usize| {
            (1..=cycles).fold((walker_busy, walker_busy), |(any, last), i| {
                let next = last.register_reset(&format!("{name}_busy_{i}"));
                (any | next, next)
            })
        };
        let settle = config.settle_cycles();
        let (send_busy, _) = busy("send", send.busy, settle + LATENCY_CYCLES);
        let (receive_busy, _) = busy("receive", receive.busy, settle);
        let ended = (state.q.is(State::Run) & !send_busy & !receive_busy).named("ended");

        m.when(take, || state.set(State::Prepare));
        m.when(state.q.is(State::Prepare) & lists.prepared, || state.set(State::Prepared));
        m.when(ended, || state.set(State::Idle));
        m.when(start, || state.set(State::Run));

        // Of several faults in one cycle, the first of this list counts.
        let running = state.q.is(State::Run);
        let arrival = |valid: Signal, code| Fault::new(valid & running, code, arrival_byte);
        let send_byte = cat([send.word_address, lit(0, 2)]).zero_extend(ADDRESS_BITS);
        let sent_byte = send_byte.delay("sent_address", LATENCY_CYCLES + config.unheard_cycles, false);
        let faults = [
            lists.fault,
            send.fault,
            receive.fault,
            arrival(missing, ErrorCode::MissingTile),
            arrival(io.arrivals.silent, ErrorCode::SilentLane),
            Fault::new(io.arrivals.unheard & running, ErrorCode::UnheardWord, sent_byte),
            Fault::new(send.valid & io.send_conflict, ErrorCode::BankConflict, send_byte),
        ];
        let fault =
            faults.into_iter().rev().reduce(|otherwise, first| mux(first.valid, first, otherwise)).expect("faults");

        let pending = state.q.is(State::Prepare) | state.q.is(State::Prepared);
        ExchangePortOut {
            command_ready: idle,
            idle,
            pending,
            prepared: !state.q.is(State::Prepare),
            running,
            lane,
            select,
            lists_request: lists.request,
            send_request: ReadRequest { valid: send.valid, address: send_address },
            receive_request,
            fault,
        }
    }
}

/// The byte address of the memory word that holds a 32-bit word.
fn byte_address(word_address: Signal) -> Signal {
    cat([word_address.bits(1..WORD_ADDRESS_BITS), lit(0, 3)]).zero_extend(ADDRESS_BITS)
}
