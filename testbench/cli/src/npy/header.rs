//! What a `.npy` file says of itself, looked at before anything is allocated or parsed for it.
//!
//! The crate `ndarray-npy` believes what a header says, and its parser takes a time that doubles with each bracket in a
//! bracket.

use py_literal::Value;

/// Longest header in bytes, that of `numpy.load`.
const MOST_BYTES: usize = 10_000;

/// Brackets in brackets: the header's own, a list of fields, a field, a shape in it.
const MOST_DEPTH: usize = 4;

/// Most dimensions of an array, those of NumPy.
const MOST_DIMENSIONS: usize = 64;

/// Looks whether the header can be believed. What is wrong with one that is no header at all, its reader says.
///
/// # Errors
/// What was found, and what is expected.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let Some((header, data)) = split(bytes) else { return Ok(()) };
    if header.len() > MOST_BYTES {
        return Err(format!("found a header of {} bytes, expected at most {MOST_BYTES}", header.len()));
    }
    let mut depth = 0usize;
    for byte in header {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MOST_DEPTH {
            return Err(format!("found more than {MOST_DEPTH} brackets in each other in its header, expected none"));
        }
    }
    let shape = std::str::from_utf8(header).ok().and_then(|text| shape(text.trim()));
    let Some(shape) = shape else { return Ok(()) };
    if shape.len() > MOST_DIMENSIONS {
        return Err(format!("found {} dimensions, expected at most {MOST_DIMENSIONS}", shape.len()));
    }
    // Every element takes a byte or more. An array of none can still have sizes that no array has.
    let of_others = shape.iter().filter(|&&size| size != 0).try_fold(1usize, |all, &size| all.checked_mul(size));
    let believable = of_others.is_some_and(|all| if shape.contains(&0) { all < 1 << 48 } else { all <= data.len() });
    if !believable {
        let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
        return Err(format!("found shape {}, more than its {} bytes of data", sizes.join(" x "), data.len()));
    }
    Ok(())
}

/// The text of an array that is one: no dimensions, bytes or Unicode of a few characters.
pub fn text(bytes: &[u8]) -> Option<String> {
    let (header, data) = split(bytes)?;
    let Value::Dict(entries) = std::str::from_utf8(header).ok()?.trim().parse().ok()? else { return None };
    let descriptor = |(key, _): &&(Value, Value)| *key == Value::String("descr".to_owned());
    let Value::String(descriptor) = &entries.iter().find(descriptor)?.1 else { return None };
    // Unicode is numbers of 32 bits, of which the least byte is enough for letters.
    let bytes: Vec<u8> = match descriptor.get(..2)? {
        "|S" => data.to_vec(),
        "<U" => data.iter().copied().step_by(4).collect(),
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

/// The header's text, and the data behind it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match bytes.get(6)? {
        1 => (usize::from(u16::from_le_bytes(bytes.get(8..10)?.try_into().ok()?)), &bytes[10..]),
        2 | 3 => (u32::from_le_bytes(bytes.get(8..12)?.try_into().ok()?) as usize, &bytes[12..]),
        _ => return None,
    };
    // A header longer than its file is refused for its length as well, if that is too much.
    let length = if length > MOST_BYTES { length.min(rest.len()) } else { length };
    rest.split_at_checked(length)
}

/// The shape that a header gives. A size that is too large for anything counts as the largest.
fn shape(header: &str) -> Option<Vec<usize>> {
    let Value::Dict(entries) = header.parse().ok()? else { return None };
    let is_shape = |(key, _): &&(Value, Value)| *key == Value::String("shape".to_owned());
    let Value::Tuple(sizes) = &entries.iter().find(is_shape)?.1 else { return None };
    let size = |value: &Value| match value {
        Value::Integer(size) => Some(size.to_string().parse().unwrap_or(usize::MAX)),
        _ => None,
    };
    sizes.iter().map(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(vec![0; data]);
        bytes
    }

    fn with_shape(shape: &str, data: usize) -> Result<(), String> {
        check(&file(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n"), data))
    }

    #[test]
    fn sizes_that_the_file_does_not_have_are_refused_before_they_are_allocated() {
        assert_eq!(with_shape("(2, 3)", 24), Ok(()));
        assert_eq!(with_shape("(0, 9)", 0), Ok(()));
        let refused = |shape, data| with_shape(shape, data).unwrap_err();
        assert_eq!(refused("(1099511627776, 9)", 18), "found shape 1099511627776 x 9, more than its 18 bytes of data");
        let largest = "found shape 0 x 18446744073709551615, more than its 0 bytes of data";
        assert_eq!(refused("(0, 18446744073709551615)", 0), largest);
        assert_eq!(
            refused("(4294967296, 4294967296, 2)", 8),
            "found shape 4294967296 x 4294967296 x 2, more than its 8 bytes of data"
        );
        assert_eq!(refused(&format!("({})", "1, ".repeat(65)), 4), "found 65 dimensions, expected at most 64");
    }

    #[test]
    fn brackets_in_brackets_and_long_headers_are_refused_before_they_are_parsed() {
        let nested = format!("{{'descr': {}{}}}", "[".repeat(30), "]".repeat(30));
        assert_eq!(
            check(&file(&nested, 0)).unwrap_err(),
            "found more than 4 brackets in each other in its header, expected none"
        );
        let long = "(".repeat(10_001);
        assert_eq!(check(&file(&long, 0)).unwrap_err(), "found a header of 10001 bytes, expected at most 10000");
    }

    #[test]
    fn what_is_no_header_is_left_to_its_reader() {
        for bytes in [&b""[..], b"\x93NUMPY", b"\x93NUMPY\x01\x00\x50", b"\x93NUMPY\x09\x00\x50\x00"] {
            assert_eq!(check(bytes), Ok(()));
        }
    }
}
