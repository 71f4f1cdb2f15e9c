//! Scopes: what a store with them promises besides, to who has the store and to who has a handle on one of them.

use std::sync::Arc;

use super::crowd::{id, open_scope, scope, titles, write};
use super::{Bench, Clock, Made, vector};
use crate::{
    Changes, Draft, EntryPatch, EntryTime, Error, ErrorKind, Facet, Filter, JsonlExportOptions,
    JsonlImportOptions, NewEntry, NewPlace, OnDuplicate, Relation, Role, SpaceId, SpaceState, Store,
    TextDigest, TextQuery, Usage, VectorKey,
};

/// An entry of each of these titles, under the ids 1, 2 …, with everything that hangs on one.
fn fill(store: &dyn Store, titles: &[&str]) -> Vec<i64> {
    let entries: Vec<NewEntry> = titles
        .iter()
        .map(|title| {
            NewEntry::new(*title)
                .kind(*title)
                .project(*title)
                .tags([*title])
                .expires_at(super::BEGIN + 1_000_000)
        })
        .collect();
    write(store, |tx| {
        let space = tx.ensure_active_space(titles[0], 2)?;
        let unit = [1.0, 0.0];
        let vectors = [vector(&space, 0, &unit)];
        let drafts: Vec<Draft<'_>> = (entries.iter().zip(1..))
            .map(|(entry, number)| Draft::new(entry).id(id(number)).vectors(&vectors))
            .collect();
        let rows: Vec<i64> = tx.insert(&drafts)?.iter().map(|written| written.row).collect();
        let source = tx.put_source("file:///notes.md", Some(titles[0]), TextDigest::of(titles[0]))?;
        for (&row, number) in rows.iter().zip(0..) {
            let (path, digest) = ([titles[0].to_owned()], TextDigest::of(titles[0]));
            tx.place_section(row, &NewPlace { source, number, path: &path, line: None, digest, tags: &[] })?;
        }
        if rows.len() > 1 {
            tx.link(id(1), id(2), &Relation::from(titles[0]), None)?;
        }
        tx.record_usage(&[(id(1), Usage::new(5, rows.len() as u64))])?;
        let position = tx.position()?;
        tx.replace_index_blocks(
            space.id,
            "kind",
            position,
            &mut std::iter::once(titles[0].as_bytes().to_vec()),
        )?;
        Ok(rows)
    })
}

fn export(store: &dyn Store) -> String {
    let mut lines = Vec::new();
    store
        .transfer()
        .expect("exports")
        .export_jsonl(&mut lines, &JsonlExportOptions::default(), &mut |_, _| (), None)
        .unwrap();
    String::from_utf8(lines).unwrap()
}

