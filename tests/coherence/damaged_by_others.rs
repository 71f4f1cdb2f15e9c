//! What another program takes from a file is said by the searches that find less for it.

use crate::common::{Memory, memory};
use rekall::{Degraded, Filter, Mode, NewEntry, Recalled};

fn filled() -> Memory {
    let memory = memory();
    let notes: Vec<NewEntry> = (0..400)
        .map(|n| {
            NewEntry::new(format!("note {n} word{n}"))
                .content(format!("about thing{n} once"))
                .tags([format!("t{}", n % 3)])
        })
        .collect();
    memory.remember_many(&notes).run().unwrap();
    memory
}

fn is_damaged(found: &Recalled) -> bool {
    found.degraded.iter().any(|why| matches!(why, Degraded::Damaged { .. }))
}

fn by_words(memory: &Memory) -> Recalled {
    memory.recall("word7 word399").mode(Mode::Text).run().unwrap()
}

fn by_tags(memory: &Memory) -> Recalled {
    memory.recall("note").filter(Filter::new().tag_all("t1")).run().unwrap()
}

#[test]
fn searches_say_that_words_or_tags_are_gone() {
    for (damage, words, tags) in [
        ("DELETE FROM word_page", true, false),
        ("DELETE FROM word_segment", true, false),
        ("DELETE FROM tag", false, true),
    ] {
        let memory = filled();
        assert!(!is_damaged(&by_words(&memory)) && !is_damaged(&by_tags(&memory)), "before {damage}");
        rusqlite::Connection::open(memory.path()).unwrap().execute_batch(damage).unwrap();
        // At once, although the change log knows nothing of it.
        assert_eq!(is_damaged(&by_words(&memory)), words, "{damage}");
        // That search goes by words, too.
        assert_eq!(is_damaged(&by_tags(&memory)), words || tags, "{damage}");
        let by_meaning = memory.recall("word7").mode(Mode::Semantic).run().unwrap();
        assert!(!is_damaged(&by_meaning), "{damage}: it lost nothing");
        for filter in [Filter::new().tag_all("t1"), Filter::new().tag_any("t1"), Filter::new().not_tag("t1")]
        {
            let filtered = memory.recall("word7").mode(Mode::Semantic).filter(filter.clone()).run().unwrap();
            assert_eq!(is_damaged(&filtered), tags, "{damage}, {filter:?}");
        }
        assert!(!memory.check().run().unwrap().is_clean());
        memory.repair().run().unwrap();
        assert!(!is_damaged(&by_words(&memory)) && !is_damaged(&by_tags(&memory)), "repaired after {damage}");
        assert_eq!(by_words(&memory).len(), 2);
    }
}

#[test]
fn a_search_says_that_no_vector_is_left() {
    let memory = filled();
    assert!(memory.recall("word7").run().unwrap().degraded.is_empty());
    rusqlite::Connection::open(memory.path()).unwrap().execute_batch("DELETE FROM space").unwrap();
    let found = memory.recall("word7").run().unwrap();
    assert_eq!(found.degraded, [Degraded::Pending { count: 400, reason: None }]);
    memory.repair().run().unwrap();
    memory.embed_pending().run().unwrap();
    assert!(memory.recall("word7").run().unwrap().degraded.is_empty());
    assert!(memory.check().run().unwrap().is_clean());
}

#[cfg(feature = "sqlite-vec")]
#[test]
fn a_check_holds_the_table_of_sqlite_vec_against_the_vectors() {
    let memory =
        crate::common::memory_with(|builder| builder.vector_backend(rekall::VectorBackend::SqliteVec));
    let notes: Vec<NewEntry> = (0..60).map(|n| NewEntry::new(format!("note {n} word{n}"))).collect();
    memory.remember_many(&notes).run().unwrap();
    memory.rebuild_index().run().unwrap();
    assert!(memory.check().run().unwrap().is_clean());
    // What was written since is not in the table yet, and need not be.
    let id = memory.remember(NewEntry::new("later")).unwrap();
    memory.forget(id).unwrap();
    assert!(memory.check().run().unwrap().is_clean());
    for damage in [
        "UPDATE rekall_vec0_chunks SET validity = zeroblob(length(validity))",
        "UPDATE rekall_vec0_chunks SET rowids = zeroblob(length(rowids))",
        "UPDATE rekall_vec0_vector_chunks00 SET vectors = zeroblob(length(vectors))",
        "UPDATE rekall_vec0_keys SET entry = 1000 WHERE id = 3",
        "DELETE FROM rekall_vec0_keys WHERE id = 3",
        "DELETE FROM rekall_vec0_rowids WHERE rowid = 3",
        "DROP TABLE rekall_vec0_chunks",
    ] {
        let other = rusqlite::Connection::open(memory.path()).unwrap();
        other.execute_batch(damage).unwrap();
        drop(other);
        let report = memory.check().run().unwrap();
        assert!(
            report.problems.iter().any(|problem| problem.kind == rekall::storage::ProblemKind::Blocks),
            "{damage}: {report:?}"
        );
        memory.repair().run().unwrap();
        assert!(memory.check().run().unwrap().is_clean(), "{damage}");
        memory.rebuild_index().run().unwrap();
        assert!(memory.check().run().unwrap().is_clean(), "{damage}, rebuilt");
        let found = memory.recall("word7").mode(Mode::Semantic).limit(1).run().unwrap();
        assert_eq!(found[0].entry.title, "note 7 word7", "{damage}");
    }
}
