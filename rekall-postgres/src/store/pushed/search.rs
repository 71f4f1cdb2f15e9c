//! Searching a pushed table: keys and products from it, exact vectors from `embedding`, in one statement.

use std::collections::HashSet;
use std::ops::ControlFlow;

use rekall_core::store::ReadChanges;
use rekall_core::{
    Changes, Error as CoreError, PUSHED_KIND, PushedAsk, PushedRows, PushedSearch, VectorBatch, VectorKey,
};

use super::super::PostgresStore;
use super::super::blocks::BLOCK_SETS;
use super::super::tx::Tx;
use super::super::values::{floats, int, ints, limit, text};
use super::table::Table;
use crate::Error;
use crate::client::{Statement, Value};

/// Exact vectors handed over at a time.
const BATCH_ROWS: usize = 1_024;

/// How exact vectors are looked up: key by key, whatever the planner expects of a condition on products.
const BY_KEY: &str =
    "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)";

impl PostgresStore {
    /// As [`search_pushed`](rekall_core::PushedVectors::search_pushed).
    pub(super) fn search(
        &self,
        search: &PushedSearch<'_>,
        each: &mut dyn FnMut(&VectorBatch) -> ControlFlow<()>,
    ) -> Result<PushedRows, CoreError> {
        let graph = matches!(search.ask, PushedAsk::NearestByGraph(_));
        let table = self.pushed_table(search.space, graph)?;
        // Before the view: one that is older than a table that was made anew, or emptied, sees nothing in it.
        let lock = format!("LOCK TABLE {} IN ACCESS SHARE MODE", table.name);
        let of_space = self.scope.stored_space(search.space.id);
        let of_table = [int(&of_space), text(&PUSHED_KIND)];
        let (tx, sets) = match Tx::read_with(self, Some(&lock), (BLOCK_SETS, &of_table)) {
            Err(error) if is_missing(&error) => {
                self.forget_extension();
                return Ok(PushedRows::Missing);
            }
            begun => begun?,
        };
        if tx.index_position_in(&sets)? != Some(search.filled_to) {
            return Ok(PushedRows::Outdated);
        }
        let Changes::Entries { entries: touched, .. } = tx.changes_since(search.at)? else {
            return Ok(PushedRows::Outdated);
        };
        let touched: HashSet<i64> = touched.into_iter().collect();

        let statement = Nearest::new(&table, search);
        let settings = statement.settings();
        let (before, values): ([Statement<'_>; 2], _) =
            ([(BY_KEY, &[]), (&settings, &[])], statement.values());
        let (scope, mut rows, mut least, mut outdated, mut broken) =
            (tx.scope(), 0, f64::INFINITY, false, false);
        let mut batch = VectorBatch::new(search.space.dimensions);
        let found = tx.for_each_after(&before, (&statement.sql, &values), search.cancel, |row| {
            let entry = scope.row(row.try_get(0)?);
            let (role, chunk): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
            let distance: f64 = row.try_get(4)?;
            (rows, least) = (rows + 1, least.min(-distance));
            outdated |= touched.contains(&entry);
            if let (Ok(role), Ok(chunk)) = (u8::try_from(role), u16::try_from(chunk)) {
                let vector: Option<&[u8]> = row.try_get(3)?;
                batch.push(VectorKey { entry, role, chunk }, vector.unwrap_or_default(), vector.is_some());
            }
            if batch.keys.len() >= BATCH_ROWS && !broken {
                broken = each(&batch).is_break();
                batch = VectorBatch::new(search.space.dimensions);
            }
            Ok(())
        });
        match found {
            Ok(()) if outdated => Ok(PushedRows::Outdated),
            Ok(()) => {
                let is_empty = batch.keys.is_empty() && batch.unusable.is_empty();
                if !broken && !is_empty {
                    let _ = each(&batch);
                }
                Ok(PushedRows::Found { rows, least })
            }
            Err(error) if is_missing(&error) => {
                self.forget_extension();
                Ok(PushedRows::Missing)
            }
            Err(error) => Err(error),
        }
    }
}

/// A statement, and what it takes.
struct Nearest<'a> {
    sql: String,
    ask: PushedAsk,
    query: &'a [f32],
    /// Roles, entries and those that are excluded, as far as there are conditions on them.
    lists: Vec<Vec<i64>>,
}

impl<'a> Nearest<'a> {
    fn new(table: &Table, search: &PushedSearch<'a>) -> Self {
        let distance = format!("v {} $1::real[]::{}", table.extension.product(), table.vector());
        let (mut conditions, mut lists) = (vec![table.of_scope()], Vec::new());
        let mut add = |list: Vec<i64>| {
            lists.push(list);
            format!("${}::bigint[]", lists.len() + 1)
        };
        if let Some(roles) = search.roles {
            conditions.push(format!("role = ANY ({})", add(roles.to_vec())));
        }
        if let Some(entries) = search.entries {
            conditions.push(format!("entry_id = ANY ({})", add(table.stored_all(entries))));
        }
        if let Some(exclude) = search.exclude {
            // A hashed list where the memory for it is given, and no join, which would lose the order.
            let place = add(table.stored_all(exclude));
            conditions.push(format!("entry_id NOT IN (SELECT unnest({place}))"));
        }
        let order = match search.ask {
            // Without "+ 0" a graph may answer.
            PushedAsk::Nearest(rows) => {
                format!("ORDER BY ({distance}) + 0, entry_id, role, chunk LIMIT {}", limit(rows))
            }
            PushedAsk::NearestByGraph(rows) => format!("ORDER BY {distance} LIMIT {}", limit(rows)),
            PushedAsk::Within(least) => {
                conditions.push(format!("({distance}) + 0 <= {:?}::float8", -least));
                String::new()
            }
        };
        let sql = format!(
            "WITH near AS MATERIALIZED (
                 SELECT entry_id, role, chunk, {distance} AS distance FROM {} WHERE {} {order})
             SELECT near.entry_id, near.role, near.chunk, embedding.vector, near.distance
             FROM near LEFT JOIN embedding ON embedding.entry_id = near.entry_id AND embedding.space_id = {}
                 AND embedding.role = near.role AND embedding.chunk = near.chunk",
            table.name,
            conditions.join(" AND "),
            table.stored_space()
        );
        Self { sql, ask: search.ask, query: search.query, lists }
    }

