//! Sources: what a run does to entries, what it leaves alone, and when it forgets nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::common::{Memory, memory, memory_with};
use rekall::storage::WallClock;
use rekall::{
    CancelToken, Entry, EntryPatch, Error, Filter, Mode, NewEntry, NewSection, NewSource, Relation,
    SourceDefaults, Status, SyncReport,
};

const SCOPE: &str = "file:///notes";
const A: &str = "file:///notes/a.md";
const B: &str = "file:///notes/b.md";

fn section(heading: &str, text: &str) -> NewSection {
    NewSection::new(heading, text).path([heading])
}

/// A source with these sections, stamped with what it says.
fn source(uri: &str, sections: &[(&str, &str)]) -> NewSource {
    let sections: Vec<NewSection> = sections.iter().map(|(heading, text)| section(heading, text)).collect();
    let stamp = format!("{sections:?}");
    sections.into_iter().fold(NewSource::new(uri).stamp(stamp), NewSource::section)
}

fn sync(memory: &Memory, sources: &[NewSource]) -> SyncReport {
    let mut sync = memory.sync_sources(SCOPE).unwrap();
    for source in sources {
        if !sync.is_current(&source.uri, source.stamp.as_deref().unwrap()) {
            sync.add(source.clone()).unwrap();
        }
    }
    sync.finish().unwrap()
}

fn entries(memory: &Memory, uri: &str) -> Vec<Entry> {
    memory.list(Filter::new().source(uri), None, 1_000).unwrap()
}

fn only(memory: &Memory, content: &str) -> Entry {
    let all = memory.list(Filter::new(), None, 1_000).unwrap();
    let found: Vec<Entry> = all.into_iter().filter(|entry| entry.content == content).collect();
    let [entry] = &found[..] else { panic!("{} entries say {content:?}", found.len()) };
    entry.clone()
}

#[test]
fn what_people_give_an_entry_is_theirs() {
    let memory = memory();
    let mut page = source(A, &[("Plan", "Ship it on Friday.")]);
    page.sections[0].tags = vec!["work".to_owned(), "old".to_owned()];
    page.defaults = SourceDefaults { kind: "plan".to_owned(), ..SourceDefaults::default() };
    sync(&memory, &[page.clone()]);
    let first = only(&memory, "Ship it on Friday.");
    assert_eq!((first.kind.as_str(), first.memory_type.as_str()), ("plan", "semantic"));
    assert_eq!(first.source.as_ref().unwrap().uri, A);
    let other = memory.remember(NewEntry::new("why")).unwrap();
    let patch = EntryPatch::new()
        .tags(["mine", "work", "old"])
        .metadata(serde_json::from_str("{\"n\": 1}").unwrap())
        .confidence(5)
        .kind("decision")
        .project(Some("shop".to_owned()))
        .status(Status::Obsolete);
    memory.update(first.id, &patch).unwrap();
    memory.link(first.id, other, Relation::RELATED, Some("because")).unwrap();
    page.stamp = Some("2".to_owned());
    page.sections[0].content = "Ship it on Monday.".to_owned();
    page.sections[0].tags = vec!["work".to_owned(), "new".to_owned()];
    assert_eq!(sync(&memory, &[page]).changed, 1);
    let entry = memory.get(first.id).unwrap();
    assert_eq!(entry.content, "Ship it on Monday.");
    assert_eq!(entry.tags, ["mine", "work", "new"]);
    assert_eq!((entry.confidence, entry.kind.as_str(), entry.status), (5, "decision", Status::Obsolete));
    assert_eq!((entry.metadata["n"].as_u64(), entry.project.as_deref()), (Some(1), Some("shop")));
    assert_eq!(memory.links(first.id).unwrap().len(), 1);
    let found = memory
        .recall("Plan Ship it on Monday. mine work new")
        .mode(Mode::Semantic)
        .filter(Filter::new().any_status())
        .run()
        .unwrap();
    assert_eq!(found[0].entry.id, first.id);
    assert!(found[0].similarity.unwrap() > 0.999, "its vector is that of the new text");
}

#[test]
fn an_unchanged_source_is_neither_read_nor_written() {
    let memory = memory();
    let pages = [source(A, &[("Plan", "Ship it.")]), source(B, &[("Log", "Shipped.")])];
    assert_eq!(sync(&memory, &pages).added, 2);
    let written = || memory.store().data_version().unwrap();
    let (position, version) = (memory.change_position().unwrap(), written());
    let report = sync(&memory, &pages);
    assert_eq!((report.current, report.read, report.kept), (2, 0, 2));
    assert_eq!(written(), version);
    // Read, because its stamp is another one, and found to say the same: of no entry, and still written.
    let mut touched = pages[0].clone();
    touched.stamp = Some("touched".to_owned());
    let report = sync(&memory, &[touched.clone(), pages[1].clone()]);
    assert_eq!((report.current, report.read, report.kept, report.changed), (1, 1, 2, 0));
    assert_eq!(memory.change_position().unwrap(), position);
    let touching = written();
    assert_ne!(touching, version);
    assert_eq!(sync(&memory, &[touched, pages[1].clone()]).current, 2);
    assert_eq!(written(), touching);
}

