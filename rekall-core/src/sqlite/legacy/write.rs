//! Writing what was read: one transaction, entries in the order of their ids.

use crate::sqlite::SqliteWriteTx;
use crate::store::ReadEntries;
use crate::store::ReadSpaces;
use crate::store::Store;
use crate::store::WritePending;
use crate::store::WriteSpaces;
use crate::store::WriteVectors;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::Ordering;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};
use serde_json::{Value, json};

use super::entry::{Converted, Converter};
use super::probe::{self, Layout};
use super::read::{self, Attached, KNOWN_TABLES, LegacyLink, Planned};
use super::report::{ImportedSpace, LegacyImportReport, Notes, Quarantined};
use super::source::Source;
use super::time::Zone;
use super::unmapped_rows::UnmappedRows;
use super::vectors::{self, Group, Survey, Surveyed};
use super::{LegacyFile, LegacyImportOptions};
use crate::{EntryId, Error, NewVector, Role, Space, SpaceState, SqliteStore, TextDigest, vector};

/// Brings everything in `source` into `store`.
pub(super) fn import(
    store: &SqliteStore,
    source: &Source,
    mut options: LegacyImportOptions<'_>,
) -> Result<LegacyImportReport, Error> {
    let connection = &source.connection;
    let located = |error: Error| error.at_path(source.path());
    let (file, layout) = probe::examine(connection, source.path()).map_err(located)?;
    probe::check_tables(connection, &layout).map_err(located)?;

    let mut zone = Zone::new(options.checked_offset()?);
    let planned = read::plan(connection, &mut zone).map_err(located)?;
    let known: HashMap<&str, usize> =
        planned.iter().enumerate().filter_map(|(at, entry)| Some((entry.old_id.as_deref()?, at))).collect();
    let attached = read::attached(connection, &layout, &known, &mut zone).map_err(located)?;
    options.go_on()?;
    let survey = vectors::survey(connection, &layout, &known, &mut zone).map_err(located)?;
    zone.settle();

    let mut tx = store.begin_write()?;
    let existing: HashSet<EntryId> = existing(&tx, &planned)?;
    let mut import = Import {
        connection,
        file: &file,
        layout: &layout,
        planned: &planned,
        known: &known,
        existing: &existing,
        zone: &zone,
        found_at: store.now_ms(),
        report: LegacyImportReport::new(&file),
        notes: Notes::default(),
    };
    import.run(&mut tx, attached, survey, &mut options)?;
    let mut report = import.report;
    report.notes = import.notes.into_sentences();
    options.go_on()?;
    source.unchanged()?;
    tx.finish()?;
    Ok(report)
}

/// Those of the planned entries that the store has already.
fn existing(tx: &SqliteWriteTx<'_>, planned: &[Planned]) -> Result<HashSet<EntryId>, Error> {
    let mut statement = tx.connection.prepare("SELECT 1 FROM entry WHERE ulid = ?1")?;
    let mut existing = HashSet::new();
    for entry in planned {
        if statement.exists([entry.id.to_string()])? {
            existing.insert(entry.id);
        }
    }
    Ok(existing)
}

struct Import<'a> {
    connection: &'a Connection,
    file: &'a LegacyFile,
    layout: &'a Layout,
    planned: &'a [Planned],
    known: &'a HashMap<&'a str, usize>,
    existing: &'a HashSet<EntryId>,
    zone: &'a Zone,
    found_at: i64,
    report: LegacyImportReport,
    notes: Notes,
}

