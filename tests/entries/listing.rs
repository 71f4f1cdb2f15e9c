//! Entries page by page.

use std::sync::Arc;

use crate::common::{WordModel, memory_with};
use rekall::{EntryId, EntryPatch, Error, Filter, NewEntry, Status};

#[test]
fn pages_hold_each_entry_once_in_order_of_age() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(8))));
    let notes: Vec<NewEntry> =
        (0..57).map(|n| NewEntry::new(format!("note {n}")).project(["a", "b"][n % 2])).collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    let pages = |filter: &Filter, limit: usize| {
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = memory.list(filter, after, limit).unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            all.extend(page.iter().map(|entry| entry.id));
        }
        assert_eq!(memory.count(filter).unwrap(), all.len() as u64);
        all
    };
    let of_a: Vec<EntryId> = ids.iter().copied().step_by(2).collect();
    for limit in [1, 7, 57, 100_000] {
        assert_eq!(pages(&Filter::new(), limit), ids);
        assert_eq!(pages(&Filter::new().project("a"), limit), of_a);
    }
    // The place where a page ended stays a place when its entry goes, and the default leaves out what is obsolete.
    memory.forget(ids[10]).unwrap();
    memory.update(ids[11], &EntryPatch::new().status(Status::Obsolete)).unwrap();
    let page = memory.list(Filter::new(), Some(ids[10]), 2).unwrap();
    assert_eq!(page.iter().map(|entry| entry.id).collect::<Vec<_>>(), [ids[12], ids[13]]);
    let page = memory.list(Filter::new().any_status(), Some(ids[10]), 2).unwrap();
    assert_eq!(page[0].id, ids[11]);
    assert_eq!(page[0], memory.get(ids[11]).unwrap());
}

#[test]
fn limits_are_bounded_everywhere() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(8))));
    let id = memory.remember(NewEntry::new("disk full")).unwrap();
    for limit in [0, 100_001, usize::MAX] {
        let refused = |result: Result<(), Error>| {
            let error = result.unwrap_err();
            assert!(matches!(error, Error::InvalidLimit { max: 100_000, got } if got == limit), "{error}");
        };
        refused(memory.list(Filter::new(), None, limit).map(drop));
        refused(memory.recall("disk").limit(limit).run().map(drop));
        refused(memory.similar_to(id).limit(limit).run().map(drop));
        refused(memory.audit_index(10, limit).run().map(drop));
    }
    assert!(memory.audit_index(0, 10).run().is_err());
    assert_eq!(memory.audit_index(usize::MAX, 10).run().unwrap().queries, 1, "all there are");
}
