//! A search by words finds every entry that holds one of them, and what was forgotten changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::sync::atomic::AtomicBool;

use rekall_core::{
    Draft, EntryId, EntryPatch, Error, Filter, NewEntry, Snippets, SqliteStore, Store, StoreOptions,
    TextQuery,
};
use upkeep_common::{Random, id};

fn store_of(folder: &tempfile::TempDir, titles: impl Iterator<Item = String>) -> SqliteStore {
    let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
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
    let query = TextQuery::new("common rare");
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
    let query = TextQuery::new(&titles.join(" "));
    let store = store_of(&folder, titles.iter().cloned());
    let tx = store.read().unwrap();
    assert_eq!(tx.search_words(&query, &Filter::new(), 100).unwrap().len(), 41);
    let entry = tx.entries(&[41]).unwrap().swap_remove(0).1;
    assert_eq!(Snippets::new(&query, 8).of(&entry, ("[", "]"), None).unwrap().unwrap(), "[word39q]");
}

#[test]
fn a_flag_stops_a_search() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of(&folder, (0..5_000).map(|number| format!("common note {number}")));
    let query = TextQuery::new("common note");
    let tx = store.read().unwrap();
    let search = |stop| tx.search_words_among(&query, &|_| true, 10, Some(&AtomicBool::new(stop)));
    assert!(search(false).unwrap().len() >= 10);
    let stopped = search(true);
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    // The next one is not concerned.
    assert!(search(false).unwrap().len() >= 10);
}

#[test]
fn snippets_find_what_the_search_finds() {
    let folder = tempfile::tempdir().unwrap();
    let texts = [
        "Deployments were rolled back",
        "d\u{e9}ploiement \u{e0} l\u{2019}\u{e9}t\u{e9}",
        "\u{1e9e} stra\u{df}e \u{fb01}ne c\u{153}ur",
        "\u{928}\u{93f}\u{930}\u{94d}\u{926}\u{947}\u{936} \u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}",
        "\u{9ad8}\u{8840}\u{538b} test",
        "e\u{301}le\u{300}ve install\u{e9}e",
        "\u{e44}\u{e17}\u{e22} \u{b370}\u{c774}\u{d130}\u{bca0}\u{c774}\u{c2a4}",
        "running runner ran",
        "C++ and C# but not .NET",
        "be_between e-mail --no-verify src/main.rs v7.1.3",
        "\u{2167} \u{24b6} 42nd \u{661}\u{662}",
        "relational generalizations",
    ];
    let store = store_of(&folder, texts.iter().map(|text| (*text).to_owned()));
    let tx = store.read().unwrap();
    let mut matched = 0;
    for query in texts.iter().flat_map(|text| text.split(' ')).chain([
        "deploy",
        "runs",
        "generally",
        "ETE",
        "coeur",
        "deploym",
        "gener",
        "\u{8840}",
        "\u{8840}\u{538b}",
        "12",
        "installees",
        "bebetween",
        "email",
        "7.1.3",
        "\u{c774}\u{d130}",
        "net",
        "zzz",
    ]) {
        for query in [TextQuery::new(query), TextQuery::new(query).prefix()] {
            let hits = tx.search_words(&query, &Filter::new(), 100).unwrap();
            let found: Vec<i64> = hits.iter().map(|hit| hit.key.row).collect();
            matched += found.len();
            let snippets = Snippets::new(&query, 64);
            for row in 1..=texts.len() as i64 {
                let entry = tx.entries(&[row]).unwrap().swap_remove(0).1;
                let snippet = snippets.of(&entry, ("[", "]"), None).unwrap();
                assert_eq!(
                    snippet.is_some(),
                    found.contains(&row),
                    "{query:?} in {:?}: {snippet:?}",
                    entry.title
                );
                if let Some(snippet) = snippet {
                    assert!(snippet.contains('['), "{snippet}");
                    assert_eq!(snippet.replace(['[', ']'], ""), entry.title);
                }
            }
        }
    }
    assert!(matched > 80, "{matched}");
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
fn with_history(folder: &tempfile::TempDir, count: u64, forgotten: u64) -> SqliteStore {
    let store =
        SqliteStore::open(folder.path().join(format!("{forgotten}.db")), &StoreOptions::default()).unwrap();
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
fn ranking(store: &SqliteStore, query: &TextQuery) -> Vec<(EntryId, u64)> {
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
            for query in [TextQuery::new(&words), TextQuery::new(&words).prefix()] {
                let expected = ranking(&plain, &query);
                assert_eq!(ranking(&aged, &query), expected, "{words:?} in {count} entries");
            }
        }
    }
}

#[test]
fn what_is_written_as_in_the_query_comes_before_what_has_its_words_joined_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
    let notes = [
        ("optionsName optionsName", "optionsName is the name of options, options-name its flag"),
        (
            "Plugins",
            "The field options.name is read last, after everything else that a plugin may set by itself",
        ),
        ("3.0.1.7", "3-0-1, 3.0.1.7"),
        ("Release notes of an old program", "Since 3.0.1 the log is rotated each night and kept for a week"),
    ];
    let notes: Vec<NewEntry> =
        notes.iter().map(|(title, content)| NewEntry::new(*title).content(*content)).collect();
    let drafts: Vec<Draft<'_>> = notes.iter().map(Draft::new).collect();
    let mut tx = store.write().unwrap();
    let rows: Vec<i64> = tx.insert(&drafts).unwrap().iter().map(|inserted| inserted.row).collect();
    tx.commit().unwrap();
    let tx = store.read().unwrap();
    for (query, first) in [("options.name", rows[1]), ("3.0.1", rows[3]), ("optionsName", rows[0])] {
        for limit in [1, 10] {
            let hits = tx.search_words(&TextQuery::new(query), &Filter::new(), limit).unwrap();
            assert_eq!(hits[0].key.row, first, "{query}");
            assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
        }
        let hits = tx.search_words(&TextQuery::new(query), &Filter::new(), 10).unwrap();
        assert!(hits[1..].iter().all(|hit| hit.exact < hits[0].exact), "{query}: {hits:?}");
    }
}

#[test]
fn an_entry_that_is_changed_again_and_again_is_found_by_what_it_says_now() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of(&folder, ["kingfisher".to_owned()].into_iter());
    let count = |word: &str| {
        store.read().unwrap().search_words(&TextQuery::new(word), &Filter::new(), 9).unwrap().len()
    };
    let id = store.read().unwrap().all_ids().unwrap()[0].1;
    assert_eq!(count("kingfisher"), 1);
    for (title, before) in [("plover", "kingfisher"), ("curlew", "plover"), ("kingfisher", "curlew")] {
        let mut tx = store.write().unwrap();
        tx.update(id, &EntryPatch::new().title(title)).unwrap();
        tx.commit().unwrap();
        assert_eq!((count(before), count(title)), (0, 1), "{title}");
    }
}
