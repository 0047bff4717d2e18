//! The Verilog of each named configuration, as it is exported: three tools accept it without a word, each module is
//! there once, the text is small and always the same.

use std::collections::BTreeSet;

use system_tests::ExportedTile;
use tile::TileConfig;

/// Checks each named configuration, and that there are some.
fn for_each_named(check: impl Fn(&ExportedTile)) {
    let named = TileConfig::named();
    let names: BTreeSet<_> = named.iter().map(|config| config.name.clone()).collect();
    assert!(names.len() == named.len() && names.len() >= 3, "{names:?}");
    for config in named {
        check(&ExportedTile::new(config));
    }
}

/// What a tool printed, if it is nothing.
fn assert_silent(tool: &str, tile: &ExportedTile, messages: Result<Vec<cosim::Message>, cosim::Error>) {
    let messages = messages.unwrap_or_else(|error| panic!("{tool}: {error}"));
    let text: Vec<_> = messages.iter().map(ToString::to_string).collect();
    assert!(text.is_empty(), "{tool} on {}:\n{}", tile.config.name, text.join("\n"));
}

#[test]
fn verilator_warns_of_nothing() {
    for_each_named(|tile| assert_silent("verilator --lint-only -Wall", tile, cosim::verilator_lint(&tile.sources())));
}

#[test]
fn icarus_warns_of_nothing() {
    for_each_named(|tile| assert_silent("iverilog -g2012 -Wall", tile, cosim::icarus_lint(&tile.sources())));
}

#[test]
fn yosys_finds_no_problem_and_every_module_and_memory() {
    for_each_named(|tile| {
        let memories: usize = tile.design.modules.iter().map(|module| module.memories.len()).sum();
        assert!(memories > tile.config.banks, "{memories} memories and {} banks", tile.config.banks);
        let top = &tile.design.top().name;
        let commands =
            format!("hierarchy -check -top {top}; proc; check -assert; select -assert-count {memories} */m:*; ls");
        let printed = cosim::yosys(&tile.sources(), &commands).unwrap_or_else(|error| panic!("{error}"));
        let warnings: Vec<_> = printed.lines().filter(|line| line.to_lowercase().contains("warning")).collect();
        assert!(warnings.is_empty(), "{}:\n{}", tile.config.name, warnings.join("\n"));
        // A module that nothing instantiates would be gone by now.
        let modules = format!("\n{} modules:\n", tile.files.len());
        assert!(printed.contains(&modules), "{}: not `{}` in\n{printed}", tile.config.name, modules.trim());
    });
}

#[test]
fn no_warning_is_waived() {
    for_each_named(|tile| {
        for file in &tile.files {
            for waiver in ["verilator lint_", "verilator_config", "-Wno", "translate_off", "synopsys"] {
                assert!(!file.text.contains(waiver), "{}: {} has `{waiver}`", tile.config.name, file.name);
            }
        }
    });
}

#[test]
fn each_distinct_module_is_emitted_once() {
    for_each_named(|tile| {
        let config = &tile.config.name;
        let mut names = BTreeSet::new();
        let mut bodies = BTreeSet::new();
        for file in &tile.files {
            let name = file.name.strip_suffix(".v").expect("a Verilog file");
            let declared: Vec<_> = file.text.lines().filter(|line| line.starts_with("module ")).collect();
            assert!(
                declared.len() == 1 && declared[0].contains(&format!(" {name} ")),
                "{config}: {name}: {declared:?}"
            );
            assert!(names.insert(name), "{config}: {name} is emitted twice");
            let body = file.text.split_once("\nmodule ").expect("a header before the module").1.replace(name, "");
            assert!(bodies.insert(body), "{config}: {name} is another module under a second name");
        }
        // 16 lanes, each with a dot product and an accumulator, share three modules.
        let instances = tile.instances().len();
        assert!(instances >= tile.files.len() + 3 * 15, "{config}: {instances} instances");
        let of_amp = match tile.config.accumulator {
            tile::Accumulator::Fp32 => 20,
            // The partial sums' conversion to fixed point.
            tile::Accumulator::Exact => 21,
        };
        // The parts of the engine, the ALU's and the transcendental unit's.
        let of_vector = if tile.config.vector { 14 } else { 0 };
        assert_eq!(names.len(), of_amp + of_vector, "{config}: {names:?}");
    });
}

#[test]
fn the_verilog_of_ipu64_is_under_a_megabyte() {
    let tile = ExportedTile::new(TileConfig::ipu64());
    let bytes: usize = tile.files.iter().map(|file| file.text.len()).sum();
    assert!((100_000..1_000_000).contains(&bytes), "{bytes} bytes");
}

#[test]
fn two_emissions_are_equal() {
    for_each_named(|tile| assert_eq!(tile.files, ExportedTile::new(tile.config.clone()).files));
}
