//! Dot products of a block of rows with a batch of queries: by faer where it is built in, else by our own tile.

/// A batch of queries, ready to be multiplied with blocks of rows.
#[cfg(feature = "faer")]
#[derive(Debug)]
pub(crate) struct Batch {
    queries: Vec<f32>,
    dimensions: usize,
    /// Instead of faer, which always uses the widest instructions there are, where a test or a bench wants others.
    #[cfg(any(test, feature = "testing"))]
    tile: Option<crate::tile::QueryTile>,
}

#[cfg(feature = "faer")]
impl Batch {
    pub(crate) fn new(queries: &[f32], dimensions: usize) -> Self {
        Self {
            queries: queries.to_vec(),
            dimensions,
            #[cfg(any(test, feature = "testing"))]
            tile: (crate::dispatch::limit() < crate::dispatch::Simd::Avx512)
                .then(|| crate::tile::QueryTile::new(queries, dimensions)),
        }
    }

    /// `out[row * queries + query]`; `rows` is row-major.
    pub(crate) fn dots(&self, rows: &[f32], out: &mut [f32]) {
        #[cfg(any(test, feature = "testing"))]
        if let Some(tile) = &self.tile {
            return tile.dots(rows, out);
        }
        use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
        let (count, queries) = (rows.len() / self.dimensions, self.queries.len() / self.dimensions);
        let rows = MatRef::from_row_major_slice(rows, count, self.dimensions);
        let columns = MatRef::from_row_major_slice(&self.queries, queries, self.dimensions).transpose();
        let out = MatMut::from_row_major_slice_mut(&mut out[..count * queries], count, queries);
        // faer's own threads stay unused: the scan divides the rows instead.
        matmul(out, Accum::Replace, rows, columns, 1.0, Par::Seq);
    }
}

#[cfg(not(feature = "faer"))]
pub(crate) use crate::tile::QueryTile as Batch;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dot::{dot_error, tests::unit_rows};
    use crate::similarity;

    #[test]
    fn agrees_with_single_dot_products() {
        for (dimensions, queries) in [(1, 2), (33, 3), (384, 33)] {
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
