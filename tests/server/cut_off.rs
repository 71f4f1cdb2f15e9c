//! Many entries at once are cut off in the middle of their `COPY`: by a cancelled statement, and by an ended session. Nothing of them is
//! there, the error says what happened, and the same handle writes them the next time.

use std::sync::Arc;
use std::thread;

use rekall::{ErrorKind, Mode, NewEntry, Rekall};
use rekall_postgres::testing::Server;

use crate::common::WordModel;

/// So many that their `COPY` takes a while.
const MANY: usize = 6_000;

/// Waits for a `COPY` and ends it; fails where none came within a minute.
fn cut_off(server: &Server, function: &str) -> Result<String, String> {
    let sql = format!(
        "DO $$ BEGIN
             FOR turn IN 1..60000 LOOP
                 PERFORM pg_stat_clear_snapshot();
                 PERFORM {function}(pid) FROM pg_stat_progress_copy WHERE bytes_processed > 0;
                 IF FOUND THEN RETURN; END IF;
                 PERFORM pg_sleep(0.001);
             END LOOP;
             RAISE 'no COPY came';
         END $$"
    );
    server.psql("rekall", &sql)
}

#[test]
fn nothing_is_left_of_a_copy_that_is_cut_off() {
    // A server of its own, since every COPY on it is cut off.
    let Some(server) = Server::start() else { return };
    // A session that is ended may be gone before what the server says of it is read.
    let ways = [("pg_cancel_backend", &["57014"][..]), ("pg_terminate_backend", &["57P01", "was lost"])];
    for (function, told) in ways {
        let memory =
            Rekall::builder(server.memory_url()).embedder(Arc::new(WordModel::new(16))).open().unwrap();
        let other = memory.remember(NewEntry::new("there before")).unwrap();
        let stored = || {
            let stats = memory.stats().unwrap().store;
            (stats.entries, stats.vectors, stats.pending)
        };
        let before = stored();
        let notes: Vec<NewEntry> = (0..MANY)
            .map(|n| NewEntry::new(format!("note{n}")).content("words enough for a row. ".repeat(20)))
            .collect();
        let error = thread::scope(|scope| {
            let cutting = scope.spawn(|| cut_off(&server, function));
            let result = memory.remember_many(&notes).run();
            cutting.join().unwrap().unwrap();
            result.expect_err("cut off")
        });
        assert_eq!(error.kind(), ErrorKind::Io, "{function}: {error}");
        let text = error.to_string();
        assert!(told.iter().any(|told| text.contains(told)), "{function}: {text}");
        assert_eq!(stored(), before, "{function}");
        assert!(memory.recall("note7").mode(Mode::Text).run().unwrap().is_empty(), "{function}");

        let ids = memory.remember_many(&notes).run().unwrap();
        let (entries, vectors, pending) = stored();
        assert_eq!((entries, pending), (1 + MANY as u64, 0), "{function}");
        assert!(vectors >= entries, "{function}: {vectors}");
        let hits = memory.recall("note5999").mode(Mode::Text).limit(1).run().unwrap();
        assert_eq!(hits[0].entry.id, ids[MANY - 1], "{function}");
        assert_eq!(memory.get(other).unwrap().title, "there before");
    }
}
