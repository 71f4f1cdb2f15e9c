//! Many entries at once: they go in by another way, their words are read while the server writes them, and all is as it would be otherwise.

use std::borrow::Cow;
use std::time::Duration;

use rekall_core::store::{ReadChanges, ReadPending, WriteEntries, WritePending, WriteSpaces, WriteVectors};
use rekall_core::{
    Changes, Context, Draft, EntryId, EntryPatch, Error, NewEntry, NewVector, Origin, Role, ScopeName,
    SpaceId, SpaceState, Status, Store, TextDigest,
};
use serde_json::json;

use super::super::PostgresStore;
use super::super::many::MANY;
use super::{foreign, memory, open};
use crate::testing::Server;
use crate::{PostgresOptions, schema};

fn id(number: usize) -> EntryId {
    format!("{number:026}").parse().unwrap()
}

fn note(number: usize) -> NewEntry {
    let tags: Vec<String> = (0..number % 4).map(|tag| format!("tag{}", tag % 2)).collect();
    let words = ["heron", "d\u{e9}p\u{f4}t", "\u{732b}", "e-mail", "the kingfishers"];
    let content: Vec<&str> = (0..number % 60).map(|at| words[(at * number) % 5]).collect();
    let mut note = NewEntry::new(format!("note {number}")).content(content.join(" ")).tags(tags);
    note = note.kind(NewEntry::KINDS[number % 6]).confidence((number % 6) as u8).metadata("number", number);
    if number.is_multiple_of(3) {
        note.context = Some(Context { situation: Some(format!("weir {number}")), ..Context::default() });
        note = note.project(format!("project {}", number % 7)).memory_type("semantic");
    }
    let moment = 4_000_000_000_000 + number as i64;
    if number.is_multiple_of(2) {
        note = note.expires_at(moment + 1).valid_from(moment - 1);
    }
    if number.is_multiple_of(5) {
        note = note.valid_to(moment);
    }
    note
}

/// What an entry keeps of elsewhere: its times among it, which two stores would not give alike.
fn origin(number: usize) -> Origin {
    let (made, is_old) = (1_000_000_000_000 - number as i64, number % 10 == 7);
    Origin {
        status: if is_old { Status::Obsolete } else { Status::Active },
        created_at: Some(made),
        updated_at: number.is_multiple_of(2).then_some(made + 2 * number as i64),
        legacy: is_old.then(|| json!({ "d\u{e9}p\u{f4}t": [number, null] })),
    }
}

/// A vector of this space.
fn vector(space: SpaceId, chunk: u16, values: &[f32]) -> NewVector<'_> {
    let (role, digest) = (Role::Summary, TextDigest::of("text"));
    NewVector { space, role, chunk, start: 0, end: 9, digest, values }
}

/// What the tables hold of entries and of what follows from them: the numbers of rows, with a digest.
fn tables(server: &Server, store: &PostgresStore) -> Vec<String> {
    let tables = [
        "entry",
        "embedding",
        "tag",
        "pending",
        "wordless",
        "word_pending",
        "(SELECT entry_id FROM change)",
        "word_segment",
        "word_page",
    ];
    let digest = |table| {
        let sql = format!(
            "SELECT count(*), md5(string_agg(row::text, ' ' ORDER BY row::text)) FROM {table} AS row"
        );
        foreign(server, store, &sql).unwrap()
    };
    tables.into_iter().map(digest).collect()
}

