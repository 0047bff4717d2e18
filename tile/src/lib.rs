//! The tile: SRAM, AMP engine, sequencer, host port.
