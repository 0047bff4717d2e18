//! Save files of GTKWave. Each trace is a line with its flags, in hexadecimal, and a line with its name; the flags are
//! those that GTKWave itself writes (`analyzer.h` in its sources).

use std::fmt::Write;
use std::path::Path;

use rtl::wave::{CYCLE_NS, Kind};

use super::{Group, Style, width};

const HEXADECIMAL: u32 = 0x2;
const DECIMAL: u32 = 0x4;
const BINARY: u32 = 0x8;
const RIGHT_JUSTIFIED: u32 = 0x20;
const BLANK: u32 = 0x200;
const ASCII: u32 = 0x800;
const GROUP_BEGIN: u32 = 0x80_0000;
const GROUP_END: u32 = 0x100_0000;

/// Pixels of the whole run: a few more than the window has for waves, as GTKWave ignores a start after which there is
/// less than a window to show.
const WAVE_PIXELS: f64 = 800.0;

/// Pixels that the zoom is a time of.
const ZOOM_PIXELS: f64 = 200.0;

/// A save file that shows the groups, of a design with this top, of the waveform in `dump`, of which `cycles` from `first_cycle` on are seen.
pub fn gtkwave_save_file(top: &str, groups: &[Group], dump: &Path, first_cycle: u64, cycles: u64) -> String {
    let mut text = String::new();
    let mut line = |line: &str| writeln!(text, "{line}").expect("a string takes everything");
    // There is no way to write other names.
    if let Some(name) = dump.to_str().filter(|name| !name.contains(|c: char| c == '"' || c.is_control())) {
        line(&format!("[dumpfile] \"{name}\""));
    }
    line(&format!("[timestart] {}", CYCLE_NS * first_cycle));
    line("[size] 1400 1000");
    line("[pos] -1 -1");
    // The marker and its 26 named companions are nowhere.
    let zoom = -((CYCLE_NS * cycles.max(1)) as f64 * ZOOM_PIXELS / WAVE_PIXELS).log2();
    line(&format!("*{zoom:.6} -1{}", " -1".repeat(26)));
    line("[sst_width] 220");
    line("[signals_width] 330");
    line("[sst_expanded] 1");
    for Group { title, signals } in groups {
        line(&format!("@{:x}", GROUP_BEGIN | BLANK));
        line(&format!("-{title}"));
        for (name, style) in signals {
            line(&format!("@{:x}", RIGHT_JUSTIFIED | flags(name.kind, *style)));
            let path = format!("{top}.{}", name.path);
            match width(name.kind) {
                Some(bits) if bits > 1 => line(&format!("{path}[{}:0]", bits - 1)),
                _ => line(&path),
            }
        }
        line(&format!("@{:x}", GROUP_END | BLANK));
        line(&format!("-{title}"));
    }
    text
}

fn flags(kind: Kind, style: Style) -> u32 {
    match (kind, style) {
        (Kind::Text, _) => ASCII,
        (Kind::Real, _) | (_, Style::Decimal) => DECIMAL,
        (Kind::Wire { width: 1 } | Kind::Register { width: 1 }, _) => BINARY,
        _ => HEXADECIMAL,
    }
}
