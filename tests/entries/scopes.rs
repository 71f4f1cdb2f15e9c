//! Scopes: memories of their own in one file, or on one server. What one says and finds, no other sees.

use std::sync::Arc;

use crate::common::engine::on_every_engine;
use crate::common::{Engine, Memory, WordModel};
use rekall::{EntryId, EntryPatch, ErrorKind, Facet, Filter, Mode, NewEntry, NewSection, NewSource, Rekall};

on_every_engine!(
    notes_are_found_in_their_scope_alone,
    an_id_of_another_scope_names_nothing,
    the_same_ids_and_sources_may_be_in_every_scope,
    handles_on_one_scope_are_the_same_and_outlive_the_first,
    a_scope_is_there_when_the_memory_is_opened_again,
    a_removed_scope_is_gone_for_all_its_handles,
    a_handle_on_a_scope_does_not_lead_out_of_it,
    scopes_may_have_vectors_of_different_models,
    a_scope_is_moved_alone,
    bad_names_are_refused,
    many_scopes_find_their_own,
);

fn titles(rekall: &Rekall, query: &str, mode: Mode) -> Vec<String> {
    let found = rekall.recall(query).mode(mode).run().unwrap();
    assert!(found.degraded.is_empty(), "{:?}", found.degraded);
    found.iter().map(|hit| hit.entry.title.clone()).collect()
}

/// A memory where the unnamed one and two scopes have two notes each; the second one has a word of its own.
fn three(engine: Engine) -> (Memory, Arc<Rekall>, Arc<Rekall>) {
    let memory = engine.memory();
    let (ann, bob) = (memory.scope("ann").unwrap(), memory.scope("bob").unwrap());
    for (rekall, own) in [(&*memory, "unnamed"), (&*ann, "annual"), (&*bob, "bobbing")] {
        let notes = [
            NewEntry::new("proxy settings disk full").project(own).tags(["disk"]),
            NewEntry::new(format!("{own} proxy settings")).project(own).tags([own]),
        ];
        rekall.remember_many(&notes).run().unwrap();
    }
    (memory, ann, bob)
}

fn notes_are_found_in_their_scope_alone(engine: Engine) {
    let (memory, ann, bob) = three(engine);
    for (rekall, own) in [(&*memory, "unnamed"), (&*ann, "annual"), (&*bob, "bobbing")] {
        for mode in [Mode::Text, Mode::Semantic, Mode::Hybrid] {
            let expected = format!("{own} proxy settings");
            let found = titles(rekall, &expected, mode);
            assert_eq!(found.iter().filter(|title| title.ends_with("proxy settings")).count(), 1, "{mode:?}");
            assert_eq!(found[0], expected, "{mode:?}");
        }
        assert_eq!(titles(rekall, "annual", Mode::Text).len(), usize::from(own == "annual"));
        assert_eq!(rekall.stats().unwrap().store.entries, 2);
        assert_eq!(rekall.stats().unwrap().store.vectors, 2);
        assert_eq!(rekall.count(Filter::new()).unwrap(), 2);
        assert_eq!(rekall.count(Filter::new().tag_any("disk")).unwrap(), 1);
        assert_eq!(rekall.list(Filter::new(), None, 10).unwrap().len(), 2);
        let projects = rekall.facets(Facet::Project, Filter::new(), 10).unwrap();
        let projects: Vec<(&str, u64)> =
            projects.iter().map(|found| (found.name.as_str(), found.entries)).collect();
        assert_eq!(projects, [(own, 2)]);
        assert!(rekall.duplicates().threshold(0.99).run().unwrap().pairs.is_empty());
        let id = rekall.list(Filter::new(), None, 1).unwrap()[0].id;
        assert_eq!(rekall.similar_to(id).threshold(-1.0).run().unwrap().len(), 1);
    }
    memory.assert_sound();
}

fn an_id_of_another_scope_names_nothing(engine: Engine) {
    let (memory, ann, bob) = three(engine);
    let of = |rekall: &Rekall| -> Vec<EntryId> {
        rekall.list(Filter::new(), None, 10).unwrap().into_iter().map(|entry| entry.id).collect()
    };
    for (stranger, own) in [(of(&bob), &*ann), (of(&memory), &*ann), (of(&ann), &*memory)] {
        let not_found = |kind: Option<ErrorKind>| assert_eq!(kind, Some(ErrorKind::NotFound));
        let (first, second) = (stranger[0], stranger[1]);
        not_found(own.get(first).err().map(|error| error.kind()));
        not_found(own.forget(first).err().map(|error| error.kind()));
        not_found(own.update(first, &EntryPatch::new().title("x")).err().map(|error| error.kind()));
        not_found(own.link(first, second, "related", None).err().map(|error| error.kind()));
        not_found(own.similar_to(first).run().err().map(|error| error.kind()));
        assert_eq!(own.get_many(&stranger).unwrap(), [None, None]);
        let only_these = Filter::new().ids(stranger.clone());
        assert_eq!(own.count(&only_these).unwrap(), 0);
        assert_eq!(own.forget_matching(&only_these).unwrap().len(), 0);
    }
    for rekall in [&*memory, &*ann, &*bob] {
        assert_eq!(rekall.stats().unwrap().store.entries, 2);
        rekall.forget_all().unwrap();
        assert_eq!(rekall.stats().unwrap().store.entries, 0);
    }
}