/// Writes notes in one transaction, so many with one call; gives what the tables hold then. Some have vectors, some of them those of a
/// space that is not searched alone, some those of both.
fn written(server: &Server, store: &PostgresStore, notes: usize, at_once: usize) -> Vec<String> {
    let mut tx = store.begin_write().unwrap();
    let space = tx.ensure_active_space("model", 384).unwrap();
    let other = tx.add_space("other", 384, SpaceState::Building).unwrap();
    let mut values = vec![0.0; 384];
    values[0] = 1.0;
    let entries: Vec<NewEntry> = (0..notes).map(note).collect();
    let origins: Vec<Origin> = (0..notes).map(origin).collect();
    let (active, building, both) = ([space.id], [other.id], [other.id, space.id]);
    let vectors: Vec<Vec<NewVector<'_>>> = (0..notes)
        .map(|number| {
            let spaces = match number % 10 {
                3 => &building[..],
                4 => &both,
                _ => &active,
            };
            let chunks = 0..(number * 7 % 5) as u16;
            spaces.iter().flat_map(|&of| chunks.clone().map(move |chunk| (of, chunk))).collect::<Vec<_>>()
        })
        .map(|keys| keys.into_iter().map(|(of, chunk)| vector(of, chunk, &values)).collect())
        .collect();
    let drafts: Vec<Draft<'_>> = entries
        .iter()
        .zip(&origins)
        .zip(&vectors)
        .zip(1..)
        .map(|(((entry, origin), vectors), at)| Draft::new(entry).id(id(at)).origin(origin).vectors(vectors))
        .collect();
    for drafts in drafts.chunks(at_once) {
        tx.insert(drafts).unwrap();
    }
    tx.finish().unwrap();
    assert_eq!(store.check_words().unwrap(), Vec::<String>::new());
    tables(server, store)
}

fn notes(count: usize) -> Vec<NewEntry> {
    (0..count).map(note).collect()
}

#[test]
fn a_large_batch_leaves_the_rows_that_small_ones_leave() {
    let Some(server) = Server::shared() else { return };
    let (few, large) = (memory(server), memory(server));
    // Several statements for the entries, and for their vectors.
    let small = written(server, &few, 3_500, 250);
    assert!(large.begin_write().unwrap().ways().unwrap().copies);
    assert_eq!(written(server, &large, 3_500, usize::MAX), small);
    assert!(small[0].starts_with("3500|") && small[1].starts_with("8050|"), "{small:?}");
    // No column is the same in all of them, but that an entry has no successor yet.
    let columns =
        "SELECT string_agg(key, ' ') FROM (SELECT key FROM entry, jsonb_each(to_jsonb(entry)) GROUP BY key
        HAVING count(DISTINCT value) = 1) AS the_same";
    assert_eq!(foreign(server, &large, columns).unwrap(), "superseded_by\n");
    assert!(small[3].starts_with("1050|"), "those without a vector that is searched wait: {small:?}");
}

#[test]
fn a_large_batch_in_a_scope_does_as_one_beside_it() {
    let Some(server) = Server::shared() else { return };
    // A user whom policies do not hold copies; one whom they hold may not.
    for (url, copies) in [(server.memory_url(), true), (server.memory_url_of_user(), false)] {
        let unnamed = open(&url);
        let [small, large] = [1, 2].map(|number| {
            let name: ScopeName = number.to_string().parse().unwrap();
            unnamed.scopes().unwrap().open(&name).unwrap();
            unnamed.of_scope(number, Some(name), Cow::Owned(schema::scope_position(number))).unwrap()
        });
        for store in [&small, &large] {
            assert_eq!(store.begin_write().unwrap().ways().unwrap().copies, copies);
        }
        let counts = |store: &PostgresStore, at_once| {
            let mut tx = store.begin_write().unwrap();
            let space = tx.ensure_active_space("model", 2).unwrap();
            let (entries, vectors) = (notes(MANY + 200), [vector(space.id, 0, &[1.0, 0.0])]);
            let drafts: Vec<Draft<'_>> = entries
                .iter()
                .enumerate()
                .map(|(at, entry)| Draft::new(entry).vectors(if at % 3 == 0 { &[] } else { &vectors }))
                .collect();
            let rows: Vec<i64> = drafts
                .chunks(at_once)
                .flat_map(|drafts| tx.insert(drafts).unwrap())
                .map(|new| new.row)
                .collect();
            assert_eq!(rows, (1..=rows.len() as i64).collect::<Vec<_>>());
            tx.finish().unwrap();
            assert_eq!(store.check_words().unwrap(), Vec::<String>::new());
            let of_scope = |table: &str, column: &str| {
                let tx = store.begin_read().unwrap();
                tx.number(&format!("SELECT count(*) FROM {table} WHERE {}", store.scope.range(column)), &[])
                    .unwrap()
            };
            ["tag", "embedding", "pending", "change", "word_pending"].map(|table| of_scope(table, "entry_id"))
        };
        let expected = counts(&small, 200);
        assert_eq!(counts(&large, usize::MAX), expected);
        assert_eq!(
            expected[1..],
            [800, 400, 1_201, 0],
            "vectors, marks, the log with the space's row, words"
        );
        assert_eq!(
            unnamed.begin_read().unwrap().number("SELECT count(*) FROM entry WHERE id >= 0", &[]).unwrap(),
            0
        );
    }
}

