//! Many new entries at once: they go in by `COPY`, with all that triggers would have written for them.
//!
//! For the few rows of an ordinary write triggers cost little. Of a large batch they take more time than the rows: marks are set and taken
//! back, and each entry has its place in the log twice. So the library tells the server which new entries it brings whole
//! (`schema/whole.sql`), and writes their tags, marks and places in the log itself. All tables are the same afterwards, but for the numbers of the
//! log: an entry takes one, whatever vectors it has.
//!
//! What can be refused is looked at before the first row goes in, but for two vectors of one entry with the same key. What fails after that fails on
//! the server, which undoes all of it.

use std::collections::hash_map::Entry::Vacant;
use std::collections::{BTreeSet, HashMap, HashSet};

use rekall_core::engine::{NewWords, check_vector, entry_id, vector_bytes};
use rekall_core::store::ReadSpaces;
use rekall_core::{Draft, Entry, EntryId, Error, Inserted, SpaceId, SpaceState};

use super::entries::json;
use super::tx::{Tx, column};
use super::values::{int, limit, texts};
use crate::client::{CopyRows, Statement};

/// From so many entries on. Fewer go in faster through the triggers where the way to the server is long: each table takes three round trips.
pub(super) const MANY: usize = 1_000;

/// Bytes of rows that are written with one statement, and a last entry. The server holds as many for its triggers.
const BYTES_AT_ONCE: usize = 8 << 20;

/// Bytes that are handed on together: two of these parts are under way while the next one is made.
const BYTES_OF_A_PART: usize = 1 << 20;

/// Entries whose words are read in one step, while the server is busy: a millisecond or two.
const WORDS_OF_A_STEP: usize = 32;

/// What the server may hold in memory of a statement's rows: more than [`BYTES_AT_ONCE`], or it writes them to a file for nobody.
const ROOM: &str =
    "SELECT set_config('work_mem', '24MB', true) WHERE pg_size_bytes(current_setting('work_mem')) < 25165824";

/// How large batches may be written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ways {
    /// Nobody else has a say in what becomes of a new entry's text.
    pub(super) ours_alone: bool,
    /// The server takes rows by `COPY`: no policy is in force for this user, who may give numbers, and nobody has left a statement in the session
    /// by a name that this one may get.
    pub(super) copies: bool,
}

/// Asks for [`Ways`].
const WAYS: &str = "WITH written AS (SELECT oid, relhasrules FROM pg_catalog.pg_class WHERE oid IN ('entry'::regclass,
        'embedding'::regclass, 'tag'::regclass, 'change'::regclass, 'pending'::regclass, 'word_pending'::regclass))
    SELECT NOT EXISTS (SELECT FROM written WHERE relhasrules)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger JOIN written ON written.oid = tgrelid
            WHERE NOT tgisinternal AND tgname NOT IN ('take_turn', 'entry_inserted', 'entry_id_fixed', 'entry_text_changed',
                'entry_updated', 'entry_deleted', 'entry_truncated', 'embedding_inserted', 'embedding_updated', 'embedding_deleted',
                'embedding_truncated')),
        NOT EXISTS (SELECT FROM written WHERE row_security_active(oid))
            AND coalesce(has_sequence_privilege(pg_get_serial_sequence('entry', 'id'), 'USAGE'), false)
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_prepared_statements WHERE name ~ '^s[0-9]+$')";

const ENTRY: &str = "COPY entry (id, ulid, title, content, kind, project, tags, status, confidence, memory_type, context, metadata,
    legacy, created_at, updated_at, expires_at, valid_from, valid_to) FROM STDIN (FORMAT binary)";
const TAG: &str = "COPY tag (tag, entry_id) FROM STDIN (FORMAT binary)";
const WORD_PENDING: &str = "COPY word_pending (entry_id, characters) FROM STDIN (FORMAT binary)";
const PENDING: &str = "COPY pending (entry_id) FROM STDIN (FORMAT binary)";
const CHANGE: &str = "COPY change (entry_id) FROM STDIN (FORMAT binary)";
const EMBEDDING: &str = "COPY embedding (entry_id, space_id, role, chunk, start, \"end\", digest, vector) FROM STDIN (FORMAT binary)";

/// What copying takes, before it begins: who has to wait for another program's lock fails in a statement like others, whose connection can be
/// used again.
const LOCK: &str = "LOCK TABLE entry, tag, word_pending, pending, change, embedding IN ROW EXCLUSIVE MODE";

/// How soon the server notices that the writer's machine is gone: after two minutes. Its limit for silence does not count while rows go in, and
/// all other writers wait.
const KEEPALIVES: &str =
    "SELECT set_config('tcp_keepalives_idle', '60', true), set_config('tcp_keepalives_interval', '15', true),
    set_config('tcp_keepalives_count', '4', true)";

/// A new entry, to be written whole.
struct New<'d> {
    entry: &'d Entry,
    draft: &'d Draft<'d>,
    /// Its number in the tables.
    stored: i64,
    /// Its row number.
    row: i64,
    tags: String,
    metadata: String,
    context: Option<String>,
    legacy: Option<String>,
    /// Whether it waits for vectors.
    waits: bool,
}

