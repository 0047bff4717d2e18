//! `tessera conv`: runs, files, and what is refused.

use std::path::Path;
use std::process::Command;

/// Exit status, standard output and standard error of a command in a folder of the test's own.
fn tessera(folder: &str, arguments: &str) -> (i32, String, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    let output = command.arg("conv").args(arguments.split_whitespace()).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_convolution_is_bit_exact_and_says_what_it_took() {
    let small = "--image 6x5 --channels 5 --filters 18 --kernel-size 3x2 --stride 2x1 --padding 1,0,1,2";
    let (status, output, _) = tessera("conv_run", small);
    assert_eq!(status, 0, "{output}");
    let line = "convolution 1 x 6 x 5 x 5 (N x H x W x C) with 18 filters of 3 x 2, fp16 to fp32";
    assert!(output.lines().any(|found| found == line), "{output}");
    // 3 x 7 pixels of 18 filters.
    assert!(output.contains("378 results and the flags compared: all bit-exact"), "{output}");

    let (status, output, _) = tessera("conv_run", &format!("{small} --json --relu --out-type fp16 --out Y.npy"));
    assert_eq!(status, 0, "{output}");
    let summary: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(summary["shape"], serde_json::json!([1, 3, 7, 18]));
    assert_eq!(summary["padding"], serde_json::json!([1, 0, 1, 2]));
    assert_eq!(summary["bit_exact"], true);
    let file = std::fs::read(Path::new(env!("CARGO_TARGET_TMPDIR")).join("conv_run/Y.npy")).unwrap();
    let header = String::from_utf8_lossy(&file[..128]);
    assert!(header.contains("'<f2'") && header.contains("(1, 3, 7, 18)"), "{header}");
    // The results are images of 18 channels.
    let (status, output, _) = tessera("conv_run", "Y.npy Y.npy --padding 1");
    assert_eq!(status, 0, "{output}");
    let line = "convolution 1 x 3 x 7 x 18 (N x H x W x C) with 1 filters of 3 x 7, fp16 to fp32";
    assert!(output.lines().any(|found| found == line), "{output}");
    // They are the shape of what may be added to them.
    let again = format!("{small} --config vector64 --residual Y.npy --epilogue gelu");
    let (status, output, error) = tessera("conv_run", &again);
    assert_eq!((status, error.as_str()), (0, ""), "{output}");
    assert!(output.contains("378 results and the flags compared: all bit-exact"), "{output}");
    let other = "--image 6x5 --channels 5 --filters 18 --kernel-size 3x2 --stride 2x1 --residual Y.npy";
    let (status, _, error) = tessera("conv_run", other);
    assert_eq!((status, error.as_str()), (2, "tessera: Y.npy: found 1 x 3 x 7 x 18, expected 1 x 2 x 4 x 18\n"));
    let (status, _, error) = tessera("conv_run", "Y.npy Y.npy --padding 10000");
    let expected = "tessera: results of 1 x 20001 x 20001 x 1: expected at most 67108864 numbers\n";
    assert_eq!((status, error.as_str()), (2, expected));
    let (status, _, error) = tessera("conv_run", "Y.npy Y.npy --groups 2");
    assert_eq!((status, error.as_str()), (2, "tessera: 1 filters do not divide into 2 groups\n"));
}

#[test]
fn tiles_share_a_convolution_and_give_what_one_gives() {
    let small = "--config small16 --image 8x5 --channels 6 --filters 20 --padding 1 --seed 3";
    let (status, output, _) = tessera("conv_tiles", &format!("{small} --out one.npy"));
    assert_eq!(status, 0, "{output}");
    let (status, output, error) = tessera("conv_tiles", &format!("{small} --tiles 3 --json --out three.npy"));
    assert_eq!(status, 0, "{output}{error}");
    let summary: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!((&summary["tiles"], &summary["shape"]), (&3.into(), &serde_json::json!([1, 8, 5, 20])));
    assert_eq!(summary["cycles"], summary["predicted_cycles"]);
    let parts = ["images", "rows", "filters"].map(|part| summary["partition"][part].as_u64().unwrap());
    assert!((2..=3).contains(&parts.iter().product::<u64>()), "{parts:?}");
    let file =
        |name: &str| std::fs::read(Path::new(env!("CARGO_TARGET_TMPDIR")).join("conv_tiles").join(name)).unwrap();
    assert_eq!(file("one.npy"), file("three.npy"));
}

#[test]
fn convolutions_that_cannot_be_are_refused_in_one_line() {
    for (arguments, expected) in [
        ("--groups 3", "64 channels do not divide into 3 groups"),
        ("--stride 0", "vertical stride of a convolution: found 0, expected at least 1"),
        ("--image 2x9", "the filter spans 3 rows and the padded image has 2: expected no more"),
        (
            "--padding 1,2",
            "invalid value '1,2' for '--padding <N|TOP,BOTTOM,LEFT,RIGHT>': expected a number, or four: top,bottom,left,right",
        ),
        (
            "--stride 1x2x3",
            "invalid value '1x2x3' for '--stride <N|ROWSxCOLUMNS>': expected a number, or two such as 2x3",
        ),
        ("--batch 1048576 --image 999x999", "images of 1048576 x 999 x 999 x 64: expected at most 67108864 numbers"),
        ("--padding 8192", "results of 1 x 16398 x 16398 x 64: expected at most 67108864 numbers"),
        ("--round sr --out-type fp16", "--round sr: found with conv, which rounds to nearest: expected rne"),
        ("--tiles 65", "--tiles 65: expected 1 to 64"),
        (
            "--config small16 --image 4x4 --epilogue gelu",
            "configuration small16 has no vector engine, which an epilogue needs: expected one with vector = true",
        ),
        ("--tiles 2 --epilogue gelu", "an epilogue: expected one tile"),
        ("--exact-sums", "--exact-sums: found with conv, whose sums are never interrupted: expected none"),
        ("no.npy no.npy", "no.npy: cannot read: No such file or directory (os error 2)"),
        (
            "--config small16 --channels 4096",
            "configuration small16 has 65536 bytes of memory, too few for one output row of 16 filters of this convolution",
        ),
    ] {
        let (status, output, error) = tessera("conv_refused", arguments);
        assert_eq!((status, output.as_str(), error), (2, "", format!("tessera: {expected}\n")), "{arguments}");
    }
}
