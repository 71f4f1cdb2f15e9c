//! Positions of the change log: in the order of commits, and of one life.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;
use std::thread;

use super::{foreign, memory, position_of, start};
use crate::client::Mode;
use crate::schema::{Access, open};
use crate::testing::Server;

const INSERT: &str = "INSERT INTO entry (ulid, title, created_at, updated_at) VALUES";

#[test]
fn no_change_appears_behind_a_position_that_was_seen() {
    let Some(server) = Server::shared() else { return };
    let client = memory(server);
    // Writers that hold their transactions open for different times: a bare sequence would be committed out of order.
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let mut command = server.psql_command("rekall");
            let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
            let mut script = format!("SET search_path TO {};", client.address().schema);
            for n in 0..40 {
                let pause = (n * 7 + writer * 3) % 5;
                script += &format!(
                    "BEGIN; {INSERT} ('{writer} {n} a', 'x', 0, 0); SELECT pg_sleep({pause}.0 / 1000);
                     {INSERT} ('{writer} {n} b', 'x', 0, 0); {};",
                    if n % 10 == 9 { "ROLLBACK" } else { "COMMIT" }
                );
            }
            child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
            child
        })
        .collect();
    let read = || {
        let (transaction, _) = client.begin(Mode::Read, &[], None).unwrap();
        let rows = transaction.query("SELECT seq FROM change", &[]).unwrap();
        rows.iter().map(|row| row.get(0)).collect::<BTreeSet<i64>>()
    };
    let (mut seen, mut moments) = (BTreeSet::new(), 0);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| writers.into_iter().all(|mut child| child.wait().unwrap().success()));
        loop {
            let over = waiting.is_finished();
            let now = read();
            let position = seen.last().copied().unwrap_or(0);
            let behind: Vec<_> = now.difference(&seen).filter(|&&number| number <= position).collect();
            assert!(behind.is_empty(), "{behind:?} appeared behind {position}");
            moments += usize::from(now != seen);
            seen = now;
            if over {
                break;
            }
        }
        assert!(waiting.join().unwrap());
    });
    assert_eq!(seen.len(), 4 * 36 * 2);
    assert!(moments > 10, "seen at {moments} moments");
    assert_eq!(position_of(&client).number(), *seen.last().unwrap());
}

#[test]
fn an_ordinary_write_or_a_restart_changes_the_number_alone() {
    let Some(server) = Server::start() else { return };
    let client = memory(&server);
    let before = position_of(&client);
    assert_eq!(before.number(), 0);
    foreign(&server, &client, &format!("{INSERT} ('A', 'a', 0, 0); UPDATE entry SET title = 'b'")).unwrap();
    let after = position_of(&client);
    assert!(after.same_history(before) && after.number() > before.number());
    server.kill();
    server.restart();
    assert_eq!(position_of(&client), after);
    foreign(&server, &client, "VACUUM entry").unwrap_err();
    server.psql("rekall", &format!("VACUUM {}.entry", client.address().schema)).unwrap();
    server.psql("rekall", &format!("ANALYZE {}.entry", client.address().schema)).unwrap();
    assert_eq!(position_of(&client), after);
}

#[test]
fn what_was_restored_or_made_anew_has_another_life() {
    let Some(server) = Server::shared() else { return };
    let client = memory(server);
    let name = client.address().schema.clone();
    foreign(server, &client, &format!("{INSERT} ('A', 'a', 0, 0), ('B', 'b', 0, 0)")).unwrap();
    let before = position_of(&client);
    let mut dump = server.program("pg_dump");
    dump.args(["-U", "rekall", "-d", "rekall", "-n", &name, "-h"]).arg(server.socket_folder());
    let dump = dump.args(["-p", &server.port().to_string()]).output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));

    foreign(server, &client, "UPDATE entry SET title = 'c'").unwrap();
    server.psql("rekall", &format!("DROP SCHEMA {name} CASCADE")).unwrap();
    let mut restore =
        server.psql_command("rekall").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    restore.stdin.take().unwrap().write_all(&dump.stdout).unwrap();
    assert!(restore.wait().unwrap().success());
    open(&client, Access::Write).unwrap();
    let restored = position_of(&client);
    assert_eq!(restored.number(), before.number());
    assert!(!restored.same_history(before));
    // The log goes on where it was, and identity columns do.
    foreign(server, &client, &format!("{INSERT} ('C', 'c', 0, 0)")).unwrap();
    assert_eq!(position_of(&client).number(), before.number() + 1);
    assert_eq!(foreign(server, &client, "SELECT max(id) FROM entry").unwrap(), "3\n");

    for sql in ["VACUUM (FULL) {}.entry", "TRUNCATE {}.embedding"] {
        let before = position_of(&client);
        server.psql("rekall", &sql.replace("{}", &name)).unwrap();
        assert!(!position_of(&client).same_history(before), "{sql}");
    }
    let before = position_of(&client);
    server.psql("rekall", &format!("DROP SCHEMA {name} CASCADE")).unwrap();
    let gone = client.begin(Mode::Read, &[(super::POSITION, &[])], None).unwrap_err();
    assert!(matches!(gone, crate::Error::Gone { .. }), "{gone:?}");
    open(&client, Access::Create).unwrap();
    assert!(!position_of(&client).same_history(before));
}

#[test]
fn a_copy_of_the_database_has_another_life() {
    let Some(server) = Server::start() else { return };
    let client = memory(&server);
    let schema = client.address().schema.clone();
    let before = position_of(&client);
    client.release();
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'rekall'";
    while server.psql("postgres", sql).unwrap() != "0\n" {
        thread::yield_now();
    }
    server.psql("postgres", "CREATE DATABASE copy TEMPLATE rekall").unwrap();
    let copy = start(&format!("{}?schema={schema}", server.url("copy")));
    open(&copy, Access::Write).unwrap();
    assert!(!position_of(&copy).same_history(before));
}

#[test]
fn a_user_who_may_not_ask_for_the_servers_life_has_positions_all_the_same() {
    let Some(server) = Server::shared() else { return };
    let client = memory(server);
    let name = client.address().schema.clone();
    let grants = format!(
        "CREATE ROLE guest LOGIN PASSWORD 'g'; GRANT USAGE ON SCHEMA {name} TO guest;
         GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO guest;
         REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"
    );
    server.psql("rekall", &grants).unwrap();
    let guest = start(&format!("postgres://guest:g@127.0.0.1:{}/rekall?schema={name}", server.port()));
    assert_eq!(position_of(&guest).number(), 0);
    server.psql("rekall", "GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC").unwrap();
}

#[test]
fn truncated_tables_are_news() {
    let Some(server) = Server::shared() else { return };
    let client = memory(server);
    let number = |sql: &str| foreign(server, &client, sql).unwrap();
    number(&format!("{INSERT} ('A', 'a', 0, 0), ('B', 'b', 0, 0)"));
    number(
        "INSERT INTO word_segment (state, oldest, newest, passages, pages, docs) VALUES ('ready', 1, 1, 1, 1, '')",
    );
    let before = position_of(&client).number();
    number("TRUNCATE entry CASCADE");
    let after = position_of(&client).number();
    assert!(after > before);
    assert_eq!(number("SELECT value FROM meta WHERE key = 'log_floor'"), format!("{after}\n"));
    for table in ["tag", "pending", "word_pending", "word_segment", "embedding"] {
        assert_eq!(number(&format!("SELECT count(*) FROM {table}")), "0\n", "{table}");
    }
    number(&format!("{INSERT} ('C', 'c', 0, 0)"));
    assert_eq!(number("SELECT id FROM entry"), "3\n", "numbers are not given again");
}
