//! The same statements on a file and on a server leave the same rows.

use rekall_core::{SqliteStore, StoreOptions};
use rusqlite::Connection;

use super::{foreign, memory};
use crate::testing::Server;

/// What is compared of each table: a column of text that both can make, and the order of the rows.
const TABLES: &[(&str, &str, &str)] = &[
    ("entry", "id || ulid || title || content || tags || status || coalesce(superseded_by, 0)", "id"),
    ("tag", "tag || ' ' || entry_id", "tag, entry_id"),
    ("link", "source_id || relation || target_id", "source_id, target_id"),
    ("section", "entry_id || ' ' || source_id || ' ' || number || path", "entry_id"),
    ("usage", "entry_id || ' ' || uses", "entry_id"),
    ("space", "id || fingerprint || state", "id"),
    (
        "embedding",
        "entry_id || ' ' || space_id || ' ' || role || ' ' || chunk",
        "entry_id, space_id, role, chunk",
    ),
    ("quarantine", "entry_id || reason", "id"),
    ("pending", "entry_id || ''", "entry_id"),
    ("wordless", "entry_id || ' ' || space_id", "entry_id, space_id"),
    ("word_pending", "entry_id || ' ' || characters", "entry_id"),
    ("index_block", "space_id || kind || number", "space_id, kind, number"),
    // Where the floor lies is compared with the log.
    ("meta", "(SELECT count(*) FROM change WHERE seq > CAST(value AS bigint)) || key", "key"),
];

/// Statements that both understand, in an order in which each has something to do.
const STATEMENTS: &[&str] = &[
    "INSERT INTO entry (ulid, title, content, tags, created_at, updated_at) VALUES
        ('A', 'one', 'é😀', '[\"b\", \"a\", \"b\"]', 1, 1), ('B', 'two', '', '[]', 1, 1), ('C', 'three', 'x', '[\"a\"]', 1, 1)",
    "INSERT INTO entry (ulid, title, context, superseded_by, created_at, updated_at) VALUES
        ('D', 'four', '{\"text\": \"why\"}', 2, 1, 1), ('E', 'five', NULL, 2, 1, 1)",
    "INSERT INTO space (fingerprint, dimensions, state, created_at) VALUES ('old', 2, 'active', 1)",
    "INSERT INTO space (fingerprint, dimensions, state, created_at) VALUES ('new', 2, 'building', 1)",
    "INSERT INTO wordless (entry_id, space_id) VALUES (3, 1), (3, 2), (4, 1)",
    "INSERT INTO embedding (entry_id, space_id, role, chunk, vector) VALUES
        (1, 1, 0, 0, 'v'), (2, 1, 0, 0, 'v'), (2, 1, 0, 1, 'v'), (3, 2, 0, 0, 'v'), (1, 2, 0, 0, 'v')",
    "INSERT INTO index_block (space_id, kind, number, seq, data) VALUES (1, 'sq8', 0, 1, 'd'), (2, 'sq8', 0, 1, 'd')",
    "UPDATE entry SET updated_at = 2 WHERE id = 5",
    "UPDATE entry SET title = 'one' WHERE id = 1",
    "UPDATE entry SET title = 'ONE' WHERE id = 1",
    "UPDATE entry SET tags = '[\"c\"]', context = '{}' WHERE id = 3",
    "UPDATE entry SET status = 'obsolete' WHERE id IN (4, 5)",
    "UPDATE embedding SET vector = 'w' WHERE entry_id = 2 AND chunk = 1",
    "UPDATE embedding SET entry_id = 5 WHERE entry_id = 2 AND chunk = 1",
    "UPDATE embedding SET vector = 'w' WHERE space_id = 2",
    "INSERT INTO link (source_id, target_id, relation, created_at) VALUES (1, 2, 'related', 1), (3, 1, 'related', 1)",
    "INSERT INTO source (uri, synced_at) VALUES ('file:a', 1), ('file:b', 1)",
    "INSERT INTO section (entry_id, source_id, number) VALUES (3, 1, 0)",
    "INSERT INTO section (entry_id, source_id, number) VALUES (4, 1, 1)",
    "INSERT INTO section (entry_id, source_id, number) VALUES (5, 2, 0)",
    "UPDATE section SET line = 7 WHERE entry_id = 3",
    "UPDATE section SET path = '[\"h\"]' WHERE entry_id = 3",
    "UPDATE section SET entry_id = 1 WHERE entry_id = 3",
    "UPDATE source SET stamp = 's' WHERE id = 2",
    "UPDATE source SET uri = 'file:c' WHERE id = 1",
    "DELETE FROM section WHERE entry_id = 1",
    "DELETE FROM source WHERE id = 2",
    "INSERT INTO usage (entry_id, last_used_at, uses) VALUES (1, 1, 1), (2, 1, 2)",
    "INSERT INTO quarantine (entry_id, reason, found_at) VALUES (2, 'short', 1)",
    "DELETE FROM embedding WHERE entry_id = 1 AND space_id = 2",
    "DELETE FROM embedding WHERE entry_id = 1",
    "DELETE FROM entry WHERE id = 2",
    "DELETE FROM entry WHERE ulid IN ('A', 'none')",
    "DELETE FROM entry WHERE ulid = 'none'",
    "UPDATE space SET state = 'leaving' WHERE id = 1",
    "UPDATE space SET state = 'active' WHERE id = 2",
    "INSERT INTO entry (ulid, title, created_at, updated_at) VALUES ('F', 'six', 1, 1)",
    "DELETE FROM space WHERE id = 1",
    "DELETE FROM space WHERE id = 2",
    "INSERT INTO pending (entry_id) VALUES (5) ON CONFLICT DO NOTHING",
    "DELETE FROM entry WHERE id > 0",
];

