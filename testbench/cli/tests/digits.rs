//! `tessera digits`, as a user meets it.

use std::process::Command;

/// Runs `tessera digits`; status, standard output, standard error.
fn digits(arguments: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    let output = command.arg("digits").args(arguments.split_whitespace()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn images_are_read_bit_exactly_and_misread_ones_are_shown() {
    let (status, output, error) = digits("--config vector64 --images 100");
    assert_eq!((status, error.as_str()), (0, ""), "{output}");
    assert!(output.contains("\naccuracy    99.00 %: 1 of 100 misread\n"), "{output}");
    assert!(output.contains("1,000 results and the flags compared: all bit-exact"), "{output}");
    // A picture, with what it was read as.
    assert!(output.contains("  #99: 8, is 1\n      ▓▓▓▓▒▒\n"), "{output}");
}

#[test]
fn tiles_share_the_images_and_the_summary_has_stable_keys() {
    let summary = |arguments: &str| -> serde_json::Value {
        let (status, output, error) = digits(arguments);
        assert_eq!((status, error.as_str()), (0, ""), "{output}");
        serde_json::from_str(&output).unwrap()
    };
    // One of four images is blank.
    let two = summary("--config vector64 --images 7 --tiles 2 --json");
    assert_eq!((&two["bit_exact"], &two["compared"]), (&true.into(), &80.into()));
    assert_eq!((&two["images_at_a_time"], &two["accuracy"]), (&4.into(), &1.0.into()));
    let keys: Vec<&str> = two.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "accuracy",
        "bit_exact",
        "compared",
        "config",
        "cycles",
        "flags",
        "images",
        "images_at_a_time",
        "layers",
        "lost",
        "misread",
        "predicted_cycles",
        "simulator",
        "tiles",
    ];
    assert_eq!(keys, expected);
    let layers: Vec<&str> =
        two["layers"].as_array().unwrap().iter().map(|layer| layer["name"].as_str().unwrap()).collect();
    assert_eq!(layers, ["convolution 1", "maximum 1", "convolution 2", "maximum 2", "dense", "softmax"]);
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    for (arguments, expected) in [
        ("--images 0", "--images 0: expected 1 to 360"),
        ("--images 361", "--images 361: expected 1 to 360"),
        ("--tiles 65", "--tiles 65: expected 1 to 64"),
        (
            "--config small16",
            "configuration small16 has no vector engine, which a network needs: expected one with vector = true",
        ),
        (
            "--config small16 --set vector=true --images 1",
            "configuration small16+vector=true has 65536 bytes of memory, the network needs 98304",
        ),
    ] {
        let (status, output, error) = digits(arguments);
        assert_eq!((status, output.as_str(), error), (2, "", format!("tessera: {expected}\n")), "{arguments}");
    }
}
