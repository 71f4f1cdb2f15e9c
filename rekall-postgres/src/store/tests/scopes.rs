//! Scopes on a server: made by many, seen by those who are bound to them, removed.

use std::sync::Arc;
use std::thread;

use rekall_core::{
    Changes, Draft, EntryId, Error, ErrorKind, Filter, JsonlExportOptions, NewEntry, ScopeName, Store,
};

use super::super::PostgresStore;
use super::{foreign, memory, open};
use crate::PostgresOptions;
use crate::testing::Server;

fn name(name: &str) -> ScopeName {
    name.parse().unwrap()
}

fn scope(store: &PostgresStore, of: &str) -> Arc<dyn Store> {
    store.scopes().unwrap().open(&name(of)).unwrap()
}

fn remember(store: &dyn Store, title: &str) -> EntryId {
    let mut tx = store.write().unwrap();
    let id = tx.insert(&[Draft::new(&NewEntry::new(title))]).unwrap()[0].id;
    tx.commit().unwrap();
    id
}

fn titles(store: &dyn Store) -> Vec<String> {
    let entries = store.read().unwrap().entries_after(-1, 100).unwrap();
    entries.into_iter().map(|(_, entry)| entry.title).collect()
}

/// Rows that are left of all scopes, table by table.
const OF_SCOPES: &str = "SELECT count(*) FROM (
    SELECT id FROM entry UNION ALL SELECT entry_id FROM tag UNION ALL SELECT source_id FROM link UNION ALL SELECT id FROM source
    UNION ALL SELECT entry_id FROM section UNION ALL SELECT entry_id FROM usage UNION ALL SELECT id FROM space
    UNION ALL SELECT entry_id FROM embedding UNION ALL SELECT entry_id FROM quarantine UNION ALL SELECT entry_id FROM pending
    UNION ALL SELECT entry_id FROM wordless UNION ALL SELECT entry_id FROM change UNION ALL SELECT space_id FROM index_block
    UNION ALL SELECT id FROM word_segment UNION ALL SELECT segment_id FROM word_page UNION ALL SELECT entry_id FROM word_pending
    UNION ALL SELECT -number FROM scope UNION ALL SELECT -1 FROM meta WHERE key ~ '^[0-9]') AS row (id) WHERE id < 0";

#[test]
fn many_who_open_a_scope_at_once_make_it_once() {
    let Some(server) = Server::shared() else { return };
    for url in [server.memory_url(), server.memory_url_of_user()] {
        drop(open(&url));
        let stores: Vec<PostgresStore> = (0..4).map(|_| open(&url)).collect();
        thread::scope(|threads| {
            for (at, store) in stores.iter().enumerate() {
                threads.spawn(move || {
                    for scope in ["a", "b", "c"] {
                        remember(&*store.scopes().unwrap().open(&name(scope)).unwrap(), &at.to_string());
                    }
                });
            }
        });
        let scopes = stores[0].scopes().unwrap();
        assert_eq!(scopes.list().unwrap(), ["a", "b", "c"].map(name));
        for of in scopes.list().unwrap() {
            let mut found = titles(&*stores[1].scopes().unwrap().open(&of).unwrap());
            found.sort();
            assert_eq!(found, ["0", "1", "2", "3"]);
        }
        assert_eq!(titles(&stores[0]), [""; 0]);
    }
}

