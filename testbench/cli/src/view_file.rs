//! Files of views beside waveforms, which people may change: what they changed is theirs, and stays.

use std::fmt::Display;
use std::path::Path;

use crate::failure::Failure;
use crate::output_file::OutputFile;

/// What the first line of a view says, before a hash of the lines after it.
const MARK: &str = "tessera wrote this view, and writes it again while nobody has changed it: ";

/// A view that is to be written.
pub struct ViewFile {
    file: OutputFile,
    comment: &'static str,
}

impl ViewFile {
    /// A view in a format whose comments begin with `comment`; `None`, with a note, where somebody has changed the one
    /// that is there.
    pub fn create(path: &Path, comment: &'static str) -> Result<Option<ViewFile>, Failure> {
        let file = OutputFile::create(path)?;
        match std::fs::read(path) {
            Ok(old) if !is_as_written(&old) => {
                eprintln!("note: {} was changed, and stays as it is", path.display());
                Ok(None)
            }
            // What is not there, or cannot be read, the place of it was found to be one that can be written.
            _ => Ok(Some(ViewFile { file, comment })),
        }
    }

    /// Writes the view.
    pub fn commit(self, view: impl Display) -> Result<(), Failure> {
        let view = view.to_string();
        self.file.commit_text(&format!("{} {MARK}{:016x}\n{view}", self.comment, hash(view.as_bytes())))
    }
}

fn is_as_written(text: &[u8]) -> bool {
    let end = text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len());
    let (first, rest) = text.split_at(end);
    let Some((_, found)) = std::str::from_utf8(first).ok().and_then(|first| first.split_once(MARK)) else {
        return false;
    };
    u64::from_str_radix(found, 16).is_ok_and(|found| found == hash(rest.get(1..).unwrap_or_default()))
}

/// FNV-1a of 64 bits (Fowler, Noll, Vo): the same in every version of the program.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_anywhere_is_noticed() {
        let view = "divider_add Run\n";
        let text = format!("# {MARK}{:016x}\n{view}", hash(view.as_bytes()));
        assert!(is_as_written(text.as_bytes()));
        for changed in [text.replace("Run", "Ran"), text.clone() + "zoom_fit\n", view.to_owned(), String::new()] {
            assert!(!is_as_written(changed.as_bytes()), "{changed}");
        }
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        // From the test vectors of draft-eastlake-fnv.
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
