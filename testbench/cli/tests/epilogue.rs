//! `tessera matmul` with a transposed B and with epilogues, as a user meets it.

use std::path::Path;
use std::process::Command;

/// Runs `tessera matmul`; status, standard output, standard error.
fn matmul(name: &str, arguments: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    let output = command.arg("matmul").args(arguments.split_whitespace()).current_dir(folder(name)).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes a matrix of float16.
fn npy(name: &str, file: &str, [rows, columns]: [usize; 2], values: &[f32]) {
    assert_eq!(values.len(), rows * columns);
    let header = format!("{{'descr': '<f2', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{header:<117}\n").as_bytes());
    bytes.extend(values.iter().flat_map(|&value| half::f16::from_f32(value).to_le_bytes()));
    std::fs::write(folder(name).join(file), bytes).unwrap();
}

/// The numbers of a matrix of float32.
fn results(name: &str, file: &str) -> Vec<f32> {
    let bytes = std::fs::read(folder(name).join(file)).unwrap();
    bytes[128..].chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

/// 2 x 3 times the transpose of 2 x 3: 4, 10 and -2, 1.
fn transposed_product(name: &str) {
    npy(name, "A.npy", [2, 3], &[1.0, 2.0, 3.0, -1.0, 0.5, 0.0]);
    npy(name, "B.npy", [2, 3], &[2.0, 1.0, 0.0, 1.0, 3.0, 1.0]);
    npy(name, "R.npy", [2, 2], &[-5.0, 1.0, 0.5, 0.0]);
}

#[test]
fn a_transposed_b_is_multiplied_as_it_lies() {
    let name = "transposed_b";
    transposed_product(name);
    let (status, output, error) = matmul(name, "A.npy B.npy --transpose-b --out C.npy");
    assert_eq!((status, error.as_str()), (0, ""), "{output}");
    assert!(output.contains("4 results and the flags compared: all bit-exact"), "{output}");
    assert_eq!(results(name, "C.npy"), [4.0, 10.0, -1.5, 0.5]);

    npy(name, "wide.npy", [2, 4], &[0.0; 8]);
    let (status, _, error) = matmul(name, "A.npy wide.npy --transpose-b");
    let expected = "tessera: wide.npy: found 2 x 4, expected 3 columns, as many as A.npy has columns\n";
    assert_eq!((status, error.as_str()), (2, expected));
}

#[test]
fn epilogues_make_results_of_the_sums() {
    let name = "epilogues";
    transposed_product(name);
    let product = "A.npy B.npy --transpose-b --config vector64 --out C.npy";
    let close = |found: f32, expected: f64| assert!((f64::from(found) - expected).abs() < 1e-6, "{found} {expected}");
    let after = |options: &str| {
        let (status, output, error) = matmul(name, &format!("{product} {options}"));
        assert_eq!((status, error.as_str()), (0, ""), "{output}");
        assert!(output.contains("all bit-exact"), "{output}");
        results(name, "C.npy")
    };
    assert_eq!(after("--residual R.npy"), [-1.0, 11.0, -1.0, 0.5]);
    assert_eq!(after("--residual R.npy --relu"), [0.0, 11.0, 0.0, 0.5]);
    let sigmoid = after("--epilogue sigmoid");
    close(sigmoid[0], 1.0 / (1.0 + (-4f64).exp()));
    let tanh = after("--epilogue tanh --residual R.npy");
    close(tanh[3], 0.5f64.tanh());
    let gelu = after("--epilogue gelu");
    close(gelu[3], 0.25 * (1.0 + (std::f64::consts::FRAC_2_PI.sqrt() * (0.5 + 0.044715 * 0.125)).tanh()));
    let (_, output, _) = matmul(name, &format!("{product} --residual R.npy --relu"));
    assert!(output.contains("2 x 2 x 3 (M x N x K), fp16 to fp32, a residual added, then relu\n"), "{output}");
    let softmax = after("--epilogue softmax");
    close(softmax[2], (-1.5f64).exp() / ((-1.5f64).exp() + 0.5f64.exp()));
    close(softmax[0] as f64 as f32 + softmax[1], 1.0);
}

#[test]
fn epilogues_that_cannot_be_are_refused_in_one_line() {
    let name = "no_epilogues";
    transposed_product(name);
    for (arguments, expected) in [
        (
            "--config small16 --epilogue gelu",
            "configuration small16 has no vector engine, which an epilogue needs: expected one with vector = true",
        ),
        ("A.npy B.npy --transpose-b --residual A.npy", "A.npy: found 2 x 3, expected 2 x 2"),
        ("--epilogue gelu --relu", "the argument '--epilogue <FUNCTION>' cannot be used with '--relu'"),
        ("--tiles 4 --transpose-b", "B transposed: expected one tile"),
        ("--tiles 4 --epilogue tanh", "an epilogue: expected one tile"),
        ("--config vector64 --epilogue tanh --round sr --out-type fp16", "stochastic rounding: expected no epilogue"),
        (
            "--config vector64 --set banks=2 --n 4096 --epilogue softmax",
            "configuration vector64+banks=2 has 32768 bytes of memory, too few for the smallest chunk of a product",
        ),
    ] {
        let (status, output, error) = matmul(name, arguments);
        assert_eq!((status, output.as_str(), error), (2, "", format!("tessera: {expected}\n")), "{arguments}");
    }
}
