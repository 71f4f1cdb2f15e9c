//! Following a file by its changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::common::{WordModel, memory_with};
use rekall::{ChangePosition, Entry, EntryId, EntryPatch, Filter, NewEntry, Rekall};
use tempfile::tempdir;

/// A copy of the titles, as a host would keep it.
#[derive(Default)]
struct Copy {
    titles: BTreeMap<i64, (EntryId, String)>,
    position: Option<ChangePosition>,
}

impl Copy {
    /// Gives whether it had to be rebuilt.
    fn follow(&mut self, memory: &Rekall) -> bool {
        let changes = memory.changes_since(self.position).unwrap();
        if changes.complete {
            self.titles.clear();
        }
        for changed in changes.entries {
            match changed.id.and_then(|id| memory.get(id).ok()) {
                Some(entry) => self.titles.insert(changed.number, (entry.id, entry.title)),
                None => self.titles.remove(&changed.number),
            };
        }
        self.position = Some(changes.position);
        changes.complete
    }

    fn agrees(&self, memory: &Rekall) -> bool {
        let told: BTreeMap<EntryId, String> = self.titles.values().cloned().collect();
        let all = memory.list(Filter::new().any_status(), None, 100_000).unwrap();
        told.len() == self.titles.len()
            && told == all.into_iter().map(|Entry { id, title, .. }| (id, title)).collect()
    }
}

fn open(path: &std::path::Path) -> Rekall {
    Rekall::builder(path).embedder(Arc::new(WordModel::new(8))).open().unwrap()
}

#[test]
fn a_copy_follows_whatever_two_handles_do() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (one, other) = (open(&path), open(&path));
    let (mut copy, mut ids) = (Copy::default(), Vec::<EntryId>::new());
    assert!(copy.follow(&one), "a copy begins with everything");
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    eprintln!("seed {state:x}");
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    for round in 0..200 {
        for _ in 0..random(4) {
            let memory = [&one, &other][random(2)];
            match random(5) {
                1 if !ids.is_empty() => memory.forget(ids.swap_remove(random(ids.len()))).unwrap(),
                2 if !ids.is_empty() => {
                    let patch = EntryPatch::new().title(format!("changed in round {round}"));
                    memory.update(ids[random(ids.len())], &patch).unwrap();
                }
                _ => ids.push(memory.remember(NewEntry::new(format!("of round {round}"))).unwrap()),
            }
        }
        assert!(!copy.follow(&one), "only what changed, in round {round}");
        assert!(copy.agrees(&other), "round {round}");
    }
    assert!(ids.len() > 20);
    let position = copy.position;
    assert!(one.changes_since(position).unwrap().entries.is_empty());
    assert_eq!(one.change_position().unwrap(), position.unwrap());
}

#[test]
fn a_change_is_told_once_and_names_what_is_gone() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(8))));
    let ids = memory.remember_many(&[NewEntry::new("kept"), NewEntry::new("gone")]).run().unwrap();
    let all = memory.changes_since(None).unwrap();
    assert!(all.complete && all.entries.iter().map(|entry| entry.id).eq([Some(ids[0]), Some(ids[1])]));
    memory.forget(ids[1]).unwrap();
    for title in ["kept for now", "kept for good"] {
        memory.update(ids[0], &EntryPatch::new().title(title)).unwrap();
    }
    let passing = memory.remember(NewEntry::new("passing")).unwrap();
    memory.forget(passing).unwrap();
    let changes = memory.changes_since(Some(all.position)).unwrap();
    assert!(!changes.complete);
    // The one that came and went between has a number that nobody knows.
    let [gone, kept, passing] = changes.entries[..] else { panic!("{changes:?}") };
    assert_eq!((gone.number, gone.id), (all.entries[1].number, None));
    assert_eq!((kept.number, kept.id), (all.entries[0].number, Some(ids[0])));
    assert!(passing.id.is_none() && all.entries.iter().all(|entry| entry.number != passing.number));
}

#[test]
fn where_the_past_is_lost_all_is_told() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.db");
    let memory = open(&path);
    for title in ["one", "two", "three"] {
        memory.remember(NewEntry::new(title)).unwrap();
    }
    let mut copy = Copy::default();
    copy.follow(&memory);
    // Another model's vectors.
    memory.reembed_with_embedder(Arc::new(WordModel::named("other", 8))).run().unwrap();
    assert!(copy.follow(&memory) && copy.agrees(&memory));
    // Moments that the file does not know, whoever made them up; and one kept as two numbers is the same.
    let known = copy.position.unwrap();
    let [incarnation, position] = known.to_words();
    for words in [[0, 0], [incarnation + 1, position], [incarnation, position + 1], [incarnation, -1]] {
        let changes = memory.changes_since(Some(ChangePosition::from_words(words))).unwrap();
        assert!(changes.complete && changes.entries.len() == 3, "{words:?}");
        assert_eq!(changes.position, known);
    }
    assert!(!memory.changes_since(Some(ChangePosition::from_words(known.to_words()))).unwrap().complete);
}

#[test]
fn a_restored_file_tells_everything_also_at_the_same_position() {
    let folder = tempdir().unwrap();
    let (path, older) = (folder.path().join("a.db"), folder.path().join("older.db"));
    let memory = open(&path);
    let ids: Vec<EntryId> =
        (0..5).map(|n| memory.remember(NewEntry::new(format!("note {n}"))).unwrap()).collect();
    memory.backup(&older).run().unwrap();
    memory.forget(ids[2]).unwrap();
    memory.remember(NewEntry::new("of the time that is undone")).unwrap();
    let mut copy = Copy::default();
    copy.follow(&memory);
    let [_, position] = copy.position.unwrap().to_words();

    let from = rusqlite::Connection::open(&older).unwrap();
    let mut to = rusqlite::Connection::open(&path).unwrap();
    let restore = rusqlite::backup::Backup::new(&from, &mut to).unwrap();
    restore.run_to_completion(1000, std::time::Duration::ZERO, None).unwrap();
    drop(restore);
    drop((from, to));
    let other = open(&path);
    while other.change_position().unwrap().to_words()[1] < position {
        other.update(ids[0], &EntryPatch::new().confidence(3)).unwrap();
    }
    assert_eq!(other.change_position().unwrap().to_words()[1], position, "as if nothing had been");
    assert!(copy.follow(&other) && copy.agrees(&other));
    assert!(copy.titles.values().any(|(id, _)| *id == ids[2]));
}
