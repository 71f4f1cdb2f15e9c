//! A search by words leaves out what costs much and says little, but never a hit that is wanted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rekall_core::{Draft, EntryId, Error, Filter, NewEntry, Snippets, Store, StoreOptions, TextQuery};
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
        let entry = tx.entries(&[found[1].row]).unwrap().swap_remove(0).1;
        let snippet = Snippets::new(&query, 8).of(&entry, "[", "]", None).unwrap();
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
    let entry = tx.entries(&[41]).unwrap().swap_remove(0).1;
    assert_eq!(Snippets::new(&query, 8).of(&entry, "[", "]", None).unwrap().unwrap(), "[word39q]");
}

#[test]
fn a_flag_stops_the_search_in_the_middle_of_a_statement() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of(&folder, (0..5_000).map(|number| format!("common note {number}")));
    let flag = Arc::new(AtomicBool::new(false));
    let query = TextQuery::new("common note");
    for _ in 0..2 {
        let mut tx = store.read().unwrap();
        tx.stop_when(&flag).unwrap();
        let searched = tx.search_text(&query, &Filter::new(), 10, 10);
        match flag.swap(true, Ordering::Relaxed) {
            false => assert!(searched.unwrap().len() >= 10),
            true => assert!(matches!(searched, Err(Error::Interrupted)), "{searched:?}"),
        }
    }
    // Whoever has the connection next is not concerned.
    let tx = store.read().unwrap();
    assert!(tx.search_text(&query, &Filter::new(), 10, 10).unwrap().len() >= 10);
}

#[test]
fn snippets_find_what_the_search_finds() {
    let folder = tempfile::tempdir().unwrap();
    let texts = [
        "Deployments were rolled back",
        "d\u{e9}ploiement \u{e0} l\u{2019}\u{e9}t\u{e9}",
        "\u{1e9e} stra\u{df}e \u{fb01}ne",
        "\u{928}\u{93f}\u{930}\u{94d}\u{926}\u{947}\u{936} \u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}",
        "\u{4e2d}\u{6587} test",
        "e\u{301}le\u{300}ve",
        "a\u{9a69}ed",
        "running runner ran",
        "C++ and C#",
        "x\u{30c}y",
        "\u{2167} \u{24b6} 42nd",
        "relational generalizations",
    ];
    let store = store_of(&folder, texts.iter().map(|text| (*text).to_owned()));
    let tx = store.read().unwrap();
    for query in texts.iter().flat_map(|text| text.split(' ')).chain([
        "deploy",
        "runs",
        "generally",
        "\u{e9}t\u{e9}",
        "ETE",
        "deploym",
        "gener",
    ]) {
        for query in [TextQuery::new(query), TextQuery::new(query).prefix()] {
            let found: Vec<i64> =
                tx.search_text(&query, &Filter::new(), 100, 100).unwrap().iter().map(|hit| hit.row).collect();
            let snippets = Snippets::new(&query, 64);
            for row in 1..=texts.len() as i64 {
                let entry = tx.entries(&[row]).unwrap().swap_remove(0).1;
                let snippet = snippets.of(&entry, "[", "]", None).unwrap();
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
