//! A fabric on a simulator, cycle by cycle, and the model that it is compared with.

use std::collections::VecDeque;

use exchange::fabric::FabricConfig;
use rtl::Design;

use crate::simulators::Simulation;

/// What all tiles do in a cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The word on each lane.
    pub lanes: Vec<Option<u64>>,
    /// Whom each tile hears.
    pub selects: Vec<Option<usize>>,
}

/// What comes out in a cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    pub received: Vec<Option<u64>>,
    pub silent: Vec<bool>,
    pub missing: Vec<bool>,
    pub unheard: Vec<bool>,
}

impl Outputs {
    pub fn faults(&self) -> usize {
        [&self.silent, &self.missing, &self.unheard].into_iter().flatten().filter(|fault| **fault).count()
    }
}

/// A fabric on a simulator.
pub struct Bench<S> {
    sim: S,
    tiles: usize,
    /// Numbers of the first ports of lanes, selects, words and faults.
    ports: [usize; 4],
}

impl<S: Simulation> Bench<S> {
    pub fn new(mut sim: S, design: &Design, config: FabricConfig) -> Bench<S> {
        let top = design.top();
        let input = |name| top.inputs.iter().position(|port| port.name == name).expect("an input");
        let output = |name| top.outputs.iter().position(|port| port.name == name).expect("an output");
        let [lanes, selects] = ["lanes_0_valid", "selects_0_listen"].map(input);
        let [received, faults] = ["received_0_valid", "faults_0_silent"].map(output);
        sim.reset();
        Bench { sim, tiles: config.tiles, ports: [lanes, selects, received, faults] }
    }

    /// One cycle: what comes out in it, before the edge.
    pub fn cycle(&mut self, inputs: &Inputs) -> Outputs {
        let [lanes, selects, received, faults] = self.ports;
        for tile in 0..self.tiles {
            let (lane, select) = (inputs.lanes[tile], inputs.selects[tile]);
            self.sim.set(lanes + 2 * tile, lane.is_some().into());
            // What stands on a lane without a word is of no importance.
            self.sim.set(lanes + 2 * tile + 1, lane.unwrap_or(0x5555_aaaa));
            self.sim.set(selects + 2 * tile, select.is_some().into());
            self.sim.set(selects + 2 * tile + 1, select.unwrap_or(0) as u64);
        }
        let mut outputs = Outputs::default();
        for tile in 0..self.tiles {
            let valid = self.sim.get(received + 2 * tile) == 1;
            let data = self.sim.get(received + 2 * tile + 1);
            outputs.received.push(valid.then_some(data));
            let [silent, missing, unheard] = [0, 1, 2].map(|i| self.sim.get(faults + 3 * tile + i) == 1);
            outputs.silent.push(silent);
            outputs.missing.push(missing);
            outputs.unheard.push(unheard);
        }
        self.sim.step();
        outputs
    }
}

/// The fabric in a few lines: what went in so many cycles ago.
pub struct Model {
    config: FabricConfig,
    past: VecDeque<Inputs>,
}

impl Model {
    pub fn new(config: FabricConfig) -> Model {
        let nothing = Inputs { lanes: vec![None; config.tiles], selects: vec![None; config.tiles] };
        Model { config, past: std::iter::repeat_n(nothing, 20).collect() }
    }

    /// What comes out in the cycle in which `inputs` go in.
    pub fn cycle(&mut self, inputs: &Inputs) -> Outputs {
        self.past.push_front(inputs.clone());
        self.past.truncate(20);
        let then = &self.past[self.config.latency_cycles()];
        let lane = |source: usize| then.lanes.get(source).copied();
        let heard = &self.past[FabricConfig::UNHEARD_CYCLES];
        let unheard = |tile: usize| heard.lanes[tile].is_some() && !heard.selects.contains(&Some(tile));
        Outputs {
            received: then.selects.iter().map(|select| select.and_then(lane).flatten()).collect(),
            silent: then.selects.iter().map(|select| select.and_then(lane) == Some(None)).collect(),
            missing: then.selects.iter().map(|select| select.is_some_and(|tile| tile >= self.config.tiles)).collect(),
            unheard: (0..self.config.tiles).map(unheard).collect(),
        }
    }
}
