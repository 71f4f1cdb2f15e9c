//! A table of pgvector on the server, which the server searches: no vector of it is in this process.

use std::ops::ControlFlow;
use std::sync::Arc;

use rekall_core::{
    Changes, Error as CoreError, ErrorKind, LogPosition, PUSHED_KIND, PushedAsk, PushedRows, PushedSearch,
    PushedState, PushedVectors, ReadTx, Space, VectorBatch,
};
use rekall_index::{
    Error as IndexError, FlatIndex, Key, Neighbor, Roles, SearchOptions, UNIT_TOLERANCE, VectorSearch,
    similarity,
};

use super::super::backend::{Begun, PersistJob, SharedSearch};
use super::super::file::IndexFile;
use super::super::persistence::{Persistence, Renewal};
use super::super::settings::IndexSettings;
use super::super::stored_rows::stale;
use super::in_file::{FileBase, InFileBackend};
use super::rows::{RowScan, keep_best};
use crate::{CancelToken, Error};

/// Changes that may wait in memory: they are written together.
const MAX_WAITING: i64 = 256;

/// Vectors, or changed entries, of which a table is made or taken in by the write that finds it due: some seconds. More wait until they are asked for.
const MOST_UNASKED: usize = 10_000;

/// Changes of the log after which it is looked again whether a table was made.
const RETRY_AFTER: i64 = 256;

/// Rows that are asked for at once; for more the rows themselves are read.
const MOST_ROWS: usize = 16_384;

/// So few entries are looked at one by one, without the graph.
const FEW_ENTRIES: usize = 10_000;

/// Rows that the graph is asked for, for each hit.
const OVERSAMPLING: usize = 4;

/// Begins with the table of a space, if it is filled and usable.
pub(crate) fn begin(
    file: &Arc<IndexFile>,
    tx: &dyn ReadTx,
    space: &Space,
    settings: IndexSettings,
    graph: bool,
) -> Result<Option<Begun>, Error> {
    let Some(state) = PushedState::read(tx, space.id)? else { return Ok(None) };
    let Some(persisted) = file.persisted(tx, space, PUSHED_KIND)? else { return Ok(None) };
    let table = Table { file: Arc::clone(file), space: space.clone(), state, graph: graph && state.graph };
    InFileBackend::begin(table, space.dimensions, persisted.changed, settings.delta_limits(space.dimensions))
}

/// The table as it was filled up to one position of the change log.
#[derive(Clone)]
struct Table {
    file: Arc<IndexFile>,
    space: Space,
    state: PushedState,
    /// Whether searches go by its graph.
    graph: bool,
}

impl FileBase for Table {
    fn name(&self) -> &'static str {
        if self.graph { "pgvector-hnsw" } else { "pgvector" }
    }

    fn is_approximate(&self) -> bool {
        self.graph
    }

    fn search(&self, position: LogPosition) -> Result<SharedSearch, Error> {
        Ok(Arc::new(TableSearch { table: self.clone(), at: position }))
    }

    /// It is kept up to date by every write.
    fn persist(&self) -> Option<PersistJob> {
        None
    }
}

/// The table, for searches that see the vectors of one position.
struct TableSearch {
    table: Table,
    at: LogPosition,
}

/// What the server said to one question.
struct Said {
    /// The best row of each entry, best first.
    found: Vec<Neighbor>,
    rows: usize,
    /// The least product in half precision.
    least: f64,
}

/// The conditions of a search, as lists.
struct Lists {
    roles: Option<Vec<i64>>,
    entries: Option<Vec<i64>>,
    exclude: Option<Vec<i64>>,
}

impl Lists {
    fn new(options: &SearchOptions<'_>) -> Self {
        let roles = (0..Key::ROLES).filter(|&role| options.roles.contains(role)).map(i64::from).collect();
        Self {
            roles: (options.roles != Roles::ALL).then_some(roles),
            entries: options.entries.map(|entries| entries.iter().collect()),
            exclude: options.exclude.filter(|set| !set.is_empty()).map(|set| set.iter().collect()),
        }
    }

    /// Whether they admit no row at all.
    fn is_empty(&self) -> bool {
        self.roles.as_ref().is_some_and(Vec::is_empty) || self.entries.as_ref().is_some_and(Vec::is_empty)
    }

    fn has_few(&self) -> bool {
        self.entries.as_ref().is_some_and(|entries| entries.len() <= FEW_ENTRIES)
    }
}

impl VectorSearch for TableSearch {
    fn dimensions(&self) -> usize {
        self.table.space.dimensions
    }

