//! Which entries a search may return.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value as SqlValue;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{EntryId, Error, Status, json};

/// Conditions on entries, all of which must hold. One value serves search by meaning and by words alike.
///
/// By default only active entries pass.
///
/// ```
/// # use rekall_core::Filter;
/// let filter = Filter::new().project("shop").kind("bug").tag_all("payments").created_after(1_700_000_000_000);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Kinds, any of which passes; empty: all.
    pub kinds: Vec<String>,
    /// Projects, any of which passes; empty: all, and entries without a project.
    pub projects: Vec<String>,
    /// The entry has at least one of these tags; empty: no condition.
    pub tags_any: Vec<String>,
    /// The entry has each of these tags.
    pub tags_all: Vec<String>,
    /// Status; `None`: both. Default: active.
    pub status: Option<Status>,
    /// Memory types, any of which passes; empty: all.
    pub memory_types: Vec<String>,
    /// Made at this time or later (milliseconds since 1970, UTC).
    pub created_after: Option<i64>,
    /// Made before this time.
    pub created_before: Option<i64>,
    /// Changed at this time or later.
    pub updated_after: Option<i64>,
    /// Changed before this time.
    pub updated_before: Option<i64>,
    /// Top-level keys of the metadata with the value each must have; numbers are compared by their value, so that 1 is
    /// 1.0, and -0.0 is 0. Not indexed: costs a look at each entry that passes the rest.
    pub metadata: Vec<(String, Value)>,
    /// Only these entries; `None`: no condition.
    pub ids: Option<Vec<EntryId>>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            projects: Vec::new(),
            tags_any: Vec::new(),
            tags_all: Vec::new(),
            status: Some(Status::Active),
            memory_types: Vec::new(),
            created_after: None,
            created_before: None,
            updated_after: None,
            updated_before: None,
            metadata: Vec::new(),
            ids: None,
        }
    }
}

impl From<&Self> for Filter {
    fn from(filter: &Self) -> Self {
        filter.clone()
    }
}

impl Filter {
    /// Active entries, all of them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All entries, whatever their status.
    #[must_use]
    pub fn any_status(mut self) -> Self {
        self.status = None;
        self
    }

    /// Entries of this status only.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds a kind that passes.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kinds.push(kind.into());
        self
    }

    /// Adds a project that passes.
    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.projects.push(project.into());
        self
    }

    /// Adds a tag of which one must be there.
    #[must_use]
    pub fn tag_any(mut self, tag: impl Into<String>) -> Self {
        self.tags_any.push(tag.into());
        self
    }

    /// Adds a tag that must be there.
    #[must_use]
    pub fn tag_all(mut self, tag: impl Into<String>) -> Self {
        self.tags_all.push(tag.into());
        self
    }

    /// Adds a memory type that passes.
    #[must_use]
    pub fn memory_type(mut self, memory_type: impl Into<String>) -> Self {
        self.memory_types.push(memory_type.into());
        self
    }

    /// Made at this time or later (milliseconds since 1970, UTC).
    #[must_use]
    pub fn created_after(mut self, ms: i64) -> Self {
        self.created_after = Some(ms);
        self
    }

    /// Made before this time (milliseconds since 1970, UTC).
    #[must_use]
    pub fn created_before(mut self, ms: i64) -> Self {
        self.created_before = Some(ms);
        self
    }

    /// Changed at this time or later (milliseconds since 1970, UTC).
    #[must_use]
    pub fn updated_after(mut self, ms: i64) -> Self {
        self.updated_after = Some(ms);
        self
    }

    /// Changed before this time (milliseconds since 1970, UTC).
    #[must_use]
    pub fn updated_before(mut self, ms: i64) -> Self {
        self.updated_before = Some(ms);
        self
    }

    /// Adds a metadata key and the value it must have, nested at most
    /// [`limits::JSON_DEPTH`](crate::limits::JSON_DEPTH) levels.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.push((key.into(), json::cut(value.into())));
        self
    }

    /// Only these entries.
    #[must_use]
    pub fn ids(mut self, ids: impl IntoIterator<Item = EntryId>) -> Self {
        self.ids = Some(ids.into_iter().collect());
        self
    }

    /// Whether nothing but "active" is asked, which a search need not look up entry by entry.
    #[must_use]
    pub fn is_only_active(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every entry passes.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default().any_status()
    }

    /// Refuses what a search with this filter would refuse, before any work is done.
    ///
    /// # Errors
    /// [`Error::TooDeep`] for a value of the metadata, [`Error::TooLong`] for values or a list of more than
    /// [`limits::FILTER_BYTES`](crate::limits::FILTER_BYTES).
    pub fn validate(&self) -> Result<(), Error> {
        for (_, value) in &self.metadata {
            json::check_depth("a metadata value of the filter", value)?;
        }
        let lists = [
            ("kinds of the filter", &self.kinds),
            ("projects of the filter", &self.projects),
            ("tags_any of the filter", &self.tags_any),
            ("tags_all of the filter", &self.tags_all),
            ("memory_types of the filter", &self.memory_types),
        ];
        for (field, list) in lists {
            check_bytes(field, list.iter().map(String::len))?;
        }
        check_bytes("ids of the filter", self.ids.iter().flatten().map(|_| EntryId::TEXT_LEN))?;
        let conditions = self.metadata.iter().map(|(key, value)| key.len() + json::bytes_about(value));
        check_bytes("metadata of the filter", conditions)
    }

    /// The condition in SQL over the table `entry`, and its parameters in order.
    pub(crate) fn compile(&self) -> Result<Compiled, Error> {
        self.validate()?;
        let mut compiled = Compiled { condition: "1".to_owned(), parameters: Vec::new() };
        compiled.one_of("entry.kind", &self.kinds);
        compiled.one_of("entry.project", &self.projects);
        compiled.one_of("entry.memory_type", &self.memory_types);
        if !self.tags_any.is_empty() {
            compiled.and_list("entry.id IN (SELECT entry_id FROM tag WHERE tag IN ", &self.tags_any, ")");
        }
        if !self.tags_all.is_empty() {
            let tags: Vec<&String> = self.tags_all.iter().collect::<BTreeSet<_>>().into_iter().collect();
            let before = "entry.id IN (SELECT entry_id FROM tag WHERE tag IN ";
            compiled.and_list(before, &tags, " GROUP BY entry_id HAVING count(*) = ?)");
            compiled.parameters.push((tags.len() as i64).into());
        }
        match self.status {
            Some(Status::Active) => compiled.and("entry.status = 'active'", []),
            Some(Status::Obsolete) => compiled.and("entry.status <> 'active'", []),
            None => {}
        }
        let bounds = [
            ("entry.created_at >= ?", self.created_after),
            ("entry.created_at < ?", self.created_before),
            ("entry.updated_at >= ?", self.updated_after),
            ("entry.updated_at < ?", self.updated_before),
        ];
        for (condition, bound) in bounds {
            if let Some(bound) = bound {
                compiled.and(condition, [bound.into()]);
            }
        }
        if !self.metadata.is_empty() {
            let conditions = serde_json::to_string(&self.metadata).unwrap_or_default();
            compiled.and("rekall_has(entry.metadata, ?)", [conditions.into()]);
        }
        if let Some(ids) = &self.ids {
            let ids: Vec<String> = ids.iter().map(EntryId::to_string).collect();
            compiled.and_list("entry.ulid IN ", &ids, "");
        }
        Ok(compiled)
    }
}

