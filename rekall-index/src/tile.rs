//! Dot products of many rows with many queries: a register tile over queries laid out by component.

use pulp::{Simd, WithSimd};

use crate::dispatch::arch;
use crate::kernels::prefetch_beyond;

/// The most lanes of `f32` any instruction set here has; queries are padded to a multiple.
const LANES: usize = 16;
/// Rows of a tile: with two vectors of queries each, 12 accumulators, which leaves AVX2 4 of its 16 registers.
const TILE_ROWS: usize = 6;
/// The same for the 32 registers of AVX-512: a divisor of the rows of any block, so that no rows are left over.
const WIDE_TILE_ROWS: usize = 8;

/// Numbers of a cache line.
const LINE: usize = 16;

/// Queries packed component by component, so that one vector holds the same component of many queries: a row's component is
/// broadcast against them, and no sum across lanes is ever needed. (Goto and van de Geijn, *Anatomy of High-Performance
/// Matrix Multiplication*, 2008; here the rows need no packing, they are read once and in order.)
#[derive(Debug)]
pub(crate) struct QueryTile {
    /// `packed[panel][component][lane]`, `2 * LANES` queries a panel.
    packed: Vec<f32>,
    queries: usize,
    dimensions: usize,
}

/// Queries of a panel.
const PANEL: usize = 2 * LANES;

impl QueryTile {
    pub(crate) fn new(queries: &[f32], dimensions: usize) -> Self {
        let count = queries.len() / dimensions;
        let mut packed = vec![0.0; count.div_ceil(PANEL) * PANEL * dimensions];
        for (number, query) in queries.chunks_exact(dimensions).enumerate() {
            let panel = &mut packed[number / PANEL * PANEL * dimensions..][..PANEL * dimensions];
            for (component, &x) in query.iter().enumerate() {
                panel[component * PANEL + number % PANEL] = x;
            }
        }
        Self { packed, queries: count, dimensions }
    }

    /// `out[row * queries + query]`; `rows` is row-major.
    pub(crate) fn dots(&self, rows: &[f32], out: &mut [f32]) {
        arch().dispatch(Tile { tile: self, rows, out });
    }
}

struct Tile<'a> {
    tile: &'a QueryTile,
    rows: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::F32_LANES == 1 {
            return self.portable();
        }
        let QueryTile { packed, queries, dimensions } = self.tile;
        for (number, panel) in packed.chunks_exact(PANEL * dimensions).enumerate() {
            let first = number * PANEL;
            let width = (queries - first).min(PANEL);
            let (panel, _) = S::as_simd_f32s(panel);
            // Vectors that hold only padding are skipped.
            let mut vector = 0;
            while vector * S::F32_LANES < width {
                let column = first + vector * S::F32_LANES;
                let mut pass = Pass {
                    simd,
                    rows: self.rows,
                    dimensions: *dimensions,
                    out: self.out,
                    queries: *queries,
                    panel,
                    vector,
                    column,
                };
                if width - vector * S::F32_LANES > S::F32_LANES {
                    if S::F32_LANES == LANES {
                        pass.run::<WIDE_TILE_ROWS, 2>();
                    } else {
                        pass.run::<TILE_ROWS, 2>();
                    }
                    vector += 2;
                } else {
                    pass.run::<{ 2 * TILE_ROWS }, 1>();
                    vector += 1;
                }
            }
        }
    }
}

/// All rows against one or two vectors of queries.
struct Pass<'a, S: Simd> {
    simd: S,
    rows: &'a [f32],
    dimensions: usize,
    out: &'a mut [f32],
    queries: usize,
    panel: &'a [S::f32s],
    /// The first of the panel's vectors to use.
    vector: usize,
    /// The query in the first lane.
    column: usize,
}

impl<S: Simd> Pass<'_, S> {
    #[inline(always)]
    fn run<const R: usize, const V: usize>(&mut self) {
        let count = self.rows.len() / self.dimensions;
        let mut row = 0;
        while row + R <= count {
            self.tile::<R, V>(row);
            row += R;
        }
        while row + 2 <= count {
            self.tile::<2, V>(row);
            row += 2;
        }
        if row < count {
            self.tile::<1, V>(row);
        }
    }

    #[inline(always)]
    fn tile<const R: usize, const V: usize>(&mut self, first: usize) {
        let (simd, dimensions, vectors) = (self.simd, self.dimensions, PANEL / S::F32_LANES);
        let rows: [&[f32]; R] = std::array::from_fn(|r| &self.rows[(first + r) * dimensions..][..dimensions]);
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        // The rows lie a stride apart, which hides from the hardware that they are read in order: ask for the next tile's.
        let next_tile = R * dimensions * size_of::<f32>();
        for (start, panel) in (0..dimensions).step_by(LINE).zip(self.panel.chunks(vectors * LINE)) {
            rows.iter().for_each(|row| prefetch_beyond(&row[start], next_tile));
            // One iterator ends the loop, not two: else the compiler keeps the sums twice, and has no registers left.
            for (component, queries) in (start..).zip(panel.chunks_exact(vectors)) {
                let queries = &queries[self.vector..self.vector + V];
                for r in 0..R {
                    let x = simd.splat_f32s(rows[r][component]);
                    for v in 0..V {
                        sums[r][v] = simd.mul_add_e_f32s(x, queries[v], sums[r][v]);
                    }
                }
            }
        }
        let width = (self.queries - self.column).min(V * S::F32_LANES);
        for (r, sums) in sums.iter().enumerate() {
            let lanes: &[f32] = pulp::bytemuck::cast_slice(sums);
            self.out[(first + r) * self.queries + self.column..][..width].copy_from_slice(&lanes[..width]);
        }
    }
}

impl Tile<'_> {
    /// Without detected SIMD: a row against a panel at a time, in lanes the compiler can map to what the target has.
    #[inline(always)]
    fn portable(self) {
        let QueryTile { packed, queries, dimensions } = self.tile;
        for (number, panel) in packed.chunks_exact(PANEL * dimensions).enumerate() {
            let columns = number * PANEL..((number + 1) * PANEL).min(*queries);
            for (row, out) in self.rows.chunks_exact(*dimensions).zip(self.out.chunks_exact_mut(*queries)) {
                let mut sums = [0f32; PANEL];
                for (x, queries) in row.iter().zip(panel.as_chunks::<PANEL>().0) {
                    for lane in 0..PANEL {
                        sums[lane] += x * queries[lane];
                    }
                }
                out[columns.clone()].copy_from_slice(&sums[..columns.len()]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dot::{dot_error, tests::unit_rows};
    use crate::similarity;

    #[test]
    fn agrees_with_the_single_dot_product() {
        for dimensions in [1, 5, 33, 384] {
            for queries in [1, 2, 15, 16, 17, 32, 33, 47, 64] {
                let (rows, all) = (unit_rows(13, dimensions, 5), unit_rows(queries, dimensions, 6));
                let mut out = vec![f32::NAN; 13 * queries];
                let mut portable = out.clone();
                let tile = QueryTile::new(&all, dimensions);
                tile.dots(&rows, &mut out);
                Tile { tile: &tile, rows: &rows, out: &mut portable }.portable();
                let pairs = rows
                    .chunks_exact(dimensions)
                    .flat_map(|row| all.chunks_exact(dimensions).map(move |query| similarity(query, row)));
                for (exact, dot) in pairs.clone().zip(out).chain(pairs.zip(portable)) {
                    assert!(
                        (dot - exact).abs() <= dot_error(dimensions),
                        "{dimensions} {queries} {dot} {exact}"
                    );
                }
            }
        }
    }
}
