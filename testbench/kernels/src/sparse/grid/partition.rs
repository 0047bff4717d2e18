//! Which tile has what.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;

use crate::sparse::gather::Panel;
use crate::sparse::program::blocks_of;

/// Numbers of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SparsePartition {
    /// Parts of the panels.
    pub sums: usize,
    /// Parts of X's columns (rows, where it comes first).
    pub dense: usize,
}

impl SparsePartition {
    /// Tiles that have a part.
    pub fn tiles(&self) -> usize {
        self.sums * self.dense
    }

    /// The tile of a part of the panels and a part of the columns.
    pub fn tile(&self, sums: usize, dense: usize) -> usize {
        sums * self.dense + dense
    }
}

impl fmt::Display for SparsePartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", self.sums, self.dense)
    }
}

/// What cycles a tile's share is estimated by.
#[derive(Debug, Clone, Copy)]
pub struct Costs {
    /// To step a strip.
    pub strip: usize,
    /// Until the results of a panel have left, at least.
    pub panel: usize,
    /// To receive a block of X.
    pub block: usize,
}

/// Deals panels to as many parts, each about as many: the longest first, to whom has the least to do and to receive then.
pub fn deal(mut panels: Vec<Panel>, parts: usize, width: usize, costs: Costs) -> Vec<Vec<Panel>> {
    struct Hand {
        panels: Vec<Panel>,
        blocks: BTreeSet<usize>,
        cycles: usize,
    }
    let most = panels.len().div_ceil(parts);
    let mut hands: Vec<Hand> =
        (0..parts).map(|_| Hand { panels: vec![], blocks: BTreeSet::new(), cycles: 0 }).collect();
    panels.sort_by_key(|panel| Reverse(panel.strips.len()));
    for panel in panels {
        let blocks = blocks_of([&panel], width);
        let cycles = (panel.strips.len() * costs.strip).max(costs.panel);
        let after = |hand: &Hand| hand.cycles + cycles + blocks.difference(&hand.blocks).count() * costs.block;
        let open = hands.iter_mut().filter(|hand| hand.panels.len() < most);
        let hand = open.min_by_key(|hand| after(hand)).expect("places for all panels");
        hand.cycles = after(hand);
        hand.blocks.extend(blocks);
        hand.panels.push(panel);
    }
    hands.into_iter().map(|hand| hand.panels).collect()
}

/// Which part has each block of X at the start, of those that any part needs: about as many each, and where they are needed
/// if that can be; first those that few need. `needed` are the blocks of each part.
pub fn owners(needed: &[BTreeSet<usize>]) -> Vec<(usize, usize)> {
    let all: BTreeSet<usize> = needed.iter().flatten().copied().collect();
    let most = all.len().div_ceil(needed.len());
    let users = |block: usize| needed.iter().filter(|blocks| blocks.contains(&block)).count();
    let mut order: Vec<usize> = all.into_iter().collect();
    order.sort_by_key(|&block| users(block));
    let mut owned = vec![0; needed.len()];
    let mut owners: Vec<(usize, usize)> = vec![];
    for block in order {
        let open = (0..needed.len()).filter(|&part| owned[part] < most);
        let wish =
            |part: usize| (needed[part].contains(&block), needed[part].len() - owned[part].min(needed[part].len()));
        let part = open.max_by_key(|&part| (wish(part), Reverse(part))).expect("places for all blocks");
        owned[part] += 1;
        owners.push((block, part));
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(index: usize, strips: &[usize]) -> Panel {
        Panel { sums: vec![index], strips: strips.to_vec() }
    }

    #[test]
    fn panels_that_need_the_same_go_together() {
        let panels = vec![panel(0, &[0, 4]), panel(1, &[8, 12]), panel(2, &[0, 4]), panel(3, &[8, 12])];
        let hands = deal(panels, 2, 4, Costs { strip: 64, panel: 257, block: 512 });
        let sums: Vec<Vec<usize>> =
            hands.iter().map(|hand| hand.iter().flat_map(|panel| panel.sums.clone()).collect()).collect();
        assert_eq!(sums, [[0, 2], [1, 3]]);
    }

    #[test]
    fn every_needed_block_has_one_owner_and_shares_are_equal() {
        let needed = [BTreeSet::from([0, 1, 2, 3]), BTreeSet::from([0, 5]), BTreeSet::from([0, 9]), BTreeSet::new()];
        let mut owned = owners(&needed);
        owned.sort_unstable();
        assert_eq!(owned.iter().map(|(block, _)| *block).collect::<Vec<_>>(), [0, 1, 2, 3, 5, 9]);
        for part in 0..4 {
            assert!(owned.iter().filter(|(_, owner)| *owner == part).count() <= 2);
        }
        assert!(owned.contains(&(5, 1)) && owned.contains(&(9, 2)), "{owned:?}");
    }
}
