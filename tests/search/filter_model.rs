//! Random filters over random entries, in every way of asking, against conditions that are written out in Rust.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering as Atomic};

use crate::common::{Memory, Random, WordModel, memory_with};
use rekall::storage::WallClock;
use rekall::{
    Comparison, Entry, EntryId, EntryPatch, Facet, Filter, MetadataCondition, Mode, NewEntry, Status,
};
use serde_json::{Value, json};

const SEED: u64 = 20_240_531;
const ENTRIES: usize = 70;
const FILTERS: usize = 400;

const WORDS: [&str; 4] = ["bug", "note", "it's \"quoted\"", "été"];
const KEYS: [&str; 3] = ["severity", "due", "nested.key"];

struct Hands(Arc<AtomicI64>);

impl WallClock for Hands {
    fn now_ms(&self) -> i64 {
        self.0.load(Atomic::Relaxed)
    }
}

/// Small integers and halves, so that the same value comes often; it is the test's own model that compares them.
fn value(random: &mut Random) -> Value {
    match random.below(8) {
        0..3 => json!(random.below(5)),
        3 => json!(random.below(10) as f64 / 2.0),
        4 => json!(format!("2024-0{}-01", random.below(5))),
        5 => json!(format!("{}", random.below(5))),
        6 => json!(random.below(2) == 0),
        _ => json!([random.below(2)]),
    }
}

fn word(random: &mut Random) -> String {
    WORDS[random.below(4) as usize].to_owned()
}

fn words(random: &mut Random, one_in: u64) -> Vec<String> {
    if random.below(one_in) > 0 {
        return Vec::new();
    }
    (0..=random.below(2)).map(|_| word(random)).collect()
}

/// The memory, its entries, and its time of day.
fn filled(random: &mut Random) -> (Memory, Vec<EntryId>, i64) {
    let time = Arc::new(AtomicI64::new(0));
    let hands = Hands(Arc::clone(&time));
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(16))).wall_clock(hands));
    let mut ids = Vec::new();
    for n in 0..ENTRIES {
        time.store(1_000 * n as i64, Atomic::Relaxed);
        let mut entry = NewEntry::new(format!("shared note{n}")).kind(word(random)).memory_type(word(random));
        entry.project = (random.below(3) > 0).then(|| word(random));
        entry.tags = (0..random.below(4)).map(|_| word(random)).collect();
        for key in KEYS {
            if random.below(4) > 0 {
                entry = entry.metadata(key, value(random));
            }
        }
        let moment = |random: &mut Random| 500 * random.below(4 * ENTRIES as u64) as i64;
        entry.expires_at = (random.below(4) == 0).then(|| moment(random));
        entry.valid_from = (random.below(3) == 0).then(|| moment(random));
        entry.valid_to = (random.below(3) == 0).then(|| entry.valid_from.unwrap_or(0) + moment(random));
        ids.push(memory.remember(entry).unwrap());
    }
    for &id in &ids {
        if random.below(4) == 0 {
            time.store(1_000 * random.below(2 * ENTRIES as u64) as i64, Atomic::Relaxed);
            memory.update(id, &EntryPatch::new().status(Status::Obsolete)).unwrap();
        }
    }
    let now = 1_000 * ENTRIES as i64;
    time.store(now, Atomic::Relaxed);
    (memory, ids, now)
}

