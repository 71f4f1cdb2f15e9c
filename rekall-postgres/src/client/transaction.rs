//! A transaction on the server.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::future::{join, join_all};
use tokio_postgres::Row;

use super::session::Session;
use super::{Settings, Statement, Value, outcome};
use crate::Error;
use crate::url::quoted;

/// How long a writer may be silent: all others wait for it, and its machine may be gone. It does not count while a `COPY` takes rows.
const SILENCE: Duration = Duration::from_secs(300);

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A view of one moment: that of the first statement.
    Read,
    /// Each statement sees what was committed before it. Writers take turns by a lock of their own, so what they read does
    /// not change either, once they have it.
    Write,
}

impl Mode {
    /// What is sent before the first statement. All of it ends with the transaction. The scope is named also where it is 0: the server
    /// or the URL may have another one for the session.
    fn opening(self, schema: &str, scope: i64, settings: Settings) -> String {
        let mode = match self {
            Self::Read => "ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Self::Write => "ISOLATION LEVEL READ COMMITTED READ WRITE",
        };
        // Temporary tables come last, where they hide nothing.
        let mut sql = format!(
            "BEGIN {mode}; SET LOCAL search_path TO {}, pg_temp; SET LOCAL rekall.scope TO {scope}",
            quoted(schema)
        );
        let mut set = |name: &str, value: Duration| {
            // 0 would mean: for ever.
            let milliseconds = value.as_millis().clamp(1, i32::MAX as u128);
            let _ = write!(sql, "; SET LOCAL {name} TO {milliseconds}");
        };
        if let Some(timeout) = settings.statement_timeout {
            set("statement_timeout", timeout);
        }
        if self == Self::Write {
            set("lock_timeout", settings.busy_timeout);
            set("idle_in_transaction_session_timeout", SILENCE);
        }
        sql
    }
}

/// By what a transaction can be asked about when its commit was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Witness {
    /// A name of its own, which it has written.
    pub(crate) token: String,
    /// Which server, in which of its lives: another one may not have got what this one had committed.
    pub(crate) server: String,
}

/// A transaction. Dropped without commit, it is rolled back, without waiting for that.
pub(crate) struct Transaction {
    session: Session,
    mode: Mode,
    open: bool,
    /// What the first statement that failed failed with: the server does nothing any more from there on, and would take a commit
    /// for a rollback.
    failed: RefCell<Option<String>>,
}

impl Transaction {
    /// Begins, bound to a scope, and runs the first statements, all in one round trip.
    pub(super) fn begin(
        session: Session,
        mode: Mode,
        scope: i64,
        statements: &[Statement<'_>],
    ) -> Result<(Self, Vec<Vec<Row>>), Error> {
        let opening = mode.opening(&session.shared().address.schema, scope, session.shared().settings);
        // Made first: whatever happens now, the transaction is rolled back.
        let transaction = Self { session, mode, open: true, failed: RefCell::default() };
        let rows = transaction.run_all(Some(&opening), statements)?;
        Ok((transaction, rows))
    }

    /// Runs statements in one round trip; gives the rows of each.
    ///
    /// # Errors
    /// What the first one that fails fails with. The others are not done then, either.
    pub(crate) fn query_all(&self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        self.run_all(None, statements)
    }

    fn run_all(&self, opening: Option<&str>, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        self.noting(self.session.run(|client| async move {
            let opened = async {
                match opening {
                    Some(sql) => client.batch_execute(sql).await,
                    None => Ok(()),
                }
            };
            // They are sent in this order when they are polled first.
            let all = join_all(statements.iter().map(|(sql, values)| client.query_typed(sql, values)));
            let (opened, all) = join(opened, all).await;
            opened?;
            all.into_iter().map(|rows| rows.map_err(Error::from)).collect()
        }))
    }

    /// The rows of a statement.
    ///
    /// # Errors
    /// What it fails with.
    pub(crate) fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        self.noting(self.session.run(|client| async move { Ok(client.query_typed(sql, values).await?) }))
    }