/// Entries of the same ids, from the same source, in three memories: every read is of one of them.
pub fn scopes_with_the_same_ids_do_not_see_each_other(bench: &Bench) {
    let (one, two) = (open_scope(bench.store(), "one"), open_scope(bench.store(), "two"));
    let memories: [(&dyn Store, &[&str]); 3] =
        [(bench.store(), &["unnamed"]), (&*one, &["uno", "une"]), (&*two, &["dos", "deux", "zwei"])];
    let before = memories.map(|(store, _)| store.read().unwrap().position().unwrap());
    let rows = memories.map(|(store, titles)| fill(store, titles));
    for (at, (store, titles)) in memories.into_iter().enumerate() {
        let (tx, count, rows) = (store.read().unwrap(), titles.len(), &rows[at]);
        let all: Vec<_> = (1..=count as u64).map(id).collect();
        assert_eq!(tx.count_entries().unwrap(), count as u64);
        assert_eq!(tx.all_ids().unwrap(), rows.iter().copied().zip(all.clone()).collect::<Vec<_>>());
        let listed = tx.list(&Filter::new(), None, 9).unwrap();
        assert_eq!(listed.iter().map(|entry| &*entry.title).collect::<Vec<_>>(), titles);
        assert_eq!(tx.list(&Filter::new(), Some(id(1)), 9).unwrap().len(), count - 1);
        let newest = tx.list_newest(&Filter::new(), crate::NewestBy::Created, None, 9).unwrap();
        assert_eq!(newest.entries.len(), count);
        for filter in [
            Filter::new(),
            Filter::new().any_status().include_expired(),
            Filter::new().ids(all.clone()),
            Filter::new().source("file:///notes.md"),
            Filter::new().source(""),
        ] {
            assert_eq!(&tx.matching(&filter).unwrap(), rows, "{filter:?}");
            assert_eq!(tx.count(&filter).unwrap(), count as u64);
        }
        for (_, others) in memories.iter().filter(|(_, others)| others != &titles) {
            for title in *others {
                for filter in [
                    Filter::new().kind(*title),
                    Filter::new().project(*title),
                    Filter::new().tag_any(*title),
                    Filter::new().tag_all(*title),
                ] {
                    assert_eq!(tx.matching(&filter).unwrap(), [0_i64; 0], "{filter:?} in {titles:?}");
                }
                assert_eq!(tx.search_words(&TextQuery::new(title), &Filter::new(), 9).unwrap().len(), 0);
            }
        }
        for facet in [Facet::Tag, Facet::Kind, Facet::Project] {
            assert_eq!(tx.facets(facet, &Filter::new(), 99).unwrap().len(), count, "{facet:?}");
        }
        assert_eq!(tx.search_words(&TextQuery::new(titles[0]), &Filter::new(), 9).unwrap().len(), 1);
        assert_eq!((tx.fault_of_words().unwrap(), tx.fault_of_tags().unwrap()), (None, None));
        let spaces = tx.spaces().unwrap();
        let space = tx.active_space().unwrap().unwrap();
        assert_eq!((spaces.len(), &*space.fingerprint), (1, titles[0]));
        assert_eq!(tx.count_vectors(space.id).unwrap(), count as u64);
        assert!(!tx.has_more_vectors_than(space.id, count).unwrap());
        assert_eq!(&tx.sample_of_entries(space.id, Role::Summary, 99).unwrap(), rows);
        let mut seen = Vec::new();
        tx.each_vectors(&space, 2, &mut |batch| {
            assert!(batch.unusable.is_empty());
            seen.extend(batch.keys.iter().map(|key| key.entry));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        seen.sort_unstable();
        assert_eq!(&seen, rows);
        assert_eq!(tx.pending(space.id, 0, 99).unwrap(), [0_i64; 0]);
        let sources = tx.sources("").unwrap();
        assert_eq!(
            (sources.len(), &*sources[0].uri, sources[0].sections),
            (1, "file:///notes.md", count as u64)
        );
        assert_eq!(sources[0].stamp.as_deref(), Some(titles[0]));
        assert_eq!(tx.source("file:///notes.md").unwrap().unwrap().number, sources[0].number);
        assert_eq!(
            (tx.sections(sources[0].number).unwrap().len(), tx.count_sections("").unwrap()),
            (count, count as u64)
        );
        assert_eq!(tx.get(id(1)).unwrap().source.unwrap().path, [titles[0]]);
        assert_eq!(tx.links(id(1)).unwrap().len(), usize::from(count > 1));
        assert_eq!(tx.neighbors(id(1), 9).unwrap().len(), usize::from(count > 1));
        assert_eq!(tx.usage(&[id(1)]).unwrap()[0].unwrap().uses, count as u64);
        assert_eq!(tx.expiries().unwrap().len(), count);
        let mut blocks = Vec::new();
        let whole = tx.each_index_block(space.id, "kind", &mut |block| {
            blocks.push(block.to_vec());
            std::ops::ControlFlow::Continue(())
        });
        assert!(whole.unwrap());
        assert_eq!(blocks, [titles[0].as_bytes()]);
        let Changes::Entries { mut entries, spaces, .. } = tx.changes_since(before[at]).unwrap() else {
            panic!("the log reaches back that far")
        };
        entries.sort_unstable();
        assert_eq!((&entries, spaces), (rows, true));
        let stats = tx.stats().unwrap();
        let links = u64::from(count > 1);
        assert_eq!(
            [stats.entries, stats.vectors, stats.links, stats.pending],
            [count as u64, count as u64, links, 0]
        );
        assert_eq!(stats.log_rows, count as u64 + 1);
        let lines = export(store);
        assert_eq!(lines.lines().count(), 1 + count);
        assert!(titles.iter().all(|title| lines.contains(title)), "{lines}");
        assert!(matches!(store.get(id(count as u64 + 1)), Err(Error::EntryNotFound { .. })));
        assert_eq!(store.get(id(count as u64)).unwrap().title, titles[count - 1]);
    }
    // What happens in one is no news in the others.
    let positions = memories.map(|(store, _)| store.read().unwrap().position().unwrap());
    write(&*one, |tx| tx.update(id(1), &EntryPatch::new().title("eins")));
    write(&*one, |tx| tx.add_space("more", 2, SpaceState::Building));
    for (at, (store, titles)) in memories.into_iter().enumerate() {
        let changes = store.read().unwrap().changes_since(positions[at]).unwrap();
        let Changes::Entries { entries, spaces, .. } = changes else {
            panic!("the log reaches back that far")
        };
        assert_eq!((entries.len(), spaces), if at == 1 { (1, true) } else { (0, false) }, "{titles:?}");
    }
    write(&*two, |tx| tx.delete_all());
    write(&*two, |tx| tx.drop_all_index_blocks());
    assert_eq!(memories.map(|(store, _)| store.read().unwrap().count_entries().unwrap()), [1, 2, 0]);
    for (store, _) in &memories[..2] {
        let tx = store.read().unwrap();
        let space = tx.active_space().unwrap().unwrap();
        assert!(tx.index_position(space.id, "kind").unwrap().is_some());
    }
}

/// Something that is tried in a transaction.
type Work<'w> = &'w dyn Fn(&mut dyn crate::WriteTx) -> Result<(), Error>;

/// Numbers of rows, sources and spaces that are another memory's, and all that could be: they find nothing and change nothing.
pub fn numbers_of_another_scope_address_nothing(bench: &Bench) {
    let (one, two) = (open_scope(bench.store(), "one"), open_scope(bench.store(), "two"));
    fill(&*two, &["a", "b", "c", "d"]);
    fill(bench.store(), &["e", "f", "g", "h"]);
    fill(&*one, &["i"]);
    let before = [&*two, bench.store()].map(export);
    let mut numbers: Vec<i64> = (2..9).collect();
    for scope in 0..4_i64 {
        for row in 0..5_i64 {
            for stored in [row - (scope << 32), row + (scope << 32), (row << 32) - scope, -row] {
                // Entry, source and space 1 are its own.
                numbers.extend((stored != 1).then_some(stored));
            }
        }
    }
    numbers.extend([i64::MIN, i64::MAX, -1 << 62, 1 << 62]);
    for memory in [&*one as &dyn Store, &*open_scope(bench.store(), "empty")] {
        let tx = memory.read().unwrap();
        assert_eq!(tx.entries(&numbers).unwrap().len(), 0);
        assert_eq!(tx.readable_entries(&numbers).unwrap().len(), 0);
        assert!(tx.ids(&numbers).unwrap().is_empty());
        assert_eq!(tx.first_by_id(&numbers, 99).unwrap(), [0_i64; 0]);
        assert!(tx.times(EntryTime::LastUsed, &numbers).unwrap().is_empty());
        assert_eq!(tx.expiries_among(&numbers).unwrap(), []);
        assert_eq!(tx.obsolete_among(&numbers).unwrap(), [0_i64; 0]);
        for &number in &numbers {
            let space = SpaceId(number);
            assert!(tx.entries_after(number, 99).unwrap().len() <= 1, "{number}");
            assert_eq!(tx.stored_vectors(number).unwrap().len(), 0, "{number}");
            assert_eq!(tx.section_of(number).unwrap(), None);
            assert_eq!(tx.sections(number).unwrap(), []);
            assert!(!tx.is_pending(number).unwrap());
            assert!(matches!(tx.space(space), Err(Error::SpaceNotFound { .. })), "{number}");
            assert_eq!(
                (tx.count_vectors(space).unwrap(), tx.index_position(space, "kind").unwrap()),
                (0, None)
            );
            let key = VectorKey { entry: number, role: 0, chunk: 0 };
            assert_eq!(tx.spans(SpaceId(1), &[key]).unwrap(), [None]);
            if let Some(active) = tx.active_space().unwrap() {
                assert_eq!(tx.vectors_of(&active, &[number]).unwrap().keys, []);
                assert_eq!(tx.vectors_at(&active, &[key]).unwrap().keys, []);
                let space = crate::Space { id: space, ..active };
                assert_eq!(tx.vectors_of(&space, &[1]).unwrap().keys, []);
            }
        }
        drop(tx);
        for &number in &numbers {
            // Some are refused, some change nothing; in transactions of their own, which may then be of no use.
            let digest = TextDigest::unknown();
            let place = NewPlace { source: number, number: 7, path: &[], line: None, digest, tags: &[] };
            let unit = [1.0, 0.0];
            let works: [Work<'_>; 10] = [
                &|tx| tx.mark_pending(number),
                &|tx| tx.clear_pending(number),
                &|tx| tx.delete_source(number),
                &|tx| tx.place_section(number, &NewPlace { source: 1, ..place }),
                &|tx| tx.place_section(1, &place),
                &|tx| tx.orphan_sections(number, &[1, number]),
                &|tx| tx.release_sections(&[number]),
                &|tx| tx.mark_wordless(number, SpaceId(number)),
                &|tx| tx.drop_space(SpaceId(number)),
                &|tx| {
                    let Some(active) = tx.active_space()? else { return Ok(()) };
                    tx.insert_vectors(number, &[vector(&active, 3, &unit)])
                },
            ];
            for work in works {
                let mut tx = memory.write().unwrap();
                if work(&mut *tx).is_ok() {
                    tx.commit().unwrap();
                }
            }
        }
    }
    assert_eq!([&*two, bench.store()].map(export), before);
    assert_eq!(titles(&*one), [(id(1), "i".to_owned())]);
}

/// Deleted with everything in it; who has a handle on it is told, and others keep theirs.
pub fn a_removed_scope_is_gone(bench: &Bench) {
    let scopes = bench.store().scopes().expect("scopes");
    let (gone, stays) = (open_scope(bench.store(), "gone"), open_scope(bench.store(), "stays"));
    let many: Vec<String> = (0..700).map(|number| format!("note {number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for store in [&*gone, &*stays, bench.store()] {
        fill(store, &many[..if std::ptr::addr_eq(store, &*gone) { 700 } else { 3 }]);
    }
    let before = [&*stays, bench.store()].map(export);
    assert_eq!(scopes.remove(&scope("gone")).unwrap(), 700);
    let is_gone = |error: Option<Error>| {
        assert!(
            matches!(&error, Some(Error::ScopeNotFound { name }) if name.as_str() == "gone"),
            "{error:?}"
        );
        assert_eq!(error.unwrap().kind(), ErrorKind::NotFound);
    };
    is_gone(scopes.remove(&scope("gone")).err());
    is_gone(gone.read().err());
    is_gone(gone.write().err());
    is_gone(gone.get(id(1)).err());
    assert_eq!(scopes.list().unwrap(), [scope("stays")]);
    // Another one of the name is not the one that was.
    let again = open_scope(bench.store(), "gone");
    is_gone(gone.read().err());
    let tx = again.read().unwrap();
    let stats = tx.stats().unwrap();
    assert_eq!([stats.entries, stats.vectors, stats.links, stats.pending, stats.log_rows], [0; 5]);
    assert_eq!((tx.spaces().unwrap(), tx.sources("").unwrap()), (vec![], vec![]));
    assert_eq!(tx.search_words(&TextQuery::new("note"), &Filter::new(), 9).unwrap().len(), 0);
    drop(tx);
    fill(&*again, &["new"]);
    assert_eq!(titles(&*again), [(id(1), "new".to_owned())]);
    assert_eq!([&*stays, bench.store()].map(export), before);
}

/// By their names, which are compared by their bytes; two handles on one see the same.
pub fn scopes_are_listed_and_found_again(bench: &Bench) {
    let scopes = bench.store().scopes().expect("scopes");
    assert_eq!(scopes.list().unwrap(), []);
    let names = ["b", "B", "é", "e\u{301}", "a/b", "a b", "'; DROP TABLE entry; --", "0", "\u{1}1/x", "%"];
    for name in names {
        let handle = open_scope(bench.store(), name);
        assert_eq!(handle.scope(), Some(&scope(name)));
        write(&*handle, |tx| tx.insert(&[Draft::new(&NewEntry::new(name)).id(id(1))]));
    }
    let mut sorted = names.map(scope).to_vec();
    sorted.sort();
    assert_eq!(scopes.list().unwrap(), sorted);
    for name in names {
        assert_eq!(titles(&*open_scope(bench.store(), name)), [(id(1), name.to_owned())]);
    }
    assert_eq!((bench.store().scope(), bench.read().count_entries().unwrap()), (None, 0));
    let (first, second) = (open_scope(bench.store(), "b"), open_scope(bench.store(), "b"));
    let (before, version) = (second.read().unwrap().position().unwrap(), second.data_version().unwrap());
    write(&*first, |tx| tx.update(id(1), &EntryPatch::new().title("c")));
    assert_ne!(second.data_version().unwrap(), version);
    let changes = second.read().unwrap().changes_since(before).unwrap();
    assert!(matches!(changes, Changes::Entries { entries, .. } if entries.len() == 1));
    assert_eq!(titles(&*second), [(id(1), "c".to_owned())]);
}

/// No other scope, no upkeep of the store, no connection of the engine's.
pub fn a_handle_on_a_scope_does_not_lead_out_of_it(bench: &Bench) {
    let handle = open_scope(bench.store(), "one");
    assert!(handle.scopes().is_none() && handle.upkeep().is_none() && handle.transfer().is_some());
    assert!(handle.read().unwrap().native().is_none() && handle.write().unwrap().native().is_none());
    assert!(bench.store().scopes().is_some());
    #[cfg(feature = "sqlite")]
    assert!(handle.legacy_import().is_none());
}

/// An export of one is its own alone, and can be read into any other memory.
pub fn exports_are_of_one_scope(bench: &Bench) {
    let (from, to) = (open_scope(bench.store(), "from"), open_scope(bench.store(), "to"));
    fill(bench.store(), &["unnamed", "other"]);
    fill(&*from, &["a", "b", "c"]);
    let (unnamed, lines) = (export(bench.store()), export(&*from));
    let read = |store: &dyn Store, lines: &str, options| {
        let transfer = store.transfer().expect("imports");
        transfer.import_jsonl(&mut lines.as_bytes(), &options, &mut |_, _| (), None).unwrap()
    };
    assert_eq!(read(&*to, &lines, JsonlImportOptions::default()).added, 3);
    assert_eq!(export(&*to), lines);
    assert_eq!(read(&*to, &lines, JsonlImportOptions::default()).skipped, 3);
    assert_eq!(read(&*to, &unnamed, JsonlImportOptions::on_duplicate(OnDuplicate::Replace)).replaced, 2);
    assert_eq!(titles(&*to).len(), 3);
    assert_eq!((export(bench.store()), export(&*from)), (unnamed, lines));
}

/// splitmix64 (<https://prng.di.unimi.it/splitmix64.c>).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

/// Something that a host does, of the same random numbers the same.
fn act(store: &dyn Store, random: &mut Random) {
    let words = ["cat", "dog", "fish", "bird", "running", "café"];
    let mut tx = store.write().unwrap();
    let tx_ref = &mut *tx;
    let entry = id(1 + random.below(40));
    let other = id(1 + random.below(40));
    let word = words[usize::try_from(random.below(6)).unwrap()];
    let uri = format!("file:///{}", random.below(4));
    let (kind, unit) = (random.below(13), [1.0, 0.0]);
    let done = (|| match kind {
        0..=4 => {
            let count = 1 + random.below(3);
            for at in 0..count {
                let note = NewEntry::new(format!("{word} {at}")).tags([word]).kind(word).content(uri.clone());
                let note = if random.below(4) == 0 { note.expires_at(super::BEGIN + 3) } else { note };
                let id = id(1 + random.below(40));
                match tx_ref.insert(&[Draft::new(&note).id(id)]) {
                    // Of an engine that lets nothing happen after an error.
                    Err(Error::DuplicateId { .. }) => return Ok(false),
                    other => other?,
                };
            }
            Ok(true)
        }
        5 => tx_ref
            .update(entry, &EntryPatch::new().title(format!("{word} anew")).tags([word, "all"]))
            .map(|_| true),
        6 => tx_ref.delete(entry).map(|()| true),
        7 => tx_ref.link(entry, other, &Relation::from(word), None).map(|()| true),
        8 => tx_ref.supersede(entry, other).map(|_| true),
        9 => {
            let source = tx_ref.put_source(&uri, Some(word), TextDigest::of(word))?;
            let row = tx_ref.row_of(entry)?;
            let number = i64::try_from(random.below(1 << 40)).unwrap();
            let place =
                NewPlace { source, number, path: &[], line: None, digest: TextDigest::of(word), tags: &[] };
            tx_ref.place_section(row, &place)?;
            Ok(true)
        }
        10 => {
            let space = match tx_ref.active_space()? {
                Some(space) => space,
                None => tx_ref.ensure_active_space("model", 2)?,
            };
            let row = tx_ref.row_of(entry)?;
            tx_ref.set_vectors(row, space.id, &[], &[vector(&space, 0, &unit)])?;
            Ok(true)
        }
        11 => {
            let next = tx_ref.add_space(word, 2, SpaceState::Building)?;
            let row = tx_ref.row_of(entry)?;
            tx_ref.insert_vectors(row, &[vector(&next, 0, &unit)])?;
            tx_ref.activate_space(next.id)?;
            Ok(true)
        }
        _ => {
            tx_ref.record_usage(&[(entry, Usage::new(super::BEGIN, 1))])?;
            tx_ref.delete_matching(&Filter::new().tag_any(word).source(&*uri))?;
            Ok::<bool, Error>(true)
        }
    })();
    match done {
        Ok(true) => tx.commit().unwrap(),
        Ok(false) => {}
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput), "{error:?}")
        }
    }
}

