//! Every configuration of the AMP elaborates.

use accumulators::{AccumulatorKind, Amp, AmpConfig, Target};

#[test]
fn every_configuration_elaborates() {
    for terms in [1, 2, 4, 8, 16] {
        for accumulator in [AccumulatorKind::Fp32, AccumulatorKind::EXACT, AccumulatorKind::Exact { bits: 88 }] {
            for target in [Target::StandardCells, Target::Fpga] {
                let config = AmpConfig { terms, rows: 64, accumulator, target };
                if let Err(errors) = rtl::elaborate(&Amp { config }) {
                    panic!("{config:?}:\n{errors}");
                }
            }
        }
    }
}
