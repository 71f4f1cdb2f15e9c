//! Statements: stopped, timed out, and large.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::{client, impatient, number, start, text};
use crate::Error;
use crate::client::{Mode, Settings};
use crate::schema;
use crate::testing::Server;

/// Longer than any test takes.
const FOR_EVER: &str = "SELECT pg_sleep(600)";

#[test]
fn a_flag_stops_a_statement_in_its_middle() {
    let Some(server) = Server::shared() else { return };
    let client = start(&format!("{}&application_name=stopped", server.memory_url()), Settings::default());
    let cancel = Arc::new(AtomicBool::new(false));
    let (transaction, _) = client.begin(Mode::Read, &[], Some(&cancel)).unwrap();
    let began = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let sleeps = "SELECT count(*) FROM pg_stat_activity
                WHERE application_name = 'stopped' AND state = 'active' AND wait_event = 'PgSleep'";
            while server.psql("rekall", sleeps).unwrap() != "1\n" {
                thread::yield_now();
            }
            cancel.store(true, Ordering::Relaxed);
        });
        let stopped = transaction.query(FOR_EVER, &[]).unwrap_err();
        assert!(matches!(stopped, Error::Interrupted), "{stopped:?}");
    });
    assert!(began.elapsed() < Duration::from_secs(60));
    let still = transaction.query("SELECT 1", &[]).unwrap_err();
    assert!(matches!(still, Error::ConnectionLost { .. }), "not used again: {still:?}");
    drop(transaction);
    assert_eq!(client.connections(), (0, 0), "the request may arrive late");
    cancel.store(false, Ordering::Relaxed);
    assert_eq!(number(&client, "SELECT 5::bigint").unwrap(), 5);
    // A flag that is set before stops it before it begins, and costs no connection.
    let (transaction, _) = client.begin(Mode::Read, &[], None).unwrap();
    cancel.store(true, Ordering::Relaxed);
    transaction.stop_when(&cancel);
    assert!(matches!(transaction.query(FOR_EVER, &[]), Err(Error::Interrupted)));
    drop(transaction);
    assert_eq!(client.connections(), (1, 1));
}

#[test]
fn a_statement_that_takes_too_long_is_stopped_by_the_server() {
    let Some(server) = Server::shared() else { return };
    let settings = Settings { statement_timeout: Some(Duration::from_millis(10)), ..Settings::default() };
    let client = start(&server.memory_url(), settings);
    let (transaction, _) = client.begin(Mode::Read, &[], None).unwrap();
    let error = transaction.query(FOR_EVER, &[]).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    drop(transaction);
    assert_eq!(number(&client, "SELECT 5::bigint").unwrap(), 5);
}

#[test]
fn writers_take_turns_and_wait_no_longer_than_said() {
    let Some(server) = Server::shared() else { return };
    let client = start(&server.memory_url(), impatient());
    schema::open(&client, schema::Access::Create).unwrap();
    let name = client.address().schema.clone();
    let turn = [text(&name)];
    let statement = (schema::TURN, &turn[..]);
    let (first, _) = client.begin(Mode::Write, &[statement], None).unwrap();
    let busy = client.begin(Mode::Write, &[statement], None).unwrap_err();
    assert!(matches!(busy, Error::Busy { .. }), "{busy:?}");
    assert_eq!(number(&client, "SELECT count(*) FROM entry").unwrap(), 0, "readers do not wait");
    // Another program waits, too: the triggers see to it.
    let foreign = format!(
        "SET lock_timeout = 20; INSERT INTO {name}.entry (ulid, title, created_at, updated_at) VALUES ('A', 'a', 0, 0)"
    );
    assert!(server.psql("rekall", &foreign).unwrap_err().contains("lock timeout"));
    first.commit(None).unwrap();
    client.begin(Mode::Write, &[statement], None).unwrap();
    server.psql("rekall", &foreign).unwrap();
}

#[test]
fn many_statements_take_one_round_trip_and_stop_at_the_first_error() {
    let Some(server) = Server::shared() else { return };
    let client = client(server);
    let (one, two) = (1_i64, 2_i64);
    let first: &[_] = &[(&one as _, Type::INT8)];
    let second: &[_] = &[(&two as _, Type::INT8)];
    let (transaction, rows) =
        client.begin(Mode::Read, &[("SELECT $1", first), ("SELECT $1 + 1", second)], None).unwrap();
    let numbers: Vec<i64> = rows.iter().map(|rows| rows[0].get(0)).collect();
    assert_eq!(numbers, [1, 3]);
    let error =
        transaction.query_all(&[("SELECT $1", first), ("SELECT 1 / ($1 - 1)", first), ("SELECT $1", second)]);
    assert!(error.unwrap_err().to_string().contains("division by zero"));
}

#[test]
fn rows_are_handed_on_one_by_one_and_may_be_left() {
    let Some(server) = Server::shared() else { return };
    let client = client(server);
    let (transaction, _) = client.begin(Mode::Read, &[], None).unwrap();
    let many = "SELECT n, repeat('x', 1000) FROM generate_series(1::bigint, $1) AS n";
    let mut sum = 0;
    let limit: &[_] = &[(&20_000_i64 as _, Type::INT8)];
    let mut add = |row: &tokio_postgres::Row| {
        sum += row.try_get::<_, i64>(0)?;
        Ok(())
    };
    transaction.for_each(many, limit, &mut add).unwrap();
    assert_eq!(sum, 20_000 * 20_001 / 2);
    let left = transaction.for_each(many, limit, |row| match row.try_get::<_, i64>(0)? {
        10 => Err(Error::Interrupted),
        _ => Ok(()),
    });
    assert!(matches!(left, Err(Error::Interrupted)));
    assert_eq!(number(&client, "SELECT 1::bigint").unwrap(), 1);
}

#[test]
fn a_text_with_a_nul_is_refused_and_a_wrong_column_is_damage() {
    let Some(server) = Server::shared() else { return };
    let client = client(server);
    let (transaction, _) = client.begin(Mode::Read, &[], None).unwrap();
    let value = "a\0b".to_owned();
    let error = transaction.query("SELECT $1", &[text(&value)]).unwrap_err();
    assert!(error.to_string().contains("22021"), "{error}");
    let error = number(&client, "SELECT 'a text'").unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
}

#[test]
fn names_of_schemas_are_quoted() {
    let Some(server) = Server::shared() else { return };
    // 'a "quoted" name; DROP TABLE entry --' in a URL.
    let name = "a%20%22quoted%22%20name;%20DROP%20TABLE%20entry%20--";
    let client = start(&format!("{}?schema={name}", server.url("rekall")), Settings::default());
    schema::open(&client, schema::Access::Create).unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM entry").unwrap(), 0);
    let schemas = server.psql("rekall", "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'a %'").unwrap();
    assert_eq!(schemas, "a \"quoted\" name; DROP TABLE entry --\n");
}
