//! Images that were misread, as small pictures for a terminal.

use golden::FP16;
use kernels::digits::{PIXELS, SIDE};

use super::Misread;

/// Pictures side by side, and columns from one to the next.
const IN_A_LINE: usize = 4;
const WIDTH: usize = 2 * SIDE + 4;

/// From 0 to 16, the darkest pixel.
const SHADES: [&str; 5] = ["  ", "░░", "▒▒", "▓▓", "██"];

/// All of them, each with what it was read as above it.
pub fn pictures(misread: &[Misread], pixels: &[u16]) -> String {
    let mut text = String::new();
    for line in misread.chunks(IN_A_LINE) {
        let captions = line.iter().map(|Misread { image, read, is }| format!("#{image}: {read}, is {is}"));
        text += &in_columns(captions);
        for row in 0..SIDE {
            text += &in_columns(line.iter().map(|misread| {
                let pixels = &pixels[misread.image * PIXELS + row * SIDE..][..SIDE];
                pixels.iter().map(|&bits| SHADES[FP16.to_f64(bits.into()) as usize / 4]).collect::<String>()
            }));
        }
        text.push('\n');
    }
    text
}

fn in_columns(columns: impl Iterator<Item = String>) -> String {
    let line: String = columns.map(|column| format!("  {column:<width$}", width = WIDTH - 2)).collect();
    format!("{}\n", line.trim_end())
}
