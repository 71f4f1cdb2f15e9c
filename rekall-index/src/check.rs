//! Input checks, done once, at the border.

use crate::{Error, Key, SearchOptions};

/// How far a vector's norm may be from 1. Room for vectors stored in half precision or as int8 and widened again;
/// a vector that was never normalized is out by far more.
pub const UNIT_TOLERANCE: f64 = 1e-3;

/// The most components a vector may have. The error bounds of the scans assume no more.
pub const MAX_DIMENSIONS: usize = 65_536;

/// The most rows a resident index takes: positions are 32 bits.
pub(crate) const MAX_ROWS: usize = u32::MAX as usize;

/// Checks vectors laid one after the other: `count` of them if given, else as many as there are.
///
/// Reads each number once; about the cost of a dot product each.
///
/// # Errors
/// [`Error::Dimensions`], [`Error::NotFinite`], [`Error::NotUnit`], in this order per vector.
///
/// # Examples
/// ```
/// use rekall_index::{Error, check_vectors};
/// assert!(check_vectors(&[1.0, 0.0, 0.6, 0.8], 2, Some(2)).is_ok());
/// assert!(matches!(check_vectors(&[1.0, 1.0], 2, Some(1)), Err(Error::NotUnit { vector: 0, .. })));
/// ```
pub fn check_vectors(vectors: &[f32], dimensions: usize, count: Option<usize>) -> Result<(), Error> {
    check_dimensions(dimensions)?;
    let expected = match count {
        Some(count) => count.saturating_mul(dimensions),
        None => vectors.len().next_multiple_of(dimensions),
    };
    if vectors.len() != expected {
        return Err(Error::Dimensions { expected, got: vectors.len() });
    }
    for (vector, row) in vectors.chunks_exact(dimensions).enumerate() {
        // A sum of squares in f64 is finite exactly when every f32 in it is.
        let square = crate::similarity::dot_f64(row, row);
        if !square.is_finite() {
            let component = row.iter().position(|x| !x.is_finite()).unwrap_or(0);
            return Err(Error::NotFinite { vector, component, value: row[component] });
        }
        let norm = square.sqrt();
        if (norm - 1.0).abs() > UNIT_TOLERANCE {
            return Err(Error::NotUnit { vector, norm });
        }
    }
    Ok(())
}

/// The checks of every search: `count` queries, or any number.
pub(crate) fn check_search(
    queries: &[f32],
    dimensions: usize,
    count: Option<usize>,
    options: &SearchOptions<'_>,
) -> Result<(), Error> {
    if options.k == 0 {
        return Err(Error::InvalidK { k: options.k });
    }
    check_vectors(queries, dimensions, count)?;
    options.check_cancelled()
}

/// The checks of every upsert.
pub(crate) fn check_upsert(keys: &[Key], rows: &[f32], dimensions: usize) -> Result<(), Error> {
    let expected = keys.len().saturating_mul(dimensions);
    if rows.len() != expected {
        return Err(Error::Dimensions { expected, got: rows.len() });
    }
    keys.iter().try_for_each(|key| key.check())?;
    check_vectors(rows, dimensions, Some(keys.len()))
}

pub(crate) fn check_dimensions(dimensions: usize) -> Result<(), Error> {
    if (1..=MAX_DIMENSIONS).contains(&dimensions) {
        Ok(())
    } else {
        Err(Error::InvalidDimensions { most: MAX_DIMENSIONS, got: dimensions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_bad_vector() {
        let error = check_vectors(&[1.0, 0.0, 0.0, f32::NAN], 2, None).unwrap_err();
        assert!(matches!(error, Error::NotFinite { vector: 1, component: 1, .. }), "{error}");
        let error = check_vectors(&[f32::MAX, f32::MAX], 2, None).unwrap_err();
        assert!(matches!(error, Error::NotUnit { vector: 0, .. }), "{error}");
        let error = check_vectors(&[1.0, 0.0, 0.0], 2, None).unwrap_err();
        assert_eq!(error.to_string(), "expected 4 numbers, got 3");
    }

    #[test]
    fn a_norm_just_inside_the_tolerance_passes() {
        assert!(check_vectors(&[1.0009], 1, None).is_ok());
        assert!(check_vectors(&[0.9985], 1, None).is_err());
        assert!(check_vectors(&[0.0], 1, None).is_err());
    }

    #[test]
    fn dimensions_have_a_range() {
        assert!(matches!(check_vectors(&[], 0, None), Err(Error::InvalidDimensions { got: 0, .. })));
        assert!(check_dimensions(MAX_DIMENSIONS).is_ok() && check_dimensions(MAX_DIMENSIONS + 1).is_err());
    }
}
