//! What makes the order of hits besides relevance, and what keeps entries out of them by time.

use std::time::Duration;

use crate::common::{BACKENDS, FixedClock, Memory, WordModel, memory_with};
use rekall::{
    EntryId, EntryPatch, EntryTime, Error, Facet, Filter, Mode, NewEntry, NewestBy, Recalled, Recency,
    Rekall, Status,
};

const NOW: i64 = 1_800_000_000_000;
const DAY: i64 = 86_400_000;
const MODES: [Mode; 3] = [Mode::Semantic, Mode::Text, Mode::Hybrid];

fn day() -> Duration {
    Duration::from_secs(86_400)
}

fn timed() -> (Memory, FixedClock) {
    let clock = FixedClock::at(NOW);
    let memory = memory_with(|builder| {
        builder.embedder(std::sync::Arc::new(WordModel::new(16))).wall_clock(clock.clone())
    });
    (memory, clock)
}

fn ids(found: &Recalled) -> Vec<EntryId> {
    found.iter().map(|hit| hit.entry.id).collect()
}

#[test]
fn the_newer_of_two_equal_entries_comes_first_and_the_factor_is_shown() {
    let (memory, _) = timed();
    let old = memory.remember(NewEntry::new("disk full").created_at(NOW - 2 * DAY)).unwrap();
    let new = memory.remember(NewEntry::new("disk full").created_at(NOW - DAY)).unwrap();
    for mode in MODES {
        let plain = memory.recall("disk").mode(mode).run().unwrap();
        assert_eq!(ids(&plain), [old, new], "equal ones by id");
        assert!(plain.iter().all(|hit| hit.explain.recency.is_none()));
        let recency = Recency::new(day()).floor(0.2);
        let found = memory.recall("disk").mode(mode).recency(recency).run().unwrap();
        assert_eq!(ids(&found), [new, old], "{mode:?}");
        for (hit, factor) in found.iter().zip([0.2 + 0.4, 0.4]) {
            let explained = hit.explain.recency.unwrap();
            assert_eq!((explained.factor, explained.at_ms), (factor, hit.entry.created_at));
            assert_eq!((explained.score, hit.score), (plain[0].score, plain[0].score * factor));
        }
    }
    // By the last change the old one is new.
    memory.update(old, &EntryPatch::new().confidence(3)).unwrap();
    let by = |time| {
        let found = memory.recall("disk").recency(Recency::new(day()).by(time)).run().unwrap();
        ids(&found)
    };
    assert_eq!(by(EntryTime::Updated), [old, new]);
    assert_eq!(by(EntryTime::Created), [new, old]);
}

#[test]
fn used_entries_are_new_once_their_use_is_written() {
    let (memory, clock) = timed();
    let first = memory.remember(NewEntry::new("disk full")).unwrap();
    let second = memory.remember(NewEntry::new("disk full")).unwrap();
    clock.set(NOW + 5 * DAY);
    let order = || {
        let recency = Recency::new(day()).by(EntryTime::LastUsed);
        ids(&memory.recall("disk").recency(recency).run().unwrap())
    };
    let before = memory.get(second).unwrap();
    let (position, version) = (memory.change_position().unwrap(), memory.store().data_version().unwrap());
    memory.record_use(&[second, second]);
    assert_eq!(memory.usage(&[second]).unwrap(), [None], "only noted");
    assert_eq!(memory.store().data_version().unwrap(), version, "nothing is written");
    assert_eq!(order(), [first, second]);
    let gone = memory.remember(NewEntry::new("gone")).unwrap();
    memory.record_use(&[gone]);
    memory.forget(gone).unwrap();
    assert_eq!(memory.flush_usage().unwrap(), 1, "of those that are there");
    assert_eq!(order(), [second, first]);
    let usage = memory.usage(&[first, second]).unwrap();
    assert_eq!(usage[1].map(|usage| (usage.last_used_at, usage.uses)), Some((NOW + 5 * DAY, 2)));
    assert_eq!(usage[0], None);
    // To use an entry is not to change it.
    assert_eq!(memory.get(second).unwrap(), before);
    let changed = memory.changes_since(Some(position)).unwrap();
    assert!(changed.entries.iter().all(|change| change.id != Some(second)), "{changed:?}");
    assert_eq!(memory.flush_usage().unwrap(), 0);
}

