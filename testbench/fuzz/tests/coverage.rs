//! Random designs have everything that the embedded HDL offers.

use std::collections::BTreeSet;

use fuzz::batch::Batch;
use fuzz::recipe::MAX_WIDTH;
use fuzz::session::Generator;
use rtl::design::{Design, ModuleDef, PropertyKind, ReadKind};

/// The names of what a module has.
fn features(design: &Design, module: &ModuleDef, found: &mut BTreeSet<String>) {
    for node in &module.nodes {
        let op = format!("{:?}", node.op);
        let name: String = op.chars().take_while(|c| c.is_alphanumeric()).collect();
        found.insert(format!("operator {name}"));
        if [1, 32, 64, 128, MAX_WIDTH].contains(&node.width) {
            found.insert(format!("width {}", node.width));
        }
    }
    let mut has = |name: &str, present: bool| present.then(|| found.insert(name.into()));
    for register in &module.registers {
        has("register with reset", register.reset.is_some());
        has("register without reset", register.reset.is_none());
        has("register with named states", register.enumeration.is_some());
        has("register with an enable", register.assignments.iter().all(|one| !one.path.is_empty()));
    }
    for wire in &module.wires {
        has("nested conditions", wire.assignments.iter().any(|one| one.path.len() > 2));
        has("otherwise", wire.assignments.iter().any(|one| one.path.iter().any(|branch| !branch.taken)));
    }
    for memory in &module.memories {
        has("memory with contents", !memory.initial.is_empty());
        has("memory without collisions", memory.collision_free);
        has("memory of another depth than a power of two", !memory.depth.is_power_of_two());
        has("several writes", memory.writes.len() > 1);
        has("lanes", memory.writes.iter().any(|write| module.node(write.lane_enables).width > 1));
        for read in &memory.reads {
            has("asynchronous read", matches!(read.kind, ReadKind::Asynchronous));
            has("synchronous read", matches!(read.kind, ReadKind::Synchronous { .. }));
            has("single port", matches!(read.kind, ReadKind::SinglePort { .. }));
        }
    }
    for (i, instance) in module.instances.iter().enumerate() {
        has("instance in the parent's reset", instance.reset.is_none());
        has("instance with its own reset", instance.reset.is_some());
        has("one module twice", module.instances[..i].iter().any(|other| other.module == instance.module));
        has("nested instances", !design.modules[instance.module].instances.is_empty());
    }
    for property in &module.properties {
        has("assertion", property.kind == PropertyKind::Assert);
        has("cover point", property.kind == PropertyKind::Cover);
    }
}

#[test]
fn a_hundred_designs_have_every_operator_and_every_kind_of_part() {
    let recipes: Vec<_> = Generator::new(2026).draw(100).iter().map(|tree| tree.current()).collect();
    let batch = Batch::new(&recipes, 1).unwrap();
    let mut found = BTreeSet::new();
    for one in &batch.designs {
        for module in &one.design.modules {
            features(&one.design, module, &mut found);
        }
    }
    println!("{found:?}");
    let operators = "Input Constant Reset Not And Or Xor ReduceAnd ReduceOr ReduceXor Add Sub Mul MulSigned Eq Lt \
                     LtSigned ShiftLeft ShiftRight ShiftRightSigned Mux Select Slice Concat SignExtend Register Wire \
                     MemoryRead InstanceOutput";
    for operator in operators.split_whitespace() {
        assert!(found.contains(&format!("operator {operator}")), "no {operator}");
    }
    let others = found.iter().filter(|name| !name.starts_with("operator")).count();
    assert_eq!(others, 5 + 4 + 2 + 8 + 4 + 2, "{found:?}");
}

#[test]
fn the_same_seed_gives_the_same_designs() {
    let draw = |seed| Generator::new(seed).draw(5).iter().map(|tree| tree.current()).collect::<Vec<_>>();
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
}
