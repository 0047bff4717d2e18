//! Every configuration of the AMP elaborates.

use accumulators::{AccumulatorKind, Amp, AmpConfig};

#[test]
fn every_configuration_elaborates() {
    for terms in [1, 2, 4, 8, 16] {
        for accumulator in [AccumulatorKind::Fp32, AccumulatorKind::EXACT, AccumulatorKind::Exact { bits: 88 }] {
            let config = AmpConfig { terms, rows: 64, accumulator };
            if let Err(errors) = rtl::elaborate(&Amp { config }) {
                panic!("{config:?}:\n{errors}");
            }
        }
    }
}
