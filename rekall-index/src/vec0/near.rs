//! Searching with vec0's own nearest-neighbor query, and proving when that is enough.
//!
//! For a row x and a query q, ‖q − x‖² = ‖q‖² + ‖x‖² − 2 q·x. vec0 computes the distance d in `f32`, adding n squares in some
//! order, so d² is within a factor 1 ± γ, γ = (n + 8)u/(1 − (n + 8)u), u = 2⁻²⁴, of the true square (Higham, *Accuracy and
//! Stability of Numerical Algorithms*, §3.1). If D is the largest distance vec0 returned, every other row has a true square
//! of at least D²(1 − γ), hence a similarity of at most (‖q‖² + 1.001² − D²(1 − γ))/2. If that is below the k-th best similarity
//! found, the result is complete.

use rusqlite::types::Value;
use rusqlite::{Statement, params_from_iter};

use super::{SqliteVecIndex, from_bytes, key_of, to_bytes};
use crate::similarity::dot_f64;
use crate::{EntrySet, Error, Key, Neighbor, Roles, SearchOptions, UNIT_TOLERANCE, similarity};

/// The most rows vec0 returns.
const MOST: usize = 4096;

/// Rows that vec0 found.
struct Near {
    /// The best row of each entry, best first.
    hits: Vec<Neighbor>,
    /// How many rows there were, and the distance of the farthest.
    rows: usize,
    farthest: f64,
}

impl SqliteVecIndex<'_> {
    /// The result; `None` if vec0 can't give it.
    pub(super) fn search_near(
        &self,
        query: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Option<Vec<Neighbor>>, Error> {
        // Room for rows of the same entry and for what the proof needs.
        let mut fetch = options.k.saturating_mul(2).saturating_add(32);
        let (sql, mut values) = self.near_sql(query, options);
        while fetch <= MOST {
            options.check_cancelled()?;
            values[1] = Value::Integer(fetch as i64);
            let mut statement = self.connection.prepare_cached(&sql)?;
            let near = near(&mut statement, &values, query)?;
            options.check_cancelled()?;
            let complete = near.rows < fetch
                || near
                    .hits
                    .get(options.k - 1)
                    .is_some_and(|kth| f64::from(kth.similarity) > self.most_beyond(query, near.farthest));
            if complete {
                let mut hits = near.hits;
                options.truncate(&mut hits);
                return Ok(Some(hits));
            }
            // Where all that came is equally near, more of it will not get past the border.
            let kth = near.hits.get(options.k - 1);
            if kth.zip(near.hits.last()).is_some_and(|(kth, last)| kth.similarity <= last.similarity) {
                break;
            }
            fetch *= 4;
        }
        Ok(None)
    }

    /// The greatest similarity that a row at `distance` or farther can have.
    fn most_beyond(&self, query: &[f32], distance: f64) -> f64 {
        let u = f64::from(f32::EPSILON) / 2.0;
        let nu = (self.dimensions + 8) as f64 * u;
        let row = (1.0 + UNIT_TOLERANCE).powi(2);
        let square = distance * distance * (1.0 - nu / (1.0 - nu));
        // The last term is the rounding of the similarity itself.
        (dot_f64(query, query) + row - square) / 2.0 + 2.0 * u
    }

    fn near_sql(&self, query: &[f32], options: &SearchOptions<'_>) -> (String, Vec<Value>) {
        let name = &self.name;
        let mut values = vec![Value::Blob(to_bytes(query)), Value::Integer(0)];
        let mut conditions: Vec<String> = Vec::new();
        if options.roles != Roles::ALL {
            let roles: Vec<String> =
                (0..Key::ROLES).filter(|&role| options.roles.contains(role)).map(|r| r.to_string()).collect();
            conditions.push(format!("role IN ({})", roles.join(",")));
        }
        for (set, not) in [(options.entries, ""), (options.exclude, "NOT ")] {
            if let Some(set) = set {
                values.push(Value::Text(json(set)));
                conditions.push(format!("entry {not}IN (SELECT value FROM json_each(?{}))", values.len()));
            }
        }
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!("AND rowid IN (SELECT id FROM \"{name}_keys\" WHERE {})", conditions.join(" AND "))
        };
        // MATERIALIZED, or SQLite may look up row by row in a table that is slow to look into.
        let sql = format!(
            "WITH near AS MATERIALIZED (
                 SELECT rowid AS id, distance, vector FROM \"{name}\" WHERE vector MATCH ?1 AND k = ?2 {filter})
             SELECT entry, role, chunk, vector, distance FROM near JOIN \"{name}_keys\" USING (id)"
        );
        (sql, values)
    }
}

fn near(statement: &mut Statement<'_>, values: &[Value], query: &[f32]) -> Result<Near, Error> {
    let mut near = Near { hits: Vec::new(), rows: 0, farthest: 0.0 };
    let mut rows = statement.query(params_from_iter(values))?;
    let mut vector = Vec::new();
    while let Some(row) = rows.next()? {
        from_bytes(row.get_ref(3)?.as_blob().map_err(Error::from_source)?, &mut vector);
        near.farthest = near.farthest.max(row.get(4)?);
        near.rows += 1;
        near.hits.push(Neighbor { key: key_of(row)?, similarity: similarity(query, &vector) });
    }
    near.hits.sort_unstable_by(|a, b| a.key.entry.cmp(&b.key.entry).then_with(|| a.rank_cmp(b)));
    near.hits.dedup_by_key(|hit| hit.key.entry);
    near.hits.sort_unstable_by(Neighbor::rank_cmp);
    Ok(near)
}

/// The set as a JSON array, which SQLite can read without an extension.
fn json(set: &EntrySet) -> String {
    let ids: Vec<String> = set.iter().map(|entry| entry.to_string()).collect();
    format!("[{}]", ids.join(","))
}
