//! Fabric: every tile drives one lane, and every tile hears the one lane that it selects.
//!
//! ```text
//!                   +--------+
//!  lanes[n] ------->|        |----> received[n]   the word of the selected lane
//!  selects[n] ----->| Fabric |----> faults[n]     what no right schedule does
//!                   +--------+
//! ```
//! | Contract   |                                                                                     |
//! |------------|-------------------------------------------------------------------------------------|
//! | Latency    | [`FabricConfig::latency_cycles`], the same for every pair of tiles                   |
//! | Throughput | a word a cycle on every lane, to any number of receivers                            |
//! | Handshake  | valid only; nothing can be refused                                                  |
//! | Select     | `selects[r].source` in cycle t is for the word that this lane drives in cycle t     |
//! | Reset      | nothing is received and no fault reported of words driven before                    |
//! | Faults     | one cycle each; silent and missing when the word would come, unheard                |
//! |            | [`FabricConfig::UNHEARD_CYCLES`] after the word                                     |
//! | Does not   | buffer, arbitrate, retry, remember faults; know zones                               |
//!
//! Two words never meet: each receiver has multiplexers of its own, and all ways have the same length. What can go wrong
//! is a schedule whose two sides do not fit, and each way has a fault:
//!
//! | fault     | what happened                              | typical cause                                     |
//! |-----------|--------------------------------------------|---------------------------------------------------|
//! | `silent`  | a receiver selects a lane without a word   | a send list that is too short, late or early      |
//! | `missing` | a receiver selects a tile that is not there| a receive entry for a larger machine              |
//! | `unheard` | a tile drives a word that nobody selects   | a receive list that is too short, late or early   |
//!
//! Two sends of one tile at once and addresses past memory are the port's to notice: they are inside one tile.

mod source_select;

pub use source_select::{SourceSelect, SourceSelectIn, SourceSelectOut};

use rtl::builder::address_bits;
use rtl::generic::tree::tree;
use rtl::{Builder, Module, Ports, Signal, bundle, cat};
use tile::exchange_port::{Lane, Select};

/// A user's choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FabricConfig {
    /// Number of tiles, 1 to [`FabricConfig::MAX_TILES`].
    pub tiles: usize,
    /// Bits of a lane: 32 or 64.
    pub lane_bits: usize,
    /// Lanes that a multiplexer chooses from between two registers: 2, 4, 8 or 16. More is fewer cycles and a slower
    /// clock; 4 is a LUT6 a bit.
    pub radix: usize,
}

/// A configuration that cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FabricError {
    /// Tiles.
    #[error("tiles = {0}; expected 1 to {max}", max = FabricConfig::MAX_TILES)]
    Tiles(usize),
    /// Lane width.
    #[error("lane_bits = {0}; expected 32 or 64")]
    LaneBits(usize),
    /// Multiplexers.
    #[error("radix = {0}; expected 2, 4, 8 or 16")]
    Radix(usize),
}

impl FabricConfig {
    /// The largest machine.
    pub const MAX_TILES: usize = 2048;
    /// Cycles from a word that nobody selects to its fault.
    pub const UNHEARD_CYCLES: usize = 3;
    /// Lanes that reach the multiplexers as one vector: enough that the connections of all receivers grow with the
    /// tiles rather than their square, few enough for the widest signal.
    const BUS_LANES: usize = 256;

    /// 32-bit lanes, multiplexers of four.
    pub fn new(tiles: usize) -> FabricConfig {
        FabricConfig { tiles, lane_bits: 32, radix: 4 }
    }

    /// Refuses what cannot be built.
    ///
    /// # Errors
    /// The first field that is out of range, with the legal values.
    pub fn validate(&self) -> Result<(), FabricError> {
        if !(1..=Self::MAX_TILES).contains(&self.tiles) {
            return Err(FabricError::Tiles(self.tiles));
        }
        if !matches!(self.lane_bits, 32 | 64) {
            return Err(FabricError::LaneBits(self.lane_bits));
        }
        if !matches!(self.radix, 2 | 4 | 8 | 16) {
            return Err(FabricError::Radix(self.radix));
        }
        Ok(())
    }

    /// Levels of multiplexers between a lane and a receiver: `ceil(log(tiles) / log(radix))`.
    pub fn levels(&self) -> usize {
        (0..).find(|&levels| self.radix.pow(levels) >= self.tiles).expect("tiles are few") as usize
    }

    /// Cycles from a word on its lane to the word at its receivers: a register where it leaves, one behind each level.
    pub fn latency_cycles(&self) -> usize {
        1 + self.levels()
    }

    /// Bits of a tile's number.
    pub fn source_bits(&self) -> usize {
        address_bits(self.tiles)
    }

    /// `kind` with the parameters of the hardware.
    fn module_name(&self, kind: &str) -> String {
        format!("{kind}_n{}_l{}_r{}", self.tiles, self.lane_bits, self.radix)
    }

    /// Bits of a word and of the bit that says that there is one.
    fn word_bits(&self) -> usize {
        self.lane_bits + 1
    }

    /// Lanes on each bus.
    fn buses(&self) -> impl Iterator<Item = usize> {
        let tiles = self.tiles;
        (0..tiles).step_by(Self::BUS_LANES).map(move |first| Self::BUS_LANES.min(tiles - first))
    }
}

/// The fabric of a machine.
#[derive(Clone, Copy, Debug)]
pub struct Fabric {
    /// A legal configuration.
    pub config: FabricConfig,
}