impl<'d> New<'d> {
    fn of(entry: &'d Entry, draft: &'d Draft<'d>, waits: bool) -> Result<Self, Error> {
        Ok(Self {
            entry,
            draft,
            stored: 0,
            row: 0,
            tags: json(&entry.tags)?,
            metadata: json(&entry.metadata)?,
            context: entry.context.as_ref().map(json).transpose()?,
            legacy: entry.legacy.as_ref().map(json).transpose()?,
            waits,
        })
    }

    fn write_entry(&self, rows: &mut CopyRows) {
        let Self { entry, stored, .. } = self;
        rows.row(18)
            .int(*stored)
            .text(&entry.id.to_string())
            .text(&entry.title)
            .text(&entry.content)
            .text(&entry.kind);
        rows.optional_text(entry.project.as_deref()).text(&self.tags).text(entry.status.name());
        rows.int(entry.confidence.into()).text(&entry.memory_type).optional_text(self.context.as_deref());
        rows.text(&self.metadata).optional_text(self.legacy.as_deref());
        rows.int(entry.created_at).int(entry.updated_at).optional_int(entry.expires_at);
        rows.optional_int(entry.valid_from).optional_int(entry.valid_to);
    }

    fn write_tags(&self, rows: &mut CopyRows) {
        for tag in self.entry.tags.iter().map(String::as_str).collect::<BTreeSet<&str>>() {
            rows.row(2).text(tag).int(self.stored);
        }
    }

    fn write_word_pending(&self, rows: &mut CopyRows) {
        let Self { entry, tags, context, .. } = self;
        let texts = [&entry.title, &entry.content, tags].into_iter().chain(context);
        let characters: usize = texts.map(|text| text.chars().count()).sum();
        rows.row(2).int(self.stored).int(limit(characters));
    }

    fn write_number(&self, rows: &mut CopyRows) {
        rows.row(1).int(self.stored);
    }

    fn write_pending(&self, rows: &mut CopyRows) {
        if self.waits {
            self.write_number(rows);
        }
    }
}

/// Words that are read while the server is busy.
struct Reading<'n, 'd> {
    words: NewWords,
    left: &'n [New<'d>],
}

impl Reading<'_, '_> {
    /// Reads those of some entries; whether some were left.
    fn step(&mut self) -> bool {
        let (now, left) = self.left.split_at(WORDS_OF_A_STEP.min(self.left.len()));
        self.left = left;
        for New { entry, row, tags, context, .. } in now {
            self.words.add(*row, &entry.title, &entry.content, tags, context.as_deref());
        }
        !now.is_empty()
    }

    /// Reads all that are left.
    fn finish(mut self) -> NewWords {
        while self.step() {}
        self.words.finish();
        self.words
    }
}