#[test]
fn a_reader_follows_the_log_over_a_large_batch() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let before = store.begin_read().unwrap().position().unwrap();
    let entries = notes(MANY);
    let mut tx = store.begin_write().unwrap();
    let inserted = tx.insert(&entries.iter().map(Draft::new).collect::<Vec<_>>()).unwrap();
    assert_eq!(tx.count_pending().unwrap(), MANY as u64);
    // What comes for these entries later goes through the triggers.
    let space = tx.ensure_active_space("model", 2).unwrap();
    tx.insert_vectors(inserted[5].row, &[vector(space.id, 0, &[0.0, 1.0])]).unwrap();
    assert!(!tx.is_pending(inserted[5].row).unwrap());
    tx.mark_pending(inserted[5].row).unwrap();
    tx.finish().unwrap();
    let tx = store.begin_read().unwrap();
    let Changes::Entries { entries, .. } = tx.changes_since(before).unwrap() else { panic!("all is known") };
    let mut rows: Vec<i64> = inserted.iter().map(|new| new.row).collect();
    rows.sort_unstable();
    let mut changed = entries;
    changed.sort_unstable();
    assert_eq!(changed, rows);
}

#[test]
fn what_is_refused_leaves_nothing_and_the_transaction_as_it_was() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let mut tx = store.begin_write().unwrap();
    let space = tx.ensure_active_space("model", 2).unwrap();
    tx.insert(&[Draft::new(&note(1)).id(id(7))]).unwrap();
    let entries = notes(MANY);
    let drafts: Vec<Draft<'_>> = entries.iter().map(Draft::new).collect();
    let with = |at: usize, draft: Draft<'static>| {
        let mut drafts = drafts.clone();
        drafts[at] = Draft { entry: drafts[at].entry, ..draft };
        drafts
    };
    let static_note: &'static NewEntry = Box::leak(Box::new(note(0)));
    let duplicate = |tx: &mut super::super::Tx<'_>, drafts: &[Draft<'_>], number| {
        let refused = tx.insert(drafts).unwrap_err();
        assert!(matches!(refused, Error::DuplicateId { id: of } if of == id(number)), "{refused}");
    };
    duplicate(&mut tx, &with(999, Draft::new(static_note).id(id(7))), 7);
    let mut twice = with(3, Draft::new(static_note).id(id(8)));
    twice[900] = Draft { entry: twice[900].entry, ..Draft::new(static_note).id(id(8)) };
    duplicate(&mut tx, &twice, 8);
    let unsound = [vector(space.id, 0, &[0.0, f32::NAN])];
    let mut drafts_with = drafts.clone();
    drafts_with[998] = drafts_with[998].vectors(&unsound);
    tx.insert(&drafts_with).unwrap_err();
    let nowhere = [vector(SpaceId(99), 0, &[0.0, 1.0])];
    drafts_with[998] = drafts[998].vectors(&nowhere);
    assert!(matches!(tx.insert(&drafts_with), Err(Error::SpaceNotFound { id: 99 })));
    assert_eq!(tx.number("SELECT count(*) FROM entry", &[]).unwrap(), 1);
    tx.insert(&drafts).unwrap();
    tx.finish().unwrap();
    assert_eq!(
        store.begin_read().unwrap().number("SELECT count(*) FROM change", &[]).unwrap(),
        MANY as i64 + 2
    );
    assert_eq!(store.check_words().unwrap(), Vec::<String>::new());
}

