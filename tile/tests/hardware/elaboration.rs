//! Every named configuration elaborates.

use tile::{Tile, TileConfig};

#[test]
fn every_named_configuration_elaborates() {
    for config in TileConfig::named() {
        let name = config.name.clone();
        match rtl::elaborate(&Tile { config }) {
            Ok(design) => assert_eq!(design.top().name, "tile"),
            Err(errors) => panic!("{name}:\n{errors}"),
        }
    }
}
