//! Several entries at once.

use std::sync::Arc;

use crate::common::{WordModel, memory_with};
use rekall::{EntryId, NewEntry};

#[test]
fn entries_come_in_the_order_of_their_ids_with_gaps_where_there_are_none() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(8))));
    let notes: Vec<NewEntry> = (0..5).map(|n| NewEntry::new(format!("note {n}"))).collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    memory.forget(ids[1]).unwrap();
    let nobody: EntryId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    let asked = [ids[4], ids[1], ids[0], nobody, ids[4]];
    let titles: Vec<Option<String>> =
        memory.get_many(&asked).unwrap().into_iter().map(|entry| entry.map(|entry| entry.title)).collect();
    let said = |n: usize| Some(format!("note {n}"));
    assert_eq!(titles, [said(4), None, said(0), None, said(4)]);
    assert!(memory.get_many(&[]).unwrap().is_empty());
}