/// What a memory says, in ids.
fn said(store: &dyn Store) -> Vec<String> {
    let tx = store.read().unwrap();
    let ids = |rows: &[i64]| {
        let known = tx.ids(rows).unwrap();
        rows.iter()
            .map(|row| known.get(row).map_or("gone".to_owned(), ToString::to_string))
            .collect::<Vec<_>>()
    };
    let mut said = vec![export(store)];
    for filter in [
        Filter::new(),
        Filter::new().any_status().include_expired(),
        Filter::new().tag_any("cat").tag_any("dog"),
        Filter::new().tag_all("cat").tag_all("all"),
        Filter::new().not_tag("cat"),
        Filter::new().kind("fish").source("file:///1"),
        Filter::new().as_of(super::BEGIN + 1),
        Filter::new().ids([id(3), id(4), id(5)]),
    ] {
        let rows = tx.matching(&filter).unwrap();
        said.push(format!("{:?} {}", ids(&rows), tx.count(&filter).unwrap()));
        let listed = tx.list(&filter, Some(id(7)), 5).unwrap();
        said.push(format!("{:?}", listed.iter().map(|entry| entry.id).collect::<Vec<_>>()));
        let words = tx.search_words(&TextQuery::new("running cats"), &filter, 5).unwrap();
        said.push(format!(
            "{:?}",
            words.iter().map(|hit| (ids(&[hit.key.row]), hit.score)).collect::<Vec<_>>()
        ));
    }
    for facet in [Facet::Tag, Facet::Kind] {
        said.push(format!("{:?}", tx.facets(facet, &Filter::new(), 9).unwrap()));
    }
    let stats = tx.stats().unwrap();
    said.push(format!("{:?}", [stats.entries, stats.obsolete, stats.vectors, stats.pending, stats.links]));
    said.push(format!("{:?}", tx.obsolete().unwrap().len()));
    said.push(format!("{:?} {:?}", tx.fault_of_words().unwrap(), tx.fault_of_tags().unwrap()));
    let sources = tx.sources("").unwrap();
    said.push(format!(
        "{:?}",
        sources.iter().map(|source| (&source.uri, source.sections)).collect::<Vec<_>>()
    ));
    said
}

