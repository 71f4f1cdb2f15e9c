//! Rows that go in by `COPY`, the server's way for many: it parses nothing, and notes whole pages of rows in its log.

use std::future::{Future, poll_fn};
use std::io::Cursor;
use std::pin::pin;

use futures_util::SinkExt;

use super::transaction::Transaction;
use crate::Error;

/// What the binary format begins with: a signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Some rows in the server's binary format.
#[derive(Debug)]
pub(crate) struct CopyRows(Vec<u8>);

impl CopyRows {
    /// None yet. What goes in with one statement begins with these.
    pub(crate) fn first(capacity: usize) -> Self {
        let mut rows = Self::more(capacity);
        rows.0.extend_from_slice(HEADER);
        rows
    }

    /// None yet, to come after others.
    pub(crate) fn more(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Begins a row of so many fields, which follow in their order.
    pub(crate) fn row(&mut self, fields: i16) -> &mut Self {
        self.0.extend_from_slice(&fields.to_be_bytes());
        self
    }

    /// A field of bytes, or of text.
    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        // The server refuses a message of 1 GiB, long before.
        self.0.extend_from_slice(&i32::try_from(value.len()).unwrap_or(i32::MAX).to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.bytes(value.as_bytes())
    }

    pub(crate) fn int(&mut self, value: i64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    fn null(&mut self) -> &mut Self {
        self.0.extend_from_slice(&(-1_i32).to_be_bytes());
        self
    }

    pub(crate) fn optional_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    pub(crate) fn optional_int(&mut self, value: Option<i64>) -> &mut Self {
        match value {
            Some(value) => self.int(value),
            None => self.null(),
        }
    }

    /// No more rows follow in this statement.
    pub(crate) fn end(&mut self) {
        self.0.extend_from_slice(&(-1_i16).to_be_bytes());
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Transaction {
    /// Runs `COPY … FROM STDIN (FORMAT binary)` with the rows that `next` gives, one part after the other; gives their number. Whenever the
    /// server is busy, a step of `work` is done in this thread, which says whether one was left. Three round trips.
    ///
    /// The server knows the statement by a name (`s` and digits) for as long as it runs: it is taken back within the transaction.
    ///
    /// # Errors
    /// What it fails with. The connection is closed then, and not given to the next transaction: of a statement that is refused before it
    /// takes rows, the client sends a second end, and the server answers each.
    pub(crate) fn copy_in(
        &self,
        sql: &str,
        mut next: impl FnMut() -> Option<CopyRows>,
        work: impl FnMut() -> bool,
    ) -> Result<u64, Error> {
        let copied = self.noting(self.session().run(|client| {
            let copied = async move {
                // Parsing it was noted; this is its beginning, and below its end.
                note();
                let mut sink = pin!(client.copy_in::<str, Cursor<Vec<u8>>>(sql).await?);
                while let Some(CopyRows(bytes)) = next() {
                    sink.send(Cursor::new(bytes)).await?;
                }
                note();
                Ok(sink.finish().await?)
            };
            while_waiting(copied, work)
        }));
        if copied.is_err() {
            self.session().spoil();
        }
        copied
    }
}

/// Notes a round trip for the tests that count them.
fn note() {
    #[cfg(all(unix, any(test, feature = "testing")))]
    super::trips::note();
}

/// Runs a future, and a step of `work` each time that it has to wait.
async fn while_waiting<F: Future>(future: F, mut work: impl FnMut() -> bool) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        if polled.is_pending() && work() {
            context.waker().wake_by_ref();
        }
        polled
    })
    .await
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::super::tests::{client, number, start, write};
    use super::super::{Mode, Settings};
    use super::*;
    use crate::testing::Server;

    const TABLE: &str = "CREATE TABLE copied (a bigint, b text, c bytea, d bigint, e text)";
    const COPY: &str = "COPY copied FROM STDIN (FORMAT binary)";

    fn part(number: i64) -> CopyRows {
        let mut rows = if number == 0 { CopyRows::first(0) } else { CopyRows::more(0) };
        rows.row(5)
            .int(number - 1)
            .text("d\u{e9}p\u{f4}t")
            .bytes(&[0, 255])
            .optional_int(None)
            .optional_text(None);
        rows.row(5).int(i64::MIN).text("").bytes(&[]).optional_int(Some(7)).optional_text(Some("x"));
        if number == 99 {
            rows.end();
        }
        rows
    }

    #[test]
    fn rows_arrive_as_they_were_given_while_work_is_done() {
        let Some(server) = Server::shared() else { return };
        let client = client(server);
        let (transaction, _) = client.begin(Mode::Write, &[], None).unwrap();
        transaction.batch(&format!("CREATE TEMP TABLE {}", &TABLE["CREATE TABLE ".len()..])).unwrap();
        let (mut given, mut steps) = (0.., 0);
        let work = || {
            steps += 1;
            steps < 5
        };
        let copied = transaction.copy_in(COPY, || given.next().filter(|at| *at < 100).map(part), work);
        assert_eq!(copied.unwrap(), 200);
        assert!(steps >= 5, "the server was waited for");
        let sql = "SELECT count(*) FROM copied WHERE (a BETWEEN -1 AND 98 AND b = 'd\u{e9}p\u{f4}t' AND c = '\\x00ff' AND d IS NULL
                AND e IS NULL) OR (a = -9223372036854775808 AND b = '' AND c = '' AND d = 7 AND e = 'x')";
        assert_eq!(transaction.query_one(sql, &[]).unwrap().get::<_, i64>(0), 200);
        let named = "SELECT count(*) FROM pg_prepared_statements";
        assert_eq!(
            transaction.query_one(named, &[]).unwrap().get::<_, i64>(0),
            0,
            "nothing stays in the session"
        );
    }