bundle! {
    /// Lanes and selects, by tile.
    pub struct FabricIn {
        /// What each tile drives.
        pub lanes: Vec<Lane>,
        /// Whom each tile hears.
        pub selects: Vec<Select>,
    }
}

bundle! {
    /// What a schedule did wrong, in one cycle.
    #[derive(Copy)]
    pub struct Faults {
        /// This tile selects a lane without a word.
        pub silent: Signal,
        /// This tile selects a tile that is not there.
        pub missing: Signal,
        /// This tile drives a word that nobody selects.
        pub unheard: Signal,
    }
}

bundle! {
    /// Words and faults, by tile.
    pub struct FabricOut {
        /// The word of the selected lane; `valid` only where there is one.
        pub received: Vec<Lane>,
        /// What is wrong.
        pub faults: Vec<Faults>,
    }
}

impl Module for Fabric {
    type In = FabricIn;
    type Out = FabricOut;

    fn name(&self) -> String {
        self.config.module_name("fabric")
    }

    fn inputs(&self, ports: &Ports) -> FabricIn {
        let config = self.config;
        let nested = |name: &str, tile: usize| ports.nested(&format!("{name}_{tile}"));
        FabricIn {
            lanes: (0..config.tiles).map(|tile| Lane::ports(&nested("lanes", tile), config.lane_bits)).collect(),
            selects: (0..config.tiles)
                .map(|tile| Select::ports(&nested("selects", tile), config.source_bits()))
                .collect(),
        }
    }

    fn build(&self, m: &Builder, io: FabricIn) -> FabricOut {
        m.summary("Brings each tile the word of the lane that it selects.");
        let config = self.config;

        // Lanes leave their tiles through a register, and run past all receivers on a few buses.
        //   bus | lane n ... | lane 1: valid, data | lane 0: valid, data |
        let valid: Vec<Signal> =
            (0..).zip(&io.lanes).map(|(i, lane)| lane.valid.register_reset(&format!("lane_{i}_valid_1"))).collect();
        let data: Vec<Signal> =
            (0..).zip(&io.lanes).map(|(i, lane)| lane.data.register(&format!("lane_{i}_data_1"))).collect();
        let words: Vec<Signal> = valid.iter().zip(&data).map(|(&valid, &data)| cat([valid, data])).collect();
        let bus = |(i, words): (usize, &[Signal])| {
            let parts: Vec<Signal> = words.iter().rev().copied().collect();
            cat(parts).named(format!("bus_{i}"))
        };
        let buses: Vec<Signal> = words.chunks(FabricConfig::BUS_LANES).enumerate().map(bus).collect();

        let receivers: Vec<SourceSelectOut> = (0..)
            .zip(&io.selects)
            .map(|(i, &select)| {
                let inputs = SourceSelectIn { buses: buses.clone(), select };
                m.instance(&format!("select_{i}"), &SourceSelect { config }, inputs)
            })
            .collect();

        // A word is heard where any receiver selects its lane: known a cycle after the word is in its register.
        let heard: Vec<Signal> = receivers.iter().map(|receiver| receiver.heard).collect();
        let heard = tree(&heard, |a, b| a | b).named("heard");
        let faults = (0..config.tiles).map(|i| {
            let driven = valid[i].register_reset(&format!("lane_{i}_valid_2"));
            Faults {
                silent: receivers[i].silent,
                missing: receivers[i].missing,
                unheard: (driven & !heard.bit(i)).register_reset(&format!("lane_{i}_unheard_3")),
            }
        });
        FabricOut { faults: faults.collect(), received: receivers.iter().map(|receiver| receiver.received).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latency_is_a_register_and_the_levels() {
        let latency = |tiles, radix| FabricConfig { tiles, lane_bits: 32, radix }.latency_cycles();
        assert_eq!(
            [1, 2, 4, 5, 16, 17, 64, 65, 256, 1024, 1472].map(|n| latency(n, 4)),
            [1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7]
        );
        assert_eq!([1, 2, 3, 64, 1472].map(|n| latency(n, 2)), [1, 2, 3, 7, 12]);
        assert_eq!([1, 8, 9, 64, 1472].map(|n| latency(n, 8)), [1, 2, 3, 3, 5]);
        assert_eq!([16, 17, 256, 1472].map(|n| latency(n, 16)), [2, 3, 3, 4]);
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        let refused = |config: FabricConfig| config.validate().unwrap_err().to_string();
        let legal = FabricConfig::new(1472);
        assert_eq!(legal.validate(), Ok(()));
        assert_eq!(refused(FabricConfig { tiles: 0, ..legal }), "tiles = 0; expected 1 to 2048");
        assert_eq!(refused(FabricConfig { tiles: 2049, ..legal }), "tiles = 2049; expected 1 to 2048");
        assert_eq!(refused(FabricConfig { lane_bits: 48, ..legal }), "lane_bits = 48; expected 32 or 64");
        assert_eq!(refused(FabricConfig { radix: 3, ..legal }), "radix = 3; expected 2, 4, 8 or 16");
    }

    #[test]
    fn sizes_to_64_tiles_elaborate_with_both_lanes() {
        for tiles in 1..=64 {
            for lane_bits in [32, 64] {
                let config = FabricConfig { tiles, lane_bits, radix: 4 };
                if let Err(errors) = rtl::elaborate(&Fabric { config }) {
                    panic!("{config:?}:\n{errors}");
                }
            }
        }
    }
}
