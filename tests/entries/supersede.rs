//! One entry in the place of another.

use std::sync::Arc;

use crate::common::{WordModel, memory_with};
use rekall::{EntryId, EntryPatch, Error, ErrorKind, NewEntry, Rekall, Status};

fn chain(memory: &Rekall, length: usize) -> Vec<EntryId> {
    let notes: Vec<NewEntry> = (0..length).map(|n| NewEntry::new(format!("version {n}"))).collect();
    memory.remember_many(&notes).run().unwrap()
}

#[test]
fn the_older_entry_leaves_the_searches_and_names_the_newer_one() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(8))));
    let ids = chain(&memory, 2);
    let older = memory.supersede_entry(ids[0], ids[1]).unwrap();
    assert_eq!((older.id, older.status, older.superseded_by), (ids[0], Status::Obsolete, Some(ids[1])));
    let found = memory.recall("version").run().unwrap();
    assert_eq!(found.iter().map(|hit| hit.entry.id).collect::<Vec<_>>(), [ids[1]]);
    // A patch does what it says and no more.
    let patched = memory.update(ids[1], &EntryPatch::new().superseded_by(None)).unwrap();
    assert_eq!(patched.status, Status::Active);
    let third = memory.remember(NewEntry::new("version 3")).unwrap();
    let patched = memory.update(ids[1], &EntryPatch::new().superseded_by(Some(third))).unwrap();
    assert_eq!((patched.status, patched.superseded_by), (Status::Active, Some(third)));
}

#[test]
fn no_entry_comes_to_stand_in_its_own_place() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(8))));
    let ids = chain(&memory, 4);
    for pair in ids.windows(2) {
        memory.supersede_entry(pair[0], pair[1]).unwrap();
    }
    let last = ids[3];
    for (older, said) in
        [(last, "another entry"), (ids[0], "does not supersede"), (ids[2], "does not supersede")]
    {
        let patch = EntryPatch::new().superseded_by(Some(older));
        let refused = [memory.supersede_entry(last, older), memory.update(last, &patch)];
        for error in refused.map(|result| result.expect_err("a circle")) {
            assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains(said), "{error}");
        }
    }
    let untouched = memory.get(last).unwrap();
    assert_eq!((untouched.status, untouched.superseded_by), (Status::Active, None));
    // Two may be replaced by one, and one that was replaced may get another successor.
    memory.supersede_entry(ids[0], last).unwrap();
    let nobody: EntryId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    for result in [memory.supersede_entry(nobody, last), memory.supersede_entry(last, nobody)] {
        assert!(matches!(result, Err(Error::Core(error)) if error.to_string().contains(&nobody.to_string())));
    }
}