#[test]
fn a_second_hit_that_says_the_same_makes_room_for_another_one() {
    let memory = memory_with(|builder| builder.vectors_of("host", 2));
    let remember =
        |title: &str, vector: [f32; 2]| memory.remember_with_vector(NewEntry::new(title), &vector).unwrap();
    let best = remember("disk full", [1.0, 0.0]);
    let copy = remember("disk full again", [1.0, 0.01]);
    let other = remember("quota exceeded", [0.6, 0.8]);
    let query = || memory.recall_vector(&[1.0, 0.0]);
    assert_eq!(ids(&query().limit(2).run().unwrap()), [best, copy]);
    let found = query().diversity(0.2).run().unwrap();
    assert_eq!(ids(&found), [best, other, copy]);
    for hit in &found {
        let explained = hit.explain.diversity.unwrap();
        assert_eq!((explained.lambda, explained.total()), (0.2, hit.score));
        assert_eq!(explained.score, f64::from(hit.similarity.unwrap()));
    }
    assert_eq!(found[0].explain.diversity.unwrap().redundancy, 0.0);
    assert_eq!(found[1].explain.diversity.unwrap().relevance, 0.0, "the worst candidate");
    assert_eq!(ids(&query().diversity(1.0).run().unwrap()), [best, copy, other]);
    assert_eq!(ids(&query().diversity(0.2).limit(2).run().unwrap()), [best, other], "before the limit");
}

#[test]
fn what_no_order_can_be_made_by_is_refused() {
    let (memory, _) = timed();
    let recall = || memory.recall("disk");
    for recency in
        [Recency::new(Duration::ZERO), Recency::new(day()).floor(1.5), Recency::new(day()).floor(f64::NAN)]
    {
        let error = recall().recency(recency).run().unwrap_err();
        assert!(matches!(error, Error::InvalidRecency { .. }), "{error}");
    }
    for lambda in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(recall().diversity(lambda).run(), Err(Error::InvalidDiversity { .. })));
    }
    let error = recall().diversity(0.5).limit(1001).run().unwrap_err();
    assert!(matches!(error, Error::InvalidLimit { max: 1000, got: 1001 }), "{error}");
    assert!(recall().diversity(0.5).limit(1000).run().is_ok());
}

#[test]
fn a_threshold_leaves_no_hit_of_a_search_by_words_unfound() {
    let memory = memory_with(|builder| builder.vectors_of("host", 2));
    // The best by words are the least similar.
    for (number, text) in [(0.1_f32, "disk"), (0.1, "disk"), (0.9, "disk and more"), (0.9, "disk and more")] {
        memory.remember_with_vector(NewEntry::new(text), &[number, 1.0 - number]).unwrap();
    }
    let query = memory.recall("disk").vector(&[1.0, 0.0]).mode(Mode::Text).threshold(0.9).limit(2);
    assert_eq!(query.run().unwrap().len(), 2);
}

/// All that a filter applies to.
fn seen(rekall: &Rekall, filter: &Filter) -> Vec<Vec<EntryId>> {
    let mut seen: Vec<Vec<EntryId>> = MODES
        .map(|mode| ids(&rekall.recall("note").mode(mode).filter(filter).limit(100).run().unwrap()))
        .into();
    seen.push(rekall.list(filter, None, 100).unwrap().iter().map(|entry| entry.id).collect());
    let newest = rekall.list_newest(filter, NewestBy::Created, None, 100).unwrap();
    seen.push(newest.entries.iter().map(|entry| entry.id).collect());
    for found in &mut seen {
        found.sort_unstable();
        assert_eq!(found.len() as u64, rekall.count(filter).unwrap());
    }
    let kinds = rekall.facets(Facet::Kind, filter, 10).unwrap();
    assert_eq!(kinds.iter().map(|kind| kind.entries).sum::<u64>(), seen[0].len() as u64);
    seen
}

#[test]
fn expired_entries_are_hidden_at_once_and_forgotten_later() {
    for (name, configure) in BACKENDS {
        let clock = FixedClock::at(NOW);
        let memory = memory_with(|builder| {
            let builder = builder.embedder(std::sync::Arc::new(WordModel::new(16)));
            configure(builder.wall_clock(clock.clone()))
        });
        let stays = memory.remember(NewEntry::new("note that stays")).unwrap();
        let ends = memory.remember(NewEntry::new("note that ends").expires_at(NOW + DAY)).unwrap();
        let obsolete = memory.remember(NewEntry::new("note of old")).unwrap();
        memory.update(obsolete, &EntryPatch::new().status(Status::Obsolete)).unwrap();
        let all = |filter: &Filter, expected: &[EntryId]| {
            for found in seen(&memory, filter) {
                assert_eq!(found, expected, "{name} {filter:?}");
            }
        };
        let (default, any) = (Filter::new(), Filter::new().any_status());
        let by_kind = Filter::new().kind("note");
        clock.set(NOW + DAY - 1);
        all(&default, &[stays, ends]);
        clock.set(NOW + DAY);
        for filter in [&default, &by_kind] {
            all(filter, &[stays]);
        }
        all(&any, &[stays, obsolete]);
        all(&any.clone().include_expired(), &[stays, ends, obsolete]);
        all(&default.clone().include_expired(), &[stays, ends]);
        assert_eq!(memory.similar_to(stays).threshold(-1.0).run().unwrap().len(), 0);
        // By its id it is there, and may be given more time, or its old end again.
        let patch = |at| memory.update(ends, &EntryPatch::new().expires_at(at)).unwrap();
        assert_eq!(patch(None).expires_at, None);
        all(&default, &[stays, ends]);
        patch(Some(NOW));
        all(&default, &[stays]);
        assert_eq!(memory.forget_expired().unwrap(), [ends]);
        assert_eq!(memory.forget_expired().unwrap(), []);
        assert!(memory.get(ends).is_err());
        let again = memory.remember(NewEntry::new("note again").expires_at(NOW)).unwrap();
        memory.compact().run().unwrap();
        assert!(memory.get(again).is_err());
        all(&any.clone().include_expired(), &[stays, obsolete]);
    }
}

