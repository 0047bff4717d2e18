//! Golden's sparse products against SciPy's, of which `scripts/sparse-vectors` made `sparse.txt`.

use golden::{
    BlockSparseMatrix, FP16, Gathering, MatmulOptions, SparseError, SparseMatrix, dense_times_sparse,
    sparse_times_dense,
};

struct Case {
    exact: bool,
    dense_first: bool,
    matrix: SparseMatrix,
    /// Columns of the dense matrix, or its rows where it comes first.
    size: usize,
    dense: Vec<u16>,
    /// FP32 bit patterns where exact, else FP64.
    results: Vec<u64>,
}

fn numbers<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    text.split_whitespace().map(|number| parse(number).expect("a number")).collect()
}

fn cases() -> Vec<Case> {
    let case = |line: &str| {
        let [shape, starts, indices, values, dense, results] = *line.split('|').collect::<Vec<_>>() else {
            panic!("{line}")
        };
        let [kind, order, sizes @ ..] = &*shape.split_whitespace().collect::<Vec<_>>() else { panic!("{shape}") };
        let [rows, columns, height, width, size] = *numbers(&sizes.join(" "), |number| number.parse().ok()) else {
            panic!("{shape}")
        };
        let fp16s = |text| numbers(text, |number| u16::from_str_radix(number, 16).ok());
        let decimals = |text| numbers(text, |number| number.parse().ok());
        let (row_starts, column_indices, values) = (decimals(starts), decimals(indices), fp16s(values));
        let blocks = BlockSparseMatrix { rows, columns, block: [height, width], row_starts, column_indices, values };
        Case {
            exact: *kind == "integers",
            dense_first: *order == "dense-sparse",
            matrix: blocks.to_rows().unwrap(),
            size,
            dense: fp16s(dense),
            results: numbers(results, |number| u64::from_str_radix(number, 16).ok()),
        }
    };
    include_str!("sparse.txt").lines().map(case).collect()
}

/// Rows in order, in groups of so many.
fn in_order(rows: usize, group: usize, width: usize) -> Gathering {
    let groups = (0..rows).step_by(group).map(|first| (first..rows.min(first + group)).collect()).collect();
    Gathering { groups, width }
}

impl Case {
    fn product(&self, group: usize, width: usize, options: &MatmulOptions) -> Vec<u32> {
        let Case { matrix, dense, size, .. } = self;
        if self.dense_first {
            dense_times_sparse(dense, *size, matrix, &in_order(matrix.columns, group, width), options).bits
        } else {
            sparse_times_dense(matrix, dense, *size, &in_order(matrix.rows, group, width), options).bits
        }
    }
}

#[test]
fn products_of_integers_are_scipys_bit_for_bit() {
    let mut compared = 0;
    for case in cases().into_iter().filter(|case| case.exact) {
        for (group, width, terms) in [(16, 4, 4), (16, 16, 16), (1, 1, 1), (5, 8, 2), (1000, 32, 8)] {
            let found = case.product(group, width, &MatmulOptions { terms, ..MatmulOptions::default() });
            assert!(found.iter().map(|&bits| u64::from(bits)).eq(case.results.iter().copied()), "{group} {width}");
            compared += found.len();
        }
    }
    assert_eq!(compared, 5 * (48 * 5 + 4 * 48 + 40 * 3 + 36 * 3 + 3 * 40 + 21 * 2 + 33 * 4 + 3 * 37));
}