#[test]
fn a_removed_scope_is_gone_with_everything_and_its_handles_fail() {
    let Some(server) = Server::shared() else { return };
    for url in [server.memory_url(), server.memory_url_of_user()] {
        let store = open(&url);
        remember(&store, "mine");
        let left = scope(&store, "kept");
        let id = remember(&*left, "kept");
        let before = foreign(server, &store, OF_SCOPES).unwrap();
        let gone = scope(&store, "gone");
        let mut tx = gone.write().unwrap();
        let entries: Vec<NewEntry> = (0..1_200).map(|n| NewEntry::new(format!("note {n}"))).collect();
        let drafts: Vec<Draft<'_>> = entries.iter().map(Draft::new).collect();
        let first = tx.insert(&drafts).unwrap()[0];
        let space = tx.ensure_active_space("model", 2).unwrap();
        tx.put_source("file:///a", None, rekall_core::TextDigest::unknown()).unwrap();
        let position = tx.position().unwrap();
        tx.replace_index_blocks(space.id, "sq8", position, &mut [vec![1]].into_iter()).unwrap();
        tx.commit().unwrap();
        let reading = gone.read().unwrap();
        let another = scope(&open(&url), "gone");

        assert_eq!(store.scopes().unwrap().remove(&name("gone")).unwrap(), 1_200);
        assert_eq!(reading.locate(first.id).unwrap().0, first.row, "a view stays what it is");
        drop(reading);
        for handle in [gone, another] {
            let failures = [
                handle.read().map(drop).unwrap_err(),
                handle.write().map(drop).unwrap_err(),
                handle.get(first.id).map(drop).unwrap_err(),
            ];
            for failure in failures {
                assert!(
                    matches!(&failure, Error::ScopeNotFound { name } if name.as_str() == "gone"),
                    "{failure}"
                );
            }
        }
        assert_eq!(foreign(server, &store, OF_SCOPES).unwrap(), before);
        assert_eq!(store.scopes().unwrap().list().unwrap(), [name("kept")]);
        let again = store.scopes().unwrap().remove(&name("gone")).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::NotFound);
        assert_eq!(
            (titles(&store), left.get(id).unwrap().title),
            (vec!["mine".to_owned()], "kept".to_owned())
        );
        // One of the same name is another one, from its first row on.
        assert_eq!(titles(&*scope(&store, "gone")), [""; 0]);
        assert_eq!(foreign(server, &store, "SELECT number FROM scope WHERE name = 'gone'").unwrap(), "3\n");
    }
}

#[test]
fn what_a_killed_process_left_of_a_removed_scope_goes_with_the_next_one() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let gone = scope(&store, "gone");
    remember(&*gone, "a");
    foreign(server, &store, "UPDATE scope SET name = NULL").unwrap();
    assert!(matches!(gone.read().map(drop), Err(Error::ScopeNotFound { .. })));
    assert_eq!(store.scopes().unwrap().list().unwrap(), []);
    scope(&store, "next");
    assert_eq!(foreign(server, &store, OF_SCOPES).unwrap(), "1\n", "the new one alone");
}

#[test]
fn scopes_are_made_by_those_alone_who_may_make_something() {
    let Some(server) = Server::shared() else { return };
    let url = server.memory_url();
    let store = open(&url);
    let id = remember(&*scope(&store, "there"), "a");
    for (create, read_only) in [(true, true), (false, false)] {
        let mut options = PostgresOptions::default();
        (options.create, options.read_only) = (create, read_only);
        let other = PostgresStore::open(&url, &options).unwrap();
        let found = other.scopes().unwrap().open(&name("there")).unwrap();
        assert_eq!((found.get(id).unwrap().title.as_str(), found.write().is_err()), ("a", read_only));
        let missing = other.scopes().unwrap().open(&name("missing")).unwrap_err();
        assert!(matches!(missing, Error::ScopeNotFound { .. }), "{missing}");
        assert_eq!(other.scopes().unwrap().remove(&name("there")).is_err(), read_only);
    }
}

#[test]
fn a_scope_does_not_lead_out_and_takes_turns_with_all_others() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let bound = scope(&store, "é 'quoted' \"and\" long");
    assert_eq!(bound.scope().map(ScopeName::as_str), Some("é 'quoted' \"and\" long"));
    assert!(store.scope().is_none() && bound.scopes().is_none() && bound.upkeep().is_none());
    assert_eq!(bound.location(), store.location());
    let held = bound.write().unwrap();
    for busy in [store.write(), scope(&store, "é 'quoted' \"and\" long").write()] {
        assert_eq!(busy.map(drop).unwrap_err().kind(), ErrorKind::Busy, "this thread would wait for itself");
    }
    drop(held);
    drop(store.write().unwrap());
}

#[test]
fn a_write_in_another_scope_is_no_news() {
    let Some(server) = Server::shared() else { return };
    for url in [server.memory_url(), server.memory_url_of_user()] {
        let store = open(&url);
        let (a, b) = (scope(&store, "a"), scope(&store, "b"));
        remember(&store, "0");
        remember(&*a, "1");
        let handles: [&dyn Store; 2] = [&store, &*a];
        let before = handles.map(|handle| handle.read().unwrap().position().unwrap());
        remember(&*b, "2");
        for (handle, before) in handles.into_iter().zip(before) {
            let tx = handle.read().unwrap();
            let nothing = Changes::Entries { position: before, entries: vec![], spaces: false };
            assert_eq!(tx.changes_since(before).unwrap(), nothing);
        }
        remember(&*a, "3");
        let tx = a.read().unwrap();
        let Changes::Entries { entries, .. } = tx.changes_since(before[1]).unwrap() else {
            panic!("all is known")
        };
        assert_eq!(entries, [2]);
    }
}