#[test]
fn what_cannot_be_read_stays() {
    let memory = memory();
    sync(&memory, &[source(A, &[("Plan", "Ship it.")]), source(B, &[("Log", "Shipped on Monday at noon.")])]);
    let mut run = memory.sync_sources(SCOPE).unwrap();
    run.skip(A, "it is not UTF-8");
    assert!(run.is_current(B, source(B, &[("Log", "Shipped on Monday at noon.")]).stamp.as_deref().unwrap()));
    let report = run.finish().unwrap();
    assert_eq!((report.gone, report.held_back, report.kept), (0, 0, 2));
    assert_eq!((report.skipped[0].uri.as_str(), report.skipped[0].reason.as_str()), (A, "it is not UTF-8"));
    // A folder that cannot be opened stands for all that is in it.
    let mut run = memory.sync_sources(SCOPE).unwrap();
    run.skip(SCOPE, "permission denied");
    assert_eq!(run.finish().unwrap().kept, 2);
    // A section that is gone from one may be in the one that cannot be read, until that can be read; what cannot be stored was not read either.
    let mut run = memory.sync_sources(SCOPE).unwrap();
    run.skip(A, "it is not UTF-8");
    run.add(source(B, &[("Other", "Nothing of it is left.")])).unwrap();
    run.add(source("file:///notes/c.md", &[(" ", "No title.")])).unwrap();
    let report = run.finish().unwrap();
    assert_eq!((report.gone, report.held_back, report.added), (0, 1, 1));
    assert_eq!(report.skipped[1].reason, "title is empty");
    let log = only(&memory, "Shipped on Monday at noon.");
    let mut run = memory.sync_sources(SCOPE).unwrap();
    run.add(source(A, &[("Plan", "Ship it."), ("Log", "Shipped on Monday at noon.")])).unwrap();
    run.keep(B);
    assert_eq!(run.finish().unwrap().moved, 1);
    assert_eq!(only(&memory, "Shipped on Monday at noon.").id, log.id);
}

#[test]
fn an_emptied_folder_forgets_nothing_and_a_large_loss_asks() {
    let memory = memory();
    let pages: Vec<NewSource> = (0..60)
        .map(|n| source(&format!("file:///notes/{n}.md"), &[("Note", &format!("Number {n} says this."))]))
        .collect();
    sync(&memory, &pages);
    let report = sync(&memory, &[]);
    assert_eq!((report.gone, report.held_back), (0, 60));
    let report = sync(&memory, &pages[..40]);
    assert_eq!((report.gone, report.held_back), (0, 20), "a third");
    let report = sync(&memory, &pages[..48]);
    assert_eq!((report.gone, report.held_back), (12, 0), "a fifth");
    let mut run = memory.sync_sources(SCOPE).unwrap().prune(true);
    run.keep("file:///notes/0.md");
    assert_eq!(run.finish().unwrap().gone, 47);
    assert_eq!(memory.sources(SCOPE).unwrap().len(), 1);
    assert_eq!(memory.count(Filter::new()).unwrap(), 1);
}

#[test]
fn a_run_leaves_alone_what_is_not_under_its_scope() {
    let memory = memory();
    let outside = "file:///notes2/a.md";
    memory.sync_source(&source(outside, &[("Plan", "Ship it.")])).unwrap();
    memory.remember(NewEntry::new("of no source")).unwrap();
    sync(&memory, &[source(A, &[("Log", "Shipped.")])]);
    let mut run = memory.sync_sources(SCOPE).unwrap().prune(true);
    assert!(matches!(run.add(source(outside, &[])), Err(Error::Core(_))));
    run.add(source(B, &[])).unwrap();
    assert!(run.add(source(B, &[])).is_err(), "twice");
    assert_eq!(run.finish().unwrap().gone, 1);
    assert_eq!(memory.count(Filter::new()).unwrap(), 2);
    // Two scopes in one run: what went from one to the other is found there.
    let mut run = memory.sync_sources(SCOPE).unwrap().also_under("file:///notes2").unwrap();
    run.add(source(B, &[("Plan", "Ship it.")])).unwrap();
    let report = run.finish().unwrap();
    assert_eq!((report.moved, report.added, report.gone), (1, 0, 0));
}