fn the_same_ids_and_sources_may_be_in_every_scope(engine: Engine) {
    let memory = engine.memory();
    let id: EntryId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    let handles = [memory.scope("ann").unwrap(), memory.scope("bob").unwrap()];
    let all: Vec<&Rekall> =
        std::iter::once(&*memory as &Rekall).chain(handles.iter().map(|h| &**h)).collect();
    for (number, rekall) in all.iter().enumerate() {
        rekall.remember(NewEntry::new(format!("note {number}")).id(id)).unwrap();
        let section = NewSection::new(format!("section {number}"), "text");
        let source = NewSource::new("file:///a.md").section(section);
        rekall.sync_source(&source).unwrap();
    }
    for (number, rekall) in all.iter().enumerate() {
        assert_eq!(rekall.get(id).unwrap().title, format!("note {number}"));
        assert_eq!(rekall.sources("").unwrap().len(), 1);
        let of_source = rekall.list(Filter::new().source("file:///a.md"), None, 10).unwrap();
        assert_eq!(of_source.len(), 1);
        assert_eq!(of_source[0].title, format!("section {number}"));
    }
    all[1].forget(id).unwrap();
    all[1].sync_sources("file:///").unwrap().prune(true).finish().unwrap();
    assert_eq!(all[1].stats().unwrap().store.entries, 0);
    assert_eq!((all[0].stats().unwrap().store.entries, all[2].stats().unwrap().store.entries), (2, 2));
    memory.assert_sound();
}

fn handles_on_one_scope_are_the_same_and_outlive_the_first(engine: Engine) {
    let (memory, ann, _bob) = three(engine);
    assert!(Arc::ptr_eq(&ann, &memory.scope("ann").unwrap()));
    assert!(memory.scope_name().is_none());
    assert_eq!(ann.scope_name(), Some("ann"));
    // Names are compared by their bytes.
    assert!(!Arc::ptr_eq(&ann, &memory.scope("Ann").unwrap()));
    let Memory { rekall, folder, .. } = memory;
    drop(rekall);
    assert_eq!(titles(&ann, "annual proxy", Mode::Hybrid)[0], "annual proxy settings");
    ann.remember(NewEntry::new("written after the first handle was closed")).unwrap();
    assert_eq!(ann.stats().unwrap().store.entries, 3);
    drop(ann);
    drop(folder);
}

fn a_scope_is_there_when_the_memory_is_opened_again(engine: Engine) {
    let (memory, ann, bob) = three(engine);
    let other = memory.again(|builder| builder.embedder(Arc::new(WordModel::new(16))));
    assert_eq!(other.scopes().unwrap(), ["ann", "bob"]);
    let same = other.scope("ann").unwrap();
    assert_eq!(titles(&same, "annual", Mode::Text), ["annual proxy settings"]);
    // Each sees what the other one commits, at once.
    ann.remember(NewEntry::new("zebra crossing")).unwrap();
    assert_eq!(titles(&same, "zebra", Mode::Text), ["zebra crossing"]);
    assert_eq!(titles(&same, "zebra crossing", Mode::Semantic)[0], "zebra crossing");
    assert!(titles(&bob, "zebra", Mode::Text).is_empty());
    let reader = memory.again(|builder| builder.embedder(Arc::new(WordModel::new(16))).read_only());
    assert_eq!(titles(&reader.scope("ann").unwrap(), "zebra", Mode::Text), ["zebra crossing"]);
    let missing = reader.scope("carol").unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.to_string().contains("no scope has the name \"carol\""), "{missing}");
    let existing = memory.again(|builder| builder.without_model().create(false));
    assert_eq!(existing.scope("carol").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(other.scopes().unwrap(), ["ann", "bob"], "nothing was made");
}

