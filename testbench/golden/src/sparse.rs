//! Products of a sparse and a dense matrix as the AMP computes them.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::flags::Flags;
use crate::matmul::{MatmulOptions, MatmulResult, accumulate, transposed};

/// A sparse matrix of FP16 bit patterns, row after row: SciPy's CSR. What it stores may be zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SparseMatrix {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Where each row's numbers begin, and where the last row's end.
    pub row_starts: Vec<usize>,
    /// The column of each number, ascending in each row.
    pub column_indices: Vec<usize>,
    /// The numbers.
    pub values: Vec<u16>,
}

/// A sparse matrix of blocks of equal size, block row after block row: SciPy's BSR.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockSparseMatrix {
    /// Rows; whole blocks.
    pub rows: usize,
    /// Columns; whole blocks.
    pub columns: usize,
    /// Rows and columns of a block.
    pub block: [usize; 2],
    /// Where each block row's blocks begin, and where the last row's end.
    pub row_starts: Vec<usize>,
    /// The block column of each block, ascending in each block row.
    pub column_indices: Vec<usize>,
    /// The numbers, block after block, row-major.
    pub values: Vec<u16>,
}

/// A sparse matrix that there is not.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SparseError {
    /// Sizes of 0, or that blocks do not divide.
    #[error("{rows} x {columns} in blocks of {} x {}: expected whole blocks, at least one", .block[0], .block[1])]
    Shape {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
        /// Rows and columns of a block.
        block: [usize; 2],
    },
    /// Not as many numbers, indices or row starts as there must be.
    #[error("found {found} {what}, expected {expected}")]
    Length {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// Row starts that do not ascend from 0.
    #[error("row {row} begins at {start}, the one before at {before}: expected row starts that ascend from 0")]
    RowStarts {
        /// The row.
        row: usize,
        /// Where it begins.
        start: usize,
        /// Where the one before does.
        before: usize,
    },
    /// A column that the matrix has not.
    #[error("row {row} has a column {column}: expected columns below {columns}")]
    Column {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// Columns that do not ascend.
    #[error("row {row} has column {column} after column {before}: expected columns that ascend, each once")]
    Order {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The one before it.
        before: usize,
    },
}

/// Checks starts and indices of rows of so many columns; both count blocks where there are blocks.
fn check(rows: usize, columns: usize, row_starts: &[usize], column_indices: &[usize]) -> Result<(), SparseError> {
    let length = |what, found, expected| match found == expected {
        true => Ok(()),
        false => Err(SparseError::Length { what, found, expected }),
    };
    length("row starts", row_starts.len(), rows + 1)?;
    if row_starts[0] != 0 {
        return Err(SparseError::RowStarts { row: 0, start: row_starts[0], before: 0 });
    }
    if let Some(row) = (1..=rows).find(|&row| row_starts[row] < row_starts[row - 1]) {
        return Err(SparseError::RowStarts { row, start: row_starts[row], before: row_starts[row - 1] });
    }
    length("column indices", column_indices.len(), row_starts[rows])?;
    for row in 0..rows {
        let indices = &column_indices[row_starts[row]..row_starts[row + 1]];
        if let Some(&column) = indices.iter().find(|&&column| column >= columns) {
            return Err(SparseError::Column { row, column, columns });
        }
        if let Some(pair) = indices.windows(2).find(|pair| pair[1] <= pair[0]) {
            return Err(SparseError::Order { row, column: pair[1], before: pair[0] });
        }
    }
    Ok(())
}

impl SparseMatrix {
    /// Checks that it is one.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn validate(&self) -> Result<(), SparseError> {
        let (rows, columns) = (self.rows, self.columns);
        if rows == 0 || columns == 0 {
            return Err(SparseError::Shape { rows, columns, block: [1, 1] });
        }
        check(rows, columns, &self.row_starts, &self.column_indices)?;
        let (found, expected) = (self.values.len(), self.column_indices.len());
        if found != expected {
            return Err(SparseError::Length { what: "numbers", found, expected });
        }
        Ok(())
    }

    /// The columns and numbers of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, u16)> {
        let stored = self.row_starts[row]..self.row_starts[row + 1];
        self.column_indices[stored.clone()].iter().copied().zip(self.values[stored].iter().copied())
    }

    /// Numbers that it stores.
    pub fn stored(&self) -> usize {
        self.values.len()
    }

    /// Columns as rows.
    pub fn transposed(&self) -> SparseMatrix {
        let mut columns: Vec<Vec<(usize, u16)>> = vec![vec![]; self.columns];
        for row in 0..self.rows {
            self.row(row).for_each(|(column, value)| columns[column].push((row, value)));
        }
        SparseMatrix::of_rows(self.rows, &columns)
    }

    fn of_rows(columns: usize, rows: &[Vec<(usize, u16)>]) -> SparseMatrix {
        let mut row_starts = vec![0];
        row_starts.extend(rows.iter().scan(0, |end, row| {
            *end += row.len();
            Some(*end)
        }));
        let (column_indices, values) = rows.iter().flatten().copied().unzip();
        SparseMatrix { rows: rows.len(), columns, row_starts, column_indices, values }
    }
}

