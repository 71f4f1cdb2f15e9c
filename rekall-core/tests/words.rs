//! A search by words leaves out what costs much and says little, but never a hit that is wanted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use rekall_core::{Draft, Filter, NewEntry, Store, StoreOptions, TextQuery};

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
