//! How recipes are drawn, with proptest.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::recipe::{
    Block, Keep, MAX_WIDTH, MemoryPort, MemoryRecipe, ModuleRecipe, Operator, Pick, PortKind, Recipe, RegisterGroup,
    Step, When,
};

/// Any recipe.
pub fn recipe() -> impl Strategy<Value = Recipe> {
    (vec(module(0..8), 0..3), module(6..30), any::<u64>()).prop_map(|(mut modules, top, stimulus)| {
        modules.push(top);
        Recipe { stimulus, modules }
    })
}

fn module(steps: std::ops::Range<usize>) -> impl Strategy<Value = ModuleRecipe> {
    let registers = vec(register_group(), 0..4);
    (vec(width(), 0..6), any::<bool>(), registers, vec(step(), steps))
        .prop_map(|(inputs, reads_reset, registers, steps)| ModuleRecipe { inputs, reads_reset, registers, steps })
}

/// Widths around word boundaries more often than others.
fn width() -> impl Strategy<Value = u16> {
    const BOUNDARIES: [u16; 20] = [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 96, 127, 128, 129, 256];
    prop_oneof![5 => 1u16..=12, 4 => select(&BOUNDARIES[..]), 2 => 1..=MAX_WIDTH as u16]
}

/// Recent values more often, so that expressions nest.
fn pick() -> impl Strategy<Value = Pick> {
    (prop_oneof![3 => 0u16..6, 2 => any::<u16>()], any::<u16>()).prop_map(|(back, fit)| Pick { back, fit })
}

/// A number that is often small.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![2 => 0u64..4, 2 => 0u64..400, 1 => any::<u64>()]
}

fn register_group() -> impl Strategy<Value = RegisterGroup> {
    (vec((width(), option::of(number())), 1..4), block()).prop_map(|(members, block)| RegisterGroup { members, block })
}

fn block() -> BoxedStrategy<Block> {
    let leaf = option::of(pick()).prop_map(|set| Block { set, whens: vec![] });
    leaf.prop_recursive(3, 12, 3, |inner| {
        (option::of(pick()), vec(when(inner), 0..3)).prop_map(|(set, whens)| Block { set, whens })
    })
    .boxed()
}

fn when(block: BoxedStrategy<Block>) -> impl Strategy<Value = When> {
    (vec((pick(), block.clone()), 1..3), option::of(block)).prop_map(|(arms, otherwise)| When { arms, otherwise })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Skip),
        30 => operation(),
        4 => (width(), pick(), vec(when(block()), 0..3))
            .prop_map(|(width, default, whens)| Step::Wire { width, default, whens }),
        3 => memory().prop_map(Step::Memory),
        4 => (any::<u16>(), option::of(pick()), vec(pick(), 1..5))
            .prop_map(|(module, reset, inputs)| Step::Instance { module, reset, inputs }),
        2 => (0u8..3, vec((0u8..6, 0u8..6, pick()), 1..5), option::of(pick()))
            .prop_map(|(states, transitions, wild)| Step::Machine { states, transitions, wild }),
        1 => (any::<u8>(), [pick(), pick()], width())
            .prop_map(|(law, operands, width)| Step::Assert { law, operands, width }),
        1 => pick().prop_map(Step::Cover),
    ]
}

fn operation() -> impl Strategy<Value = Step> {
    let keep = prop_oneof![
        6 => Just(Keep::Plain),
        2 => Just(Keep::Named),
        1 => Just(Keep::Output),
        1 => Just(Keep::Hidden),
    ];
    (select(&Operator::ALL[..]), [pick(), pick(), pick()], width(), number(), keep).prop_map(
        |(operator, operands, width, number, keep)| Step::Operation { operator, operands, width, number, keep },
    )
}

fn memory() -> impl Strategy<Value = MemoryRecipe> {
    use PortKind::*;
    let kind = select(vec![Read, ReadRegistered, Write, WriteLanes, Access]);
    let port = (kind, pick(), pick(), pick(), pick(), any::<u8>()).prop_map(
        |(kind, address, data, enable, lanes, lane_count)| MemoryPort {
            kind,
            address,
            data,
            enable,
            lanes,
            lane_count,
        },
    );
    let depth = prop_oneof![4 => 2u16..=20, 1 => 2u16..=300];
    let width = prop_oneof![4 => 1u16..=40, 1 => width()];
    (depth, width, option::of((any::<u16>(), number())), option::of(pick()), vec(port, 1..5)).prop_map(
        |(depth, width, initial, collision_free, ports)| MemoryRecipe { depth, width, initial, collision_free, ports },
    )
}