impl BlockSparseMatrix {
    /// The same number by number, zeros in blocks among them.
    ///
    /// # Errors
    /// It is no such matrix.
    pub fn to_rows(&self) -> Result<SparseMatrix, SparseError> {
        let BlockSparseMatrix { rows, columns, block, .. } = *self;
        let [height, width] = block;
        let whole = |size: usize, block: usize| size > 0 && block > 0 && size.is_multiple_of(block);
        if !whole(rows, height) || !whole(columns, width) {
            return Err(SparseError::Shape { rows, columns, block });
        }
        check(rows / height, columns / width, &self.row_starts, &self.column_indices)?;
        let (found, expected) = (self.values.len(), self.column_indices.len() * height * width);
        if found != expected {
            return Err(SparseError::Length { what: "numbers", found, expected });
        }
        let row = |row: usize| -> Vec<(usize, u16)> {
            let (block_row, y) = (row / height, row % height);
            let blocks = self.row_starts[block_row]..self.row_starts[block_row + 1];
            let number = |index: usize, x: usize| {
                (self.column_indices[index] * width + x, self.values[(index * height + y) * width + x])
            };
            blocks.flat_map(|index| (0..width).map(move |x| number(index, x))).collect()
        };
        Ok(SparseMatrix::of_rows(columns, &(0..rows).map(row).collect::<Vec<_>>()))
    }
}

/// Which rows of a sparse matrix meet the dense one together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gathering {
    /// Every row of the matrix, in one of the groups.
    pub groups: Vec<Vec<usize>>,
    /// Columns of a strip: a multiple of the terms of a step. Strips begin at multiples of it.
    pub width: usize,
}

/// The product of a sparse `w` of S x K and a dense `x` of K x `n`, row-major: S x `n`.
///
/// Where any row of a group stores a number, all rows of the group meet the whole strip of `width` columns around it, the
/// numbers that they do not store being +0; strips that no row of the group stores anything in take no part. A sum
/// begins at +0 and goes through its group's strips in ascending order, each in steps of `terms`.
///
/// Panics if `w` is no matrix, the length of `x` does not match, or the groups are not all rows, each once.
pub fn sparse_times_dense(
    w: &SparseMatrix,
    x: &[u16],
    n: usize,
    gathering: &Gathering,
    options: &MatmulOptions,
) -> MatmulResult {
    w.validate().unwrap_or_else(|error| panic!("{error}"));
    let Gathering { groups, width } = gathering;
    assert_eq!(x.len(), w.columns * n, "X is K x N");
    assert!(width.is_multiple_of(options.terms), "strips of {width} columns in steps of {}", options.terms);
    let mut gathered: Vec<usize> = groups.iter().flatten().copied().collect();
    gathered.sort_unstable();
    assert!(gathered.into_iter().eq(0..w.rows), "every row is in one group");

    let x_columns: Vec<Vec<u16>> = (0..n).map(|column| (0..w.columns).map(|k| x[k * n + column]).collect()).collect();
    let mut result = MatmulResult { bits: vec![0; w.rows * n], flags: Flags::NONE };
    for group in groups {
        let strips: BTreeSet<usize> = group.iter().flat_map(|&row| w.row(row)).map(|(k, _)| k / width).collect();
        for &row in group {
            let mut w_row = vec![0; w.columns];
            w.row(row).for_each(|(k, value)| w_row[k] = value);
            for (column, x_column) in x_columns.iter().enumerate() {
                let mut accumulator = options.accumulator.zero();
                for strip in &strips {
                    let k = strip * width..w.columns.min((strip + 1) * width);
                    result.flags |= accumulate(&mut accumulator, &x_column[k.clone()], &w_row[k], options.terms);
                }
                let (bits, flags) = accumulator.read(options.read_out);
                result.bits[row * n + column] = bits;
                result.flags |= flags;
            }
        }
    }
    result
}

/// The product of a dense `x` of `m` x K, row-major, and a sparse `w` of K x S: `m` x S. As [`sparse_times_dense`], with
/// columns of `w` for its rows.
///
/// Panics likewise.
pub fn dense_times_sparse(
    x: &[u16],
    m: usize,
    w: &SparseMatrix,
    gathering: &Gathering,
    options: &MatmulOptions,
) -> MatmulResult {
    assert_eq!(x.len(), m * w.rows, "X is M x K");
    let result = sparse_times_dense(&w.transposed(), &transposed(x, m, w.rows), m, gathering, options);
    MatmulResult { bits: transposed(&result.bits, w.columns, m), flags: result.flags }
}