#[test]
fn what_was_undone_is_not_there_and_is_promised_no_more() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let entries = notes(MANY);
    let drafts: Vec<Draft<'_>> = entries.iter().map(Draft::new).collect();
    let mut tx = store.begin_write().unwrap();
    tx.insert(&drafts).unwrap();
    drop(tx);
    let empty = tables(server, &store);
    assert!(empty.iter().all(|table| table.starts_with("0|")), "{empty:?}");

    let mut tx = store.begin_write().unwrap();
    tx.batch("SAVEPOINT here").unwrap();
    tx.insert(&drafts).unwrap();
    tx.batch("ROLLBACK TO SAVEPOINT here").unwrap();
    tx.execute("SELECT 1", &[]).unwrap();
    let setting = "SELECT coalesce(current_setting('rekall.whole', true), '') = ''";
    let is_unset = |tx: &super::super::Tx<'_>| tx.query_one(setting, &[]).unwrap().get::<_, bool>(0);
    assert!(is_unset(&tx));
    let inserted = tx.insert(&[Draft::new(&note(2))]).unwrap();
    assert!(tx.is_pending(inserted[0].row).unwrap());
    tx.insert(&drafts).unwrap();
    assert!(is_unset(&tx));
    tx.finish().unwrap();
    let log = "SELECT count(*) FROM change JOIN entry ON entry.id = entry_id JOIN pending USING (entry_id)";
    assert_eq!(store.begin_read().unwrap().number(log, &[]).unwrap(), MANY as i64 + 1);
    assert_eq!(store.check_words().unwrap(), Vec::<String>::new());
}

#[test]
fn other_programs_are_spared_nothing() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let mut tx = store.begin_write().unwrap();
    let space = tx.ensure_active_space("model", 2).unwrap();
    tx.finish().unwrap();
    let insert = "INSERT INTO entry (ulid, title, tags, created_at, updated_at)
        SELECT lpad(n::text, 26, '0'), 'by hand', '[\"x\", \"x\"]', 1, 1 FROM generate_series(1, 40) AS n;";
    let vectors = format!(
        "INSERT INTO embedding (entry_id, space_id, role, chunk, vector)
            SELECT id, {}, 0, 0, '\\x0000803f00000000' FROM entry WHERE id % 2 = 0;",
        space.id.0
    );
    let counts = || {
        let tx = store.begin_read().unwrap();
        ["tag", "word_pending", "pending", "change WHERE entry_id > 0"]
            .map(|of| tx.number(&format!("SELECT count(*) FROM {of}"), &[]).unwrap())
    };
    // One that says what only the library says, of another transaction.
    let said = "SET rekall.whole = '3 -9000 9000000'";
    foreign(server, &store, &format!("{said}; BEGIN; {insert} {vectors} COMMIT")).unwrap();
    assert_eq!(counts(), [40, 40, 20, 40]);
    let without = "DELETE FROM embedding; DELETE FROM entry;";
    foreign(server, &store, &format!("{without} DELETE FROM word_pending; {insert}")).unwrap();
    assert_eq!(counts(), [40, 40, 40, 80], "the log keeps those that are gone");
    let refused = format!("{said}; INSERT INTO embedding VALUES (999, {}, 0, 0, 0, 0, '', '')", space.id.0);
    assert!(foreign(server, &store, &refused).unwrap_err().contains("must belong to an entry"));
    // One that says it of its own transaction: no space, and one of another scope.
    let space_of_scope =
        "INSERT INTO space (id, fingerprint, dimensions, state, created_at) OVERRIDING SYSTEM VALUE
        VALUES (-4294967295, 'model', 2, 'building', 1)";
    foreign(server, &store, space_of_scope).unwrap();
    for space in [99, -4_294_967_295_i64] {
        let said =
            "SELECT set_config('rekall.whole', concat_ws(' ', pg_current_xact_id(), 1, 9000000), true)";
        let insert = format!("INSERT INTO embedding SELECT max(id), {space}, 0, 0, 0, 0, '', '' FROM entry");
        let refused = foreign(server, &store, &format!("BEGIN; {said}; {insert}; COMMIT")).unwrap_err();
        assert!(refused.contains("must belong to an entry"), "{space}: {refused}");
    }
}

