//! Matrices from and to NumPy's `.npy` files.
//!
//! FP16 is read as it is. Larger floating-point types are rounded to nearest even, and a note says so; nothing else is
//! taken. The crate `ndarray-npy` has no FP16 of its own; [`Half`] gives it one.

pub mod header;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use golden::round::Unrounded;
use golden::{FP16, FP32, Format, Overflow, Rounding};
use ndarray::{Array2, ArrayD, Ix1, Ix2};
use ndarray_npy::{
    ReadDataError, ReadNpyError, ReadNpyExt, ReadableElement, WritableElement, WriteDataError, WriteNpyExt,
};
use py_literal::Value;

use crate::failure::Failure;

/// A matrix of bit patterns, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    /// FP16 in the low 16 bits, or FP32.
    pub bits: Vec<u32>,
}

impl Matrix {
    /// The bit patterns of an FP16 matrix.
    pub fn fp16(&self) -> Vec<u16> {
        self.bits.iter().map(|&bits| bits as u16).collect()
    }
}

/// Reads an array of four dimensions, called `what`, as FP16: sizes and bit patterns.
pub fn read_fp16_tensor(path: &Path, what: &str) -> Result<([usize; 4], Vec<u16>), Failure> {
    let array = read(path, FP16)?;
    let shape = <[usize; 4]>::try_from(array.shape()).ok().filter(|shape| !shape.contains(&0)).ok_or_else(|| {
        let shape = shape_text(array.shape());
        Failure::Input(format!("{}: found shape {shape}, expected {what}, each at least 1", path.display()))
    })?;
    Ok((shape, array.iter().map(|&bits| bits as u16).collect()))
}

/// The FP16 numbers of a file that is part of the program.
pub fn embedded_fp16(bytes: &[u8]) -> Vec<u16> {
    read_as::<Half>(bytes).expect("a file of float16").iter().map(|half| half.0).collect()
}

/// The same of FP32.
pub fn embedded_fp32(bytes: &[u8]) -> Vec<u32> {
    read_as::<f32>(bytes).expect("a file of float32").iter().map(|number| number.to_bits()).collect()
}

/// Reads a matrix as FP16.
pub fn read_fp16_matrix(path: &Path) -> Result<Matrix, Failure> {
    let array = read(path, FP16)?;
    let shape = array.shape().to_vec();
    let array = array.into_dimensionality::<Ix2>().map_err(|_| {
        Failure::Input(format!("{}: found shape {}, expected two dimensions", path.display(), shape_text(&shape)))
    })?;
    if array.is_empty() {
        let shape = shape_text(&shape);
        return Err(Failure::Input(format!("{}: found shape {shape}, expected at least 1 x 1", path.display())));
    }
    let (rows, columns) = array.dim();
    Ok(Matrix { rows, columns, bits: array.iter().copied().collect() })
}

/// Reads one row of `n` FP16 numbers.
pub fn read_fp16_row(path: &Path, n: usize) -> Result<Vec<u16>, Failure> {
    let array = read(path, FP16)?;
    if array.shape() != [n] {
        let found = shape_text(array.shape());
        return Err(Failure::Input(format!("{}: found shape {found}, expected {n} numbers", path.display())));
    }
    Ok(array.iter().map(|&bits| bits as u16).collect())
}

/// Reads a bias of `n` numbers (one row) or partial sums of `m` x `n`, as FP32.
pub fn read_fp32_bias(path: &Path, m: usize, n: usize) -> Result<Matrix, Failure> {
    let array = read(path, FP32)?;
    let shape = array.shape().to_vec();
    let array: Array2<u32> = match shape.len() {
        1 => array.into_dimensionality::<Ix1>().map(|row| row.insert_axis(ndarray::Axis(0))),
        _ => array.into_dimensionality::<Ix2>(),
    }
    .ok()
    .filter(|array| array.dim() == (1, n) || array.dim() == (m, n))
    .ok_or_else(|| {
        let shape = shape_text(&shape);
        let expected = format!("{n} numbers (a bias) or {m} x {n} (partial sums)");
        Failure::Input(format!("{}: found shape {shape}, expected {expected}", path.display()))
    })?;
    let (rows, columns) = array.dim();
    Ok(Matrix { rows, columns, bits: array.iter().copied().collect() })
}