impl<'a> Import<'a> {
    fn run(
        &mut self,
        tx: &mut SqliteWriteTx<'_>,
        mut attached: Attached,
        mut survey: Survey,
        options: &mut LegacyImportOptions<'_>,
    ) -> Result<(), Error> {
        let links = std::mem::take(&mut attached.links);
        let mut loose = std::mem::take(&mut attached.loose);
        loose.append(&mut survey.loose);
        let mut starting: HashMap<&str, Vec<&LegacyLink>> = HashMap::new();
        for link in &links {
            starting.entry(&link.source).or_default().push(link);
        }

        let spaces = self.spaces(tx, &survey)?;
        self.entries(tx, &mut attached, &mut survey, &starting, &spaces, options)?;
        self.links(tx, &links, &mut loose)?;
        self.carry(tx, &loose)?;
        for table in &self.layout.virtual_tables {
            self.notes.add("virtual tables, which cannot be read without the module that made them", table);
        }
        if self.file.user_version != self.file.schema {
            let said = format!("{}, found {}", self.file.user_version, self.file.schema);
            self.notes.add("the header names another schema than the tables show", said);
        }
        Ok(())
    }

    /// The space of each group that a new entry has a vector in. The largest becomes the active one, if the
    /// store has none.
    fn spaces(
        &mut self,
        tx: &mut SqliteWriteTx<'_>,
        survey: &Survey,
    ) -> Result<HashMap<Group, (Space, usize)>, Error> {
        let groups = survey.groups(|place| !self.existing.contains(&self.planned[place].id));
        let mut by_size: Vec<_> = groups.into_iter().collect();
        by_size.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let mut spaces = HashMap::new();
        for (group, _) in by_size {
            let active = tx.active_space()?;
            let known = tx.spaces()?.into_iter().find(|space| {
                space.fingerprint == group.0
                    && space.dimensions == group.1
                    && space.state != SpaceState::Building
            });
            let state = if active.is_some() { SpaceState::Retired } else { SpaceState::Active };
            let space = match known {
                Some(space) if state == SpaceState::Active => {
                    tx.activate_space(space.id)?;
                    Space { state, ..space }
                }
                Some(space) => space,
                None => tx.add_space(&group.0, group.1, state)?,
            };
            self.report.spaces.push(ImportedSpace::new(group.0.clone(), group.1, 0, space.state));
            spaces.insert(group, (space, spaces.len()));
        }
        Ok(spaces)
    }

    fn entries(
        &mut self,
        tx: &mut SqliteWriteTx<'_>,
        attached: &mut Attached,
        survey: &mut Survey,
        links: &HashMap<&str, Vec<&LegacyLink>>,
        spaces: &HashMap<Group, (Space, usize)>,
        options: &mut LegacyImportOptions<'_>,
    ) -> Result<(), Error> {
        let mut rows = read::Entries::new(self.connection)?;
        let mut blobs = self.blobs()?;
        let mut superseded = Vec::new();
        let total = self.planned.len() as u64;
        for (place, planned) in self.planned.iter().enumerate() {
            options.go_on()?;
            let vectors = survey.by_entry.remove(&place).unwrap_or_default();
            if self.existing.contains(&planned.id) {
                self.report.existing += 1;
            } else {
                let fields = rows.fetch(planned.rowid)?;
                let (known, planned_all) = (self.known, self.planned);
                // An entry of the file, or one in the store.
                let resolve = |old: &str| match known.get(old) {
                    Some(&place) => Some(planned_all[place].id),
                    None => EntryId::in_any_case(old).filter(|id| tx.row_of(*id).is_ok()),
                };
                let converter = Converter {
                    file: self.file,
                    zone: self.zone,
                    has_keywords: self.layout.has("context_keywords"),
                    resolve: &resolve,
                };
                let starting =
                    planned.old_id.as_deref().and_then(|id| links.get(id)).map_or(&[][..], Vec::as_slice);
                let converted = converter.convert(fields, planned, attached, starting, &mut self.notes);
                let newer = converted.entry.superseded_by;
                let row = self.entry(tx, converted, vectors, blobs.as_mut(), spaces)?;
                superseded.extend(newer.map(|newer| (row, newer)));
            }
            options.report(place as u64 + 1, total);
        }
        // Only now are all there that may be named.
        let mut statement = tx.connection.prepare(
            "UPDATE entry SET superseded_by = (SELECT id FROM entry AS newer WHERE newer.ulid = ?2)
             WHERE id = ?1 AND superseded_by IS NULL",
        )?;
        for (row, newer) in superseded {
            statement.execute((row, newer.to_string()))?;
        }
        Ok(())
    }