#[test]
fn batches_go_by_the_triggers_where_the_server_does_not_take_them_otherwise() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let entries = notes(MANY);
    let drafts: Vec<Draft<'_>> = entries.iter().map(Draft::new).collect();
    let whole = |store: &PostgresStore| {
        let log =
            "SELECT count(*) FROM change JOIN pending USING (entry_id) JOIN entry ON entry.id = entry_id";
        assert_eq!(store.check_words().unwrap(), Vec::<String>::new());
        store.begin_read().unwrap().number(log, &[]).unwrap()
    };
    // A statement of another program under a name that the library's may get.
    let mut tx = store.begin_write().unwrap();
    tx.batch("PREPARE s7 AS SELECT 1").unwrap();
    let ways = tx.ways().unwrap();
    assert!(ways.ours_alone && !ways.copies);
    tx.insert(&drafts).unwrap();
    tx.batch("DEALLOCATE s7").unwrap();
    tx.finish().unwrap();
    assert_eq!(whole(&store), 1_000);
    // Marks that were left of numbers to come, and numbers with gaps.
    foreign(
        server,
        &store,
        "INSERT INTO change (entry_id) VALUES (1500); INSERT INTO word_pending VALUES (1500, 3); INSERT INTO pending VALUES (1501)",
    )
    .unwrap();
    let mut tx = store.begin_write().unwrap();
    tx.insert(&drafts).unwrap();
    tx.finish().unwrap();
    assert_eq!(whole(&store), 2_000);
    foreign(server, &store, "ALTER TABLE entry ALTER COLUMN id SET INCREMENT BY 3").unwrap();
    let mut tx = store.begin_write().unwrap();
    tx.insert(&drafts).unwrap();
    tx.finish().unwrap();
    assert_eq!(whole(&store), 3_000);
}

#[test]
fn the_server_looks_for_a_writer_that_copies() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let entries = notes(MANY);
    let looks = |tx: &super::super::Tx<'_>| {
        let names = ["idle", "interval", "count"];
        let sql = names.map(|name| format!("current_setting('tcp_keepalives_{name}')::bigint")).join(", ");
        let row = tx.query_one(&format!("SELECT {sql}, pg_backend_pid()::bigint"), &[]).unwrap();
        [0, 1, 2, 3].map(|at| row.get::<_, i64>(at))
    };
    let mut tx = store.begin_write().unwrap();
    let [usual @ .., process] = looks(&tx);
    tx.insert(&entries.iter().map(Draft::new).collect::<Vec<_>>()).unwrap();
    assert_eq!(looks(&tx), [60, 15, 4, process]);
    tx.finish().unwrap();
    let tx = store.begin_read().unwrap();
    assert_eq!(looks(&tx)[..], [&usual[..], &[process]].concat(), "no longer than the transaction");
}

