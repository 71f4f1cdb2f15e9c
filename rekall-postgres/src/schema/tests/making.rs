//! Making, recognizing and upgrading a memory.

use std::thread;

use super::{foreign, memory, position_of, start};
use crate::Error;
use crate::client::Mode;
use crate::schema::{Access, MIGRATIONS, VERSION, open, open_with};
use crate::testing::Server;

#[test]
fn many_who_open_at_once_make_it_once() {
    let Some(server) = Server::shared() else { return };
    let url = server.memory_url();
    let lives: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let client = start(&url);
                    open(&client, Access::Create).unwrap();
                    let (transaction, _) = client.begin(Mode::Read, &[], None).unwrap();
                    let sql = "SELECT value FROM meta WHERE key = 'life'";
                    transaction.query_one(sql, &[]).unwrap().get(0)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(lives.iter().all(|life| *life == lives[0] && life.len() == 36), "{lives:?}");
}

#[test]
fn what_is_not_to_be_made_or_is_something_else_is_told_apart() {
    let Some(server) = Server::shared() else { return };
    let client = start(&server.memory_url());
    let name = client.address().schema.clone();
    for access in [Access::Write, Access::Read] {
        assert!(matches!(open(&client, access), Err(Error::NotFound { .. })));
    }
    server.psql("rekall", &format!("CREATE SCHEMA {name}")).unwrap();
    assert!(matches!(open(&client, Access::Read), Err(Error::NotFound { .. })));
    server.psql("rekall", &format!("CREATE TABLE {name}.meta (a int)")).unwrap();
    let error = open(&client, Access::Create).unwrap_err();
    assert!(matches!(error, Error::NotAMemory { .. }) && error.to_string().contains("1 tables"), "{error}");
    server.psql("rekall", &format!("DROP TABLE {name}.meta")).unwrap();
    open(&client, Access::Create).unwrap();
    for access in [Access::Create, Access::Write, Access::Read] {
        open(&client, access).unwrap();
    }
    let version =
        |sql: &str| foreign(server, &client, &format!("UPDATE meta SET value = {sql} WHERE key = 'version'"));
    version("'99'").unwrap();
    let error = open(&client, Access::Create).unwrap_err();
    assert!(matches!(error, Error::NewerVersion { found: 99, supported: VERSION, .. }), "{error}");
    version("'many'").unwrap();
    assert!(matches!(open(&client, Access::Create), Err(Error::NotAMemory { .. })));
}

#[test]
fn a_database_in_another_encoding_is_refused() {
    let Some(server) = Server::shared() else { return };
    server.psql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0").unwrap();
    let error = open(&start(&server.url("latin")), Access::Create).unwrap_err();
    assert!(matches!(error, Error::Unfit { .. }) && error.to_string().contains("LATIN1"), "{error}");
}

#[test]
fn a_user_who_may_only_read_opens_what_is_there() {
    let Some(server) = Server::shared() else { return };
    let client = memory(server);
    let name = client.address().schema.clone();
    let grants = format!(
        "CREATE ROLE reader LOGIN PASSWORD 'r'; GRANT USAGE ON SCHEMA {name} TO reader;
         GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO reader;"
    );
    server.psql("rekall", &grants).unwrap();
    let url =
        |schema: &str| format!("postgres://reader:r@127.0.0.1:{}/rekall?schema={schema}", server.port());
    let reader = start(&url(&name));
    open(&reader, Access::Create).unwrap();
    let (transaction, _) = reader.begin(Mode::Write, &[], None).unwrap();
    let refused = transaction.batch("DELETE FROM entry").unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
    let refused = open(&start(&url("of_the_reader")), Access::Create).unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
}

#[test]
fn a_newer_library_upgrades_all_of_it_or_nothing() {
    let Some(server) = Server::shared() else { return };
    let client = memory(server);
    let sound = (VERSION + 1, "ALTER TABLE entry ADD COLUMN colour text; CREATE TABLE more (a int)");
    let broken = (VERSION + 2, "CREATE TABLE last (a int); SELECT 1/0");
    let has = |table: &str| {
        foreign(server, &client, &format!("SELECT to_regclass('{table}') IS NOT NULL")).unwrap()
    };
    let steps = [MIGRATIONS, &[sound, broken]].concat();
    open_with(&client, Access::Create, &steps).unwrap_err();
    assert_eq!((has("more"), has("last")), ("f\n".to_owned(), "f\n".to_owned()));
    open(&client, Access::Create).unwrap();

    let steps = [MIGRATIONS, &[sound]].concat();
    let refused = open_with(&client, Access::Read, &steps).unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| open_with(&client, Access::Write, &steps).unwrap());
        }
    });
    assert_eq!(has("more"), "t\n");
    let error = open(&client, Access::Read).unwrap_err();
    assert!(matches!(error, Error::NewerVersion { .. }), "the library of before: {error}");
    // A new memory goes through all of them.
    let another = start(&server.memory_url());
    open_with(&another, Access::Create, &steps).unwrap();
    foreign(server, &another, "SELECT colour FROM entry").unwrap();
}