    #[test]
    fn what_the_server_refuses_undoes_the_transaction() {
        let Some(server) = Server::shared() else { return };
        let client = client(server);
        let (transaction, _) = client.begin(Mode::Write, &[], None).unwrap();
        transaction
            .batch("CREATE TEMP TABLE copied (a bigint PRIMARY KEY, b text, c bytea, d bigint, e text)")
            .unwrap();
        let mut given = 0..100;
        let refused = transaction.copy_in(COPY, || given.next().map(part), || false).unwrap_err();
        assert!(refused.to_string().contains("23505"), "{refused}");
        assert!(transaction.has_failed());
        assert!(matches!(transaction.commit(None), Err(Error::Aborted { .. })));
        assert_eq!(number(&client, "SELECT 1::bigint").unwrap(), 1);
    }

    #[test]
    fn what_is_refused_before_it_takes_rows_takes_its_connection_along() {
        let Some(server) = Server::shared() else { return };
        let url = server.memory_url();
        let client = start(&url, Settings { connections: 1, ..Settings::default() });
        let schema = &client.address().schema;
        write(&client, &format!("CREATE SCHEMA {schema}; {TABLE}")).unwrap();
        let process = "SELECT pg_backend_pid()::bigint";
        for (mode, sql) in [(Mode::Read, COPY), (Mode::Write, "COPY nowhere FROM STDIN (FORMAT binary)")] {
            let (transaction, _) = client.begin(mode, &[], None).unwrap();
            let own: i64 = transaction.query_one(process, &[]).unwrap().get(0);
            let refused = transaction.copy_in(sql, || Some(part(0)), || false).unwrap_err();
            assert!(matches!(refused, Error::ReadOnly { .. } | Error::Gone { .. }), "{refused:?}");
            assert!(transaction.query(process, &[]).unwrap_err().is_lost(), "nothing more is sent");
            drop(transaction);
            assert_eq!(client.connections(), (0, 0));
            for expected in 1..=5 {
                assert_eq!(number(&client, &format!("SELECT {expected}::bigint")).unwrap(), expected);
            }
            assert_ne!(number(&client, process).unwrap(), own);
        }
    }
}