    fn len(&self) -> usize {
        usize::try_from(self.table.state.rows).unwrap_or(usize::MAX)
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, IndexError> {
        // An empty index checks the input as every other index does.
        FlatIndex::new(self.dimensions())?.search(query, options)?;
        options.check_cancelled()?;
        let lists = Lists::new(options);
        if lists.is_empty() {
            return Ok(Vec::new());
        }
        if self.table.graph
            && !lists.has_few()
            && let Some(found) = self.by_graph(query, options, &lists)?
        {
            return Ok(found);
        }
        self.exactly(query, options, &lists)
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

impl TableSearch {
    /// What the graph finds; `None` if that is too little.
    fn by_graph(
        &self,
        query: &[f32],
        options: &SearchOptions<'_>,
        lists: &Lists,
    ) -> Result<Option<Vec<Neighbor>>, IndexError> {
        let rows = options.k.saturating_mul(OVERSAMPLING).max(40);
        if rows > MOST_ROWS {
            return Ok(None);
        }
        let mut said = self.ask(PushedAsk::NearestByGraph(rows), query, options, lists)?;
        if said.found.len() < options.k {
            return Ok(None);
        }
        options.truncate(&mut said.found);
        Ok(Some(said.found))
    }

    /// The nearest of all. The server orders by products in half precision; some more rows than asked for are compared exactly, and if a row
    /// beyond them could belong to the result, all that could.
    fn exactly(
        &self,
        query: &[f32],
        options: &SearchOptions<'_>,
        lists: &Lists,
    ) -> Result<Vec<Neighbor>, IndexError> {
        let error = product_error(self.dimensions());
        let mut rows = options.k.saturating_mul(2).saturating_add(32);
        while rows <= MOST_ROWS {
            let mut said = self.ask(PushedAsk::Nearest(rows), query, options, lists)?;
            let last = said.found.get(options.k - 1).map(|last| f64::from(last.similarity));
            let is_whole = said.rows < rows || last.is_some_and(|last| last > said.least + error);
            if !is_whole && let Some(last) = last {
                said = self.ask(PushedAsk::Within(last - error), query, options, lists)?;
            } else if !is_whole {
                // Many rows of few entries.
                rows *= 4;
                continue;
            }
            options.truncate(&mut said.found);
            return Ok(said.found);
        }
        RowScan::new(&self.table.file, &self.table.space, self.at, self.len()).search(query, options)
    }

    fn ask(
        &self,
        ask: PushedAsk,
        query: &[f32],
        options: &SearchOptions<'_>,
        lists: &Lists,
    ) -> Result<Said, IndexError> {
        let Table { file, space, state, .. } = &self.table;
        let search = PushedSearch {
            space,
            filled_to: state.position,
            at: self.at,
            query,
            ask,
            roles: lists.roles.as_deref(),
            entries: lists.entries.as_deref(),
            exclude: lists.exclude.as_deref(),
            cancel: options.cancel,
        };
        let (mut found, mut missing) = (Vec::new(), None);
        let rows = pushed(file)?.search_pushed(&search, &mut |batch| {
            missing = batch.unusable.first().copied();
            found.extend(compared(query, batch));
            // Of rows without end, only those that stay.
            keep_best(&mut found, options);
            if missing.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match rows.map_err(from_store)? {
            PushedRows::Found { rows, least } => match missing {
                Some(key) => Err(IndexError::MissingRow { key: Key::new(key.entry, key.role, key.chunk) }),
                None => Ok(Said { found, rows, least }),
            },
            PushedRows::Outdated => Err(stale()),
            PushedRows::Missing => {
                let detail = "expected the table of pgvector as it was filled, it is not".to_owned();
                let error = IndexError::Corrupt { detail };
                file.mark_damaged(state.position, &error);
                Err(error)
            }
        }
    }
}

fn compared<'a>(query: &'a [f32], batch: &'a VectorBatch) -> impl Iterator<Item = Neighbor> + 'a {
    let rows = batch.rows.chunks_exact(batch.dimensions);
    batch.keys.iter().zip(rows).map(|(key, row)| Neighbor {
        key: Key::new(key.entry, key.role, key.chunk),
        similarity: similarity(query, row),
    })
}

fn pushed(file: &IndexFile) -> Result<&dyn PushedVectors, IndexError> {
    let detail = || "expected a store on a server, which a table of pgvector is kept on".to_owned();
    file.store.pushed_vectors().ok_or_else(|| IndexError::Corrupt { detail: detail() })
}

fn from_store(error: CoreError) -> IndexError {
    match error {
        CoreError::Interrupted => IndexError::Cancelled,
        other => IndexError::from_source(other),
    }
}

/// How far the server's product of two unit vectors, in half precision and added in `f32`, may be from their similarity.
///
/// Rounding to half precision changes a component by 2⁻¹¹ of it, or by 2⁻²⁵ where it is very small, so a vector by no more than
/// e = 2⁻¹¹‖x‖ + √n 2⁻²⁵. The products of such components are exact in `f32`, and adding n of them in any order is within γ = nu/(1 − nu),
/// u = 2⁻²⁴, of the product of the norms (Higham, *Accuracy and Stability of Numerical Algorithms*, §3.1).
fn product_error(dimensions: usize) -> f64 {
    let u = f64::from(f32::EPSILON) / 2.0;
    let nu = (dimensions + 8) as f64 * u;
    let norm = 1.0 + UNIT_TOLERANCE;
    let rounding = norm / 2048.0 + (dimensions as f64).sqrt() * u / 2.0;
    // The last term is the rounding of the similarity itself.
    2.0 * rounding * norm + rounding * rounding + nu / (1.0 - nu) * (norm + rounding).powi(2) + 2.0 * u
}

/// The table on the server.
pub(crate) struct PersistedOnServer {
    pub(crate) graph: bool,
}

impl Persistence for PersistedOnServer {
    fn distrust(&self, file: &IndexFile, space: &Space) -> Result<(), Error> {
        file.distrust(space, PUSHED_KIND)
    }

    /// Waits while another process makes the table.
    fn reset(&self, file: &IndexFile, cancel: Option<&CancelToken>) -> Result<(), Error> {
        let mut tx = file.store.write()?;
        tx.drop_all_index_blocks()?;
        tx.commit()?;
        // Once more where a change of model, or a long absence from the log, was in the way.
        for _ in 0..2 {
            let flag = cancel.map(CancelToken::shared_flag);
            if pushed(file)?.build_pushed(self.graph, true, flag)? {
                file.forget_damage();
                return Ok(());
            }
        }
        match file.store.read()?.active_space()? {
            None => Ok(()),
            Some(_) => Err(CoreError::Busy { detail: "the table of pgvector".to_owned() }.into()),
        }
    }

    /// Brings the table up to date if enough has changed, and makes it when it is not there or not to be trusted, unless that takes long.
    fn check(&self, file: &IndexFile) -> Result<Renewal, Error> {
        let tx = file.store.read()?;
        let now = tx.position()?;
        let not_before = |number| Ok(Renewal::NotBefore(LogPosition::new(now.incarnation(), number)));
        let Some(space) = tx.active_space()? else { return not_before(now.number() + 1) };
        let state = PushedState::read(&*tx, space.id)?
            .filter(|state| !file.is_damaged_at(state.position) && (state.graph || !self.graph));
        if let Some(state) = state {
            let due = state.position.number() + MAX_WAITING;
            if now.number() < due {
                return not_before(due);
            }
            if let Changes::Entries { entries, .. } = tx.changes_since(state.position)?
                && entries.len() <= MOST_UNASKED
            {
                drop(tx);
                let followed = left_to_others(pushed(file)?.follow_pushed(&space, state.position));
                let Some(followed) = followed? else { return not_before(now.number() + RETRY_AFTER) };
                return if followed { Ok(Renewal::Done) } else { not_before(now.number() + 1) };
            }
        }
        if tx.has_more_vectors_than(space.id, MOST_UNASKED)? {
            return not_before(now.number() + RETRY_AFTER);
        }
        drop(tx);
        match left_to_others(pushed(file)?.build_pushed(self.graph, false, None))? {
            None => return not_before(now.number() + RETRY_AFTER),
            Some(false) => return not_before(now.number() + 1),
            Some(true) => {}
        }
        file.forget_damage();
        Ok(Renewal::Done)
    }
}

/// `None`: this process may not do it, or the server no longer can. Others may.
fn left_to_others(done: Result<bool, CoreError>) -> Result<Option<bool>, CoreError> {
    match done {
        Err(error) if matches!(error.kind(), ErrorKind::ReadOnly | ErrorKind::Unsupported) => Ok(None),
        done => done.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_product_covers_both_roundings_and_the_sum() {
        // Rounding both vectors alone may make 2⁻¹⁰.
        assert!(product_error(1) > 1.0 / 1024.0);
        assert!(product_error(384) < 1.1e-3);
        assert!(product_error(16_000) < 2.2e-3 && product_error(16_000) > 1.9e-3);
    }
}
