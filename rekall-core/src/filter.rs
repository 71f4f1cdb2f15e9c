//! Which entries a search may return.

use rusqlite::types::Value as SqlValue;
use serde_json::Value;

use crate::{EntryId, Error, Status};

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
    /// Top-level keys of the metadata with the value each must have. Not indexed: costs a look at each entry
    /// that passes the rest.
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

    /// Adds a metadata key and the value it must have.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.push((key.into(), value.into()));
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

    /// The condition in SQL over the table `entry`, and its parameters in order.
    pub(crate) fn compile(&self) -> Result<Compiled, Error> {
        let mut compiled = Compiled { condition: "1".to_owned(), parameters: Vec::new() };
        compiled.one_of("entry.kind", &self.kinds);
        compiled.one_of("entry.project", &self.projects);
        compiled.one_of("entry.memory_type", &self.memory_types);
        if !self.tags_any.is_empty() {
            compiled.and_list("entry.id IN (SELECT entry_id FROM tag WHERE tag IN ", &self.tags_any, ")");
        }
        for tag in &self.tags_all {
            compiled.and("entry.id IN (SELECT entry_id FROM tag WHERE tag = ?)", [tag.clone().into()]);
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
        for (key, value) in &self.metadata {
            // json_each names keys exactly, where a JSON path would read dots and quotes as syntax. The
            // value is compared as JSON text, so that 1 and "1" differ.
            let value = serde_json::to_string(value).unwrap_or_default();
            compiled.and(
                "EXISTS (SELECT 1 FROM json_each(entry.metadata) AS item WHERE item.key = ?
                     AND json_quote(CASE item.type WHEN 'true' THEN json('true') WHEN 'false' THEN json('false')
                         WHEN 'object' THEN json(item.value) WHEN 'array' THEN json(item.value)
                         ELSE item.value END) = json(?))",
                [key.clone().into(), value.into()],
            );
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

    /// The list travels as one JSON parameter: no limit on its length, and one statement text to cache.
    fn and_list(&mut self, before: &str, values: &[String], after: &str) {
        let list = serde_json::to_string(values).unwrap_or_default();
        self.and(&format!("{before}(SELECT value FROM json_each(?)){after}"), [list.into()]);
    }
}
