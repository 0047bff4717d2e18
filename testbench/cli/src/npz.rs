//! Sparse matrices from SciPy's `.npz` files (`scipy.sparse.save_npz`): zip archives of `.npy` files.
//!
//! BSR and CSR are read, as blocks and as numbers. Indices of a row may be in any order; they are sorted. An index that a
//! row has twice is refused: SciPy's `sum_duplicates` adds them up as SciPy would.

use std::io::{Cursor, Read};
use std::path::Path;

use golden::{BlockSparseMatrix, FP16, SparseError, SparseMatrix};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::failure::Failure;
use crate::npy::{decode, decode_integers, header, one_line, read_beginning_with, shape_text};

/// Most bytes of a member, unpacked: a file of a few bytes can claim any number.
const MOST_MEMBER_BYTES: u64 = if cfg!(test) { 1 << 20 } else { 1 << 28 };

/// Longest side of a matrix.
const LONGEST_SIDE: usize = 1 << 16;

/// A matrix from a file, and the blocks that it is stored in: 1 x 1 where it is CSR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparse {
    pub matrix: SparseMatrix,
    pub block: [usize; 2],
}

/// Reads a sparse matrix as FP16.
pub fn read_sparse(path: &Path) -> Result<Sparse, Failure> {
    let bytes = read_beginning_with(path, b"PK\x03\x04", "archive", "SciPy .npz file")?;
    let (sparse, note) = parse(&bytes).map_err(Failure::input(path.display()))?;
    if let Some(note) = note {
        eprintln!("note: {}: {note}", path.display());
    }
    Ok(sparse)
}

/// The matrix of a file's bytes, and what people should know of it.
///
/// # Errors
/// What was found, and what is expected.
fn parse(bytes: &[u8]) -> Result<(Sparse, Option<String>), String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| of_archive(&error))?;
    let format = header::text(&member(&mut archive, "format")?)
        .ok_or("found no text as its format, expected that of SciPy's save_npz")?;
    if format != "csr" && format != "bsr" {
        let format = one_line(&format);
        return Err(format!("found a matrix in format {format}, expected csr or bsr: tocsr() and tobsr() make them"));
    }
    let mut integers = |name: &str| -> Result<Vec<usize>, String> {
        let array = decode_integers(&member(&mut archive, name)?).map_err(|error| format!("{name}: {error}"))?;
        if array.ndim() != 1 {
            let shape = shape_text(array.shape());
            return Err(format!("{name}: found shape {shape}, expected one dimension"));
        }
        let number =
            |&number: &i64| usize::try_from(number).map_err(|_| format!("{name}: found {number}, expected 0 or more"));
        array.iter().map(number).collect()
    };
    let (shape, row_starts, column_indices) = (integers("shape")?, integers("indptr")?, integers("indices")?);
    let numbers = decode(&member(&mut archive, "data")?, FP16).map_err(|error| format!("data: {error}"))?;
    let [rows, columns] = *shape else {
        return Err(format!("found a shape of {} sizes, expected rows and columns", shape.len()));
    };
    if rows.max(columns) > LONGEST_SIDE {
        return Err(format!("found {rows} x {columns}, expected sides of at most {LONGEST_SIDE}"));
    }
    let block = match (&*format, numbers.bits.shape()) {
        ("csr", [_]) => [1, 1],
        ("bsr", [_, height, width]) => [*height, *width],
        (_, found) => {
            let dimensions = if format == "csr" { "one dimension" } else { "blocks x rows x columns" };
            return Err(format!("data: found shape {}, expected {dimensions}", shape_text(found)));
        }
    };
    let note = numbers.note(FP16);
    let values = numbers.bits.iter().map(|&bits| bits as u16).collect();
    let mut blocks = BlockSparseMatrix { rows, columns, block, row_starts, column_indices, values };
    sort(&mut blocks);
    let matrix = blocks.to_rows().map_err(|error| match error {
        SparseError::Shape { .. } => error.to_string(),
        // Its rows and columns are those of blocks.
        _ if format == "bsr" => format!("counted in blocks: {error}"),
        _ => error.to_string(),
    })?;
    Ok((Sparse { matrix, block }, note))
}

/// A member of the archive, unpacked.
fn member(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Vec<u8>, String> {
    let file = archive.by_name(&format!("{name}.npy")).map_err(|error| match error {
        ZipError::FileNotFound => format!("found no {name}.npy in it, expected one: as scipy.sparse.save_npz writes"),
        error => format!("{name}.npy: {}", of_archive(&error)),
    })?;
    let mut bytes = vec![];
    file.take(MOST_MEMBER_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{name}.npy: {}; expected a whole SciPy .npz file", one_line(&error.to_string())))?;
    if bytes.len() as u64 > MOST_MEMBER_BYTES {
        return Err(format!("{name}.npy: found more than {MOST_MEMBER_BYTES} bytes, unpacked, expected at most that"));
    }
    Ok(bytes)
}

fn of_archive(error: &ZipError) -> String {
    format!("{}; expected a whole SciPy .npz file", one_line(&error.to_string()))
}

/// Sorts the blocks of each row, as far as starts, indices and numbers belong together.
fn sort(matrix: &mut BlockSparseMatrix) {
    let BlockSparseMatrix { block: [height, width], row_starts, column_indices, values, .. } = matrix;
    let size = height.saturating_mul(*width);
    if size == 0 || column_indices.len().checked_mul(size) != Some(values.len()) {
        return;
    }
    for ends in row_starts.windows(2) {
        let Some(indices) = column_indices.get_mut(ends[0]..ends[1]) else { return };
        if indices.is_sorted() {
            continue;
        }
        let numbers = &mut values[ends[0] * size..ends[1] * size];
        let mut order: Vec<usize> = (0..indices.len()).collect();
        order.sort_by_key(|&place| indices[place]);
        let sorted: Vec<usize> = order.iter().map(|&place| indices[place]).collect();
        let moved: Vec<u16> = order.iter().flat_map(|&place| numbers[place * size..][..size].to_vec()).collect();
        indices.copy_from_slice(&sorted);
        numbers.copy_from_slice(&moved);
    }
}

#[cfg(test)]
mod tests;
