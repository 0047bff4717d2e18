//! Floating-point building blocks, accumulators, dot product and the AMP unit.
