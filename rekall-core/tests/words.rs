//! A search by words leaves out what costs much and says little, but never a hit that is wanted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use rekall_core::{Draft, EntryId, Filter, NewEntry, Store, StoreOptions, TextQuery};
use upkeep_common::{Random, id};

fn store_of(folder: &tempfile::TempDir, titles: impl Iterator<Item = String>) -> Store {
    let store = Store::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
    let notes: Vec<NewEntry> = titles.map(NewEntry::new).collect();
    let mut tx = store.write().unwrap();
    tx.insert(&notes.iter().map(Draft::new).collect::<Vec<_>>()).unwrap();
    tx.commit().unwrap();
    store
}

#[test]
fn words_of_a_large_file_that_are_common_are_searched_where_hits_are_wanting() {
    let folder = tempfile::tempdir().unwrap();
    let title = |row: u64| if row == 100 { "rare common".to_owned() } else { format!("common {row}") };
    let store = store_of(&folder, (1..=5_200).map(title));
    let tx = store.read().unwrap();
    let query = TextQuery::new("common rare");
    for filter in [Filter::new(), Filter::new().any_status(), Filter::new().kind("note")] {
        let found = tx.search_text(&query, &filter, 10, 10).unwrap();
        assert!(found.len() >= 10, "{} hits where 5,200 entries match", found.len());
        assert_eq!(found[0].row, 100);
        let snippet = tx.snippet(&query, found[1].row, 8, "[", "]").unwrap();
        assert!(snippet.is_some_and(|snippet| snippet.starts_with("[common] ")));
        // Who wants no more than the rare word gives does not pay for the other.
        assert_eq!(tx.search_text(&query, &filter, 10, 1).unwrap().len(), 1);
    }
}

#[test]
fn no_word_of_a_long_query_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut titles: Vec<String> = (0..40).map(|number| format!("word{number}q")).collect();
    titles.push("word39q".to_owned());
    let query = TextQuery::new(&titles.join(" "));
    let store = store_of(&folder, titles.into_iter());
    let tx = store.read().unwrap();
    assert_eq!(tx.search_text(&query, &Filter::new(), 100, 100).unwrap().len(), 41);
    assert_eq!(tx.search_text(&query, &Filter::new(), 100, 32).unwrap().len(), 32);
    assert!(tx.snippet(&query, 41, 8, "[", "]").unwrap().is_some());
}

/// A word: the lower the number, the more entries hold it.
fn some_word(random: &mut Random) -> String {
    let most = random.below(9) + 1;
    format!("w{}", random.below(1 << most))
}

fn some_words(random: &mut Random, count: u64) -> String {
    let words: Vec<String> = (0..=random.below(count)).map(|_| some_word(random)).collect();
    words.join(" ")
}

/// `count` entries, the same ones whatever the file has seen before: `forgotten` others came before and between them.
fn with_history(folder: &tempfile::TempDir, count: u64, forgotten: u64) -> Store {
    let store = Store::open(folder.path().join(format!("{forgotten}.db")), &StoreOptions::default()).unwrap();
    let (mut random, mut other) = (Random(count), Random(7));
    let mut tx = store.write().unwrap();
    for number in 0..count {
        for gone in forgotten * number / count..forgotten * (number + 1) / count {
            let note = NewEntry::new(some_words(&mut other, 30));
            tx.insert(&[Draft { entry: &note, vectors: &[], id: Some(id(1_000_000 + gone)) }]).unwrap();
        }
        let note = NewEntry::new(some_words(&mut random, 12)).content(some_words(&mut random, 40));
        tx.insert(&[Draft { entry: &note, vectors: &[], id: Some(id(number)) }]).unwrap();
    }
    tx.commit().unwrap();
    let mut tx = store.write().unwrap();
    for gone in 0..forgotten {
        tx.delete(id(1_000_000 + gone)).unwrap();
    }
    tx.commit().unwrap();
    assert_eq!(store.read().unwrap().count_entries().unwrap(), count);
    store
}

/// Ids and the bits of the scores.
fn ranking(store: &Store, query: &TextQuery) -> Vec<(EntryId, u64)> {
    let tx = store.read().unwrap();
    let hits = tx.search_text(query, &Filter::new(), 20, 5).unwrap();
    let ids = tx.ids(&hits.iter().map(|hit| hit.row).collect::<Vec<_>>()).unwrap();
    hits.iter().map(|hit| (ids[&hit.row], hit.score.to_bits())).collect()
}

#[test]
fn what_was_forgotten_changes_no_ranking() {
    // The entries decide whether common words are left out, and which: below the border, just at it, and above.
    for (count, forgotten) in [(600, 6_000), (4_999, 2_000), (5_000, 2_000), (5_600, 5_000)] {
        let folder = tempfile::tempdir().unwrap();
        let plain = with_history(&folder, count, 0);
        let aged = with_history(&folder, count, forgotten);
        let mut random = Random(99);
        for _ in 0..150 {
            let words = some_words(&mut random, 8);
            for query in [TextQuery::new(&words), TextQuery::new(&words).prefix()] {
                let expected = ranking(&plain, &query);
                assert_eq!(ranking(&aged, &query), expected, "{words:?} in {count} entries");
            }
        }
    }
}

#[test]
fn a_search_does_without_the_record_of_averages() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of(&folder, (1..=20).map(|row| format!("common {row}")));
    for damage in
        ["DELETE FROM entry_fts_data WHERE id = 1", "UPDATE entry_fts_data SET block = 'x' WHERE id = 1"]
    {
        let tx = store.write().unwrap();
        tx.connection().execute_batch(damage).unwrap();
        tx.commit().unwrap();
        // What FTS5 makes of it is FTS5's; an error says so, and nothing else goes wrong.
        let found = store.read().unwrap().search_text(&TextQuery::new("common"), &Filter::new(), 5, 5);
        assert!(found.is_err() || found.is_ok_and(|hits| hits.len() == 20), "{damage}");
        assert!(!store.check().unwrap().is_clean(), "{damage}");
    }
}