impl Tx<'_> {
    pub(super) fn ways(&self) -> Result<Ways, Error> {
        let row = self.query_one(WAYS, &[])?;
        Ok(Ways { ours_alone: column(&row, 0)?, copies: column(&row, 1)? })
    }

    /// Writes entries with their vectors and all that follows from both; `None`: their numbers have gaps, so that they have to go another
    /// way. Nothing was written then, and neither after an error that is not the server's.
    pub(super) fn insert_whole(
        &self,
        drafts: &[Draft<'_>],
        entries: &[Entry],
    ) -> Result<Option<Vec<Inserted>>, Error> {
        self.check_ids(drafts, entries)?;
        let active = self.check_vectors(drafts)?;
        let mut new = entries
            .iter()
            .zip(drafts)
            .map(|(entry, draft)| {
                let waits = !draft.vectors.iter().any(|vector| active.contains(&vector.space));
                New::of(entry, draft, waits)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let Some(first) = self.numbers_for(new.len())? else { return Ok(None) };
        for (new, row) in new.iter_mut().zip(first..) {
            (new.row, new.stored) = (row, self.scope().stored(row));
        }
        let (Some(first), Some(last)) = (new.first(), new.last()) else { return Ok(None) };
        self.say_whole(first.stored, last.stored)?;
        let mut reading = Reading { words: NewWords::new(), left: &new };
        self.copy(ENTRY, &new, New::write_entry, &mut reading)?;
        if new.iter().any(|new| !new.entry.tags.is_empty()) {
            self.copy(TAG, &new, New::write_tags, &mut reading)?;
        }
        self.copy(WORD_PENDING, &new, New::write_word_pending, &mut reading)?;
        if new.iter().any(|new| new.waits) {
            self.copy(PENDING, &new, New::write_pending, &mut reading)?;
        }
        self.copy(CHANGE, &new, New::write_number, &mut reading)?;
        if new.iter().any(|new| !new.draft.vectors.is_empty()) {
            let write_vectors = |new: &New<'_>, rows: &mut CopyRows| self.write_vectors(new, rows);
            self.copy(EMBEDDING, &new, write_vectors, &mut reading)?;
        }
        self.execute("SELECT set_config('rekall.whole', '', true)", &[])?;
        self.keep_words(reading.finish());
        Ok(Some(new.iter().map(|new| Inserted { id: new.entry.id, row: new.row }).collect()))
    }

    /// Refuses an id that an entry has, and one that is given twice.
    fn check_ids(&self, drafts: &[Draft<'_>], entries: &[Entry]) -> Result<(), Error> {
        let given = drafts.iter().zip(entries).filter(|(draft, _)| matches!(draft.given_id(), Ok(Some(_))));
        let given: Vec<String> = given.map(|(_, entry)| entry.id.to_string()).collect();
        let mut known: HashSet<EntryId> = HashSet::with_capacity(entries.len());
        if !given.is_empty() {
            let sql =
                format!("SELECT ulid FROM entry WHERE ulid = ANY ($1) AND {}", self.scope().holds("id"));
            for row in self.query(&sql, &[texts(&given)])? {
                known.insert(entry_id(column(&row, 0)?)?);
            }
        }
        match entries.iter().find(|entry| !known.insert(entry.id)) {
            Some(entry) => Err(Error::DuplicateId { id: entry.id }),
            None => Ok(()),
        }
    }

    /// Refuses vectors that are not sound, and such of spaces that are not there; gives the spaces whose vectors entries wait for.
    fn check_vectors(&self, drafts: &[Draft<'_>]) -> Result<HashSet<SpaceId>, Error> {
        let mut spaces = HashMap::new();
        for new in drafts.iter().flat_map(|draft| draft.vectors) {
            if let Vacant(place) = spaces.entry(new.space) {
                place.insert(self.space(new.space)?);
            }
            check_vector(new.values, spaces[&new.space].dimensions)?;
        }
        let active = spaces.into_values().filter(|space| space.state == SpaceState::Active);
        Ok(active.map(|space| space.id).collect())
    }

    /// The first of so many row numbers that follow each other; `None`: those that were given have gaps.
    fn numbers_for(&self, count: usize) -> Result<Option<i64>, Error> {
        let count = limit(count);
        let row = match self.scope().number() {
            0 => {
                // The sequence is looked up once, and not for each number.
                let sql = "SELECT min(given), max(given) FROM (
                    SELECT nextval((SELECT pg_get_serial_sequence('entry', 'id')::regclass)) FROM generate_series(1, $1::bigint)
                ) AS numbers (given)";
                self.query_one(sql, &[int(&count)])?
            }
            scope => {
                let sql = "UPDATE scope SET entries = entries + $1 WHERE number = $2 RETURNING entries - $1 + 1, entries";
                self.query_one(sql, &[int(&count), int(&scope)])?
            }
        };
        let (first, last): (i64, i64) = (column(&row, 0)?, column(&row, 1)?);
        Ok((last - first == count - 1).then_some(first))
    }

    /// Says that these entries come whole. What was noted of their numbers before there were entries goes.
    fn say_whole(&self, first: i64, last: i64) -> Result<(), Error> {
        let range = [int(&first), int(&last)];
        let gone = ["change", "word_pending", "pending"]
            .map(|table| format!("DELETE FROM {table} WHERE entry_id BETWEEN $1 AND $2"));
        let whole = "SELECT set_config('rekall.whole', concat_ws(' ', pg_current_xact_id(), $1::bigint, $2::bigint), true)";
        let [change, words, vectors] = &gone;
        let statements: [Statement<'_>; 7] = [
            (KEEPALIVES, &[]),
            (LOCK, &[]),
            (change, &range),
            (words, &range),
            (vectors, &range),
            (ROOM, &[]),
            (whole, &range),
        ];
        self.returning_all(&statements).map(drop)
    }

    /// Copies what `write` makes of each entry.
    fn copy<'d>(
        &self,
        sql: &str,
        new: &[New<'d>],
        write: impl Fn(&New<'d>, &mut CopyRows),
        reading: &mut Reading<'_, '_>,
    ) -> Result<(), Error> {
        let mut left = new.iter().peekable();
        while left.peek().is_some() {
            let (mut bytes, mut ended) = (0, false);
            let next = || {
                if ended {
                    return None;
                }
                let capacity = BYTES_OF_A_PART + (BYTES_OF_A_PART >> 4);
                let mut rows = if bytes == 0 { CopyRows::first(capacity) } else { CopyRows::more(capacity) };
                while rows.len() < BYTES_OF_A_PART
                    && let Some(new) = left.next()
                {
                    write(new, &mut rows);
                }
                bytes += rows.len();
                ended = bytes >= BYTES_AT_ONCE || left.peek().is_none();
                if ended {
                    rows.end();
                }
                Some(rows)
            };
            self.copy_in(sql, next, || reading.step())?;
        }
        Ok(())
    }

    fn write_vectors(&self, new: &New<'_>, rows: &mut CopyRows) {
        for vector in new.draft.vectors {
            rows.row(8).int(new.stored).int(self.scope().stored_space(vector.space));
            rows.int(vector.role.number().into()).int(vector.chunk.into());
            rows.int(vector.start.into()).int(vector.end.into());
            rows.bytes(vector.digest.as_bytes()).bytes(&vector_bytes(vector.values));
        }
    }
}
