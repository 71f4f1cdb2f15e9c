//! Dot products of a block of rows with a batch of queries: by our own tile, and for large batches by faer, where that is
//! built in.

use crate::tile::QueryTile;

/// A batch of queries, ready to be multiplied with blocks of rows.
#[derive(Debug)]
pub(crate) enum Batch {
    Tile(QueryTile),
    #[cfg(feature = "faer")]
    Product {
        queries: Vec<f32>,
        dimensions: usize,
    },
}

/// From so many queries on, what faer saves by packing the rows outweighs the packing: with 5 to 32 queries our tile takes
/// 0.5 to 0.95 of its time, with 64 as long, with 256 up to 1.15 times as long (384 and 768 dimensions, AVX-512).
#[cfg(feature = "faer")]
const LARGE: usize = 128;

impl Batch {
    /// The most queries that should share a pass over the rows: what is packed of them should stay in the L2 cache beside a
    /// block of rows.
    pub(crate) const MOST_QUERIES: usize = if cfg!(feature = "faer") { 256 } else { 64 };

    pub(crate) fn new(queries: &[f32], dimensions: usize) -> Self {
        #[cfg(feature = "faer")]
        if queries.len() >= LARGE * dimensions && !narrowed() {
            return Self::Product { queries: queries.to_vec(), dimensions };
        }
        Self::Tile(QueryTile::new(queries, dimensions))
    }

    /// `out[row * queries + query]`; `rows` is row-major.
    pub(crate) fn dots(&self, rows: &[f32], out: &mut [f32]) {
        match self {
            Self::Tile(tile) => tile.dots(rows, out),
            #[cfg(feature = "faer")]
            Self::Product { queries, dimensions } => product(queries, *dimensions, rows, out),
        }
    }
}

/// Whether a test or a bench wants fewer instructions than the machine has, while faer always uses the widest.
#[cfg(feature = "faer")]
fn narrowed() -> bool {
    crate::dispatch::limit() < crate::dispatch::Simd::Avx512
}

#[cfg(feature = "faer")]
fn product(queries: &[f32], dimensions: usize, rows: &[f32], out: &mut [f32]) {
    use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
    let (count, columns) = (rows.len() / dimensions, queries.len() / dimensions);
    let rows = MatRef::from_row_major_slice(rows, count, dimensions);
    let queries = MatRef::from_row_major_slice(queries, columns, dimensions).transpose();
    let out = MatMut::from_row_major_slice_mut(&mut out[..count * columns], count, columns);
    // faer's own threads stay unused: the scan divides the rows instead.
    matmul(out, Accum::Replace, rows, queries, 1.0, Par::Seq);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dot::{dot_error, tests::unit_rows};
    use crate::similarity;

    #[test]
    fn agrees_with_single_dot_products() {
        for (dimensions, queries) in [(1, 2), (33, 3), (384, 33), (33, 130), (384, 257)] {
            let (rows, all) = (unit_rows(29, dimensions, 5), unit_rows(queries, dimensions, 6));
            let mut out = vec![f32::NAN; 29 * queries];
            Batch::new(&all, dimensions).dots(&rows, &mut out);
            for (number, dot) in out.iter().enumerate() {
                let (row, query) = (number / queries * dimensions, number % queries * dimensions);
                let exact = similarity(&rows[row..row + dimensions], &all[query..query + dimensions]);
                assert!((dot - exact).abs() <= dot_error(dimensions), "{dimensions} {queries} {dot} {exact}");
            }
        }
    }
}