/// Pages lie under one another as files never do.
#[test]
fn one_source_is_synchronized_without_those_under_it() {
    let memory = memory();
    let page = |uri: &str, text: &str| source(uri, &[("Page", text), ("Log", &format!("Logged: {text}"))]);
    let uris = ["https://w/deploy", "https://w/deploy/", "https://w/deploy/linux", "https://w"];
    for uri in uris {
        assert_eq!(memory.sync_source(&page(uri, uri)).unwrap().added, 2, "{uri}");
    }
    // One of these waits for a place, since longer than any run takes.
    let row = memory.store().read().unwrap().locate(only(&memory, "https://w/deploy/linux").id).unwrap().0;
    let mut tx = memory.store().write().unwrap();
    let number = tx.source("https://w/deploy/linux").unwrap().unwrap().number;
    tx.orphan_sections(number, &[row]).unwrap();
    tx.release_sections(&[row]).unwrap();
    tx.commit().unwrap();
    for uri in ["https://w/deploy", "https://w/deploy/", "https://w"] {
        let report = memory.sync_source(&source(uri, &[("Page", uri)])).unwrap();
        assert_eq!((report.kept, report.gone, report.held_back), (1, 1, 0), "{uri}: {report:?}");
    }
    assert_eq!(memory.sources("https://w").unwrap().len(), 4);
    assert_eq!(memory.count(Filter::new()).unwrap(), 5);
    assert_eq!(only(&memory, "https://w/deploy/linux").title, "Page");
}

#[test]
fn sources_are_filtered_up_to_a_slash() {
    let memory = memory();
    sync(
        &memory,
        &[source(A, &[("Plan", "Ship it.")]), source("file:///notes/a.md.old", &[("Plan", "Old.")])],
    );
    assert_eq!(entries(&memory, A).len(), 1);
    assert_eq!(entries(&memory, SCOPE).len(), 2);
    assert_eq!(entries(&memory, "file:///note").len(), 0);
    assert_eq!(entries(&memory, "").len(), 2);
    let hits = memory.recall("ship").filter(Filter::new().source(A)).run().unwrap();
    assert_eq!(hits[0].entry.source.as_ref().unwrap().path, ["Plan"]);
    let json = serde_json::to_value(&hits[0].entry).unwrap();
    assert_eq!((json["source"]["uri"].as_str(), json["source"]["path"][0].as_str()), (Some(A), Some("Plan")));
    assert_eq!(serde_json::from_value::<Entry>(json).unwrap(), hits[0].entry);
}

/// As the file has it, whatever somebody wrote over it here; and a forgotten one comes back with its file.
#[test]
fn an_edit_here_lasts_until_the_section_changes_there() {
    let memory = memory();
    let two = |second: &str| source(A, &[("Plan", "Ship it."), ("Log", second)]);
    sync(&memory, &[two("Shipped.")]);
    let plan = only(&memory, "Ship it.").id;
    memory.update(plan, &EntryPatch::new().content("Ship it, really.")).unwrap();
    memory.forget(only(&memory, "Shipped.").id).unwrap();
    assert_eq!(sync(&memory, &[two("Shipped.")]).current, 1);
    let report = sync(&memory, &[two("Shipped at noon.")]);
    assert_eq!((report.kept, report.added), (1, 1));
    assert_eq!(memory.get(plan).unwrap().content, "Ship it, really.");
}

#[derive(Debug, Clone)]
struct Hand(Arc<AtomicI64>);

impl WallClock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The run that would have placed them ended without a word; or it has not come to it yet.
#[test]
fn sections_that_another_run_left_without_a_place_wait_an_hour() {
    let clock = Hand(Arc::new(AtomicI64::new(1_000_000_000)));
    let memory = memory_with(|builder| builder.without_model().wall_clock(clock.clone()));
    sync(&memory, &[source(A, &[("Plan", "Ship it."), ("Log", "Shipped on Monday at noon.")])]);
    let row =
        memory.store().read().unwrap().locate(only(&memory, "Shipped on Monday at noon.").id).unwrap().0;
    let mut tx = memory.store().write().unwrap();
    let number = tx.source(A).unwrap().unwrap().number;
    tx.orphan_sections(number, &[row]).unwrap();
    tx.commit().unwrap();
    let empty = |n: u32| source(B, &[("Note", &format!("Nothing of it, {n}."))]);
    let run = |pages: &[NewSource]| {
        let mut run = memory.sync_sources(SCOPE).unwrap();
        run.keep(A);
        pages.iter().for_each(|page| run.add(page.clone()).unwrap());
        run.finish().unwrap()
    };
    assert_eq!(run(&[empty(1)]).gone, 0);
    clock.0.fetch_add(3_600_001, Ordering::Relaxed);
    assert_eq!(run(&[source(B, &[("Log", "Shipped on Monday at noon.")])]).moved, 1, "found before it goes");
    let mut tx = memory.store().write().unwrap();
    let number = tx.source(B).unwrap().unwrap().number;
    tx.orphan_sections(number, &[row]).unwrap();
    tx.commit().unwrap();
    clock.0.fetch_add(3_600_001, Ordering::Relaxed);
    let mut last = memory.sync_sources(SCOPE).unwrap();
    last.keep(A);
    last.keep(B);
    assert_eq!(last.finish().unwrap().gone, 1);
}

