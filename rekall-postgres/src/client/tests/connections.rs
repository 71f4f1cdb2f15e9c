//! Connections: how many, how long, and what happens when they break.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::{client, impatient, number, start, write};
use crate::Error;
use crate::client::{Mode, Settings};
use crate::testing::Server;

/// How many connections of this name the server has.
fn connections(server: &Server, name: &str) -> String {
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}'");
    server.psql("rekall", &sql).unwrap()
}

#[test]
fn a_client_survives_restarts_of_the_server() {
    let Some(server) = Server::start() else { return };
    let client = client(&server);
    write(&client, "CREATE SCHEMA a; CREATE TABLE a.kept (n int)").unwrap();
    for killed in [true, false, true] {
        // Several connections, all of which die.
        let open: Vec<_> = (0..3).map(|_| client.begin(Mode::Read, &[], None).unwrap().0).collect();
        let (unlucky, _) = client.begin(Mode::Write, &[], None).unwrap();
        drop(open);
        if killed {
            server.kill()
        } else {
            server.stop()
        }
        let refused = client.begin(Mode::Read, &[], None).unwrap_err();
        assert!(matches!(refused, Error::Unreachable { .. }), "{refused:?}");
        let lost = unlucky.batch("INSERT INTO a.kept VALUES (0)").unwrap_err();
        assert!(matches!(lost, Error::ConnectionLost { .. }), "{lost:?}");
        server.restart();
        write(&client, "INSERT INTO a.kept VALUES (1)").unwrap();
        assert_eq!(number(&client, "SELECT count(*) FROM a.kept WHERE n = 0").unwrap(), 0);
    }
    assert_eq!(number(&client, "SELECT count(*) FROM a.kept").unwrap(), 3);
}

#[test]
fn a_dead_connection_is_replaced_without_a_word() {
    let Some(server) = Server::shared() else { return };
    let client = client(server);
    let own = number(&client, "SELECT pg_backend_pid()::bigint").unwrap();
    server.psql("rekall", &format!("SELECT pg_terminate_backend({own}, 10000)")).unwrap();
    assert_ne!(number(&client, "SELECT pg_backend_pid()::bigint").unwrap(), own);
    // In the middle of a transaction there is nothing to be done: what was read would not fit together.
    let (transaction, _) = client.begin(Mode::Read, &[], None).unwrap();
    let own: i64 = transaction.query_one("SELECT pg_backend_pid()::bigint", &[]).unwrap().get(0);
    server.psql("rekall", &format!("SELECT pg_terminate_backend({own}, 10000)")).unwrap();
    let lost = transaction.query("SELECT 1", &[]).unwrap_err();
    assert!(lost.is_lost(), "{lost:?}");
    drop(transaction);
    assert_ne!(number(&client, "SELECT pg_backend_pid()::bigint").unwrap(), own);
}

#[test]
fn who_finds_all_connections_in_use_waits_and_is_told() {
    let Some(server) = Server::shared() else { return };
    let client = start(&server.memory_url(), Settings { connections: 2, ..impatient() });
    let held: Vec<_> = (0..2).map(|_| client.begin(Mode::Read, &[], None).unwrap().0).collect();
    assert_eq!(client.connections(), (0, 2));
    let busy = client.begin(Mode::Read, &[], None).unwrap_err();
    assert!(matches!(busy, Error::Busy { .. }) && busy.to_string().contains("all 2 connections"), "{busy}");
    drop(held);
    assert_eq!(client.connections(), (2, 2));
    // Who waits gets the first one that comes back.
    let patient = start(&server.memory_url(), Settings { connections: 1, ..Settings::default() });
    let (only, _) = patient.begin(Mode::Read, &[], None).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| number(&patient, "SELECT 7::bigint").unwrap());
        drop(only);
        assert_eq!(waiting.join().unwrap(), 7);
    });
}

#[test]
fn connections_that_nobody_uses_are_closed() {
    let Some(server) = Server::shared() else { return };
    let url = format!("{}&application_name=idlers", server.memory_url());
    let client = start(&url, Settings::default());
    let before = Instant::now();
    let open: Vec<_> = (0..3).map(|_| client.begin(Mode::Read, &[], None).unwrap().0).collect();
    drop(open);
    client.shared.pool.close_idle(Some(before));
    assert_eq!(client.connections(), (3, 3), "used since");
    client.shared.pool.close_idle(Some(Instant::now()));
    assert_eq!(client.connections(), (0, 0));
    number(&client, "SELECT 1::bigint").unwrap();
    client.release();
    assert_eq!(client.connections(), (0, 0));

    // What the timer does, which is waited for here.
    let quick = Settings { idle_timeout: Duration::from_millis(5), ..Settings::default() };
    let quick = start(&url, quick);
    number(&quick, "SELECT 1::bigint").unwrap();
    while quick.connections() != (0, 0) {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_closed_client_leaves_no_connection_and_no_thread() {
    let Some(server) = Server::shared() else { return };
    let url = format!("{}&application_name=guest", server.memory_url());
    let threads = || {
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let names = threads.map(|thread| fs::read_to_string(thread.path().join("comm")).unwrap_or_default());
        names.filter(|name| name.starts_with("rekall-postgre")).count()
    };
    let client = start(&url, Settings::default());
    number(&client, "SELECT 1::bigint").unwrap();
    assert_eq!(connections(server, "guest"), "1\n");
    let open = threads();
    drop(client);
    // Other tests have such threads, too, which come and go; this one is joined.
    assert!(open > 0 || !fs::exists("/proc/self/task").unwrap());
    while connections(server, "guest") != "0\n" {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn it_works_inside_a_tokio_host() {
    let Some(server) = Server::shared() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let client = client(server);
        number(&client, "SELECT 42::bigint").unwrap()
    });
    assert_eq!(answer, 42);
}

#[test]
fn a_server_that_is_not_there_or_says_nothing_is_unreachable() {
    let Some(server) = Server::shared() else { return };
    let unreachable = |port: u16| {
        let url = server.memory_url().replace(&format!(":{}/", server.port()), &format!(":{port}/"));
        let client = start(&format!("{url}&connect_timeout=1"), Settings::default());
        let error = client.begin(Mode::Read, &[], None).unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        let said = format!("{error} {error:?} {client:?}");
        assert!(!said.contains(server.password()), "{said}");
        said
    };
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    assert!(unreachable(port).contains("within 1 s"));
    // A caller need not wait that long.
    let url = server.memory_url().replace(&format!(":{}/", server.port()), &format!(":{port}/"));
    let cancel = Arc::new(AtomicBool::new(true));
    let cancelled = start(&url, Settings::default()).begin(Mode::Read, &[], Some(&cancel)).unwrap_err();
    assert!(matches!(cancelled, Error::Interrupted), "{cancelled:?}");
    drop(silent);
    assert!(unreachable(port).contains(&port.to_string()));
}

#[test]
fn a_refused_user_is_told_without_the_password() {
    let Some(server) = Server::shared() else { return };
    let refused = |url: &str| {
        let client = start(url, Settings::default());
        let error = client.begin(Mode::Read, &[], None).unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error:?}");
        assert!(!format!("{error} {error:?} {client:?}").contains("hunter2"), "{error:?}");
    };
    refused(&server.url("rekall").replace(server.password(), "hunter2"));
    let none = server.url("none");
    let client = start(&none, Settings::default());
    let error = client.begin(Mode::Read, &[], None).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }) && error.to_string().contains("none"), "{error:?}");
    assert!(!error.to_string().contains(server.password()));
}