#[test]
fn what_another_program_writes_lands_in_the_memory_without_a_name() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let bound = scope(&store, "a");
    let id = remember(&*bound, "bound");
    let ulid = id.to_string();
    // The same id, and no word of scopes.
    let insert =
        format!("INSERT INTO entry (ulid, title, created_at, updated_at) VALUES ('{ulid}', 'by hand', 1, 1)");
    foreign(server, &store, &insert).unwrap();
    assert_eq!(
        (store.get(id).unwrap().title, bound.get(id).unwrap().title),
        ("by hand".into(), "bound".into())
    );
    let found = |store: &dyn Store| {
        let query = rekall_core::TextQuery::new("hand");
        store.read().unwrap().search_words(&query, &Filter::new(), 10).unwrap().len()
    };
    assert_eq!((found(&store), found(&*bound)), (1, 0));
    // No row may refer to one of another scope.
    for refused in [
        "INSERT INTO link (source_id, target_id, relation, created_at)
            SELECT max(id), min(id), 'related', 1 FROM entry",
        "UPDATE entry SET superseded_by = (SELECT min(id) FROM entry) WHERE id > 0",
    ] {
        assert!(foreign(server, &store, refused).unwrap_err().contains("in_scope"), "{refused}");
    }
    let space = "INSERT INTO space (fingerprint, dimensions, state, created_at) VALUES ('m', 2, 'active', 1)";
    foreign(server, &store, space).unwrap();
    let vector = "INSERT INTO embedding (entry_id, space_id, role, chunk, vector) SELECT min(id), 1, 0, 0, '' FROM entry";
    assert!(foreign(server, &store, vector).unwrap_err().contains("must belong"));
}

#[test]
fn truncated_tables_are_news_in_every_scope() {
    let Some(server) = Server::shared() else { return };
    for url in [server.memory_url(), server.memory_url_of_user()] {
        let store = open(&url);
        let (a, b) = (scope(&store, "a"), scope(&store, "b"));
        let handles: [&dyn Store; 3] = [&store, &*a, &*b];
        for handle in handles {
            let mut tx = handle.write().unwrap();
            let mut entry = NewEntry::new("a");
            entry.tags = vec!["t".into()];
            tx.insert(&[Draft::new(&entry)]).unwrap();
            tx.ensure_active_space("model", 2).unwrap();
            tx.commit().unwrap();
        }
        let before = handles.map(|handle| handle.read().unwrap().position().unwrap());
        for table in ["space", "entry"] {
            let tx = store.begin_write().unwrap();
            tx.batch(&format!("TRUNCATE {table} CASCADE")).unwrap();
            tx.finish_unseen().unwrap();
        }
        for (handle, before) in handles.into_iter().zip(before) {
            let tx = handle.read().unwrap();
            assert!(tx.position().unwrap().number() > before.number());
            assert!(matches!(tx.changes_since(before).unwrap(), Changes::Lost { .. }));
            assert_eq!((tx.count_entries().unwrap(), tx.spaces().unwrap()), (0, vec![]));
        }
        let rows = "SELECT (SELECT count(*) FROM tag) + (SELECT count(*) FROM pending) + (SELECT count(*) FROM word_pending)";
        assert_eq!(foreign(server, &store, rows).unwrap(), "0\n");
    }
}