/// What neither takes.
const REFUSED: &[&str] = &[
    "INSERT INTO entry (ulid, title, created_at, updated_at) VALUES ('C', 'again', 1, 1)",
    "INSERT INTO entry (ulid, title, tags, created_at, updated_at) VALUES ('X', 'x', '{}', 1, 1)",
    "INSERT INTO entry (ulid, title, tags, created_at, updated_at) VALUES ('X', 'x', '[', 1, 1)",
    "INSERT INTO entry (ulid, title, tags, created_at, updated_at) VALUES ('X', 'x', '[null]', 1, 1)",
    "INSERT INTO entry (ulid, title, context, created_at, updated_at) VALUES ('X', 'x', '[]', 1, 1)",
    "INSERT INTO entry (ulid, title, metadata, created_at, updated_at) VALUES ('X', 'x', '1', 1, 1)",
    "INSERT INTO entry (ulid, title, legacy, created_at, updated_at) VALUES ('X', 'x', 'no json', 1, 1)",
    "INSERT INTO entry (ulid, title, status, created_at, updated_at) VALUES ('X', 'x', 'gone', 1, 1)",
    "UPDATE entry SET superseded_by = 99 WHERE ulid = 'C'",
    "INSERT INTO space (fingerprint, dimensions, state, created_at) VALUES ('x', 2, 'active', 1)",
    "INSERT INTO space (fingerprint, dimensions, state, created_at) VALUES ('x', 0, 'retired', 1)",
    "INSERT INTO link (source_id, target_id, relation, created_at) VALUES (3, 3, 'related', 1)",
    "INSERT INTO link (source_id, target_id, relation, created_at) VALUES (3, 99, 'related', 1)",
    "INSERT INTO section (entry_id, source_id, number) VALUES (3, 99, 0)",
    "INSERT INTO embedding (entry_id, space_id, role, chunk, vector) VALUES (99, 1, 0, 0, 'v')",
    "INSERT INTO embedding (entry_id, space_id, role, chunk, vector) VALUES (3, 99, 0, 0, 'v')",
    "UPDATE embedding SET entry_id = 99 WHERE entry_id = 1 AND space_id = 1",
    "INSERT INTO usage (entry_id, last_used_at, uses) VALUES (99, 1, 1)",
    "INSERT INTO wordless (entry_id, space_id) VALUES (99, 1)",
];

/// A file of the library, with a connection of another program's.
fn file(folder: &std::path::Path) -> Connection {
    let path = folder.join("a.db");
    drop(SqliteStore::open(&path, &StoreOptions::default()).unwrap());
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    connection
}