#[test]
fn another_process_sees_what_expires() {
    let clock = FixedClock::at(NOW);
    let memory = memory_with(|builder| {
        builder.embedder(std::sync::Arc::new(WordModel::new(16))).wall_clock(clock.clone())
    });
    let other = Rekall::builder(memory.path())
        .embedder(std::sync::Arc::new(WordModel::new(16)))
        .wall_clock(clock.clone())
        .open()
        .unwrap();
    let id = memory.remember(NewEntry::new("note")).unwrap();
    assert_eq!(ids(&other.recall("note").run().unwrap()), [id]);
    memory.update(id, &EntryPatch::new().expires_at(Some(NOW + 1))).unwrap();
    assert_eq!(ids(&other.recall("note").run().unwrap()), [id]);
    clock.set(NOW + 1);
    assert_eq!(ids(&other.recall("note").run().unwrap()), []);
}

#[test]
fn an_earlier_moment_finds_what_held_then() {
    let (memory, clock) = timed();
    let first = memory.remember(NewEntry::new("note: the server is gea")).unwrap();
    clock.set(NOW + DAY);
    let second = memory.remember(NewEntry::new("note: the server is io")).unwrap();
    let changed_at = memory.get(second).unwrap().updated_at;
    let older = memory.supersede_entry(first, second).unwrap();
    assert_eq!((older.valid_to, older.status), (Some(NOW + DAY), Status::Obsolete));
    let newer = memory.get(second).unwrap();
    assert_eq!((newer.valid_from, newer.updated_at), (Some(NOW + DAY), changed_at));
    // One that says itself since when it holds, said later.
    clock.set(NOW + 5 * DAY);
    let third = memory.remember(NewEntry::new("note: the server is rhea").valid_from(NOW + 3 * DAY)).unwrap();
    memory.supersede_entry(second, third).unwrap();
    assert_eq!(memory.get(second).unwrap().valid_to, Some(NOW + 3 * DAY));
    let held = |at: i64| {
        let all = seen(&memory, &Filter::new().as_of(at));
        assert!(all.iter().all(|found| *found == all[0]), "{all:?}");
        all[0].clone()
    };
    assert_eq!(held(NOW), [first]);
    assert_eq!(held(NOW + DAY - 1), [first]);
    assert_eq!(held(NOW + DAY), [second]);
    assert_eq!(held(NOW + 3 * DAY), [third]);
    assert_eq!(ids(&memory.recall("note").run().unwrap()), [third], "as before without a moment");
    // Without an end nobody knows until when an obsolete entry held.
    memory.update(first, &EntryPatch::new().valid_to(None)).unwrap();
    assert_eq!(held(NOW), []);
    // An end that is earlier stays.
    memory.update(third, &EntryPatch::new().valid_to(Some(NOW + 4 * DAY))).unwrap();
    let fourth = memory.remember(NewEntry::new("note: there is no server")).unwrap();
    let ended = memory.supersede_entry(third, fourth).unwrap();
    assert_eq!(ended.valid_to, Some(NOW + 4 * DAY));
    assert_eq!(held(NOW + 4 * DAY), []);
    let refused = memory.update(third, &EntryPatch::new().valid_to(Some(NOW + 2 * DAY))).unwrap_err();
    assert!(refused.to_string().contains("valid_to"), "{refused}");
}

#[test]
fn the_times_travel_with_an_export() {
    let (memory, clock) = timed();
    let note = NewEntry::new("note").expires_at(NOW + DAY).valid_from(NOW - DAY).valid_to(NOW);
    let id = memory.remember(&note).unwrap();
    memory.record_use(&[id]);
    memory.flush_usage().unwrap();
    let mut export = Vec::new();
    memory.export_jsonl(&mut export).run().unwrap();
    let copy = memory_with(|builder| builder.without_model().wall_clock(clock.clone()));
    copy.import_jsonl(&mut export.as_slice()).run().unwrap();
    assert_eq!(copy.get(id).unwrap(), memory.get(id).unwrap());
    assert_eq!(copy.usage(&[id]).unwrap(), memory.usage(&[id]).unwrap());
    // And in the form that people write.
    let json = format!(r#"{{"title": "note", "expires_at": {}, "valid_from": 5}}"#, NOW + 1);
    let written = memory.remember_json(&json).run().unwrap();
    let read = memory.get(written[0]).unwrap();
    assert_eq!((read.expires_at, read.valid_from, read.valid_to), (Some(NOW + 1), Some(5), None));
}