#[test]
fn the_server_shows_an_ordinary_user_the_rows_of_one_scope_alone() {
    let Some(server) = Server::shared() else { return };
    let url = server.memory_url_of_user();
    let store = open(&url);
    let schema = store.client.address().schema.clone();
    let ask = |bound: Option<i64>, sql: &str| {
        let bound = bound.map_or_else(String::new, |scope| format!("SET rekall.scope = {scope};"));
        let script = format!("SET ROLE tenant; SET search_path TO {schema}; {bound} {sql}");
        server.psql("rekall", &script)
    };
    let ungoverned = "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace
        AND relkind = 'r' AND NOT relforcerowsecurity";
    assert_eq!(
        ask(None, ungoverned).unwrap(),
        "19\n",
        "no table has a policy in force while there are no scopes"
    );
    let (a, b) = (scope(&store, "a"), scope(&store, "b"));
    // Names of transactions belong to nobody.
    assert_eq!(ask(None, ungoverned).unwrap(), "1\n");
    for (handle, title) in [(&store as &dyn Store, "nobody's"), (&*a, "a's"), (&*b, "b's")] {
        remember(handle, title);
    }
    for (bound, seen) in
        [(None, "nobody's"), (Some(0), "nobody's"), (Some(1), "a's"), (Some(2), "b's"), (Some(3), "")]
    {
        let expected = if seen.is_empty() { String::new() } else { format!("{seen}\n") };
        assert_eq!(ask(bound, "SELECT rtrim(title, '.') FROM entry").unwrap(), expected, "{bound:?}");
        let count = format!("{}\n", i32::from(!seen.is_empty()));
        for table in ["pending", "change", "word_pending"] {
            assert_eq!(
                ask(bound, &format!("SELECT count(*) FROM {table}")).unwrap(),
                count,
                "{table} {bound:?}"
            );
        }
        ask(bound, "UPDATE entry SET title = title || '.' WHERE title NOT LIKE '%.'").unwrap();
        let left = ask(bound, "SELECT count(*) FROM entry WHERE title NOT LIKE '%.'").unwrap();
        assert_eq!(left, "0\n");
    }
    assert_eq!(titles(&*b), ["b's."]);
    let insert = |row: i64| {
        format!(
            "INSERT INTO entry (id, ulid, title, created_at, updated_at) OVERRIDING SYSTEM VALUE VALUES ({row}, '{row}', 'x', 1, 1)"
        )
    };
    for (bound, row) in
        [(None, -(1_i64 << 32) + 9), (Some(1), -(2_i64 << 32) + 9), (Some(1), 9), (Some(2), 9)]
    {
        let refused = ask(bound, &insert(row)).unwrap_err();
        assert!(refused.contains("row-level security"), "{refused}");
    }
    let unnumbered = "INSERT INTO entry (ulid, title, created_at, updated_at) VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'x', 1, 1)";
    assert!(ask(Some(1), unnumbered).unwrap_err().contains("row-level security"));
    ask(None, unnumbered).unwrap();
    assert_eq!(ask(Some(1), "DELETE FROM entry; SELECT count(*) FROM entry").unwrap(), "0\n");
    assert_eq!((titles(&*a).len(), titles(&*b).len(), titles(&store).len()), (0, 1, 2));
    let (a_keys, all_keys) = ("SELECT count(*) FROM scope", "SELECT count(*) FROM meta WHERE key = 'life'");
    assert_eq!((ask(Some(1), a_keys).unwrap(), ask(None, a_keys).unwrap()), ("1\n".into(), "2\n".into()));
    assert_eq!(ask(Some(1), all_keys).unwrap(), "1\n");
}

#[test]
fn an_import_into_a_scope_leaves_the_numbers_of_others_alone() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let bound = scope(&store, "a");
    let space = |number| {
        format!(
            r#"{{"number":{number},"fingerprint":"m{number}","dimensions":2,"state":"retired","created_at":1}}"#
        )
    };
    let header = format!(
        r#"{{"format":"rekall","version":1,"entries":0,"spaces":[{},{}],"meta":[["legacy:a","text"],["legacy:t:1",{{"k":1}}]]}}"#,
        space(2),
        space(7)
    );
    let import = |store: &dyn Store| {
        let options = rekall_core::JsonlImportOptions::default();
        let transfer = store.transfer().unwrap();
        transfer.import_jsonl(&mut header.as_bytes(), &options, &mut |_, _| {}, None).unwrap()
    };
    assert_eq!(import(&*bound).spaces, 2);
    let export = |store: &dyn Store| {
        let mut lines = Vec::new();
        store
            .transfer()
            .unwrap()
            .export_jsonl(&mut lines, &JsonlExportOptions::default(), &mut |_, _| {}, None)
            .unwrap();
        String::from_utf8(lines).unwrap().trim_end().to_owned()
    };
    assert_eq!(export(&*bound), header);
    assert!(!export(&store).contains("legacy"), "{}", export(&store));
    let next = |store: &dyn Store| {
        let mut tx = store.write().unwrap();
        let space = tx.ensure_active_space("next", 2).unwrap();
        tx.commit().unwrap();
        space.id.0
    };
    assert_eq!((next(&*bound), next(&store)), (8, 1));
    assert_eq!(bound.read().unwrap().legacy_tables().unwrap().len(), 1);
    assert_eq!(store.read().unwrap().legacy_tables().unwrap().len(), 0);
}