fn a_removed_scope_is_gone_for_all_its_handles(engine: Engine) {
    let (memory, ann, bob) = three(engine);
    let other = memory.again(|builder| builder.embedder(Arc::new(WordModel::new(16))));
    let elsewhere = other.scope("ann").unwrap();
    assert_eq!(titles(&elsewhere, "annual", Mode::Hybrid)[0], "annual proxy settings");
    assert_eq!(memory.remove_scope("ann").unwrap(), 2);
    for gone in [&ann, &elsewhere] {
        assert_eq!(gone.recall("annual").run().unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(gone.remember(NewEntry::new("x")).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(gone.stats().unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(memory.remove_scope("ann").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(memory.scopes().unwrap(), ["bob"]);
    // A new one under the name is another one.
    let again = other.scope("ann").unwrap();
    assert_eq!(again.stats().unwrap().store.entries, 0);
    again.remember(NewEntry::new("a new annual note")).unwrap();
    assert_eq!(ann.recall("annual").run().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(titles(&memory.scope("ann").unwrap(), "annual", Mode::Text), ["a new annual note"]);
    assert_eq!((bob.stats().unwrap().store.entries, memory.stats().unwrap().store.entries), (2, 2));
    memory.assert_sound();
}

fn a_handle_on_a_scope_does_not_lead_out_of_it(engine: Engine) {
    let (memory, ann, _bob) = three(engine);
    let unsupported = |kind: Option<ErrorKind>| assert_eq!(kind, Some(ErrorKind::Unsupported));
    unsupported(ann.scope("bob").err().map(|error| error.kind()));
    unsupported(ann.scopes().err().map(|error| error.kind()));
    unsupported(ann.remove_scope("bob").err().map(|error| error.kind()));
    unsupported(ann.check().run().err().map(|error| error.kind()));
    unsupported(ann.compact().run().err().map(|error| error.kind()));
    unsupported(ann.backup(memory.folder.path().join("copy.db")).run().err().map(|error| error.kind()));
    assert!(!memory.folder.path().join("copy.db").exists());
}

fn scopes_may_have_vectors_of_different_models(engine: Engine) {
    let (memory, ann, bob) = three(engine);
    ann.reembed_with_embedder(Arc::new(WordModel::named("other words", 24))).run().unwrap();
    assert_eq!(titles(&ann, "annual proxy settings", Mode::Semantic)[0], "annual proxy settings");
    assert_eq!(titles(&bob, "bobbing proxy settings", Mode::Semantic)[0], "bobbing proxy settings");
    assert_eq!(titles(&memory, "unnamed proxy settings", Mode::Semantic)[0], "unnamed proxy settings");
    let dimensions =
        |rekall: &Rekall| rekall.spaces().unwrap().iter().map(|space| space.dimensions).collect::<Vec<_>>();
    assert_eq!((dimensions(&memory), dimensions(&bob)), (vec![16], vec![16]));
    assert_eq!(dimensions(&ann).last(), Some(&24));
    memory.assert_sound();
}

fn a_scope_is_moved_alone(engine: Engine) {
    let (memory, ann, _bob) = three(engine);
    let mut lines = Vec::new();
    ann.export_jsonl(&mut lines).run().unwrap();
    let text = String::from_utf8(lines.clone()).unwrap();
    assert!(
        text.contains("annual proxy") && !text.contains("bobbing") && !text.contains("unnamed"),
        "{text}"
    );
    let carol = memory.scope("carol").unwrap();
    carol.import_jsonl(&mut lines.as_slice()).run().unwrap();
    assert_eq!(titles(&carol, "annual", Mode::Text), ["annual proxy settings"]);
    assert_eq!(titles(&carol, "annual proxy settings", Mode::Semantic)[0], "annual proxy settings");
    let mut again = Vec::new();
    carol.export_jsonl(&mut again).run().unwrap();
    assert_eq!(String::from_utf8(again).unwrap(), text, "the same bytes from another scope");
}

fn bad_names_are_refused(engine: Engine) {
    let memory = engine.memory();
    for (name, message) in [
        ("", "name of a scope is empty"),
        (" \t", "name of a scope is empty"),
        ("a\0b", "name of a scope contains a NUL character at byte 1"),
        (&"é".repeat(129) as &str, "name of a scope is too long: at most 256 bytes, got 258"),
    ] {
        for error in [memory.scope(name).unwrap_err(), memory.remove_scope(name).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert_eq!(error.to_string(), message);
        }
    }
    // All others are names, whatever a database would make of them.
    for name in
        ["a/b", "7", "~7/", "'; DROP TABLE entry; --", "%", " padded ", "é", "e\u{301}", &"x".repeat(256)]
    {
        let scope = memory.scope(name).unwrap();
        scope.remember(NewEntry::new("kept")).unwrap();
        assert_eq!((scope.scope_name(), scope.stats().unwrap().store.entries), (Some(name), 1), "{name}");
    }
    assert_eq!(memory.scopes().unwrap().len(), 9);
}

fn many_scopes_find_their_own(engine: Engine) {
    let memory = engine.memory();
    let count = if engine.is_file() { 60 } else { 12 };
    for number in 0..count {
        let scope = memory.scope(&format!("user {number}")).unwrap();
        let notes: Vec<NewEntry> =
            (0..5).map(|at| NewEntry::new(format!("shared words of note {at} by user{number}x"))).collect();
        scope.remember_many(&notes).run().unwrap();
    }
    for number in 0..count {
        let scope = memory.scope(&format!("user {number}")).unwrap();
        for mode in [Mode::Text, Mode::Semantic] {
            let found = titles(&scope, "shared words", mode);
            assert_eq!(found.len(), 5);
            assert!(found.iter().all(|title| title.ends_with(&format!("by user{number}x"))), "{found:?}");
        }
    }
    memory.assert_sound();
}
