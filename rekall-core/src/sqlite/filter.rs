//! A filter as a condition in SQL. Every value travels as a bound parameter.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value as SqlValue;
use serde::Serialize;
use serde_json::{Map, Value};

use super::reach::Reach;
use crate::source::prefix;
use crate::{EntryId, Error, Filter, MetadataCondition, Status, json};

impl Filter {
    /// The condition in SQL over the table `entry`, and its parameters in order: of the entries within reach. What has expired by
    /// `now_ms` does not pass unless asked for.
    pub(crate) fn compile(&self, now_ms: i64, reach: Reach, led: Led) -> Result<Compiled, Error> {
        self.validate()?;
        // Within a scope the times are in the index that a walk goes through.
        let in_scope = reach.rows().number() > 0;
        let condition = match led {
            Led::ByFilter => reach.walk("entry.id"),
            Led::ByIds => reach.guard("entry.id"),
        };
        let (ours, key) = (reach.and("entry_id"), |id: &EntryId| reach.key(*id));
        let mut compiled = Compiled { condition, parameters: Vec::new() };
        compiled.one_of("entry.kind", &self.kinds);
        compiled.one_of("entry.project", &self.projects);
        compiled.one_of("entry.memory_type", &self.memory_types);
        compiled.none_of("entry.kind", &self.not_kinds);
        compiled.none_of("entry.project", &self.not_projects);
        compiled.none_of("entry.memory_type", &self.not_memory_types);
        if !self.tags_any.is_empty() {
            let after = format!("{ours})");
            compiled.and_list("entry.id IN (SELECT entry_id FROM tag WHERE tag IN ", &self.tags_any, &after);
        }
        if !self.tags_all.is_empty() {
            let tags: Vec<&String> = self.tags_all.iter().collect::<BTreeSet<_>>().into_iter().collect();
            let before = "entry.id IN (SELECT entry_id FROM tag WHERE tag IN ";
            compiled.and_list(before, &tags, &format!("{ours} GROUP BY entry_id HAVING count(*) = ?)"));
            compiled.parameters.push((tags.len() as i64).into());
        }
        if !self.not_tags.is_empty() {
            let before = "entry.id NOT IN (SELECT entry_id FROM tag WHERE tag IN ";
            compiled.and_list(before, &self.not_tags, &format!("{ours})"));
        }
        match (self.status, self.as_of) {
            (Some(Status::Active), None) => compiled.and("entry.status = 'active'", []),
            (Some(Status::Active), Some(at)) if in_scope => {
                compiled.and("(entry.status = 'active' OR entry.valid_to > ?)", [at.into()]);
            }
            (Some(Status::Active), Some(at)) => {
                let held = "(SELECT other.id FROM entry AS other WHERE other.valid_to > ?)";
                compiled.and(&format!("(entry.status = 'active' OR entry.id IN {held})"), [at.into()]);
            }
            (Some(Status::Obsolete), _) => compiled.and("entry.status <> 'active'", []),
            (None, _) => {}
        }
        // By way of ids: these times are not in the index that a walk over all entries goes through, and hardly any entry has
        // them.
        if let Some(at) = self.as_of.filter(|_| in_scope) {
            compiled.and("(entry.valid_from IS NULL OR entry.valid_from <= ?)", [at.into()]);
            compiled.and("(entry.valid_to IS NULL OR entry.valid_to > ?)", [at.into()]);
        } else if let Some(at) = self.as_of {
            compiled.and(
                "entry.id NOT IN (SELECT other.id FROM entry AS other WHERE other.valid_from > ?)",
                [at.into()],
            );
            compiled.and(
                "entry.id NOT IN (SELECT other.id FROM entry AS other WHERE other.valid_to <= ?)",
                [at.into()],
            );
        }
        if !self.include_expired && in_scope {
            compiled.and("(entry.expires_at IS NULL OR entry.expires_at > ?)", [now_ms.into()]);
        } else if !self.include_expired {
            let expired = "(SELECT other.id FROM entry AS other WHERE other.expires_at <= ?)";
            compiled.and(&format!("entry.id NOT IN {expired}"), [now_ms.into()]);
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
            let ids: Vec<String> = ids.iter().map(key).collect();
            compiled.and_list("entry.ulid IN ", &ids, "");
        }
        if !self.sources.is_empty() {
            let scopes: Vec<String> = self.sources.iter().map(|uri| reach.rows().key(prefix(uri))).collect();
            let (all, any) = (reach.rows().key(""), reach.and("source.id"));
            // How few sections a scope has, SQLite does not know: it would rather look at those of all.
            let join = if in_scope { "CROSS JOIN" } else { "JOIN" };
            // Two searches of the index of URIs for each scope.
            let before = format!(
                "entry.id IN (SELECT section.entry_id FROM
                (WITH scope AS MATERIALIZED (SELECT value AS uri FROM json_each(?))
                     SELECT source.id FROM scope JOIN source ON source.uri = scope.uri{any}
                     UNION SELECT source.id FROM scope JOIN source
                         ON source.uri >= scope.uri || '/' AND source.uri < scope.uri || '0'{any}
                     UNION SELECT source.id FROM scope JOIN source ON scope.uri = '{all}'{any}) AS wanted
                {join} section ON section.source_id = wanted.id)"
            );
            compiled.and(&before, [serde_json::to_string(&scopes).unwrap_or_default().into()]);
        }
        let not_ids: Vec<String> = self.not_ids.iter().map(key).collect();
        compiled.none_of("entry.ulid", &not_ids);
        Ok(compiled)
    }
}

/// What leads a statement to its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Led {
    /// The filter.
    ByFilter,
    /// A walk in the order of ids.
    ByIds,
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

    /// A column without a value has none of those listed.
    fn none_of(&mut self, column: &str, values: &[String]) {
        if !values.is_empty() {
            self.and_list(&format!("({column} IS NULL OR {column} NOT IN "), values, ")");
        }
    }

    /// The list travels as one JSON parameter: SQLite bounds the number of parameters and the depth of
    /// expressions, and there is one statement text to cache.
    fn and_list(&mut self, before: &str, values: &[impl Serialize], after: &str) {
        let list = serde_json::to_string(values).unwrap_or_default();
        self.and(&format!("{before}(SELECT value FROM json_each(?)){after}"), [list.into()]);
    }
}

/// Gives a connection the function `rekall_has(metadata, conditions)`: whether an entry's metadata meets all
/// conditions, a JSON array of them. SQLite's own functions know numbers by their spelling, or round them.
///
/// Metadata that cannot be read may hold anything. It passes, so that reading the entry reports the damage.
pub(crate) fn install(connection: &Connection) -> Result<(), Error> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("rekall_has", 2, flags, |context| {
        let conditions = context.get_or_create_aux(1, |list| {
            json::read::<Vec<MetadataCondition>>(list.as_str()?)
                .map_err(Box::<dyn std::error::Error + Send + Sync>::from)
        })?;
        let metadata = context.get_raw(0).as_str().map(json::read::<Map<String, Value>>);
        let Ok(Ok(metadata)) = metadata else { return Ok(true) };
        Ok(conditions.iter().all(|condition| condition.holds(&metadata)))
    })?;
    Ok(())
}
