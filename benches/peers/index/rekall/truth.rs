//! What the answers should be: brute force in `f64`, by the plainest code, sharing nothing with the indexes.

use crate::input::Input;

/// The ids of the `k` nearest rows of each query, best first; of equal ones the lower id.
pub(crate) fn nearest(input: &Input, k: usize) -> std::io::Result<Vec<Vec<usize>>> {
    let dimensions = input.dimensions;
    let queries = input.queries()?;
    let mut best: Vec<Vec<(f64, usize)>> = vec![Vec::new(); input.queries];
    input.each_part(|first, rows| {
        for (query, best) in queries.chunks_exact(dimensions).zip(&mut best) {
            let dots = rows.chunks_exact(dimensions).map(|row| dot(query, row));
            best.extend(dots.enumerate().map(|(row, dot)| (dot, first + row)));
            best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            best.truncate(k);
        }
        Ok::<(), std::io::Error>(())
    })?;
    Ok(best.into_iter().map(|best| best.into_iter().map(|(_, row)| row).collect()).collect())
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}
