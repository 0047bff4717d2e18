//! A tile in a design that is written in rust-hdl.
//!
//! ```text
//!              +---------------------------------------------------+
//!   request -->|--- room? --> SmallTile --> response --> Responses |--> response, when the host wants it
//!              |      ^                                     |      |
//!              |      +-------------- outstanding ----------+      |--> failed
//!              +---------------------------------------------------+
//! ```
//!
//! A tile answers its host in the cycle that suits it. [`QueuedTile`] keeps the answers until the host takes them: a
//! queue of Tessera's behind a tile, and rust-hdl's logic around both. The two are black boxes for rust-hdl: it checks
//! how they are wired, instantiates them, and adds their Verilog to its own.

use rtl::generic::fifo::Fifo;
use rust_hdl::prelude::*;
use tile::{Tile, TileConfig};

fpga::black_box! {
    /// The tile `small16`, which fits a small FPGA.
    pub struct SmallTile = rtl::elaborate(&Tile::new(TileConfig::small16())).expect("a named configuration");
    in {
        clock: Clock,
        reset: Bit,
        host_request_valid: Bit,
        host_request_address: Bits<24>,
        host_request_write: Bit,
        host_request_data: Bits<64>,
        host_request_lanes: Bits<8>,
    }
    out {
        host_request_ready: Bit,
        host_response_valid: Bit,
        host_response_data: Bits<64>,
        host_response_error: Bit,
        status_running: Bit,
        status_done: Bit,
        status_error: Bit,
    }
}

fpga::black_box! {
    /// A queue of eight words of 64 bits.
    pub struct Responses = rtl::elaborate(&Fifo { depth: 8, bits: 64 }).expect("a legal queue");
    in { clock: Clock, reset: Bit, push_valid: Bit, push_data: Bits<64>, pop_ready: Bit }
    out { push_ready: Bit, pop_valid: Bit, pop_data: Bits<64>, count: Bits<4> }
}

/// A tile whose responses wait for the host.
#[derive(LogicBlock, Default)]
pub struct QueuedTile {
    /// Of everything.
    pub clock: Signal<In, Clock>,
    /// Active high, synchronous.
    pub reset: Signal<In, Bit>,
    /// The host has a request.
    pub request_valid: Signal<In, Bit>,
    /// Byte address.
    pub request_address: Signal<In, Bits<24>>,
    /// The request writes.
    pub request_write: Signal<In, Bit>,
    /// What it writes.
    pub request_data: Signal<In, Bits<64>>,
    /// The request is taken.
    pub request_ready: Signal<Out, Bit>,
    /// The host takes a response.
    pub response_ready: Signal<In, Bit>,
    /// There is one.
    pub response_valid: Signal<Out, Bit>,
    /// What was read.
    pub response_data: Signal<Out, Bits<64>>,
    /// A program runs.
    pub running: Signal<Out, Bit>,
    /// The tile has refused a request since reset, or stopped a program.
    pub failed: Signal<Out, Bit>,
    tile: SmallTile,
    responses: Responses,
    /// Requests taken whose responses are not: never more than the queue holds.
    outstanding: DFF<Bits<4>>,
    has_failed: DFF<Bit>,
    has_room: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
    given: Signal<Local, Bit>,
}

impl Logic for QueuedTile {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, outstanding, has_failed);
        self.tile.clock.next = self.clock.val();
        self.tile.reset.next = self.reset.val();
        self.responses.clock.next = self.clock.val();
        self.responses.reset.next = self.reset.val();

        // Requests, while their responses have a place.
        self.has_room.next = self.outstanding.q.val() < 8;
        self.tile.host_request_valid.next = self.request_valid.val() & self.has_room.val();
        self.tile.host_request_address.next = self.request_address.val();
        self.tile.host_request_write.next = self.request_write.val();
        self.tile.host_request_data.next = self.request_data.val();
        self.tile.host_request_lanes.next = 255.into();
        self.request_ready.next = self.tile.host_request_ready.val() & self.has_room.val();
        self.taken.next = self.request_valid.val() & self.has_room.val() & self.tile.host_request_ready.val();

        // Responses.
        self.responses.push_valid.next = self.tile.host_response_valid.val();
        self.responses.push_data.next = self.tile.host_response_data.val();
        self.responses.pop_ready.next = self.response_ready.val();
        self.response_valid.next = self.responses.pop_valid.val();
        self.response_data.next = self.responses.pop_data.val();
        self.given.next = self.responses.pop_valid.val() & self.response_ready.val();

        if self.taken.val() & !self.given.val() {
            self.outstanding.d.next = self.outstanding.q.val() + 1;
        }
        if self.given.val() & !self.taken.val() {
            self.outstanding.d.next = self.outstanding.q.val() - 1;
        }
        if self.tile.status_error.val() | (self.tile.host_response_valid.val() & self.tile.host_response_error.val()) {
            self.has_failed.d.next = true;
        }
        if self.reset.val() {
            self.outstanding.d.next = 0.into();
            self.has_failed.d.next = false;
        }
        self.running.next = self.tile.status_running.val();
        self.failed.next = self.has_failed.q.val();
    }
}

/// The Verilog of everything: module `top` and all below it.
///
/// # Panics
/// If rust-hdl finds something that is not connected.
pub fn verilog() -> String {
    let mut top = QueuedTile::default();
    top.connect_all();
    generate_verilog(&top)
}