#[test]
fn every_text_compares_by_its_bytes() {
    let Some(server) = Server::shared() else { return };
    let client = memory(server);
    let sql = format!(
        "SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            JOIN pg_collation ON pg_collation.oid = attcollation
         WHERE relnamespace = '{}'::regnamespace AND relkind = 'r' AND collname <> 'C'",
        client.address().schema
    );
    assert_eq!(server.psql("rekall", &sql).unwrap(), "");
}

#[test]
fn a_memory_of_an_older_version_is_upgraded_without_touching_a_row() {
    let Some(server) = Server::shared() else { return };
    for before in 1..MIGRATIONS.len() {
        upgraded_from(server, &MIGRATIONS[..before]);
    }
}

#[test]
fn the_triggers_of_version_6_ask_for_no_right_that_those_of_version_5_do_not() {
    let Some(server) = Server::shared() else { return };
    let client = start(&server.memory_url());
    open_with(&client, Access::Create, &MIGRATIONS[..2]).unwrap();
    let ask = |sql: &str| foreign(server, &client, sql).unwrap();
    let schema = &client.address().schema;
    ask(&format!("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC"));
    let rights = || {
        ask(&format!(
            "SELECT oid, proname, proacl FROM pg_proc WHERE pronamespace = '{schema}'::regnamespace ORDER BY oid"
        ))
    };
    let before = rights();
    assert!(before.contains("|embedding_inserted|{") && !before.contains("{=X"), "{before}");
    open(&client, Access::Write).unwrap();
    assert_eq!(ask("SELECT value FROM meta WHERE key = 'version'"), format!("{VERSION}\n"));
    assert_eq!(rights(), before);
}

fn upgraded_from(server: &Server, older: &'static [(i64, &'static str)]) {
    let client = start(&server.memory_url());
    open_with(&client, Access::Create, older).unwrap();
    let ask = |sql: &str| foreign(server, &client, sql).unwrap();
    let version = older[older.len() - 1].0;
    assert_eq!(ask("SELECT value FROM meta WHERE key = 'version'"), format!("{version}\n"));
    ask("INSERT INTO entry (ulid, title, tags, created_at, updated_at, expires_at) VALUES
            ('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'a', '[\"t\"]', 1, 1, 5), ('01ARZ3NDEKTSV4RRFFQ69G5FAW', 'b', '[]', 1, 1, NULL);
         UPDATE entry SET superseded_by = 2 WHERE id = 1;
         INSERT INTO source (uri, synced_at) VALUES ('file:a', 1);
         INSERT INTO section (entry_id, source_id, number) VALUES (1, 1, 0);
         INSERT INTO link (source_id, target_id, relation, created_at) VALUES (1, 2, 'related', 1);
         INSERT INTO space (fingerprint, dimensions, state, created_at) VALUES ('m', 2, 'active', 1);
         INSERT INTO embedding (entry_id, space_id, role, chunk, vector) VALUES (1, 1, 0, 0, 'v')");
    let rows = || -> String {
        let tables = [
            "entry",
            "tag",
            "source",
            "section",
            "link",
            "space",
            "embedding",
            "pending",
            "change",
            "word_pending",
        ];
        let row = |table| format!("SELECT '{table}', ctid, xmin, {table}::text FROM {table}");
        ask(&tables.map(row).join(";"))
    };
    let (before, position) = (rows(), position_of(&client));
    let refused = open(&client, Access::Read).unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| open(&client, Access::Write).unwrap());
        }
    });
    assert_eq!(ask("SELECT value FROM meta WHERE key = 'version'"), format!("{VERSION}\n"));
    assert_eq!((rows(), position_of(&client)), (before, position), "who follows the log sees nothing of it");
    let error = open_with(&client, Access::Write, older).unwrap_err();
    assert!(matches!(error, Error::NewerVersion { found: VERSION, .. }), "the library of before: {error}");
    // The tables of a new one are the same.
    let new = memory(server);
    let dump = |client: &crate::client::Client| {
        let name = client.address().schema.clone();
        let mut dump = server.program("pg_dump");
        dump.args([
            "-U",
            "rekall",
            "-d",
            "rekall",
            "--schema-only",
            "--restrict-key=same",
            "-n",
            &name,
            "-h",
        ]);
        let dump =
            dump.arg(server.socket_folder()).args(["-p", &server.port().to_string()]).output().unwrap();
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        String::from_utf8(dump.stdout).unwrap().replace(&name, "memory")
    };
    assert!(dump(&new).contains("of_scope"));
    assert_eq!(dump(&client), dump(&new));
}