/// Whatever is done in three scopes, in whatever order, gives what it gives in three stores. Prints the seed.
///
/// # Panics
/// When the engine breaks the promise.
#[allow(clippy::print_stdout, reason = "a failure is replayed by the seed")]
pub fn scopes_equal_stores_of_their_own(make: fn(Arc<Clock>) -> Option<Made>) {
    const SEED: u64 = 20_261_129;
    println!("seed {SEED}");
    let clock = || Arc::new(Clock(super::AtomicI64::new(super::BEGIN)));
    let Some((shared, _kept)) = make(clock()) else { return };
    let mut random = Random(SEED);
    let mut pairs = Vec::new();
    for name in ["one", "two", "three"] {
        let Some(own) = make(clock()) else { return };
        pairs.push((open_scope(&*shared, name), own));
    }
    for round in 0..240 {
        let (scoped, (own, _)) = &pairs[usize::try_from(random.below(3)).unwrap()];
        let seed = random.below(u64::MAX);
        act(&**scoped, &mut Random(seed));
        act(&**own, &mut Random(seed));
        if round % 24 == 23 {
            for (scoped, (own, _)) in &pairs {
                assert_eq!(said(&**scoped), said(&**own), "round {round}");
            }
        }
    }
    assert_eq!(shared.read().unwrap().count_entries().unwrap(), 0);
}
