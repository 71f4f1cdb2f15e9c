//! A filter as a condition in SQL. Every value travels as a bound parameter.

use std::collections::BTreeSet;

use rekall_core::engine::root_of;
use rekall_core::{EntryId, Error, Filter, Status};

use super::scope::Scope;
use super::tx::Tx;
use super::values::{int, ints, texts};
use crate::client::Value;

/// A condition over the table `entry`, and its values.
#[derive(Debug, Default)]
pub(super) struct Condition {
    pub(super) sql: String,
    values: Vec<Parameter>,
}

#[derive(Debug)]
enum Parameter {
    Number(i64),
    Numbers(Vec<i64>),
    Texts(Vec<String>),
}

impl Parameter {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Number(number) => int(number),
            Self::Numbers(numbers) => ints(numbers),
            Self::Texts(list) => texts(list),
        }
    }
}

impl Condition {
    /// The values, for the statement that the condition is part of.
    pub(super) fn values(&self) -> Vec<Value<'_>> {
        self.values.iter().map(Parameter::value).collect()
    }

    /// Adds a number that is part of the statement; gives its place.
    pub(super) fn number(&mut self, number: i64) -> String {
        self.add(Parameter::Number(number))
    }

    fn add(&mut self, parameter: Parameter) -> String {
        self.values.push(parameter);
        format!("${}", self.values.len())
    }

    fn and(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    /// Adds a condition on a list, which stands where the condition has a question mark. No text in the store has a NUL, and the
    /// server takes none.
    fn and_list<'t>(&mut self, condition: &str, texts: impl IntoIterator<Item = &'t str>) {
        let list = texts.into_iter().filter(|text| !text.contains('\0')).map(str::to_owned).collect();
        let place = self.add(Parameter::Texts(list));
        self.and(&condition.replace('?', &place));
    }

    fn and_number(&mut self, condition: &str, number: i64) {
        let place = self.number(number);
        self.and(&condition.replace('?', &place));
    }

    fn one_of(&mut self, column: &str, values: &[String]) {
        if !values.is_empty() {
            self.and_list(&format!("{column} = ANY (?)"), values.iter().map(String::as_str));
        }
    }

    /// A column without a value has none of those listed.
    fn none_of(&mut self, column: &str, values: &[String]) {
        if !values.is_empty() {
            let condition = format!("({column} IS NULL OR {column} <> ALL (?))");
            self.and_list(&condition, values.iter().map(String::as_str));
        }
    }
}

impl Tx<'_> {
    /// The condition that a filter is. What it asks of metadata is looked up here, entry by entry: the rules for numbers and texts are
    /// the library's, and no server has them.
    pub(super) fn condition(&self, filter: &Filter) -> Result<Condition, Error> {
        filter.validate()?;
        let condition = compile(filter, self.now_ms(), self.scope());
        if filter.metadata.is_empty() {
            return Ok(condition);
        }
        let sql = format!("SELECT entry.id, entry.metadata FROM entry WHERE {}", condition.sql);
        let mut admitted = Vec::new();
        self.for_each(&sql, &condition.values(), |row| {
            if filter.admits_metadata(row.try_get(1)?) {
                admitted.push(row.try_get(0)?);
            }
            Ok(())
        })?;
        let mut condition = Condition { sql: self.scope().holds("entry.id"), values: Vec::new() };
        let place = condition.add(Parameter::Numbers(admitted));
        condition.and(&format!("entry.id = ANY ({place})"));
        Ok(condition)
    }

    /// Row numbers that a statement of a condition selects, in its order.
    pub(super) fn selected(&self, sql: &str, condition: &Condition) -> Result<Vec<i64>, Error> {
        self.rows_in(&self.query(sql, &condition.values())?)
    }
}

/// All but the conditions on metadata.
fn compile(filter: &Filter, now_ms: i64, scope: Scope) -> Condition {
    let mut all = Condition { sql: scope.holds("entry.id"), values: Vec::new() };
    let (of_tag, of_source) = (scope.range("entry_id"), scope.holds("source.id"));
    all.one_of("entry.kind", &filter.kinds);
    all.one_of("entry.project", &filter.projects);
    all.one_of("entry.memory_type", &filter.memory_types);
    all.none_of("entry.kind", &filter.not_kinds);
    all.none_of("entry.project", &filter.not_projects);
    all.none_of("entry.memory_type", &filter.not_memory_types);
    if !filter.tags_any.is_empty() {
        let condition = format!("entry.id IN (SELECT entry_id FROM tag WHERE tag = ANY (?) AND {of_tag})");
        all.and_list(&condition, filter.tags_any.iter().map(String::as_str));
    }
    if !filter.tags_all.is_empty() {
        let tags: BTreeSet<&str> = filter.tags_all.iter().map(String::as_str).collect();
        let count = all.number(i64::try_from(tags.len()).unwrap_or(i64::MAX));
        let condition = format!(
            "entry.id IN (SELECT entry_id FROM tag WHERE tag = ANY (?) AND {of_tag} GROUP BY entry_id HAVING count(*) = {count})"
        );
        all.and_list(&condition, tags);
    }
    if !filter.not_tags.is_empty() {
        let condition =
            format!("NOT EXISTS (SELECT FROM tag WHERE entry_id = entry.id AND tag = ANY (?) AND {of_tag})");
        all.and_list(&condition, filter.not_tags.iter().map(String::as_str));
    }
    match (filter.status, filter.as_of) {
        (Some(Status::Active), None) => all.and("entry.status = 'active'"),
        (Some(Status::Active), Some(at)) => {
            all.and_number(
                "(entry.status = 'active' OR entry.valid_to IS NOT NULL AND entry.valid_to > ?)",
                at,
            );
        }
        (Some(Status::Obsolete), _) => all.and("entry.status <> 'active'"),
        (None, _) => {}
    }
    if let Some(at) = filter.as_of {
        all.and_number("(entry.valid_from IS NULL OR entry.valid_from <= ?)", at);
        all.and_number("(entry.valid_to IS NULL OR entry.valid_to > ?)", at);
    }
    if !filter.include_expired {
        all.and_number("(entry.expires_at IS NULL OR entry.expires_at > ?)", now_ms);
    }
    for (condition, bound) in [
        ("entry.created_at >= ?", filter.created_after),
        ("entry.created_at < ?", filter.created_before),
        ("entry.updated_at >= ?", filter.updated_after),
        ("entry.updated_at < ?", filter.updated_before),
    ] {
        if let Some(bound) = bound {
            all.and_number(condition, bound);
        }
    }
    if let Some(ids) = &filter.ids {
        let ids: Vec<String> = ids.iter().map(EntryId::to_string).collect();
        all.and_list("entry.ulid = ANY (?)", ids.iter().map(String::as_str));
    }
    if !filter.sources.is_empty() {
        // Two searches of the index of URIs for each of them.
        let condition = format!(
            "entry.id IN (SELECT section.entry_id FROM section WHERE section.source_id IN (
            SELECT source.id FROM unnest(?::text[]) AS above (uri) JOIN source ON source.uri = above.uri AND {of_source}
            UNION SELECT source.id FROM unnest(?::text[]) AS above (uri) JOIN source
                ON source.uri >= above.uri || '/' AND source.uri < above.uri || '0' AND {of_source}
            UNION SELECT source.id FROM source WHERE '' = ANY (?) AND {of_source}))"
        );
        all.and_list(&condition, filter.sources.iter().map(|uri| root_of(uri)));
    }
    let not_ids: Vec<String> = filter.not_ids.iter().map(EntryId::to_string).collect();
    all.none_of("entry.ulid", &not_ids);
    all
}