/// A filter in SQL.
pub(crate) struct Compiled {
    pub(crate) condition: String,
    pub(crate) parameters: Vec<SqlValue>,
}

impl Compiled {
    fn and<const N: usize>(&mut self, condition: &str, parameters: [SqlValue; N]) {
        self.condition.push_str(" AND ");
        self.condition.push_str(condition);
        self.parameters.extend(parameters);
    }

    fn one_of(&mut self, column: &str, values: &[String]) {
        if !values.is_empty() {
            self.and_list(&format!("{column} IN "), values, "");
        }
    }

    /// The list travels as one JSON parameter: SQLite bounds the number of parameters and the depth of expressions, and
    /// there is one statement text to cache.
    fn and_list(&mut self, before: &str, values: &[impl Serialize], after: &str) {
        let list = serde_json::to_string(values).unwrap_or_default();
        self.and(&format!("{before}(SELECT value FROM json_each(?)){after}"), [list.into()]);
    }
}

fn check_bytes(field: &'static str, lengths: impl Iterator<Item = usize>) -> Result<(), Error> {
    let got = lengths.fold(0_usize, |sum, length| sum.saturating_add(length));
    let limit = crate::limits::FILTER_BYTES;
    if got > limit { Err(Error::TooLong { field, limit, got, unit: "bytes" }) } else { Ok(()) }
}

/// Gives a connection the function `rekall_has(metadata, conditions)`: whether an entry's metadata meets all conditions,
/// a JSON array of keys and values. SQLite's own functions know numbers by their spelling, or round them.
///
/// Metadata that cannot be read may hold anything: it passes, so that whoever reads the entry next says that it cannot.
pub(crate) fn install(connection: &Connection) -> Result<(), Error> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("rekall_has", 2, flags, |context| {
        let conditions = context.get_or_create_aux(1, |list| {
            json::read::<Vec<(String, Value)>>(list.as_str()?)
                .map_err(Box::<dyn std::error::Error + Send + Sync>::from)
        })?;
        let metadata = context.get_raw(0).as_str().map(json::read::<Map<String, Value>>);
        let Ok(Ok(metadata)) = metadata else { return Ok(true) };
        Ok(conditions
            .iter()
            .all(|(key, value)| metadata.get(key).is_some_and(|held| json::same(held, value))))
    })?;
    Ok(())
}