fn filter(random: &mut Random, ids: &[EntryId]) -> Filter {
    let some_ids = |random: &mut Random| {
        (0..40).map(|_| ids[random.below(ids.len() as u64) as usize]).collect::<Vec<_>>()
    };
    let mut filter = Filter::new();
    filter.status = [None, Some(Status::Active), Some(Status::Obsolete)][random.below(3) as usize];
    filter.kinds = words(random, 5);
    filter.not_kinds = words(random, 5);
    filter.projects = words(random, 8);
    filter.not_projects = words(random, 5);
    filter.tags_any = words(random, 8);
    filter.tags_all = words(random, 10);
    filter.not_tags = words(random, 5);
    filter.memory_types = words(random, 8);
    filter.not_memory_types = words(random, 8);
    for bound in [
        &mut filter.created_after,
        &mut filter.created_before,
        &mut filter.updated_after,
        &mut filter.updated_before,
    ] {
        *bound = (random.below(10) == 0).then(|| 500 * random.below(2 * ENTRIES as u64) as i64);
    }
    if random.below(2) == 0 {
        for _ in 0..=random.below(2) {
            filter.metadata.push(condition(random));
        }
    }
    filter.as_of = (random.below(3) == 0).then(|| 500 * random.below(4 * ENTRIES as u64) as i64);
    filter.include_expired = random.below(3) == 0;
    filter.ids = (random.below(6) == 0).then(|| some_ids(random));
    if random.below(4) == 0 {
        filter.not_ids = some_ids(random);
    }
    filter
}

fn condition(random: &mut Random) -> MetadataCondition {
    let comparison = [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::LessThan,
        Comparison::AtMost,
        Comparison::GreaterThan,
        Comparison::AtLeast,
    ][random.below(6) as usize];
    let mut wanted = value(random);
    while !matches!(comparison, Comparison::Equal | Comparison::NotEqual)
        && !matches!(wanted, Value::Number(_) | Value::String(_))
    {
        wanted = value(random);
    }
    MetadataCondition::new(KEYS[random.below(3) as usize], comparison, wanted)
}

/// All numbers of this test are held by a double.
fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

fn holds(entry: &Entry, condition: &MetadataCondition) -> bool {
    let held = entry.metadata.get(&condition.key);
    let order = held.and_then(|held| order(held, &condition.value));
    let is_same = order == Some(Ordering::Equal) || held == Some(&condition.value);
    match condition.comparison {
        Comparison::Equal => is_same,
        Comparison::NotEqual => !is_same,
        Comparison::LessThan => order == Some(Ordering::Less),
        Comparison::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::GreaterThan => order == Some(Ordering::Greater),
        Comparison::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        other => panic!("{other:?} is not modelled"),
    }
}

fn has_status(entry: &Entry, filter: &Filter) -> bool {
    let held_once = entry.status == Status::Obsolete && entry.valid_to.is_some();
    match (filter.status, filter.as_of) {
        (None, _) => true,
        (Some(Status::Active), Some(_)) => entry.status == Status::Active || held_once,
        (Some(status), _) => entry.status == status,
    }
}

fn passes(entry: &Entry, filter: &Filter, now: i64) -> bool {
    let any = |list: &[String], own: &str| list.is_empty() || list.iter().any(|one| one == own);
    let none = |list: &[String], own: &str| list.iter().all(|one| one != own);
    let project = entry.project.as_deref();
    let tagged = |tag: &String| entry.tags.contains(tag);
    let held = |at| entry.valid_from.is_none_or(|from| from <= at) && entry.valid_to.is_none_or(|to| at < to);
    has_status(entry, filter)
        && filter.as_of.is_none_or(held)
        && (filter.include_expired || entry.expires_at.is_none_or(|at| now < at))
        && any(&filter.kinds, &entry.kind)
        && none(&filter.not_kinds, &entry.kind)
        && any(&filter.memory_types, &entry.memory_type)
        && none(&filter.not_memory_types, &entry.memory_type)
        && (filter.projects.is_empty() || project.is_some_and(|project| any(&filter.projects, project)))
        && project.is_none_or(|project| none(&filter.not_projects, project))
        && (filter.tags_any.is_empty() || filter.tags_any.iter().any(tagged))
        && filter.tags_all.iter().all(tagged)
        && !filter.not_tags.iter().any(tagged)
        && filter.created_after.is_none_or(|bound| entry.created_at >= bound)
        && filter.created_before.is_none_or(|bound| entry.created_at < bound)
        && filter.updated_after.is_none_or(|bound| entry.updated_at >= bound)
        && filter.updated_before.is_none_or(|bound| entry.updated_at < bound)
        && filter.metadata.iter().all(|condition| holds(entry, condition))
        && filter.ids.as_ref().is_none_or(|ids| ids.contains(&entry.id))
        && !filter.not_ids.contains(&entry.id)
}

