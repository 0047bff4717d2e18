//! Files that SciPy wrote (`scripts/sparse-vectors`), files that are refused, and random bytes.

use std::io::Write;

use golden::FP32;
use proptest::prelude::*;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::*;

const BSR: &[u8] = include_bytes!("../../tests/matrices/bsr16.npz");
const CSR: &[u8] = include_bytes!("../../tests/matrices/csr.npz");
const NPY: &[u8] = include_bytes!("../../tests/matrices/x.npy");

/// A `.npy` file of numbers.
fn npy(descriptor: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descriptor}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

fn integers(numbers: &[i64]) -> Vec<u8> {
    let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    npy("<i8", &format!("({},)", numbers.len()), &data)
}

fn halves(shape: &str, numbers: &[u16]) -> Vec<u8> {
    npy("<f2", shape, &numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>())
}

type Members = Vec<(&'static str, Vec<u8>)>;

/// 2 x 3: [[1, 0, 2], [0, NaN, 0]].
fn csr() -> Members {
    vec![
        ("format", npy("|S3", "()", b"csr")),
        ("shape", integers(&[2, 3])),
        ("indptr", integers(&[0, 2, 3])),
        ("indices", integers(&[0, 2, 1])),
        ("data", halves("(3,)", &[0x3C00, 0x4000, 0x7E01])),
    ]
}

/// 1 x 4 in blocks of 1 x 2.
fn bsr(indices: &[i64]) -> Members {
    with(vec![
        ("format", npy("<U3", "()", b"b\0\0\0s\0\0\0r\0\0\0")),
        ("shape", integers(&[1, 4])),
        ("indptr", integers(&[0, 2])),
        ("indices", integers(indices)),
        ("data", halves("(2, 1, 2)", &[3, 4, 1, 2])),
    ])
}

/// CSR with some members replaced.
fn with(changes: Members) -> Members {
    let mut members = csr();
    for (name, bytes) in changes {
        members.iter_mut().find(|(member, _)| *member == name).expect("a member of CSR").1 = bytes;
    }
    members
}

fn archive(members: &Members) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(vec![]));
    for (name, bytes) in members {
        writer.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn refused(members: &Members) -> String {
    parse(&archive(members)).unwrap_err()
}

#[test]
fn files_of_scipy_are_read() {
    let (bsr, note) = parse(BSR).unwrap();
    assert_eq!((bsr.matrix.rows, bsr.matrix.columns, bsr.block), (48, 64, [16, 16]));
    assert_eq!(bsr.matrix.stored() % 256, 0);
    assert!(bsr.matrix.stored() > 0);
    assert_eq!(note, None, "float32 that were float16");
    let (csr, _) = parse(CSR).unwrap();
    assert_eq!((csr.matrix.rows, csr.matrix.columns, csr.block), (50, 64, [1, 1]));
    assert!(csr.matrix.stored() > 50);
}

#[test]
fn indices_in_any_order_are_sorted_with_their_numbers() {
    let (matrix, _) = parse(&archive(&csr())).unwrap();
    assert_eq!(matrix.matrix.values, [0x3C00, 0x4000, 0x7E01], "NaNs keep their bits");
    let swapped = with(vec![("indices", integers(&[2, 0, 1])), ("data", halves("(3,)", &[0x4000, 0x3C00, 0x7E01]))]);
    assert_eq!(parse(&archive(&swapped)).unwrap().0, matrix);
    let (blocks, _) = parse(&archive(&bsr(&[1, 0]))).unwrap();
    assert_eq!((blocks.block, blocks.matrix.values), ([1, 2], vec![1, 2, 3, 4]));
}

#[test]
fn files_that_are_no_matrix_are_refused_with_what_is_wrong() {
    let expected = "expected csr or bsr: tocsr() and tobsr() make them";
    for format in ["csc", "coo", "dia"] {
        let found = refused(&with(vec![("format", npy("|S3", "()", format.as_bytes()))]));
        assert_eq!(found, format!("found a matrix in format {format}, {expected}"));
    }
    let cases = [
        ("format", npy("|O", "()", b"\x80\x04."), "found no text as its format, expected that of SciPy's save_npz"),
        (
            "data",
            npy("|O", "(3,)", b"\x80\x04."),
            "data: found dtype '|O', expected float16 (or float32 or float64, which are rounded to float16)",
        ),
        ("data", halves("(3, 1)", &[1, 2, 3]), "data: found shape 3 x 1, expected one dimension"),
        ("data", halves("(2,)", &[1, 2]), "found 2 numbers, expected 3"),
        ("indptr", integers(&[0, 2]), "found 2 row starts, expected 3"),
        (
            "indptr",
            integers(&[0, 3, 2]),
            "row 2 begins at 2, the one before at 3: expected row starts that ascend from 0",
        ),
        ("indptr", halves("(3,)", &[0, 2, 3]), "indptr: found dtype '<f2', expected int32 or int64"),
        ("indices", integers(&[0, -2, 1]), "indices: found -2, expected 0 or more"),
        ("indices", integers(&[0, 3, 1]), "row 0 has a column 3: expected columns below 3"),
        ("indices", integers(&[2, 2, 1]), "row 0 has column 2 after column 2: expected columns that ascend, each once"),
        ("shape", integers(&[2]), "found a shape of 1 sizes, expected rows and columns"),
        ("shape", integers(&[0, 3]), "0 x 3 in blocks of 1 x 1: expected whole blocks, at least one"),
        ("shape", integers(&[2, 1 << 40]), "found 2 x 1099511627776, expected sides of at most 65536"),
        ("shape", npy("<i8", "()", &[0; 8]), "shape: found shape () (a single number), expected one dimension"),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(refused(&with(vec![(name, bytes)])), expected);
    }
    let found = refused(&bsr(&[0, 2]));
    assert_eq!(found, "counted in blocks: row 0 has a column 2: expected columns below 2");
    let missing: Members = csr().into_iter().filter(|(name, _)| *name != "indices").collect();
    let none = "found no indices.npy in it, expected one: as scipy.sparse.save_npz writes";
    assert_eq!(refused(&missing), none);
    let half = parse(&CSR[..CSR.len() / 2]).unwrap_err();
    assert!(half.ends_with("expected a whole SciPy .npz file"), "{half}");
}

#[test]
fn what_unpacks_to_more_than_any_matrix_is_refused() {
    let mut writer = ZipWriter::new(Cursor::new(vec![]));
    writer.start_file("format.npy", SimpleFileOptions::default()).unwrap();
    writer.write_all(&vec![0; MOST_MEMBER_BYTES as usize + 1]).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    assert!(bytes.len() < 10_000);
    let found = parse(&bytes).unwrap_err();
    assert_eq!(found, "format.npy: found more than 1048576 bytes, unpacked, expected at most that");
}

/// Bytes of a file with some of them changed, and its end cut off or something behind it.
fn mutated(file: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = file.len();
    let changes = prop::collection::vec((0..length, any::<u8>()), 0..8);
    let ends = prop_oneof![6 => Just(length), 2 => 0..length];
    (changes, ends, prop::collection::vec(any::<u8>(), 0..4)).prop_map(move |(changes, end, behind)| {
        let mut bytes = file.clone();
        changes.into_iter().for_each(|(place, byte)| bytes[place] = byte);
        bytes.truncate(end);
        bytes.extend(behind);
        bytes
    })
}

/// An archive that is whole, with members that are not.
fn mutated_members() -> impl Strategy<Value = Vec<u8>> {
    (0..5usize).prop_flat_map(|member| {
        mutated(csr()[member].1.clone()).prop_map(move |bytes| {
            let mut members = csr();
            members[member].1 = bytes;
            archive(&members)
        })
    })
}

/// What readers make of bytes has to be a matrix, or one line.
fn read(bytes: &[u8]) -> Result<(), TestCaseError> {
    match parse(bytes) {
        Ok((sparse, _)) => prop_assert_eq!(sparse.matrix.validate(), Ok(())),
        Err(error) => prop_assert!(!error.is_empty() && !error.contains('\n'), "{}", error),
    }
    for format in [FP16, FP32] {
        if let Err(error) = decode(bytes, format) {
            prop_assert!(!error.is_empty() && !error.contains('\n'), "{}", error);
        }
    }
    if let Err(error) = decode_integers(bytes) {
        prop_assert!(!error.is_empty() && !error.contains('\n'), "{}", error);
    }
    Ok(())
}

proptest! {
    #[test]
    fn fuzzed_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes)?;
        read(&[&b"\x93NUMPY\x01\x00"[..], &bytes].concat())?;
        read(&[&b"PK\x03\x04"[..], &bytes].concat())?;
    }

    #[test]
    fn fuzzed_npy_files_are_read_or_refused(bytes in mutated(NPY.to_vec())) {
        read(&bytes)?;
    }

    #[test]
    fn fuzzed_npz_files_are_read_or_refused(
        bytes in prop_oneof![mutated(BSR.to_vec()), mutated(CSR.to_vec()), mutated_members()]
    ) {
        read(&bytes)?;
    }
}
