//! Views of a tile's waveforms: the signals that one looks at first, in groups, as files for viewers.

mod gtkwave;
mod surfer;

use rtl::Design;
use rtl::wave::{Kind, ShownName, TraceOptions, shown_names};

pub use gtkwave::gtkwave_save_file;
pub use surfer::surfer_command_file;

/// How a viewer shows a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One bit, or hexadecimal.
    Bits,
    /// An unsigned number.
    Decimal,
}

/// Signals that belong together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its heading.
    pub title: &'static str,
    /// Its signals.
    pub signals: Vec<(ShownName, Style)>,
}

/// The groups, with the paths of their signals; `*` stands for a number that the configuration sets the range of.
const GROUPS: [(&str, &[(&str, Style)]); 6] = [
    (
        "Run",
        &[
            ("status_running", Style::Bits),
            ("status_done", Style::Bits),
            ("status_error", Style::Bits),
            ("host_request_valid", Style::Bits),
            ("host_request_address", Style::Bits),
        ],
    ),
    (
        "Sequencer",
        &[
            ("sequencer.state_as_text", Style::Bits),
            ("sequencer.program_counter", Style::Bits),
            ("sequencer.command", Style::Bits),
            ("sequencer.amp_valid", Style::Bits),
            ("sequencer.amp_ready", Style::Bits),
        ],
    ),
    (
        "AMP",
        &[
            ("amp_engine.issued", Style::Bits),
            ("amp_engine.waits_weights", Style::Bits),
            ("amp_engine.waits_accumulator", Style::Bits),
            ("amp_engine.waits_half", Style::Bits),
            ("amp_engine.entries.state_as_text", Style::Bits),
            ("amp_engine.amp.step_valid", Style::Bits),
            ("amp_engine.amp.step_at_half", Style::Bits),
            ("amp_engine.amp.step_at_row", Style::Decimal),
            ("amp_engine.amp.step_weights_k", Style::Decimal),
        ],
    ),
    (
        "AMP numbers",
        &[
            ("amp_engine.amp.inputs_as_fp16", Style::Bits),
            ("amp_engine.amp.inputs_as_fp16_*", Style::Bits),
            ("amp_engine.amp.lane_0.operands_w_as_fp16", Style::Bits),
            ("amp_engine.amp.lane_0.operands_w_as_fp16_*", Style::Bits),
            ("amp_engine.amp.lane_0.stepped_state_as_fp32", Style::Bits),
            ("amp_engine.amp.lane_0.accumulate.number_as_fixed", Style::Bits),
            ("amp_engine.result_valid", Style::Bits),
            ("amp_engine.amp.fp32_results_as_fp32_*", Style::Bits),
        ],
    ),
    (
        "Streams",
        &[
            ("amp_engine.weights_request_valid", Style::Bits),
            ("sram_out_weights_conflict", Style::Bits),
            ("amp_engine.weights_request_address", Style::Bits),
            ("amp_engine.inputs_request_valid", Style::Bits),
            ("sram_out_inputs_conflict", Style::Bits),
            ("amp_engine.inputs_request_address", Style::Bits),
            ("amp_engine.partials_request_valid", Style::Bits),
            ("sram_out_partials_conflict", Style::Bits),
            ("amp_engine.partials_request_address", Style::Bits),
            ("amp_engine.results_request_valid", Style::Bits),
            ("sram_out_results_conflict", Style::Bits),
            ("amp_engine.results_request_address", Style::Bits),
            ("amp_engine.lists_request_valid", Style::Bits),
            ("sram_out_lists_conflict", Style::Bits),
            ("sram_out_sequencer_conflict", Style::Bits),
            ("sram_out_host_conflict", Style::Bits),
        ],
    ),
    (
        "SRAM banks",
        &[
            ("sram.weights_port_valid_1", Style::Bits),
            ("sram.weights_port_bank_1", Style::Decimal),
            ("sram.inputs_port_valid_1", Style::Bits),
            ("sram.inputs_port_bank_1", Style::Decimal),
            ("sram.partials_port_valid_1", Style::Bits),
            ("sram.partials_port_bank_1", Style::Decimal),
            ("sram.lists_port_valid_1", Style::Bits),
            ("sram.lists_port_bank_1", Style::Decimal),
            ("sram.bank_*_data", Style::Bits),
        ],
    ),
];

/// The groups as far as a waveform has their signals, of a machine of many tiles those of the first that it shows; groups
/// without any are left out.
pub fn groups(design: &Design, options: &TraceOptions) -> Vec<Group> {
    let shown = shown_names(design, options);
    let tile = shown.iter().find_map(|name| tile_instance(&name.path)).unwrap_or_default();
    let mut groups = vec![];
    for (title, patterns) in GROUPS {
        let mut signals = vec![];
        for &(pattern, style) in patterns {
            let of_tile = |name: &&ShownName| name.path.strip_prefix(tile).is_some_and(|path| matches(pattern, path));
            let matching = shown.iter().filter(of_tile);
            signals.extend(matching.map(|name| (name.clone(), style)));
        }
        if !signals.is_empty() {
            groups.push(Group { title, signals });
        }
    }
    groups
}

/// What the path of a signal begins with that is inside one of many tiles, such as `tile_3.`.
fn tile_instance(path: &str) -> Option<&str> {
    let end = path.find('.')?;
    matches("tile_*", &path[..end]).then_some(&path[..=end])
}

/// `path` is `pattern`, with a number in the place of the star.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, after)) => path
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())),
    }
}

/// Bits of a signal; `None` for numbers and texts.
fn width(kind: Kind) -> Option<usize> {
    match kind {
        Kind::Wire { width } | Kind::Register { width } => Some(width),
        Kind::Real | Kind::Text => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tile::{Tile, TileConfig};

    #[test]
    fn every_pattern_shows_something_of_a_named_configuration() {
        let designs: Vec<Design> =
            TileConfig::named().into_iter().map(|config| rtl::elaborate(&Tile::new(config)).unwrap()).collect();
        let paths: Vec<String> = designs
            .iter()
            .flat_map(|design| shown_names(design, &TraceOptions::default()))
            .map(|name| name.path)
            .collect();
        for (title, patterns) in GROUPS {
            for (pattern, _) in patterns {
                assert!(paths.iter().any(|path| matches(pattern, path)), "{title}: no signal is called {pattern}");
            }
        }
    }

    #[test]
    fn a_scope_bounds_the_groups() {
        let design = rtl::elaborate(&Tile::new(TileConfig::ipu64())).unwrap();
        let options = TraceOptions { scope: "sequencer".into(), ..TraceOptions::default() };
        let groups = groups(&design, &options);
        assert_eq!(groups.iter().map(|group| group.title).collect::<Vec<_>>(), ["Sequencer"]);
        assert_eq!(groups[0].signals[0].0.path, "sequencer.state_as_text");
    }

    #[test]
    fn a_star_stands_for_a_number() {
        assert!(matches("sram.bank_*_data", "sram.bank_12_data"));
        assert!(!matches("sram.bank_*_data", "sram.bank__data"));
        assert!(!matches("sram.bank_*_data", "sram.bank_1_data_2"));
    }
}
