//! Search by words.

use super::Bench;
use crate::{Context, EntryId, EntryPatch, Error, Filter, NewEntry, TextQuery};

/// The ids of what is found, best first, with the bits of the scores.
fn found(bench: &Bench, query: &TextQuery) -> Vec<(EntryId, u64)> {
    let tx = bench.read();
    let hits = tx.search_words(query, &Filter::new(), usize::MAX).unwrap();
    let ids = tx.ids(&hits.iter().map(|hit| hit.key.row).collect::<Vec<_>>()).unwrap();
    hits.iter().map(|hit| (ids[&hit.key.row], hit.score.to_bits())).collect()
}

fn ids(bench: &Bench, text: &str) -> Vec<EntryId> {
    found(bench, &TextQuery::new(text)).into_iter().map(|(id, _)| id).collect()
}

/// Title, content, tags and context; in every script, whatever the accents and the case.
pub fn words_are_found_in_all_that_an_entry_says(bench: &Bench) {
    let context = Context {
        text: Some("seen by the weir".to_owned()),
        files: vec!["src/birds.rs".to_owned()],
        ..Context::default()
    };
    let written = bench.insert(&[
        NewEntry::new("Kingfishers").content("A naïve plan").tags(["Wetland"]).context(context),
        NewEntry::new("東京タワーの高さ").content("한국어는 어렵다"),
        NewEntry::new("Настройка сервера").content("مكتبة"),
    ]);
    for (text, at) in [
        ("kingfisher", 0),
        ("NAIVE", 0),
        ("wetland", 0),
        ("weirs", 0),
        ("birds.rs", 0),
        ("東京", 1),
        ("한국어", 1),
        ("сервера", 2),
        ("مكتبة", 2),
    ] {
        assert_eq!(ids(bench, text), [written[at].id], "{text}");
    }
    assert_eq!(ids(bench, "heron"), []);
    assert_eq!(ids(bench, " ?! "), []);
    assert_eq!(found(bench, &TextQuery::new("kingf").prefix()).len(), 1);
    assert_eq!(bench.read().fault_of_words().unwrap(), None);
}

/// Scores count what is there, not what was.
pub fn words_are_ranked_alike_whatever_was_forgotten(bench: &Bench) {
    let notes = ["heron heron by the river", "heron", "a river", "the heron, the river and the sea"]
        .map(NewEntry::new);
    bench.insert(&notes);
    let query = TextQuery::new("heron river");
    let before = found(bench, &query);
    assert_eq!(before.len(), 4);
    let gone: Vec<EntryId> =
        bench.insert(&vec![NewEntry::new("river river heron"); 30]).iter().map(|entry| entry.id).collect();
    assert_eq!(found(bench, &query).len(), 34);
    bench.write(|tx| tx.delete_many(&gone));
    assert_eq!(found(bench, &query), before);
}

/// What is quoted comes first, and may be asked for.
pub fn quoted_words_may_be_required(bench: &Bench) {
    let [apart, joined] = bench.remember(["full of disks, a disk", "the disk full again"]);
    assert_eq!(ids(bench, "\"disk full\""), [joined.id, apart.id]);
    let required = TextQuery::new("\"disk full\"").require_quotes();
    assert_eq!(found(bench, &required).iter().map(|hit| hit.0).collect::<Vec<_>>(), [joined.id]);
    let [dotted, camel] = bench.remember(["see options.name", "see optionsName"]);
    assert_eq!(ids(bench, "options.name"), [dotted.id, camel.id]);
    assert_eq!(ids(bench, "optionsName"), [camel.id, dotted.id]);
}

/// Again and again, also of one entry alone.
pub fn words_follow_every_change(bench: &Bench) {
    let [entry] = bench.remember(["kingfisher"]);
    assert_eq!(ids(bench, "kingfisher"), [entry.id]);
    for (title, before) in [("plover", "kingfisher"), ("curlew", "plover"), ("kingfisher", "curlew")] {
        bench.write(|tx| tx.update(entry.id, &EntryPatch::new().title(title)));
        assert_eq!((ids(bench, before), ids(bench, title)), (vec![], vec![entry.id]), "{title}");
    }
    // A writer sees its own, and nobody sees what is undone.
    let mut tx = bench.store().write().unwrap();
    tx.update(entry.id, &EntryPatch::new().title("egret")).unwrap();
    assert_eq!(tx.search_words(&TextQuery::new("egret"), &Filter::new(), 9).unwrap().len(), 1);
    drop(tx);
    assert_eq!((ids(bench, "egret"), ids(bench, "kingfisher")), (vec![], vec![entry.id]));
    bench.write(|tx| tx.delete(entry.id));
    assert_eq!(ids(bench, "kingfisher"), []);
    assert!(bench.store().word_memory_bytes() < 1 << 20);
    bench.store().release_memory();
    assert_eq!(ids(bench, "kingfisher"), []);
}

/// The limit counts what is admitted, and ties come back whole.
pub fn words_are_searched_among_the_admitted(bench: &Bench) {
    let notes: Vec<NewEntry> =
        (0..20).map(|n| NewEntry::new("heron").kind(if n % 2 == 0 { "bug" } else { "note" })).collect();
    let written = bench.insert(&notes);
    let tx = bench.read();
    let query = TextQuery::new("heron");
    let rows = |hits: Vec<crate::WordHit>| hits.iter().map(|hit| hit.key.row).collect::<Vec<_>>();
    let due: Vec<i64> = written.iter().step_by(2).map(|entry| entry.row).collect();
    assert_eq!(
        rows(tx.search_words(&query, &Filter::new().kind("bug"), 3).unwrap()),
        due,
        "all score the same"
    );
    let admitted = |row: i64| row == due[4];
    assert_eq!(rows(tx.search_words_among(&query, &admitted, 3, None).unwrap()), [due[4]]);
    assert!(tx.search_words_among(&query, &|_| true, 0, None).unwrap().is_empty());
    let stop = std::sync::atomic::AtomicBool::new(true);
    let stopped = tx.search_words_among(&query, &|_| true, 3, Some(&stop));
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
}

/// More than are searched as they wait: they are moved, and found as before.
pub fn many_entries_are_searched_by_words(bench: &Bench) {
    for round in 0..3 {
        let notes: Vec<NewEntry> = (0..400).map(|n| NewEntry::new(format!("heron w{n} r{round}"))).collect();
        bench.insert(&notes);
    }
    for (text, count) in [("heron", 1_200), ("w17", 3), ("r1", 400), ("\"w17 r2\" heron", 1_200)] {
        assert_eq!(ids(bench, text).len(), count, "{text}");
    }
    assert_eq!(bench.read().fault_of_words().unwrap(), None);
}
