//! Pages of entries.

use serde_json::json;

use super::Bench;
use crate::{EntryPatch, Filter, NewEntry, NewestBy};

/// Oldest first, and on from an id that may be gone.
pub fn pages_go_by_id(bench: &Bench) {
    let [a, b, c, d] = bench.remember(["a", "b", "c", "d"]);
    let titles = |after, limit| -> Vec<String> {
        let page = bench.read().list(&Filter::new(), after, limit).unwrap();
        page.into_iter().map(|entry| entry.title).collect()
    };
    assert_eq!(titles(None, 3), ["a", "b", "c"]);
    assert_eq!(titles(Some(c.id), 3), ["d"]);
    bench.write(|tx| tx.delete_many(&[b.id, d.id]));
    assert_eq!(titles(Some(b.id), 3), ["c"]);
    assert_eq!((titles(Some(d.id), 3), titles(None, 0)), (vec![], vec![]));
    assert_eq!(titles(Some(a.id), 1), ["c"]);
}

/// By either time; of one time the one written later first; none twice, none missed.
pub fn pages_go_by_time_the_newest_first(bench: &Bench) {
    let titles = ["a", "b", "c", "d", "e"];
    let times = [50, 20, 50, 10, 30];
    let entries: Vec<NewEntry> =
        titles.iter().zip(times).map(|(&title, at)| NewEntry::new(title).created_at(at)).collect();
    let written = bench.insert(&entries);
    let walk = |by| {
        let (mut after, mut found) = (None, Vec::new());
        loop {
            let page = bench.read().list_newest(&Filter::new(), by, after, 2).unwrap();
            assert!(page.entries.len() <= 2 && page.unreadable.is_empty());
            let Some(next) = page.next else { return found };
            after = Some(next);
            found.extend(page.entries.into_iter().map(|entry| entry.title));
        }
    };
    assert_eq!(walk(NewestBy::Created), ["c", "a", "e", "b", "d"]);
    bench.pass(1);
    bench.write(|tx| tx.update(written[3].id, &EntryPatch::new().content("changed")));
    assert_eq!(walk(NewestBy::Updated)[0], "d");
    assert_eq!(walk(NewestBy::Created), ["c", "a", "e", "b", "d"]);
}

/// In the order in which they were written, of any status.
pub fn entries_are_found_by_their_metadata(bench: &Bench) {
    let written = bench.insert(&[
        NewEntry::new("a").metadata("key", "one"),
        NewEntry::new("b").metadata("key", json!(["one"])),
        NewEntry::new("c").metadata("key", "one"),
    ]);
    bench.write(|tx| tx.supersede(written[0].id, written[1].id));
    let tx = bench.read();
    assert_eq!(tx.ids_with_metadata("key", &json!("one")).unwrap(), [written[0].id, written[2].id]);
    assert_eq!(tx.ids_with_metadata("key", &json!(["one"])).unwrap(), [written[1].id]);
    assert_eq!(tx.ids_with_metadata("other", &json!("one")).unwrap(), []);
}