#[test]
fn products_of_random_numbers_are_scipys_within_a_rounding_a_step() {
    let mut compared = 0;
    for case in cases().into_iter().filter(|case| !case.exact) {
        let absolute = |bits: &[u16]| -> Vec<u16> { bits.iter().map(|bits| bits & 0x7FFF).collect() };
        let magnitudes = Case {
            matrix: SparseMatrix { values: absolute(&case.matrix.values), ..case.matrix.clone() },
            dense: absolute(&case.dense),
            results: vec![],
            ..case
        };
        for terms in [1, 4, 16] {
            let options = MatmulOptions { terms, ..MatmulOptions::default() };
            let (found, sizes) = (case.product(16, 16, &options), magnitudes.product(16, 16, &options));
            let steps = case.matrix.columns.max(case.matrix.rows).div_ceil(terms) as f64;
            for ((found, size), expected) in found.iter().zip(sizes).zip(&case.results) {
                let [found, size] = [*found, size].map(|bits| f64::from(f32::from_bits(bits)));
                let expected = f64::from_bits(*expected);
                assert!((found - expected).abs() <= steps * 2f64.powi(-23) * size, "{found} {expected}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 3 * (48 * 3 + 3 * 50));
}

#[test]
fn zeros_take_part_where_their_group_stores_something_and_nowhere_else() {
    // Rows 0 and 1 store column 0; both, if they are gathered, meet the infinity in column 1.
    let one = 0x3C00;
    let matrix =
        SparseMatrix { rows: 2, columns: 8, row_starts: vec![0, 1, 1], column_indices: vec![0], values: vec![one] };
    let dense = [one, 0x7C00, one, one, 0x7C00, 0x7C00, one, one];
    let product = |group, width| {
        let options = MatmulOptions { terms: 1, ..MatmulOptions::default() };
        sparse_times_dense(&matrix, &dense, 1, &in_order(2, group, width), &options)
    };
    let (one, nan) = (1f32.to_bits(), golden::NAN_FP32);
    let found = |group, width| (product(group, width).bits, product(group, width).flags.nv);
    assert_eq!(found(1, 1), (vec![one, 0], false));
    assert_eq!(found(2, 1), (vec![one, 0], false));
    assert_eq!(found(1, 2), (vec![nan, 0], true));
    assert_eq!(found(2, 2), (vec![nan, nan], true));
}

#[test]
fn matrices_that_are_none_are_refused_with_what_is_wrong() {
    let matrix = SparseMatrix {
        rows: 2,
        columns: 3,
        row_starts: vec![0, 2, 3],
        column_indices: vec![0, 2, 1],
        values: vec![FP16.nan() as u16; 3],
    };
    assert_eq!(matrix.validate(), Ok(()));
    let refused = |matrix: SparseMatrix| matrix.validate().unwrap_err().to_string();
    let starts = |row_starts| refused(SparseMatrix { row_starts, ..matrix.clone() });
    let indices = |column_indices| refused(SparseMatrix { column_indices, ..matrix.clone() });
    assert_eq!(starts(vec![0, 3]), "found 2 row starts, expected 3");
    let ascend = "expected row starts that ascend from 0";
    assert_eq!(starts(vec![1, 2, 3]), format!("row 0 begins at 1, the one before at 0: {ascend}"));
    assert_eq!(starts(vec![0, 4, 3]), format!("row 2 begins at 3, the one before at 4: {ascend}"));
    assert_eq!(starts(vec![0, 2, 9]), "found 3 column indices, expected 9");
    assert_eq!(indices(vec![0, 3, 1]), "row 0 has a column 3: expected columns below 3");
    let twice = "row 0 has column 2 after column 2: expected columns that ascend, each once";
    assert_eq!(indices(vec![2, 2, 1]), twice);
    let values = refused(SparseMatrix { values: vec![], ..matrix.clone() });
    assert_eq!(values, "found 0 numbers, expected 3");
    let blocks = BlockSparseMatrix {
        rows: 6,
        columns: 4,
        block: [4, 4],
        row_starts: vec![0, 0],
        column_indices: vec![],
        values: vec![],
    };
    let shape = SparseError::Shape { rows: 6, columns: 4, block: [4, 4] };
    assert_eq!(shape.to_string(), "6 x 4 in blocks of 4 x 4: expected whole blocks, at least one");
    assert_eq!(blocks.to_rows(), Err(shape));
}
