//! Tests of plans and of the host port's driver, without any simulator.

mod convolutions;
mod host_port;
mod matmul_plan;
mod products;
mod soft_tile;
