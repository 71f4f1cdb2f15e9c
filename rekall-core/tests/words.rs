//! A search by words finds every entry that holds one of them, and what was forgotten changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::sync::atomic::AtomicBool;

use rekall_core::{
    Draft, EntryId, Error, Filter, NewEntry, Snippets, Store, StoreOptions, TextQuery, WordQuery,
};
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
fn the_most_frequent_words_of_a_large_file_are_searched_too() {
    let folder = tempfile::tempdir().unwrap();
    let title = |row: u64| if row == 100 { "rare common".to_owned() } else { format!("common {row}") };
    let store = store_of(&folder, (1..=5_200).map(title));
    let tx = store.read().unwrap();
    let query = WordQuery::new("common rare");
    for filter in [Filter::new(), Filter::new().any_status(), Filter::new().kind("note")] {
        let found = tx.search_words(&query, &filter, 10).unwrap();
        assert_eq!(found[0].key.row, 100);
        assert_eq!(found.len(), 5_200, "the others score alike");
        assert!(found[1..].windows(2).all(|pair| pair[0].score == pair[1].score));
        assert!(found[1..].windows(2).all(|pair| pair[0].key.row < pair[1].key.row));
        let best = tx.search_words(&query, &filter, 1).unwrap();
        assert_eq!(best.iter().map(|hit| hit.key.row).collect::<Vec<_>>(), [100]);
    }
    assert!(tx.search_words(&query, &Filter::new().kind("bug"), 10).unwrap().is_empty());
}

#[test]
fn no_word_of_a_long_query_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut titles: Vec<String> = (0..40).map(|number| format!("word{number}q")).collect();
    titles.push("word39q".to_owned());
    let query = WordQuery::new(&titles.join(" "));
    let store = store_of(&folder, titles.iter().cloned());
    let tx = store.read().unwrap();
    assert_eq!(tx.search_words(&query, &Filter::new(), 100).unwrap().len(), 41);
    let entry = tx.entries(&[41]).unwrap().swap_remove(0).1;
    let query = TextQuery::new(&titles.join(" "));
    assert_eq!(Snippets::new(&query, 8).of(&entry, "[", "]", None).unwrap().unwrap(), "[word39q]");
}

#[test]
fn a_flag_stops_a_search() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of(&folder, (0..5_000).map(|number| format!("common note {number}")));
    let query = WordQuery::new("common note");
    let tx = store.read().unwrap();
    let search = |stop| tx.search_words_among(&query, &|_| true, 10, Some(&AtomicBool::new(stop)));
    assert!(search(false).unwrap().len() >= 10);
    let stopped = search(true);
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    // The next one is not concerned.
    assert!(search(false).unwrap().len() >= 10);
}

#[test]
fn a_snippet_shows_the_densest_place() {
    let filler = |count: usize| "filler word ".repeat(count);
    let text = format!("alpha {}alpha beta, gamma! {}beta {}", filler(50), filler(50), filler(50));
    let query = TextQuery::new("alpha beta gamma");
    let passage = Snippets::new(&query, 6).passage(&text, None).unwrap().unwrap();
    assert_eq!(passage.marked(&text, "<", ">"), "…word <alpha> <beta>, <gamma>! filler word…");
    assert_eq!(passage.words, 3);
    let passage = Snippets::new(&query, 2).passage("alpha beta gamma", None).unwrap().unwrap();
    assert_eq!(passage.marked("alpha beta gamma", "", ""), "alpha beta…");
    // The text's ends belong to it.
    let passage = Snippets::new(&query, 3).passage("(alpha beta gamma).", None).unwrap().unwrap();
    assert_eq!(passage.marked("(alpha beta gamma).", "[", "]"), "([alpha] [beta] [gamma]).");
    assert_eq!(Snippets::new(&query, 3).passage("nothing of it", None).unwrap(), None);
    let flag = AtomicBool::new(true);
    assert!(matches!(Snippets::new(&query, 3).passage(&text, Some(&flag)), Err(Error::Interrupted)));
    // Words of several terms lie over single ones.
    let query = TextQuery::new("हिन्दी ह");
    let passage = Snippets::new(&query, 8).passage("ह हिन्दी ह", None).unwrap().unwrap();
    assert!(passage.found.windows(2).all(|pair| pair[0].end <= pair[1].start), "{passage:?}");
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
            tx.insert(&[Draft::new(&note).id(id(1_000_000 + gone))]).unwrap();
        }
        let note = NewEntry::new(some_words(&mut random, 12)).content(some_words(&mut random, 40));
        tx.insert(&[Draft::new(&note).id(id(number))]).unwrap();
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
fn ranking(store: &Store, query: &WordQuery) -> Vec<(EntryId, u64)> {
    let tx = store.read().unwrap();
    let hits = tx.search_words(query, &Filter::new(), 20).unwrap();
    let ids = tx.ids(&hits.iter().map(|hit| hit.key.row).collect::<Vec<_>>()).unwrap();
    hits.iter().map(|hit| (ids[&hit.key.row], hit.score.to_bits())).collect()
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
            for query in [WordQuery::new(&words), WordQuery::new(&words).prefix()] {
                let expected = ranking(&plain, &query);
                assert_eq!(ranking(&aged, &query), expected, "{words:?} in {count} entries");
            }
        }
    }
}