#[test]
fn a_batch_that_the_server_refuses_leaves_a_connection_that_works() {
    let Some(server) = Server::shared() else { return };
    let url = server.memory_url_of_user();
    let open = |busy_timeout| {
        let options = PostgresOptions { connections: 1, busy_timeout, ..PostgresOptions::default() };
        PostgresStore::open(&url, &options).unwrap()
    };
    let store = open(Duration::from_secs(5));
    let entries = notes(MANY);
    let drafts: Vec<Draft<'_>> = entries.iter().map(Draft::new).collect();
    let write = |store: &PostgresStore| {
        let mut tx = store.begin_write().unwrap();
        assert!(tx.ways().unwrap().copies);
        tx.insert(&drafts).map(|_| tx.finish().unwrap())
    };
    let process = |store: &PostgresStore| {
        store.begin_read().unwrap().number("SELECT pg_backend_pid()::bigint", &[]).unwrap()
    };
    let count = || store.begin_read().unwrap().number("SELECT count(*) FROM entry", &[]).unwrap();

    // It has to wait for another program: it is told before it copies, and goes on with the connection that it has.
    let impatient = open(Duration::from_millis(20));
    let own = process(&impatient);
    for table in ["entry", "tag", "word_pending", "pending", "change", "embedding"] {
        let other = store.begin_read().unwrap();
        other.batch(&format!("LOCK TABLE {table} IN SHARE MODE")).unwrap();
        let busy = write(&impatient).unwrap_err();
        assert!(matches!(busy, Error::Busy { .. }), "{table}: {busy}");
        drop(other);
        assert_eq!((process(&impatient), count()), (own, 0), "{table}");
    }
    write(&impatient).unwrap();
    assert_eq!(count(), MANY as i64);

    // The server refuses to copy: the connection goes.
    for table in ["entry", "tag", "word_pending", "pending", "change"] {
        let own = process(&store);
        foreign(server, &store, &format!("REVOKE INSERT ON {table} FROM tenant")).unwrap();
        let refused = write(&store).unwrap_err();
        assert!(matches!(refused, Error::ReadOnly { .. }), "{table}: {refused}");
        foreign(server, &store, &format!("GRANT INSERT ON {table} TO tenant")).unwrap();
        assert_ne!(process(&store), own, "{table}");
        assert_eq!(count(), MANY as i64, "{table}");
    }
    write(&store).unwrap();
    assert_eq!(count(), 2 * MANY as i64);
    assert_eq!(store.check_words().unwrap(), Vec::<String>::new());
}

#[test]
fn the_words_of_a_batch_are_kept_until_something_else_is_written() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let entries: Vec<NewEntry> = (0..900).map(note).collect();
    let drafts: Vec<Draft<'_>> = entries.iter().map(Draft::new).collect();
    let mut tx = store.begin_write().unwrap();
    tx.insert(&drafts[..300]).unwrap();
    assert!(tx.kept_words().is_some());
    let inserted = tx.insert(&drafts[300..600]).unwrap();
    tx.update(inserted[0].id, &EntryPatch::new().content("a plover, later")).unwrap();
    assert!(tx.kept_words().is_none());
    tx.insert(&drafts[600..610]).unwrap();
    assert!(tx.kept_words().is_none(), "too few to be moved into a segment");
    tx.finish().unwrap();
    assert_eq!(store.check_words().unwrap(), Vec::<String>::new());

    // Another program's trigger decides on what is stored.
    let trigger = "CREATE FUNCTION redact() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            NEW.title := 'redacted'; RETURN NEW; END $$;
        CREATE TRIGGER redact BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION redact()";
    foreign(server, &store, trigger).unwrap();
    let mut tx = store.begin_write().unwrap();
    tx.insert(&drafts[610..]).unwrap();
    assert!(tx.kept_words().is_none());
    tx.finish().unwrap();
    assert_eq!(store.check_words().unwrap(), Vec::<String>::new());
    let redacted = foreign(server, &store, "SELECT count(*) FROM entry WHERE title = 'redacted'").unwrap();
    assert_eq!(redacted.trim(), "290");
}