/// Reads a matrix of `rows` x `columns` FP16 numbers.
pub fn read_fp16_rows(path: &Path, rows: usize, columns: usize) -> Result<Vec<u16>, Failure> {
    let matrix = read_fp16_matrix(path)?;
    if (matrix.rows, matrix.columns) != (rows, columns) {
        let found = shape_text(&[matrix.rows, matrix.columns]);
        return Err(Failure::Input(format!("{}: found {found}, expected {rows} x {columns}", path.display())));
    }
    Ok(matrix.fp16())
}

pub fn shape_text(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    if sizes.is_empty() { "() (a single number)".to_owned() } else { sizes.join(" x ") }
}

/// Reads an array of any shape as bit patterns of `format`.
fn read(path: &Path, format: Format) -> Result<ArrayD<u32>, Failure> {
    let name = path.display();
    let numbers = decode(&read_npy_bytes(path)?, format).map_err(Failure::input(&name))?;
    if let Some(note) = numbers.note(format) {
        eprintln!("note: {name}: {note}");
    }
    Ok(numbers.bits)
}

/// Numbers of a file.
pub struct Numbers {
    pub bits: ArrayD<u32>,
    /// The type that they were rounded from, and how many that changed.
    rounded: Option<(&'static str, usize)>,
}

impl Numbers {
    /// What people should know of them.
    pub fn note(&self, format: Format) -> Option<String> {
        let (found, changed) = self.rounded.filter(|(_, changed)| *changed > 0)?;
        let wanted = if format == FP16 { "float16" } else { "float32" };
        Some(format!("{found} rounded to {wanted}; {changed} of {} numbers changed", self.bits.len()))
    }
}

/// The numbers of a file's bytes, as bit patterns of `format`.
///
/// # Errors
/// What was found, and what is expected.
pub fn decode(bytes: &[u8], format: Format) -> Result<Numbers, String> {
    header::check(bytes)?;
    let whole = |error: &ReadNpyError| format!("{}; expected a whole NumPy .npy file", one_line(&error.to_string()));
    let as_it_is = |bits| Ok(Numbers { bits, rounded: None });
    match read_as::<Half>(bytes) {
        // Bit patterns stay as they are, those of NaNs too.
        Ok(array) if format == FP16 => return as_it_is(array.mapv(|half| half.0.into())),
        Ok(array) => return Ok(round("float16", &array.mapv(|half| FP16.to_f64(half.0.into())), format)),
        Err(ReadNpyError::WrongDescriptor(_)) => {}
        Err(error) => return Err(whole(&error)),
    }
    match read_as::<f32>(bytes) {
        Ok(array) if format == FP32 => return as_it_is(array.mapv(f32::to_bits)),
        Ok(array) => return Ok(round("float32", &array.mapv(f64::from), format)),
        Err(_) => {}
    }
    match read_as::<f64>(bytes) {
        Ok(array) => Ok(round("float64", &array, format)),
        Err(ReadNpyError::WrongDescriptor(found)) => {
            let expected = if format == FP16 {
                "float16 (or float32 or float64, which are rounded to float16)"
            } else {
                "float32 (or float16, or float64, which is rounded to float32)"
            };
            Err(format!("found dtype {}, expected {expected}", one_line(&found.to_string())))
        }
        Err(error) => Err(whole(&error)),
    }
}

/// The integers of a file's bytes, of 32 or 64 bits.
///
/// # Errors
/// What was found, and what is expected.
pub fn decode_integers(bytes: &[u8]) -> Result<ArrayD<i64>, String> {
    header::check(bytes)?;
    match read_as::<i32>(bytes) {
        Ok(array) => return Ok(array.mapv(i64::from)),
        Err(ReadNpyError::WrongDescriptor(_)) => {}
        Err(error) => return Err(format!("{}; expected a whole array", one_line(&error.to_string()))),
    }
    read_as::<i64>(bytes).map_err(|error| match error {
        ReadNpyError::WrongDescriptor(found) => {
            format!("found dtype {}, expected int32 or int64", one_line(&found.to_string()))
        }
        error => format!("{}; expected a whole array", one_line(&error.to_string())),
    })
}

/// The file's bytes, if it begins as a NumPy file does: an endless device is not read to its end.
fn read_npy_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    read_beginning_with(path, b"\x93NUMPY", "header", "NumPy .npy file")
}

