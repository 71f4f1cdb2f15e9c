//! Values for statements, with the types that the server is told.

use tokio_postgres::types::{ToSql, Type};

use crate::client::Value;

/// A text, or none.
pub(super) fn text<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::TEXT)
}

/// A list of texts.
pub(super) fn texts<T: ToSql + Sync>(values: &T) -> Value<'_> {
    (values, Type::TEXT_ARRAY)
}

/// A whole number, or none.
pub(super) fn int<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::INT8)
}

/// A list of whole numbers.
pub(super) fn ints<T: ToSql + Sync>(values: &T) -> Value<'_> {
    (values, Type::INT8_ARRAY)
}

/// A list of components.
pub(super) fn floats<T: ToSql + Sync>(values: &T) -> Value<'_> {
    (values, Type::FLOAT4_ARRAY)
}

/// Bytes.
pub(super) fn bytes<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::BYTEA)
}

/// A list of bytes.
pub(super) fn byte_lists<T: ToSql + Sync>(values: &T) -> Value<'_> {
    (values, Type::BYTEA_ARRAY)
}

/// A number of rows for `LIMIT`.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