    fn values(&self) -> Vec<Value<'_>> {
        std::iter::once(floats(&self.query)).chain(self.lists.iter().map(ints)).collect()
    }

    /// What the server's planner, and a graph, are told.
    fn settings(&self) -> String {
        // A list that is thought to be too long for that is gone through for every row.
        let length: usize = self.lists.iter().map(Vec::len).sum();
        let memory = match length {
            0..=10_000 => String::new(),
            _ => format!(
                "set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024, {})::text || 'kB', true)",
                limit(length / 8 + 4_096).min(1 << 30)
            ),
        };
        match self.ask {
            PushedAsk::NearestByGraph(rows) => {
                let wide = rows.clamp(200, 1_000);
                let most = rows.saturating_mul(20).clamp(20_000, 1_000_000);
                format!(
                    "SELECT set_config('hnsw.ef_search', '{wide}', true), set_config('hnsw.iterative_scan', 'strict_order', true),
                        set_config('hnsw.max_scan_tuples', '{most}', true), set_config('enable_seqscan', 'off', true){}{memory}",
                    if memory.is_empty() { "" } else { ", " }
                )
            }
            PushedAsk::Nearest(_) | PushedAsk::Within(_) => format!("SELECT {memory}"),
        }
    }
}

#[cfg(test)]
impl PostgresStore {
    /// How the server goes about a search.
    pub(in super::super) fn plan(&self, search: &PushedSearch<'_>) -> Result<String, CoreError> {
        let statement = Nearest::new(&self.pushed_table(search.space, true)?, search);
        let tx = self.begin_read()?;
        tx.query(&statement.settings(), &[])?;
        let plan = tx.query(&format!("EXPLAIN {}", statement.sql), &statement.values())?;
        plan.iter().map(|row| Ok(format!("{}\n", super::super::tx::column::<&str>(row, 0)?))).collect()
    }
}

/// Whether the table, its column, pgvector or the right to read it is gone.
fn is_missing(error: &CoreError) -> bool {
    match error {
        CoreError::ReadOnly { .. } => true,
        CoreError::Engine { source, .. } => match source.downcast_ref::<Error>() {
            Some(Error::Gone { .. }) => true,
            Some(Error::Postgres { source, .. }) => {
                source.as_db_error().is_some_and(|said| matches!(said.code().code(), "42703" | "42704"))
            }
            _ => false,
        },
        _ => false,
    }
}
