//! Golden's convolutions against SciPy's, of which `scripts/convolution-vectors` made `convolution.txt`.

use golden::{AccumulatorKind, ConvolutionShape, MatmulOptions, Padding, convolution};

struct Case {
    shape: ConvolutionShape,
    pixels: Vec<u16>,
    weights: Vec<u16>,
    bias: Vec<u32>,
    results: Vec<u32>,
}

fn numbers<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    text.split_whitespace().map(|number| parse(number).expect("a number")).collect()
}

fn cases() -> Vec<Case> {
    let case = |line: &str| {
        let [shape, pixels, weights, bias, results] = *line.split('|').collect::<Vec<_>>() else { panic!("{line}") };
        let sizes = numbers(shape, |number| number.parse().ok());
        let [batch, h, w, channels, filters, kh, kw, sy, sx, dy, dx, top, bottom, left, right, groups] = *sizes else {
            panic!("{shape}")
        };
        let shape = ConvolutionShape {
            batch,
            image: [h, w],
            channels,
            filters,
            kernel: [kh, kw],
            stride: [sy, sx],
            dilation: [dy, dx],
            padding: Padding { top, bottom, left, right },
            groups,
        };
        let fp16s = |text| numbers(text, |number| u16::from_str_radix(number, 16).ok());
        let fp32s = |text| numbers(text, |number| u32::from_str_radix(number, 16).ok());
        Case { shape, pixels: fp16s(pixels), weights: fp16s(weights), bias: fp32s(bias), results: fp32s(results) }
    };
    include_str!("convolution.txt").lines().map(case).collect()
}

#[test]
fn exact_sums_of_convolutions_are_scipys_rounded_once() {
    let mut compared = 0;
    for terms in [1, 4, 16] {
        let accumulator = AccumulatorKind::EXACT;
        let options = MatmulOptions { terms, accumulator, ..MatmulOptions::default() };
        for Case { shape, pixels, weights, bias, results } in cases() {
            let found = convolution(&shape, &pixels, &weights, Some(&bias), &options);
            assert_eq!(found.bits, results, "{shape:?}");
            compared += results.len();
        }
    }
    assert_eq!(compared, 3 * 2002);
}

#[test]
fn macs_are_those_on_pixels() {
    // All products of one image of ones are those sums.
    let ones = |count| vec![0x3c00u16; count];
    for Case { shape, pixels, weights, .. } in cases() {
        let found = convolution(&shape, &ones(pixels.len()), &ones(weights.len()), None, &MatmulOptions::default());
        let sum: f32 = found.bits.iter().map(|&bits| f32::from_bits(bits)).sum();
        assert_eq!(sum as u64, shape.macs(), "{shape:?}");
    }
}

#[test]
fn shapes_that_are_none_are_refused_with_what_is_wrong() {
    let shape = ConvolutionShape::new([4, 5], 6, 4, [3, 3]);
    let refused = |shape: ConvolutionShape| shape.validate().unwrap_err().to_string();
    assert_eq!(
        refused(ConvolutionShape { stride: [1, 0], ..shape }),
        "horizontal stride of a convolution: found 0, expected at least 1"
    );
    assert_eq!(refused(ConvolutionShape { groups: 4, ..shape }), "6 channels do not divide into 4 groups");
    assert_eq!(refused(ConvolutionShape { groups: 3, ..shape }), "4 filters do not divide into 3 groups");
    let spread = ConvolutionShape { dilation: [2, 2], ..shape };
    assert_eq!(refused(spread), "the filter spans 5 rows and the padded image has 4: expected no more");
    assert_eq!(ConvolutionShape { padding: Padding { top: 1, ..Padding::default() }, ..spread }.validate(), Ok(()));
}
