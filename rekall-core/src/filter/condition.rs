//! What a filter asks of a value of the metadata.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, json};

/// How a value of the metadata is compared with the one that a filter names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Comparison {
    /// It is the same; numbers by their value, so that 1 is 1.0, and -0.0 is 0.
    #[default]
    Equal,
    /// It is another one, or the entry does not have the key.
    NotEqual,
    /// It is a number, or a text, that comes before the one named.
    LessThan,
    /// It is a number, or a text, that comes before the one named or is the same.
    AtMost,
    /// It is a number, or a text, that comes after the one named.
    GreaterThan,
    /// It is a number, or a text, that comes after the one named or is the same.
    AtLeast,
}

/// A condition on one top-level key of the metadata.
///
/// Numbers are compared exactly, whether they are whole or not; texts by their code points, which is the
/// order of dates written as `2024-05-31`. A number and a text have no order, nor have values of other types:
/// what is not comparable with the value named does not pass, except with [`Comparison::NotEqual`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MetadataCondition {
    /// The key.
    pub key: String,
    /// How its value is compared.
    #[serde(default)]
    pub comparison: Comparison,
    /// What it is compared with: a number or a text where an order is asked for, otherwise any value.
    pub value: Value,
}

impl MetadataCondition {
    /// A condition on `key`. The value is nested at most [`limits::JSON_DEPTH`](crate::limits::JSON_DEPTH)
    /// levels.
    ///
    /// ```
    /// # use rekall_core::{Comparison, Filter, MetadataCondition};
    /// let mut filter = Filter::new();
    /// filter.metadata.push(MetadataCondition::new("severity", Comparison::AtLeast, 3));
    /// assert_eq!(filter, Filter::new().metadata_where("severity", Comparison::AtLeast, 3));
    /// ```
    pub fn new(key: impl Into<String>, comparison: Comparison, value: impl Into<Value>) -> Self {
        Self { key: key.into(), comparison, value: json::cut(value.into()) }
    }

    /// Refuses what could not be compared.
    pub(super) fn validate(&self) -> Result<(), Error> {
        json::check_depth("a metadata value of the filter", &self.value)?;
        let needs_order = !matches!(self.comparison, Comparison::Equal | Comparison::NotEqual);
        match (&self.value, needs_order) {
            (_, false) | (Value::Number(_) | Value::String(_), true) => Ok(()),
            (other, true) => Err(Error::OutOfRange {
                field: "a metadata value of the filter that is compared by its order",
                expected: "a number or a text",
                got: format!("{} for the key {:?}", json::type_name(other), self.key),
            }),
        }
    }

    /// Whether an entry with this metadata meets the condition.
    pub(crate) fn holds(&self, metadata: &Map<String, Value>) -> bool {
        let held = metadata.get(&self.key);
        let order = || json::order(held?, &self.value);
        match self.comparison {
            Comparison::Equal => held.is_some_and(|held| json::same(held, &self.value)),
            Comparison::NotEqual => !held.is_some_and(|held| json::same(held, &self.value)),
            Comparison::LessThan => order().is_some_and(Ordering::is_lt),
            Comparison::AtMost => order().is_some_and(Ordering::is_le),
            Comparison::GreaterThan => order().is_some_and(Ordering::is_gt),
            Comparison::AtLeast => order().is_some_and(Ordering::is_ge),
        }
    }
}
