//! Killed at any moment, a process loses nothing acknowledged and leaves nothing half-written.
//!
//! Children work on a file and say what they are about to do and what was done; the parent kills them
//! (SIGKILL) and looks. `REKALL_KILLS=2000` kills more often than the suite's 200; `REKALL_SEED` replays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rekall_core::{EntryId, EntryPatch, Filter, SqliteStore, Store, StoreOptions, Synchronous, TextQuery};
use upkeep_common::*;

const FILE: &str = "REKALL_CRASH_FILE";
const SEED: &str = "REKALL_CRASH_SEED";
const FULL: &str = "REKALL_CRASH_FULL";
const SECURE: &str = "REKALL_CRASH_SECURE";

/// What the file must hold: the number of the note under each id.
type Model = BTreeMap<EntryId, u64>;

#[derive(Debug, Clone)]
enum Operation {
    Insert(Vec<(EntryId, u64)>),
    Update(EntryId, u64),
    Delete(EntryId),
}

impl Operation {
    fn apply(&self, model: &mut Model) {
        match self {
            Self::Insert(notes) => model.extend(notes.iter().copied()),
            Self::Update(id, number) => {
                model.insert(*id, *number);
            }
            Self::Delete(id) => {
                model.remove(id);
            }
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Insert(notes) => {
                notes.iter().fold("insert".to_owned(), |line, (id, number)| format!("{line} {id} {number}"))
            }
            Self::Update(id, number) => format!("update {id} {number}"),
            Self::Delete(id) => format!("delete {id}"),
        }
    }

    fn read(line: &str) -> Self {
        let mut words = line.split(' ');
        let sort = words.next().unwrap();
        let rest: Vec<&str> = words.collect();
        let pair = |pair: &[&str]| (pair[0].parse().unwrap(), pair[1].parse().unwrap());
        match sort {
            "insert" => Self::Insert(rest.chunks(2).map(pair).collect()),
            "update" => Self::Update(pair(&rest).0, pair(&rest).1),
            "delete" => Self::Delete(rest[0].parse().unwrap()),
            other => panic!("no operation: {other}"),
        }
    }

    fn run(&self, store: &SqliteStore) {
        let mut tx = store.write().unwrap();
        match self {
            Self::Insert(notes) => insert(&mut *tx, notes).unwrap(),
            Self::Update(id, number) => {
                let space = tx.ensure_active_space(FINGERPRINT, DIMENSIONS).unwrap();
                let (row, _) = tx.update(*id, &patch(*number)).unwrap();
                let values = vector(*number);
                tx.set_vectors(row, space.id, &[], &[new_vector(&space, *number, &values)]).unwrap();
            }
            Self::Delete(id) => tx.delete(*id).unwrap(),
        }
        tx.commit().unwrap();
    }
}

fn patch(number: u64) -> EntryPatch {
    let note = note(number);
    let mut patch = EntryPatch::new()
        .title(note.title)
        .content(note.content)
        .kind(note.kind)
        .project(note.project)
        .tags(note.tags)
        .confidence(note.confidence)
        .metadata(note.metadata);
    patch.context = Some(note.context);
    patch
}

/// Runs in a child only.
#[test]
fn child_writes() {
    let (Ok(file), Ok(seed)) = (std::env::var(FILE), std::env::var(SEED)) else { return };
    let mut options = StoreOptions::default();
    if std::env::var(FULL).is_ok() {
        options.synchronous = Synchronous::Full;
    }
    options.secure_delete = std::env::var(SECURE).is_ok();
    let store = SqliteStore::open(file, &options).unwrap();
    let seed: u64 = seed.parse().unwrap();
    let mut random = Random(seed);
    let mut living: Vec<EntryId> = entries(&store).into_iter().map(|(_, entry)| entry.id).collect();
    for step in 0.. {
        // Numbers are new in every child, so are ids.
        let number = seed * 1_000_000 + step * 10;
        let any = |random: &mut Random| random.below(living.len().max(1) as u64) as usize;
        let operation = match random.below(10) {
            0..=6 if living.len() > 60 => Operation::Delete(living.swap_remove(any(&mut random))),
            2..=5 if living.len() > 3 => Operation::Update(living[any(&mut random)], number),
            6 if living.len() > 3 => Operation::Delete(living.swap_remove(any(&mut random))),
            _ => {
                let notes: Vec<_> = (0..=random.below(3)).map(|n| (id(number + n), number + n)).collect();
                living.extend(notes.iter().map(|(id, _)| id));
                Operation::Insert(notes)
            }
        };
        say(&operation.write());
        operation.run(&store);
        say("done");
    }
}

