//! `tessera attention`, as a user meets it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `tessera attention`; status, standard output, standard error.
fn attention(folder: &Path, arguments: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    let arguments = arguments.split_whitespace();
    let output = command.arg("attention").args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn sandbox(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes ones of a type.
fn ones(folder: &Path, name: &str, shape: &[usize], fp16: bool) {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let dtype = if fp16 { "<f2" } else { "<f4" };
    let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{header:<117}\n").as_bytes());
    let one = if fp16 { 0x3C00u16.to_le_bytes().to_vec() } else { 1f32.to_le_bytes().to_vec() };
    bytes.extend(one.repeat(shape.iter().product()));
    std::fs::write(folder.join(format!("{name}.npy")), bytes).unwrap();
}

#[test]
fn a_block_from_files_is_bit_exact_and_written() {
    let folder = sandbox("attention");
    let (tokens, width, hidden) = (5, 8, 12);
    ones(&folder, "x", &[tokens, width], true);
    let squares = ["query", "key", "value", "output"].map(|name| (name, width, width));
    for (name, inputs, outputs) in squares.into_iter().chain([("expand", width, hidden), ("contract", hidden, width)]) {
        ones(&folder, name, &[inputs, outputs], true);
        ones(&folder, &format!("{name}_bias"), &[outputs], false);
    }
    for name in ["norm1_gain", "norm1_bias", "norm2_gain", "norm2_bias"] {
        ones(&folder, name, &[width], true);
    }
    let (status, output, error) = attention(&folder, ". --heads 2 --config vector64 --out Y.npy");
    assert_eq!((status, error.as_str()), (0, ""), "{output}");
    assert!(output.contains("block       5 tokens of 8, 2 heads, 12 hidden\n"), "{output}");
    assert!(output.contains("40 results and the flags compared: all bit-exact"), "{output}");
    // Tokens of ones are 0 less their mean and 1 after the normalisation; each product adds 1 to a sum of its inputs:
    // values of 9, an output of 74; then 1 again, GELU of 9, and 12 * 9 + 1 added.
    let written = std::fs::read(folder.join("Y.npy")).unwrap();
    let numbers: Vec<u16> = written[128..].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let expected = half::f16::from_f32(1.0 + 73.0 + 109.0).to_bits();
    assert_eq!(numbers, vec![expected; tokens * width]);

    ones(&folder, "key_bias", &[3], false);
    let (status, _, error) = attention(&folder, ". --heads 2 --config vector64");
    let expected = "tessera: ./key_bias.npy: found shape 3, expected 8 numbers (a bias) or 1 x 8 (partial sums)\n";
    assert_eq!((status, error.as_str()), (2, expected));
}

#[test]
fn blocks_that_cannot_be_are_refused_in_one_line() {
    let folder = sandbox("no_attention");
    for (arguments, expected) in [
        ("--config vector64 --heads 3", "a width of 64 in 3 heads: expected heads of a multiple of 4"),
        ("--tokens 0", "--tokens 0: expected 1 to 4096"),
        ("nowhere", "nowhere/x.npy: cannot read: No such file or directory (os error 2)"),
        (
            "--config small16",
            "configuration small16 has no vector engine, which a network needs: expected one with vector = true",
        ),
    ] {
        let (status, output, error) = attention(&folder, arguments);
        assert_eq!((status, output.as_str(), error), (2, "", format!("tessera: {expected}\n")), "{arguments}");
    }
}