/// The file's bytes, if it begins with these. `what` they are, and of which `kind` of file, is said otherwise.
pub fn read_beginning_with(path: &Path, magic: &[u8], what: &str, kind: &str) -> Result<Vec<u8>, Failure> {
    let cannot = || Failure::input(format!("{}: cannot read", path.display()));
    let mut file = fs::File::open(path).map_err(cannot())?;
    let mut bytes = vec![];
    Read::by_ref(&mut file).take(magic.len() as u64).read_to_end(&mut bytes).map_err(cannot())?;
    if bytes != magic {
        let path = path.display();
        let text = format!("{path}: its first bytes are no NumPy {what}; expected a {kind}");
        return Err(Failure::Input(text));
    }
    file.read_to_end(&mut bytes).map_err(cannot())?;
    Ok(bytes)
}

fn read_as<T: ReadableElement>(bytes: &[u8]) -> Result<ArrayD<T>, ReadNpyError> {
    ArrayD::<T>::read_npy(bytes)
}

/// What a reader says, which may have the whole header in it: the beginning, in one line.
pub fn one_line(text: &str) -> String {
    const MOST_CHARACTERS: usize = 200;
    let line = text.lines().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// The numbers of type `found` as bit patterns of `format`.
fn round(found: &'static str, array: &ArrayD<f64>, format: Format) -> Numbers {
    let mut changed = 0;
    let bits = array.mapv(|value| {
        let (bits, inexact) = round_f64(value, format);
        changed += usize::from(inexact);
        bits
    });
    Numbers { bits, rounded: Some((found, changed)) }
}

/// A number to the nearest of `format`, ties to even, and whether it changed. NaN gives the canonical one.
fn round_f64(value: f64, format: Format) -> (u32, bool) {
    if value.is_nan() {
        return (format.nan(), false);
    }
    if value.is_infinite() {
        return (format.infinity(value < 0.0), false);
    }
    let raw = value.to_bits();
    let (biased_exponent, fraction) = (raw >> 52 & 0x7FF, raw & ((1 << 52) - 1));
    let hidden = if biased_exponent == 0 { 0 } else { 1 << 52 };
    let exact = Unrounded {
        negative: value.is_sign_negative(),
        magnitude: u128::from(fraction | hidden),
        exponent: biased_exponent.max(1) as i32 - 1023 - 52,
        sticky: false,
    };
    let (bits, flags) = exact.round(format, Rounding::NearestEven, Overflow::ToInfinity);
    (bits, flags.nx)
}

/// Writes a matrix as float32 or float16.
pub fn write_matrix(writer: impl Write, matrix: &Matrix, format: Format) -> Result<(), String> {
    write_array(writer, &[matrix.rows, matrix.columns], &matrix.bits, format)
}

/// Writes an array of any shape, the last index fastest, as float32 or float16.
pub fn write_array(writer: impl Write, shape: &[usize], bits: &[u32], format: Format) -> Result<(), String> {
    let written = if format == FP16 {
        let halves = bits.iter().map(|&bits| Half(bits as u16)).collect();
        ArrayD::from_shape_vec(shape, halves).map_err(|error| error.to_string())?.write_npy(writer)
    } else {
        let floats = bits.iter().map(|&bits| f32::from_bits(bits)).collect();
        ArrayD::from_shape_vec(shape, floats).map_err(|error| error.to_string())?.write_npy(writer)
    };
    written.map_err(|error| error.to_string())
}

/// An FP16 bit pattern, as an element of a `.npy` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Half(u16);

const LITTLE_ENDIAN: &str = "<f2";
const BIG_ENDIAN: &str = ">f2";

impl ReadableElement for Half {
    fn read_to_end_exact_vec<R: Read>(
        mut reader: R,
        type_desc: &Value,
        len: usize,
    ) -> Result<Vec<Self>, ReadDataError> {
        let decode: fn([u8; 2]) -> u16 = match type_desc {
            Value::String(name) if name == LITTLE_ENDIAN => u16::from_le_bytes,
            Value::String(name) if name == BIG_ENDIAN => u16::from_be_bytes,
            other => return Err(ReadDataError::WrongDescriptor(other.clone())),
        };
        let mut bytes = vec![];
        reader.read_to_end(&mut bytes)?;
        let expected = len * size_of::<u16>();
        if bytes.len() < expected {
            return Err(ReadDataError::MissingData);
        }
        if bytes.len() > expected {
            return Err(ReadDataError::ExtraBytes(bytes.len() - expected));
        }
        Ok(bytes.chunks_exact(2).map(|pair| Half(decode([pair[0], pair[1]]))).collect())
    }
}

impl WritableElement for Half {
    fn type_descriptor() -> Value {
        Value::String(LITTLE_ENDIAN.to_owned())
    }

    fn write<W: Write>(&self, mut writer: W) -> Result<(), WriteDataError> {
        Ok(writer.write_all(&self.0.to_le_bytes())?)
    }

    fn write_slice<W: Write>(slice: &[Self], mut writer: W) -> Result<(), WriteDataError> {
        let bytes: Vec<u8> = slice.iter().flat_map(|half| half.0.to_le_bytes()).collect();
        Ok(writer.write_all(&bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_once_to_nearest_even() {
        assert_eq!(round_f64(1.0, FP16), (0x3C00, false));
        assert_eq!(round_f64(-0.0, FP16), (0x8000, false));
        // Between 1 and 1 + 2^-10: a tie, and the least bit of an FP64 beyond it.
        assert_eq!(round_f64(1.0 + 2f64.powi(-11), FP16), (0x3C00, true));
        assert_eq!(round_f64(1.0 + 2f64.powi(-11) + 2f64.powi(-52), FP16), (0x3C01, true));
        assert_eq!(round_f64(65520.0, FP16), (0x7C00, true));
        assert_eq!(round_f64(2f64.powi(-25), FP16), (0, true));
        assert_eq!(round_f64(2f64.powi(-24), FP16), (1, false));
        assert_eq!(round_f64(f64::NAN, FP16), (0x7E00, false));
        assert_eq!(round_f64(f64::NEG_INFINITY, FP16), (0xFC00, false));
        assert_eq!(round_f64(0.1, FP32), (0.1f32.to_bits(), true));
    }

    #[test]
    fn matrices_read_back_as_they_were_written() {
        let matrix = Matrix { rows: 2, columns: 3, bits: vec![0x3C00, 0x0001, 0xFBFF, 0x7C00, 0x8000, 0x4000] };
        let mut file = vec![];
        write_matrix(&mut file, &matrix, FP16).unwrap();
        let read = read_as::<Half>(&file).unwrap();
        assert_eq!(read.shape(), [2, 3]);
        assert!(read.iter().map(|half| u32::from(half.0)).eq(matrix.bits.iter().copied()));
    }
}