fn select(table: &(&str, &str, &str)) -> String {
    let (name, row, order) = table;
    let only = if *name == "meta" { "WHERE key = 'log_floor'" } else { "" };
    format!("SELECT {row} FROM {name} {only} ORDER BY {order}")
}

fn of_file(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|row| row.unwrap() + "\n").collect()
}

/// The change log, with the number of the statement that each row is of: the numbers themselves are given differently, and within a
/// statement in any order.
#[derive(Default)]
struct Log {
    /// The position after each statement.
    positions: Vec<i64>,
}

impl Log {
    const ROWS: &str = "SELECT seq || ' ' || entry_id FROM change ORDER BY seq";

    fn after_statement(&mut self, rows: &str) -> Vec<(usize, i64)> {
        let rows = rows.lines().map(|row| row.split_once(' ').unwrap());
        let rows: Vec<(i64, i64)> =
            rows.map(|(seq, row)| (seq.parse().unwrap(), row.parse().unwrap())).collect();
        self.positions.push(rows.last().map_or(0, |row| row.0));
        let statement = |seq: i64| self.positions.partition_point(|&position| position < seq);
        let mut log: Vec<_> = rows.into_iter().map(|(seq, entry)| (statement(seq), entry)).collect();
        log.sort_unstable();
        log
    }
}

#[test]
fn the_same_statements_leave_the_same_rows() {
    let Some(server) = Server::shared() else { return };
    let client = memory(server);
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    let (mut rows, mut log_of_file, mut log_of_server) = (0, Log::default(), Log::default());
    for (at, statement) in STATEMENTS.iter().enumerate() {
        file.execute_batch(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
        foreign(server, &client, statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
        let sql: String = TABLES.iter().map(|table| select(table) + "; SELECT '--'; ").collect();
        let on_server = foreign(server, &client, &(sql + Log::ROWS)).unwrap();
        let mut parts = on_server.split("--\n");
        for table in TABLES {
            let expected = of_file(&file, &select(table));
            rows += expected.lines().count();
            assert_eq!(parts.next().unwrap(), expected, "{} after statement {at}: {statement}", table.0);
        }
        let expected = log_of_file.after_statement(&of_file(&file, Log::ROWS));
        let found = log_of_server.after_statement(parts.next().unwrap());
        assert_eq!(found, expected, "log after statement {at}: {statement}");
    }
    assert!(rows > 800, "{rows} rows were compared");
}

#[test]
fn both_refuse_the_same() {
    let Some(server) = Server::shared() else { return };
    let client = memory(server);
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    for statement in &STATEMENTS[..6] {
        file.execute_batch(statement).unwrap();
        foreign(server, &client, statement).unwrap();
    }
    for statement in REFUSED {
        assert!(file.execute_batch(statement).is_err(), "a file takes {statement}");
        assert!(foreign(server, &client, statement).is_err(), "a server takes {statement}");
    }
    let refused = foreign(server, &client, "UPDATE entry SET id = DEFAULT WHERE ulid = 'C'").unwrap_err();
    assert!(refused.contains("entry.id cannot change"), "{refused}");
}

#[test]
fn a_schema_by_another_name_goes_on() {
    let Some(server) = Server::shared() else { return };
    let client = memory(server);
    let name = client.address().schema.clone();
    let insert = "INSERT INTO renamed.entry (ulid, title, tags, created_at, updated_at) VALUES ('A', 'a', '[\"t\"]', 1, 1)";
    // Written in the same session before and after: plans that were made for the old name are not used.
    let sql = format!(
        "{}; ALTER SCHEMA {name} RENAME TO renamed; {}; SELECT count(*) FROM renamed.tag",
        insert.replace("renamed", &name),
        insert.replace("'A'", "'B'")
    );
    assert_eq!(server.psql("rekall", &sql).unwrap(), "2\n");
    // One of the old name, made anew, is left alone.
    crate::schema::open(&client, crate::schema::Access::Create).unwrap();
    server.psql("rekall", &insert.replace("'A'", "'C'")).unwrap();
    assert_eq!(foreign(server, &client, "SELECT count(*) FROM change").unwrap(), "0\n");
    assert_eq!(server.psql("rekall", "SELECT count(*) FROM renamed.change").unwrap(), "3\n");
}