fn kills() -> u64 {
    std::env::var("REKALL_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(200)
}

fn first_seed() -> u64 {
    std::env::var("REKALL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// Lets a random time pass, up to `most`, without giving the processor away.
fn spin(random: &mut Random, most: Duration) {
    let until = Instant::now() + most.mul_f64(random.below(1_000) as f64 / 1_000.0);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_killed() {
    let kills = kills();
    std::thread::scope(|scope| {
        for lane in 0..2 {
            scope.spawn(move || lane_of_kills(lane, kills / 2));
        }
    });
}

/// One file, one child after another. In lane 1 another process has the file open all the time, so that the
/// dead one's log is not recovered but lived with.
fn lane_of_kills(lane: u64, kills: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let mut model = Model::new();
    let mut random = Random(first_seed() + lane);
    let held = (lane == 1).then(|| open(&path));
    for kill in 0..kills {
        let seed = (first_seed() + lane) * 10_000 + kill;
        let mut variables = vec![(FILE, path.to_str().unwrap().to_owned()), (SEED, seed.to_string())];
        if kill % 4 == 3 {
            variables.push((FULL, "1".to_owned()));
        }
        if kill % 8 == 1 {
            variables.push((SECURE, "1".to_owned()));
        }
        let variables: Vec<(&str, &str)> = variables.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let mut child = child("child_writes", &variables).spawn().unwrap();
        let mut lines = lines(&mut child);
        let acknowledged = random.below(25);
        let mut begun: Option<Operation> = None;
        let mut done = 0;
        let hear = |line: String, begun: &mut Option<Operation>, model: &mut Model| {
            if line == "done" {
                begun.take().unwrap().apply(model);
                return true;
            }
            *begun = Some(Operation::read(&line));
            false
        };
        while done < acknowledged {
            let line = lines.next().unwrap_or_else(|| panic!("seed {seed}: the child ended by itself"));
            done += u64::from(hear(line, &mut begun, &mut model));
        }
        spin(&mut random, Duration::from_millis(2));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            hear(line, &mut begun, &mut model);
        }

        let fresh;
        let store = match &held {
            Some(store) => store,
            None => {
                fresh = open(&path);
                &fresh
            }
        };
        let report = store.check().unwrap();
        assert!(report.is_clean(), "seed {seed}: {report:#?}");
        // What was begun may have happened, whole.
        let mut after = model.clone();
        if let Some(operation) = &begun {
            operation.apply(&mut after);
        }
        if let Err(before) = compare(store, &model) {
            compare(store, &after)
                .unwrap_or_else(|after| panic!("seed {seed}: {begun:?} half done: {before}, {after}"));
            model = after;
        }
    }
}

/// Compares every entry, its vector and what full text finds.
fn compare(store: &SqliteStore, model: &Model) -> Result<(), String> {
    let tx = store.read().unwrap();
    let found = tx.entries_after(0, usize::MAX).unwrap();
    if found.len() != model.len() {
        return Err(format!("{} entries instead of {}", found.len(), model.len()));
    }
    let space = tx.active_space().unwrap();
    for (row, entry) in &found {
        let Some(&number) = model.get(&entry.id) else { return Err(format!("{} is there", entry.id)) };
        if !says(entry, number) {
            return Err(format!("{} does not say {number}", entry.id));
        }
        let vectors = tx.vectors_of(space.as_ref().unwrap(), &[*row]).unwrap();
        if vectors.rows != vector(number) {
            return Err(format!("{} has other vectors", entry.id));
        }
        let query = TextQuery::new(&word(number));
        let hits = tx.search_words(&query, &Filter::new().any_status(), 9).unwrap();
        if hits.iter().map(|hit| hit.key.row).ne([*row]) {
            return Err(format!("{} is not found by its word", entry.id));
        }
    }
    Ok(())
}

const WORK: &str = "REKALL_CRASH_WORK";

/// Runs in a child only: backups, imports, compactions and repairs, one after another.
#[test]
fn child_keeps_up() {
    let (Ok(folder), Ok(work)) = (std::env::var(FILE), std::env::var(WORK)) else { return };
    let folder = Path::new(&folder);
    let store = open(&folder.join("a.db"));
    for turn in 0.. {
        say("begin");
        match work.as_str() {
            "backup" => {
                let target = folder.join(format!("backup-{}-{turn}", std::process::id()));
                store.backup(target, &mut |_, _| {}, None).unwrap();
            }
            "import" => {
                let other = open(&folder.join(format!("import-{}-{turn}", std::process::id())));
                let jsonl = std::fs::read(folder.join("a.jsonl")).unwrap();
                other.import_jsonl(&mut jsonl.as_slice(), &Default::default(), &mut |_, _| {}, None).unwrap();
            }
            "compact" => {
                store.compact().unwrap();
            }
            "repair" => {
                store.repair().unwrap();
            }
            "salvage" => {
                let target = folder.join(format!("salvage-{}-{turn}", std::process::id()));
                SqliteStore::salvage(folder.join("b.db"), target, &mut |_, _| {}, None).unwrap();
            }
            other => panic!("no work: {other}"),
        }
    }
}

#[test]
fn upkeep_killed_leaves_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 120);
    drop(store);
    std::fs::copy(folder.path().join("a.db"), folder.path().join("b.db")).unwrap();
    let store = open(&folder.path().join("a.db"));
    let jsonl = export(&store);
    std::fs::write(folder.path().join("a.jsonl"), &jsonl).unwrap();
    drop(store);
    let mut random = Random(first_seed());
    for round in 0..kills() / 4 {
        let work = ["backup", "import", "compact", "repair", "salvage"][round as usize % 5];
        let variables = [(FILE, folder.path().to_str().unwrap()), (WORK, work)];
        let mut child = child("child_keeps_up", &variables).spawn().unwrap();
        let mut lines = lines(&mut child);
        for _ in 0..=random.below(2) {
            assert_eq!(lines.next().as_deref(), Some("begin"), "{work}");
        }
        spin(&mut random, Duration::from_millis(25));
        child.kill().unwrap();
        child.wait().unwrap();

        let store = open(&folder.path().join("a.db"));
        assert_clean(&store);
        assert!(export(&store) == jsonl, "{work} changed the content");
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap().path();
            let name = file.file_name().unwrap().to_str().unwrap();
            if name.starts_with("a.") || name.starts_with("b.") {
                continue;
            }
            if !name.starts_with(".rekall-") && !name.contains("-wal") && !name.contains("-shm") {
                let copy = open(&file);
                let content = export(&copy);
                let empty = copy.read().unwrap().count_entries().unwrap() == 0;
                assert!(content == jsonl || (work == "import" && empty), "{work}: half a file as {name}");
                assert_clean(&copy);
                drop(copy);
            }
            let _ = std::fs::remove_file(&file);
        }
    }
}

/// Printed with `REKALL_BENCH=1`: what each way of being careful costs, one entry with a vector a commit.
#[test]
fn a_commit_costs_what_its_safety_costs() {
    let bench = std::env::var("REKALL_BENCH").is_ok();
    let commits = if bench { 500 } else { 5 };
    for (name, synchronous, secure) in [
        ("synchronous normal", Synchronous::Normal, false),
        ("synchronous full", Synchronous::Full, false),
        ("normal, secure delete", Synchronous::Normal, true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut options = StoreOptions::default();
        options.synchronous = synchronous;
        options.secure_delete = secure;
        let store = SqliteStore::open(folder.path().join("a.db"), &options).unwrap();
        let start = Instant::now();
        for number in 1..=commits {
            let mut tx = store.write().unwrap();
            insert(&mut *tx, &[(id(number), number)]).unwrap();
            tx.commit().unwrap();
        }
        let each = start.elapsed() / commits as u32;
        if bench {
            println!("{name}: {each:?} a commit");
        }
        assert_eq!(store.read().unwrap().count_entries().unwrap(), commits);
    }
}
