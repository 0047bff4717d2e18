//! Every named configuration elaborates, and a name is not hardware.

use rtl::{Builder, Module, Ports, bundle};
use tile::sram::HostRequest;
use tile::tile::{TileIn, TileOut};
use tile::{Tile, TileConfig};

#[test]
fn every_named_configuration_elaborates() {
    for config in TileConfig::named() {
        let name = config.name.clone();
        match rtl::elaborate(&Tile::new(config)) {
            Ok(design) => assert_eq!(design.top().name, "tile"),
            Err(errors) => panic!("{name}:\n{errors}"),
        }
    }
}

bundle! {
    /// The outputs of both.
    struct PairOut {
        tiles: Vec<TileOut>,
    }
}

/// Two tiles on one host port.
#[derive(Clone, Debug)]
struct Pair([Tile; 2]);

impl Module for Pair {
    type In = TileIn;
    type Out = PairOut;

    fn name(&self) -> String {
        "pair".into()
    }

    fn inputs(&self, ports: &Ports) -> TileIn {
        TileIn { host_request: HostRequest::ports(&ports.nested("host_request")), exchange: None }
    }

    fn build(&self, m: &Builder, io: TileIn) -> PairOut {
        let tiles =
            self.0.iter().zip(["tile_0", "tile_1"]).map(|(tile, name)| m.instance(name, tile, io.clone())).collect();
        PairOut { tiles }
    }
}

#[test]
fn the_same_hardware_under_two_names_is_built_once() {
    // The width of an exact accumulator is nothing to a tile that has none.
    let renamed = TileConfig { name: "mine".into(), accumulator_bits: 96, ..TileConfig::ipu64() };
    let alone = rtl::elaborate(&Tile::new(TileConfig::ipu64())).unwrap_or_else(|errors| panic!("{errors}"));
    let pair = Pair([TileConfig::ipu64(), renamed].map(Tile::new));
    let pair = rtl::elaborate(&pair).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(pair.modules.len(), alone.modules.len() + 1);
}

#[test]
fn different_hardware_has_different_modules() {
    let alone = |config: &TileConfig| {
        let design = rtl::elaborate(&Tile::new(config.clone())).unwrap_or_else(|errors| panic!("{errors}"));
        design.modules.into_iter().map(|module| module.name).collect::<Vec<_>>()
    };
    let base = TileConfig::ipu64();
    for (changed, modules) in [
        (TileConfig { terms: 2, ..base.clone() }, &["control_", "amp_"] as &[_]),
        (TileConfig { rows: 32, ..base.clone() }, &["control_", "amp_"]),
        (TileConfig { banks: 20, ..base.clone() }, &["control_", "sram_", "sequencer_"]),
        (TileConfig { bank_kib: 8, ..base.clone() }, &["control_", "sram_", "sequencer_"]),
        (TileConfig { terms: 16, ..base.clone() }, &["control_", "sram_", "amp_"]),
        (TileConfig { accumulator: tile::Accumulator::Exact, ..base.clone() }, &["control_", "amp_"]),
    ] {
        let (base, found) = (alone(&base), alone(&changed));
        for module in modules {
            let of =
                |names: &[String]| names.iter().filter(|name| name.starts_with(module)).cloned().collect::<Vec<_>>();
            assert!(!of(&base).is_empty(), "{module} is a module");
            assert!(of(&base).iter().all(|name| !found.contains(name)), "{changed:?} has the {module} of {base:?}");
        }
    }
}
