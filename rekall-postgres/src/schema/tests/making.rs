//! Making, recognizing and upgrading a memory.

use std::thread;

use super::{foreign, memory, start};
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