    /// Writes one entry with its vectors.
    fn entry(
        &mut self,
        tx: &mut SqliteWriteTx<'_>,
        converted: Converted,
        surveyed: Vec<Surveyed>,
        blobs: Option<&mut Statement<'_>>,
        spaces: &HashMap<Group, (Space, usize)>,
    ) -> Result<i64, Error> {
        let Converted { mut entry, mut kept, created, updated } = converted;
        let mut fit: Vec<(Role, &(Space, usize), Vec<f32>)> = Vec::new();
        let mut unfit = Vec::new();
        let mut described = Vec::new();
        if let Some(blobs) = blobs {
            for vector in surveyed {
                let bytes: Option<Vec<u8>> = blobs.query_row([vector.rowid], |row| {
                    Ok(match row.get_ref(0)? {
                        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Some(bytes.to_owned()),
                        _ => None,
                    })
                })?;
                let mut row = vector.row;
                match (vector.verdict, vector.role) {
                    (Ok(group), Some(role)) => {
                        let space = spaces.get(&group).ok_or_else(|| torn(vector.rowid))?;
                        let mut values = Vec::with_capacity(group.1);
                        vector::decode(&bytes.unwrap_or_default(), group.1, &mut values)
                            .ok_or_else(|| torn(vector.rowid))?;
                        if let Some(norm) = vectors::unit(&mut values).map_err(|_| torn(vector.rowid))? {
                            self.report.normalized += 1;
                            row["norm"] = json!(norm);
                        }
                        if updated.zip(vector.created).is_some_and(|(entry, made)| entry.micros > made.micros)
                        {
                            self.report.possibly_stale += 1;
                            row["possibly_stale"] = json!(true);
                        }
                        fit.push((role, space, values));
                    }
                    (verdict, role) => {
                        let reason = verdict.err().unwrap_or_else(|| "no role".to_owned());
                        row["quarantined"] = json!(reason);
                        unfit.push((role, reason, bytes));
                    }
                }
                described.push(row);
            }
        }
        if !described.is_empty() {
            kept.insert("embeddings".to_owned(), Value::Array(described));
        }
        entry.legacy = Some(Value::Object(kept));

        let row = tx.insert_row(&entry)?;
        self.report.entries += 1;
        self.report.tags += entry.tags.len() as u64;
        *self.report.time_sources.entry(created.source).or_default() += 1;
        *self.report.utc_offsets.entry(created.offset_minutes).or_default() += 1;
        let digest = TextDigest::unknown();
        let mut new = Vec::with_capacity(fit.len());
        for (role, (space, at), values) in &fit {
            new.push(NewVector { space: space.id, role: *role, chunk: 0, start: 0, end: 0, digest, values });
            self.report.vectors += 1;
            self.report.spaces[*at].vectors += 1;
        }
        tx.insert_vectors(row, &new)?;
        // Vectors in a space that is not searched do not make an entry found by meaning.
        let searched = fit.iter().any(|(_, (_, at), _)| self.report.spaces[*at].active);
        if !searched || !unfit.is_empty() {
            tx.mark_pending(row)?;
            self.report.pending += 1;
        }
        for (role, reason, bytes) in unfit {
            tx.connection
                .prepare_cached(
                    "INSERT INTO quarantine (entry_id, role, chunk, reason, vector, found_at)
                     VALUES (?1, ?2, 0, ?3, ?4, ?5)",
                )?
                .execute((row, role.map(Role::number), &reason, bytes, self.found_at))?;
            self.report.quarantined += 1;
            self.report.quarantine_reasons.push(Quarantined { entry: entry.id, role, reason });
        }
        Ok(row)
    }

