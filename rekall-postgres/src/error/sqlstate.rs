//! What an error of the server's means here, by its code.

use tokio_postgres::error::DbError;

use super::Error;

/// An error of a statement.
impl From<tokio_postgres::Error> for Error {
    fn from(source: tokio_postgres::Error) -> Self {
        let Some(said) = source.as_db_error() else {
            let problem = problem(&source);
            return if source.is_closed() || is_of_the_network(&source) {
                Self::ConnectionLost { problem }
            } else if is_unreadable(&source) {
                Self::Corrupt { detail: problem }
            } else {
                Self::Postgres { problem, source }
            };
        };
        let detail = text(said);
        match said.code().code() {
            // Another one holds a lock; two wait for each other; a writer of another kind was faster.
            "55P03" | "40P01" | "40001" | "53300" => Self::Busy { detail },
            "57014" | "25P04" => Self::TimedOut { detail },
            // The server is going down, or ended a session that was idle for too long.
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Self::ConnectionLost { problem: detail },
            "25006" | "42501" => Self::ReadOnly { detail },
            "53100" | "53400" => Self::Full { detail },
            "53200" => Self::OutOfMemory { detail },
            "XX001" | "XX002" => Self::Corrupt { detail },
            // No such table, schema or function.
            "42P01" | "3F000" | "42883" => Self::Gone { detail },
            code if code.starts_with("08") => Self::ConnectionLost { problem: detail },
            _ => Self::Postgres { problem: detail, source },
        }
    }
}

impl Error {
    /// Whether the connection is gone, so that another one has to be made.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::ConnectionLost { .. })
    }

    /// An error met while connecting.
    pub(crate) fn while_connecting(error: &tokio_postgres::Error, server: String) -> Self {
        let Some(said) = error.as_db_error() else {
            return Self::Unreachable { server, problem: problem(error) };
        };
        let problem = text(said);
        match said.code().code() {
            "53300" => Self::Busy { detail: problem },
            code if code.starts_with("28") || code == "3D000" || code == "42501" => {
                Self::Refused { server, problem }
            }
            _ => Self::Unreachable { server, problem },
        }
    }

    /// Whether an error met while connecting says that the server is there and not ready yet.
    pub(crate) fn is_starting(error: &tokio_postgres::Error) -> bool {
        error.as_db_error().is_some_and(|said| said.code().code() == "57P03")
    }
}

/// What the server said, with its code: the text is in the server's language. Details are left out, because they show values.
fn text(said: &DbError) -> String {
    format!("{} (SQLSTATE {})", said.message(), said.code().code())
}

/// What an error says, with what it came from.
fn problem(error: &dyn std::error::Error) -> String {
    match error.source() {
        None => error.to_string(),
        Some(source) => format!("{error}: {}", problem(source)),
    }
}

fn is_of_the_network(error: &tokio_postgres::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<std::io::Error>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// Whether a column of a row holds something else than it should.
fn is_unreadable(error: &tokio_postgres::Error) -> bool {
    error.to_string().starts_with("error deserializing column")
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use rekall_core::ErrorKind;

    use crate::client::Mode;
    use crate::client::tests::client;
    use crate::testing::Server;

    #[test]
    fn errors_of_the_server_are_told_apart_by_their_code() {
        let Some(server) = Server::shared() else { return };
        let client = client(server);
        let kind = |code: &str| {
            let sql = format!("DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{code}'; END $$");
            let (transaction, _) = client.begin(Mode::Write, &[], None).unwrap();
            let error = transaction.batch(&sql).unwrap_err();
            assert!(error.to_string().contains("made up"), "{error}");
            error.kind()
        };
        for (code, expected) in [
            ("55P03", ErrorKind::Busy),
            ("40P01", ErrorKind::Busy),
            ("25006", ErrorKind::ReadOnly),
            ("42501", ErrorKind::ReadOnly),
            ("53100", ErrorKind::Full),
            ("53200", ErrorKind::OutOfMemory),
            ("57P01", ErrorKind::Io),
            ("08006", ErrorKind::Io),
            ("XX001", ErrorKind::Corrupt),
            ("23514", ErrorKind::Internal),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }
}
