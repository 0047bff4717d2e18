//! `tessera spmm`: runs, files of SciPy, and what is refused.

use std::path::Path;
use std::process::Command;

/// Exit status, standard output and standard error of a command among SciPy's files, with a folder of the test's own for
/// what it writes.
fn tessera(arguments: &str) -> (i32, String, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/matrices");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    let output = command.arg("spmm").args(arguments.split_whitespace()).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn summary(arguments: &str) -> serde_json::Value {
    let (status, output, error) = tessera(&format!("{arguments} --json"));
    assert_eq!(status, 0, "{error}");
    let summary: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(summary["bit_exact"], true);
    assert_eq!(summary["cycles"], summary["predicted_cycles"]);
    summary
}

#[test]
fn a_product_is_bit_exact_and_says_what_it_took() {
    let small = "--sizes 96x64x20 --block 8 --density 1/4 --out-type fp16";
    let (status, output, _) = tessera(small);
    assert_eq!(status, 0, "{output}");
    let line = "product     sparse 96 x 64 times dense 64 x 20, blocks of 8 x 8, density 0.2500, fp16 to fp16";
    assert!(output.lines().any(|found| found == line), "{output}");
    assert!(output.contains("1,920 results and the flags compared: all bit-exact"), "{output}");

    let fixed = summary(small);
    assert_eq!((&fixed["s"], &fixed["k"], &fixed["n"]), (&96.into(), &64.into(), &20.into()));
    assert_eq!((&fixed["stored"], &fixed["shape"]), (&1536.into(), &serde_json::json!([96, 20])));
    let dynamic = summary(&format!("{small} --dynamic"));
    assert_eq!(dynamic["dynamic"], true);
    assert_eq!((&dynamic["cycles"], &dynamic["strips"]), (&fixed["cycles"], &fixed["strips"]));
    let tiles = summary(&format!("{small} --tiles 3"));
    assert_eq!((&tiles["tiles"], &tiles["partition"]), (&3.into(), &serde_json::json!({"sums": 3, "dense": 1})));
    let second = summary(&format!("{small} --dense-times-sparse --relu"));
    assert_eq!(second["shape"], serde_json::json!([20, 96]));
}

#[test]
fn matrices_of_scipy_just_load() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (file, rows, block) in [("bsr16", 48, [16, 16]), ("bsr8", 48, [8, 8]), ("csr", 50, [1, 1])] {
        let out = folder.join(format!("spmm_{file}.npy"));
        let found = summary(&format!("{file}.npz x.npy --out {}", out.display()));
        assert_eq!((&found["shape"], &found["block"]), (&serde_json::json!([rows, 5]), &serde_json::json!(block)));
        assert_eq!(found["seed"], serde_json::Value::Null);
        let bytes = std::fs::read(out).unwrap();
        assert!(String::from_utf8_lossy(&bytes[..128]).contains(&format!("({rows}, 5)")));
    }
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let dense = "expected 48 columns, as many as bsr16.npz has rows";
    for (arguments, expected) in [
        (
            "--density 1.5",
            "invalid value '1.5' for '--density <DENSITY>': expected a number from 0 to 1, such as 1/16 or 0.1",
        ),
        (
            "--sizes 16x16",
            "invalid value '16x16' for '--sizes <SxKxN>': expected three sizes from 1 to 65536, such as 512x512x64",
        ),
        ("--sizes 100x64x1", "--sizes 100x64x1: expected S and K in whole blocks of 16"),
        (
            "--sizes 65536x65536x1",
            "--sizes 65536x65536x1: found a matrix of 4294967296 numbers, expected at most 16777216",
        ),
        ("--sizes 65536x16x65536", "65536 x 65536 results: expected at most 16777216 numbers"),
        ("--block 3", "--block 3: expected 1, 2, 4, 8 or 16"),
        ("--exact-sums", "--exact-sums: found with spmm, whose sums are never interrupted: expected none"),
        ("--tiles 65", "--tiles 65: expected 1 to 64"),
        ("--epilogue tanh", "--epilogue: found with spmm, which has ReLU alone: expected --relu or none"),
        (
            "--sizes 64x64x4 --dynamic --capacity 0",
            "the pattern has 1 strips of 16 x 16 numbers: expected at most 0, the planned capacity",
        ),
        ("no.npz x.npy", "no.npz: cannot read: No such file or directory (os error 2)"),
        ("x.npy x.npy", "x.npy: its first bytes are no NumPy archive; expected a SciPy .npz file"),
        ("bsr16.npz csr.npz", "csr.npz: its first bytes are no NumPy header; expected a NumPy .npy file"),
        ("csc.npz x.npy", "csc.npz: found a matrix in format csc, expected csr or bsr: tocsr() and tobsr() make them"),
        ("coo.npz x.npy", "coo.npz: found a matrix in format coo, expected csr or bsr: tocsr() and tobsr() make them"),
        ("dia.npz x.npy", "dia.npz: found a matrix in format dia, expected csr or bsr: tocsr() and tobsr() make them"),
        ("bsr16.npz x.npy --dense-times-sparse", &format!("x.npy: found 64 x 5, {dense}")),
    ] {
        let (status, output, error) = tessera(arguments);
        assert_eq!((status, output.as_str(), error), (2, "", format!("tessera: {expected}\n")), "{arguments}");
    }
}
