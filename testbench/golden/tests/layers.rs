//! Golden's layers against NumPy's in FP64, of which `scripts/layer-vectors` made `layers.txt`.

use std::collections::BTreeMap;

use golden::{Epilogue, EpilogueFunction, FP16, FP32, MatmulResult, ReadOut, Rows};

/// Numbers in hexadecimal.
fn bits(text: &str) -> Vec<u64> {
    text.split_whitespace().map(|number| u64::from_str_radix(number, 16).expect("a number")).collect()
}

fn fp32(text: &str, columns: usize) -> Rows {
    Rows::new(columns, FP32, bits(text).into_iter().map(|bits| bits as u32).collect())
}

fn fp16(text: &str, columns: usize) -> Rows {
    Rows::new(columns, FP16, bits(text).into_iter().map(|bits| bits as u32).collect())
}

fn epilogue(function: EpilogueFunction, x: Rows) -> Rows {
    let sums = MatmulResult { bits: x.bits, flags: x.flags };
    let result = Epilogue { residual: false, function }.apply(sums, x.columns, None, ReadOut::default());
    Rows::new(x.columns, FP32, result.bits)
}

#[test]
fn layers_are_numpys_within_a_few_roundings() {
    // How far, at most, and how many were compared.
    let mut found: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for line in include_str!("layers.txt").lines() {
        let fields: Vec<&str> = line.split(" | ").collect();
        let sizes: Vec<usize> = fields[1].split(' ').map(|size| size.parse().expect("a size")).collect();
        let columns = sizes[0];
        let result = match fields[0] {
            "softmax" => fp32(fields[2], columns).softmax(0.25, FP32),
            "gelu" => fp32(fields[2], columns).gelu(FP32),
            "sigmoid" => epilogue(EpilogueFunction::Sigmoid, fp32(fields[2], columns)),
            "tanh" => epilogue(EpilogueFunction::Tanh, fp32(fields[2], columns)),
            "layer_norm" => {
                let (gain, bias) = (fp16(fields[3], columns), fp16(fields[4], columns));
                fp32(fields[2], columns).layer_norm(&gain, &bias, 1e-5, FP32)
            }
            "max_pool" => {
                let [rows, columns, channels, window] = *sizes else { panic!("{line}") };
                fp16(fields[2], channels).max_pool([rows, columns], window)
            }
            name => panic!("{name}"),
        };
        let expected: Vec<f64> = bits(fields[fields.len() - 1]).into_iter().map(f64::from_bits).collect();
        assert_eq!(expected.len(), result.bits.len(), "{}", fields[0]);
        let (worst, compared) = found.entry(fields[0]).or_default();
        for (found, expected) in result.to_f64().into_iter().zip(expected) {
            *worst = worst.max((found - expected).abs() / expected.abs().max(1.0));
            *compared += 1;
        }
    }
    for (name, (worst, compared)) in &found {
        println!("{name}: {compared} numbers, at most 2^{:.1} from FP64", worst.log2());
    }
    let bound = |name: &str, most: f64, count: usize| {
        let (worst, compared) = found[name];
        assert!(worst <= most, "{name}: {worst:e}, expected at most {most:e}");
        assert_eq!(compared, count, "{name}");
    };
    bound("softmax", 2f64.powi(-23), 193);
    bound("gelu", 2f64.powi(-21), 193);
    bound("sigmoid", 2f64.powi(-23), 193);
    bound("tanh", 2f64.powi(-23), 193);
    bound("layer_norm", 2f64.powi(-21), 190);
    bound("max_pool", 0.0, 44);
}