    /// The same, and what `work` gives that this thread does while the server is at the statement. It should take no longer than
    /// that, because nobody looks at flags and limits meanwhile.
    ///
    /// # Errors
    /// What the statement fails with.
    pub(crate) fn query_while<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        work: impl FnOnce() -> T,
    ) -> Result<(Vec<Row>, T), Error> {
        self.noting(self.session.run(|client| async move {
            // The statement is sent when it is polled first.
            let (rows, done) = join(client.query_typed(sql, values), async { work() }).await;
            Ok((rows?, done))
        }))
    }

    /// The first row of a statement.
    ///
    /// # Errors
    /// What it fails with.
    pub(crate) fn query_opt(&self, sql: &str, values: &[Value<'_>]) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// The row of a statement that always gives one.
    ///
    /// # Errors
    /// What it fails with; [`Error::Corrupt`] where it gives none.
    pub(crate) fn query_one(&self, sql: &str, values: &[Value<'_>]) -> Result<Row, Error> {
        let none = || Error::Corrupt { detail: "a statement that gives one row gave none".to_owned() };
        self.query_opt(sql, values)?.ok_or_else(none)
    }

    /// Hands on row by row what would be much at once.
    ///
    /// # Errors
    /// What the statement, or the function, fails with.
    pub(crate) fn for_each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut each: impl FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.noting(self.session.run(|client| async move {
            let values = values.iter().map(|(value, kind)| (*value, kind.clone()));
            let mut rows = pin!(client.query_typed_raw(sql, values).await?);
            while let Some(row) = rows.try_next().await? {
                each(&row)?;
            }
            Ok(())
        }))
    }

    /// The same after other statements, in the same round trip, and with a flag of its own that stops it.
    ///
    /// # Errors
    /// As [`for_each`](Self::for_each); [`Error::Interrupted`].
    pub(crate) fn for_each_after(
        &self,
        before: &[Statement<'_>],
        (sql, values): Statement<'_>,
        cancel: Option<&AtomicBool>,
        mut each: impl FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.noting(self.session.run_until(cancel, |client| async move {
            let before = join_all(before.iter().map(|(sql, values)| client.query_typed(sql, values)));
            let values = values.iter().map(|(value, kind)| (*value, kind.clone()));
            // They are sent in this order when they are polled first.
            let (before, rows) = join(before, client.query_typed_raw(sql, values)).await;
            before.into_iter().try_for_each(|done| done.map(drop))?;
            let mut rows = pin!(rows?);
            while let Some(row) = rows.try_next().await? {
                each(&row)?;
            }
            Ok(())
        }))
    }

    /// Runs a statement; gives the number of rows that it touched.
    ///
    /// # Errors
    /// What it fails with.
    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, Error> {
        self.noting(self.session.run(|client| async move { Ok(client.execute_typed(sql, values).await?) }))
    }

    /// Runs statements without values.
    ///
    /// # Errors
    /// What the first one that fails fails with.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), Error> {
        self.noting(self.session.run(|client| async move { Ok(client.batch_execute(sql).await?) }))
    }

    /// From now on this flag stops statements, with [`Error::Interrupted`].
    pub(crate) fn stop_when(&self, cancel: &Arc<AtomicBool>) {
        self.session.stop_when(cancel);
    }

    /// Makes the changes durable, as the server's settings have it.
    ///
    /// If the connection breaks while that is going on, the server is asked what became of the transaction by its `witness`, as
    /// soon as it answers again and for as long as connecting may take.
    ///
    /// # Errors
    /// [`Error::CommitUnknown`] if it could not be asked. With all other errors nothing was written.
    pub(crate) fn commit(mut self, witness: Option<&Witness>) -> Result<(), Error> {
        if let Some(failed) = self.failed.borrow_mut().take() {
            return Err(Error::Aborted { problem: failed });
        }
        let committed = self.session.run(|client| async move { Ok(client.batch_execute("COMMIT").await?) });
        // Whatever became of it: there is nothing left to be rolled back.
        self.open = false;
        match committed {
            // A time-out on this side says nothing about the server.
            Err(Error::ConnectionLost { problem } | Error::TimedOut { detail: problem })
                if self.mode == Mode::Write =>
            {
                let shared = Arc::clone(self.session.shared());
                self.session.give_up();
                outcome::ask(&shared, witness, problem)
            }
            result => result,
        }
    }

    /// Whether a statement failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.borrow().is_some()
    }

    /// The connection.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Keeps in mind that something failed.
    pub(super) fn noting<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.failed.borrow_mut().get_or_insert_with(|| error.to_string());
        }
        result
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("mode", &self.mode)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.open {
            self.session.send(|client| client.batch_execute("ROLLBACK"));
        }
    }
}
