//! Source select: the multiplexers of one receiver, a tree with a register behind each level.
//!
//! ```text
//!            +--------------+
//!  buses --->|              |----> received   the word of the selected lane
//!  select -->| SourceSelect |----> silent, missing
//!            |              |----> heard      one bit for each lane
//!            +--------------+
//! ```
//! | Contract   |                                                                                    |
//! |------------|------------------------------------------------------------------------------------|
//! | Latency    | `select` to `received`, `silent`, `missing`: [`FabricConfig::latency_cycles`];      |
//! |            | `buses`, which come from registers, one less; `select` to `heard`: 2               |
//! | Throughput | a word a cycle                                                                     |
//! | Handshake  | valid only                                                                         |
//! | Does not   | hold a word: without `listen`, `received.data` is of some lane                     |

use rtl::generic::tree::decode;
use rtl::{Builder, Module, Ports, Signal, bundle, lit, select};

use tile::exchange_port::{Lane, Select};

use super::FabricConfig;

/// The multiplexers of one receiver.
#[derive(Clone, Copy, Debug)]
pub struct SourceSelect {
    /// A legal configuration.
    pub config: FabricConfig,
}

bundle! {
    /// Lanes and the choice.
    pub struct SourceSelectIn {
        /// All lanes: valid and data of each, the first lowest.
        pub buses: Vec<Signal>,
        /// Whom to hear.
        pub select: Select,
    }
}

bundle! {
    /// The word, or what is wrong.
    pub struct SourceSelectOut {
        /// The word of the selected lane.
        pub received: Lane,
        /// There is none.
        pub silent: Signal,
        /// There is no such lane.
        pub missing: Signal,
        /// Which lane is selected: at most one bit.
        pub heard: Signal,
    }
}

impl Module for SourceSelect {
    type In = SourceSelectIn;
    type Out = SourceSelectOut;

    fn name(&self) -> String {
        self.config.module_name("source_select")
    }

    fn inputs(&self, ports: &Ports) -> SourceSelectIn {
        let bits = self.config.word_bits();
        let buses = self.config.buses().enumerate().map(|(i, lanes)| ports.input(&format!("buses_{i}"), lanes * bits));
        let buses = buses.collect();
        SourceSelectIn { buses, select: Select::ports(&ports.nested("select"), self.config.source_bits()) }
    }

    fn build(&self, m: &Builder, io: SourceSelectIn) -> SourceSelectOut {
        m.summary("Chooses the lane that a tile hears.");
        let config = self.config;
        let (tiles, bits) = (config.tiles, config.word_bits());

        // The choice takes a register where the lanes do.
        let mut listen = io.select.listen.register_reset("listen_1");
        let mut source = io.select.source.register("source_1");
        let exists = if tiles == 1 << config.source_bits() { lit(1, 1) } else { source.lt(tiles) };
        let mut exists = exists.named("exists");
        let gate = (listen & exists).named("hears");
        let heard = (decode(source, tiles) & gate.repeat(tiles)).register_reset("heard_2");

        // Level i chooses by digit i of the source, in base `radix`; what is left of the source goes along.
        let lane = |bus: Signal, i: usize| bus.bits(i * bits..(i + 1) * bits);
        let lanes = |bus: Signal| (0..bus.width() / bits).map(move |i| lane(bus, i));
        let mut words: Vec<Signal> = io.buses.iter().flat_map(|&bus| lanes(bus)).collect();
        let digit_bits = config.radix.trailing_zeros() as usize;
        for level in 2..config.levels() + 2 {
            let digit = source.bits(0..digit_bits.min(source.width()));
            let group =
                |(i, options): (usize, &[Signal])| select(digit, options).register(&format!("word_{i}_{level}"));
            words = words.chunks(config.radix).enumerate().map(group).collect();
            if source.width() > digit_bits {
                source = source.bits(digit_bits..source.width()).register(&format!("source_{level}"));
            }
            listen = listen.register_reset(&format!("listen_{level}"));
            exists = exists.register(&format!("exists_{level}"));
        }

        let [word] = words[..] else { unreachable!("levels lead to one word") };
        let valid = word.msb();
        SourceSelectOut {
            received: Lane { valid: listen & exists & valid, data: word.truncate(config.lane_bits) },
            silent: listen & exists & !valid,
            missing: listen & !exists,
            heard,
        }
    }
}
