//! Tests of plans and of the host port's driver, without any simulator, and of vector commands on the native one.

mod convolutions;
mod epilogues;
mod host_port;
mod matmul_plan;
mod networks;
mod products;
mod soft_tile;
mod sparse;
mod vector;