#[test]
fn every_way_of_asking_gives_what_the_written_out_conditions_give() {
    println!("seed {SEED}");
    let mut random = Random(SEED);
    let (memory, ids, now) = filled(&mut random);
    let entries: Vec<Entry> = ids.iter().map(|&id| memory.get(id).unwrap()).collect();
    let mut sizes = BTreeSet::new();
    for number in 0..FILTERS {
        let filter = filter(&mut random, &ids);
        let expected: BTreeSet<EntryId> =
            entries.iter().filter(|entry| passes(entry, &filter, now)).map(|entry| entry.id).collect();
        sizes.insert(expected.len());
        let listed: BTreeSet<EntryId> =
            memory.list(&filter, None, ENTRIES).unwrap().iter().map(|entry| entry.id).collect();
        assert_eq!(listed, expected, "listed, filter {number}: {filter:?}");
        assert_eq!(
            memory.count(&filter).unwrap(),
            expected.len() as u64,
            "counted, filter {number}: {filter:?}"
        );
        let kinds = memory.facets(Facet::Kind, &filter, ENTRIES).unwrap();
        let in_facets: u64 = kinds.iter().map(|kind| kind.entries).sum();
        assert_eq!(in_facets, expected.len() as u64, "facets, filter {number}: {filter:?}");
        for mode in [Mode::Semantic, Mode::Text, Mode::Hybrid] {
            let found =
                memory.recall("shared").mode(mode).limit(ENTRIES).filter(filter.clone()).run().unwrap();
            let found: BTreeSet<EntryId> = found.iter().map(|hit| hit.entry.id).collect();
            assert_eq!(found, expected, "{mode:?}, filter {number}: {filter:?}");
        }
        let json = serde_json::to_string(&filter).unwrap();
        assert_eq!(serde_json::from_str::<Filter>(&json).unwrap(), filter, "{json}");
    }
    assert!(sizes.len() > 15, "the filters are not all alike: {sizes:?}");
}

#[test]
fn what_has_no_order_is_refused_by_every_way_of_asking() {
    let memory = crate::common::memory();
    memory.remember(NewEntry::new("shared").metadata("done", true)).unwrap();
    for (value, name) in [
        (json!(null), "null"),
        (json!(true), "a truth value"),
        (json!([1]), "an array"),
        (json!({}), "an object"),
    ] {
        let filter = Filter::new().metadata_where("done", Comparison::LessThan, value);
        let refused = |error: rekall::Error| {
            let error = error.to_string();
            assert!(error.contains("a number or a text"), "{error}");
            assert!(error.contains(&format!("{name} for the key \"done\"")), "{error}");
        };
        refused(memory.list(&filter, None, 1).unwrap_err());
        refused(memory.count(&filter).unwrap_err());
        for mode in [Mode::Semantic, Mode::Text, Mode::Hybrid] {
            refused(memory.recall("shared").mode(mode).filter(filter.clone()).run().unwrap_err());
        }
    }
}

#[test]
fn the_status_of_a_filter_in_json_is_a_word_and_an_unknown_key_is_refused() {
    let read = |json: &str| serde_json::from_str::<Filter>(json);
    assert_eq!(read("{}").unwrap(), Filter::new());
    assert_eq!(read(r#"{"status": "active"}"#).unwrap(), Filter::new());
    assert_eq!(read(r#"{"status": "obsolete"}"#).unwrap(), Filter::new().status(Status::Obsolete));
    assert_eq!(read(r#"{"status": "any"}"#).unwrap(), Filter::new().any_status());
    for refused in
        [r#"{"status": "gone"}"#, r#"{"status": null}"#, r#"{"kind": "bug"}"#, r#"{"kinds": "bug"}"#]
    {
        assert!(read(refused).is_err(), "{refused}");
    }
}