    fn blobs(&self) -> Result<Option<Statement<'a>>, Error> {
        if !self.layout.has("embeddings") {
            return Ok(None);
        }
        Ok(Some(self.connection.prepare("SELECT vector FROM embeddings NOT INDEXED WHERE rowid = ?1")?))
    }

    /// Links both of whose ends are in the store now. One that starts at an entry that was there before has
    /// nowhere to keep its own id and time, so its row is carried besides.
    fn links(
        &mut self,
        tx: &SqliteWriteTx<'_>,
        links: &[LegacyLink],
        loose: &mut Vec<(&'static str, Value)>,
    ) -> Result<(), Error> {
        let mut insert = tx.connection.prepare(
            "INSERT INTO link (source_id, target_id, relation, reason, created_at)
             SELECT source.id, target.id, ?3, ?4, ?5 FROM entry AS source, entry AS target
             WHERE source.ulid = ?1 AND target.ulid = ?2 AND source.id <> target.id
             ON CONFLICT DO NOTHING",
        )?;
        for link in links {
            let end = |old: &str| self.known.get(old).map(|&place| self.planned[place].id);
            let (Some(source), Some(target)) = (end(&link.source), end(&link.target)) else { continue };
            let created_at = match link.created {
                Some(created) => self.zone.resolve(created, link.id.as_deref()).utc_ms,
                None => i64::try_from(source.timestamp_ms()).unwrap_or(0),
            };
            let written = insert.execute((
                source.to_string(),
                target.to_string(),
                &link.relation,
                &link.reason,
                created_at,
            ))?;
            self.report.links += written as u64;
            if written > 0 && self.existing.contains(&source) {
                loose.push(("links", Value::Object(link.row.clone())));
            }
        }
        Ok(())
    }

    /// Everything else in the file.
    fn carry(&mut self, tx: &SqliteWriteTx<'_>, loose: &[(&'static str, Value)]) -> Result<(), Error> {
        let mut unmapped = UnmappedRows::new(&tx.connection);
        for (table, row) in loose {
            unmapped.put(table, row)?;
        }
        let mut tables = BTreeMap::new();
        for (table, columns) in &self.layout.tables {
            let rows = if KNOWN_TABLES.contains(&table.as_str()) {
                probe::count(self.connection, table)?
            } else {
                read::each_row(self.connection, table, |fields| unmapped.put(table, &fields.into_json()))?
            };
            tables.insert(table, json!({ "columns": columns, "rows": rows }));
        }
        let name = self.file.path.file_name().unwrap_or_default().to_string_lossy();
        let LegacyFile { schema, variant, user_version, .. } = self.file;
        unmapped.put(
            "file",
            &json!({ "name": name, "schema": schema, "variant": variant, "user_version": user_version,
                "tables": tables }),
        )?;
        for table in ["tags", "context_keywords", "entry_sources", "links", "embeddings"] {
            if let Some(rows) = unmapped.written.get(table) {
                self.notes.add(
                    "rows that hang on no entry or have no place, kept in `meta`",
                    format!("{rows} of {table}"),
                );
            }
        }
        unmapped.written.remove("file");
        self.report.unmapped_rows = unmapped.written;
        Ok(())
    }
}

/// A vector that was fit a moment ago is no longer.
fn torn(rowid: i64) -> Error {
    Error::Busy { detail: format!("row {rowid} of embeddings changed while it was read") }
}

impl LegacyImportOptions<'_> {
    fn go_on(&self) -> Result<(), Error> {
        match self.cancel {
            Some(cancel) if cancel.load(Ordering::Relaxed) => Err(Error::Interrupted),
            _ => Ok(()),
        }
    }

    fn report(&mut self, done: u64, total: u64) {
        if let Some(progress) = &mut self.progress {
            progress(done, total);
        }
    }
}
