//! Tags, projects and kinds with their numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::common::{WordModel, memory_with};
use rekall::{EntryPatch, Error, Facet, Filter, NewEntry, Rekall, Status};

fn counted(memory: &Rekall, facet: Facet, filter: &Filter, limit: usize) -> Vec<(String, u64)> {
    let counts = memory.facets(facet, filter, limit).unwrap();
    counts.into_iter().map(|count| (count.name, count.entries)).collect()
}

#[test]
fn the_most_frequent_come_first_and_equals_by_name() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(8))));
    // By names, kinds and projects that a count by hand can follow.
    let notes: Vec<NewEntry> = (0..60_usize)
        .map(|n| {
            let tags = ["b", "a", "été", "数据"].into_iter().enumerate().filter(|(at, _)| n % (at + 2) == 0);
            let note = NewEntry::new(format!("note {n}")).tags(tags.map(|(_, tag)| tag));
            let note = note.kind(["bug", "decision"][n % 2]).memory_type(["semantic", "episodic"][n / 40]);
            if n % 3 == 0 { note } else { note.project(["site", "app"][n % 2]) }
        })
        .collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    memory.update(ids[0], &EntryPatch::new().status(Status::Obsolete)).unwrap();
    memory.forget(ids[30]).unwrap();

    let everything =
        [Filter::new(), Filter::new().any_status(), Filter::new().project("app"), Filter::new().tag_all("b")];
    for filter in everything {
        let entries = memory.list(&filter, None, 1000).unwrap();
        for facet in [Facet::Tag, Facet::Project, Facet::Kind, Facet::MemoryType] {
            let mut naive: BTreeMap<String, u64> = BTreeMap::new();
            for entry in &entries {
                let names = match facet {
                    Facet::Tag => entry.tags.clone(),
                    Facet::Project => entry.project.iter().cloned().collect(),
                    Facet::Kind => vec![entry.kind.clone()],
                    _ => vec![entry.memory_type.clone()],
                };
                names.into_iter().for_each(|name| *naive.entry(name).or_default() += 1);
            }
            let mut naive: Vec<(String, u64)> = naive.into_iter().collect();
            naive.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            assert!(!naive.is_empty());
            assert_eq!(counted(&memory, facet, &filter, 100), naive, "{facet:?} {filter:?}");
            assert_eq!(counted(&memory, facet, &filter, 1), naive[..1], "{facet:?} {filter:?}");
        }
    }
    for limit in [0, 100_001] {
        let refused = memory.facets(Facet::Tag, Filter::new(), limit);
        assert!(matches!(refused, Err(Error::InvalidLimit { .. })));
    }
    assert!(counted(&memory, Facet::Tag, &Filter::new().project("nobody's"), 10).is_empty());
}