/// A run that may not forget them has found them without a place, too: no other one waits for them after that.
#[test]
fn sections_of_a_killed_run_go_with_the_first_complete_one() {
    let clock = Hand(Arc::new(AtomicI64::new(1_000_000_000)));
    let memory = memory_with(|builder| builder.without_model().wall_clock(clock.clone()));
    let log = ("Log", "Shipped on Monday at noon.");
    sync(&memory, &[source(A, &[("Plan", "Ship it."), log]), source(B, &[("Note", "Nothing of it.")])]);
    let row = memory.store().read().unwrap().locate(only(&memory, log.1).id).unwrap().0;
    let mut tx = memory.store().write().unwrap();
    let number = tx.source(A).unwrap().unwrap().number;
    tx.orphan_sections(number, &[row]).unwrap();
    tx.commit().unwrap();
    clock.0.fetch_add(3_600_001, Ordering::Relaxed);
    // One of the sources cannot be read, and the one that it was in is written anew.
    let now = source(A, &[("Plan", "Ship it today.")]);
    let mut run = memory.sync_sources(SCOPE).unwrap();
    run.add(now.clone()).unwrap();
    run.skip(B, "unreadable");
    let report = run.finish().unwrap();
    assert_eq!((report.changed, report.gone, report.held_back), (1, 0, 1), "{report:?}");
    let report = sync(&memory, &[now, source(B, &[("Note", "Nothing of it.")])]);
    assert_eq!((report.gone, report.held_back), (1, 0), "{report:?}");
    assert_eq!(memory.count(Filter::new()).unwrap(), 2);
}

#[test]
fn a_run_is_stopped_and_the_next_one_goes_on() {
    let memory = memory();
    let pages: Vec<NewSource> = (0..3)
        .map(|n| {
            let sections: Vec<(String, String)> =
                (0..200).map(|s| (format!("S{s}"), format!("Number {n} of {s}."))).collect();
            let sections: Vec<(&str, &str)> = sections.iter().map(|(a, b)| (&**a, &**b)).collect();
            source(&format!("file:///notes/{n}.md"), &sections)
        })
        .collect();
    let token = CancelToken::new();
    let mut run = memory.sync_sources(SCOPE).unwrap().cancel(&token);
    run.add(pages[0].clone()).unwrap();
    run.add(pages[1].clone()).unwrap();
    token.cancel();
    run.add(pages[2].clone()).unwrap();
    assert!(matches!(run.finish(), Err(Error::Interrupted)));
    assert_eq!(memory.count(Filter::new()).unwrap(), 400, "what was written stays");
    let report = sync(&memory, &pages);
    assert_eq!((report.added, report.current, report.kept), (200, 2, 400));
    assert!(memory.check().run().unwrap().is_clean());
}

/// The source that a section goes to may be written before the one that it comes from.
#[test]
fn a_section_goes_to_a_source_before_its_own_and_after_it() {
    let (milk, taxes) =
        (("Milk", "Buy milk and bread at the market."), ("Taxes", "Send the papers to the accountant."));
    let (bike, rent) =
        (("Bike", "The brake of the bicycle is loose."), ("Rent", "Ask the landlord for a receipt."));
    let memory = memory();
    sync(&memory, &[source(A, &[milk, taxes]), source(B, &[bike, rent])]);
    for (a, b) in [
        ([milk, taxes, bike].as_slice(), [rent].as_slice()),
        (&[milk], &[bike, rent, taxes]),
        (&[rent, milk], &[taxes, bike]),
    ] {
        let report = sync(&memory, &[source(A, a), source(B, b)]);
        assert_eq!((report.added, report.changed, report.gone), (0, 0, 0), "{report:?}");
        for (uri, sections) in [(A, a), (B, b)] {
            let mut now: Vec<String> = entries(&memory, uri).into_iter().map(|entry| entry.title).collect();
            let mut then: Vec<&str> = sections.iter().map(|section| section.0).collect();
            now.sort_unstable();
            then.sort_unstable();
            assert_eq!(now, then);
            assert_eq!(sync(&memory, &[source(A, a), source(B, b)]).read, 0);
        }
    }
    assert_eq!(sync(&memory, &[source(A, &[milk]), source(B, &[bike])]).gone, 2, "none waits for a place");
}
