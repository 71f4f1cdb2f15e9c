//! Whether the server has pgvector, and which one.

use rekall_core::Error as CoreError;
use tokio_postgres::Row;

use super::super::tx::column;
use crate::Error;
use crate::client::{Client, Mode};
use crate::url::quoted;

/// Versions before this one have no index scan that goes on until it has enough rows in strict order, or have one that errs.
const LEAST: [u32; 3] = [0, 8, 4];

/// The most dimensions that an index over half precision takes.
const MOST_OF_A_GRAPH: usize = 4_000;

/// The most dimensions of a vector in half precision.
const MOST: usize = 16_000;

/// The extension's version and schema, if it was created; the version that could be.
const LOOK: &str = "SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
    (SELECT nspname::text FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'vector'),
    (SELECT default_version FROM pg_available_extensions WHERE name = 'vector')";

/// pgvector, in a database. Its schema is not in the search path, so all its names are qualified by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Extension {
    schema: String,
}

impl Extension {
    /// Looks for it.
    pub(super) fn find(client: &Client) -> Result<Self, CoreError> {
        let (_, rows) = client.begin(Mode::Read, &[(LOOK, &[])], None)?;
        let row: &Row = super::super::tx::only(&rows)?;
        let (created, schema, available): (Option<&str>, Option<&str>, Option<&str>) =
            (column(row, 0)?, column(row, 1)?, column(row, 2)?);
        match judge(created, available) {
            Ok(()) => Ok(Self { schema: quoted(schema.unwrap_or("public")) }),
            Err(got) => {
                let [major, minor, patch] = LEAST;
                let expected = format!("the extension vector, {major}.{minor}.{patch} or newer");
                Err(refusal(client, expected, got))
            }
        }
    }

    /// Whether it takes vectors of this length.
    pub(super) fn expect_dimensions(
        client: &Client,
        dimensions: usize,
        graph: bool,
    ) -> Result<(), CoreError> {
        let (most, what) = if graph { (MOST_OF_A_GRAPH, "HNSW index") } else { (MOST, "table") };
        if dimensions <= most {
            return Ok(());
        }
        Err(refusal(client, format!("at most {most} dimensions for its {what}"), dimensions.to_string()))
    }

    /// The type of vectors in half precision.
    pub(super) fn vector(&self, dimensions: usize) -> String {
        format!("{}.halfvec({dimensions})", self.schema)
    }

    /// The operator that gives the negative product of two of them.
    pub(super) fn product(&self) -> String {
        format!("OPERATOR({}.<#>)", self.schema)
    }

    /// How its index orders them.
    pub(super) fn class(&self) -> String {
        format!("{}.halfvec_ip_ops", self.schema)
    }
}

fn refusal(client: &Client, expected: String, got: String) -> CoreError {
    Error::NoPushDown { server: client.address().to_string(), expected, got }.into()
}

/// Why it does not serve, by the version that was created and the one that could be.
fn judge(created: Option<&str>, available: Option<&str>) -> Result<(), String> {
    let serves = |version: &str| numbers(version) >= LEAST;
    match (created, available) {
        (Some(created), _) if serves(created) => Ok(()),
        (Some(created), Some(available)) if serves(available) => {
            Err(format!("{created}: ALTER EXTENSION vector UPDATE makes it {available}"))
        }
        (Some(created), _) => Err(format!("{created}, and the server has no newer one")),
        (None, Some(available)) if serves(available) => {
            Err(format!("none: CREATE EXTENSION vector makes it, {available}"))
        }
        (None, Some(available)) => Err(format!("none, and the server has only {available}")),
        (None, None) => Err("none: it is not installed on the server".to_owned()),
    }
}

/// The first three numbers of a version; what is no number is 0.
fn numbers(version: &str) -> [u32; 3] {
    let mut parts = version.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).map_or(part, |end| &part[..end]);
        digits.parse().unwrap_or(0)
    });
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_that_does_not_serve_is_refused_with_what_helps() {
        for version in ["0.8.4", "0.8.6", "0.9", "0.10.0", "1.0.0"] {
            judge(Some(version), None).unwrap();
        }
        let refused = |created, available| judge(created, available).unwrap_err();
        assert_eq!(refused(None, None), "none: it is not installed on the server");
        assert_eq!(refused(None, Some("0.8.6")), "none: CREATE EXTENSION vector makes it, 0.8.6");
        assert_eq!(refused(None, Some("0.7.4")), "none, and the server has only 0.7.4");
        assert_eq!(
            refused(Some("0.8.3"), Some("0.8.6")),
            "0.8.3: ALTER EXTENSION vector UPDATE makes it 0.8.6"
        );
        assert_eq!(refused(Some("0.8"), Some("0.8")), "0.8, and the server has no newer one");
        assert!(refused(Some("unpackaged"), None).starts_with("unpackaged"));
    }
}
