//! A process killed (SIGKILL) while it changes the model leaves a sound file, and the next one goes on.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::{WordModel, memory};
use rekall::storage::SpaceState;
use rekall::{EntryId, EntryPatch, Mode, NewEntry, Progress, Rekall};

const FILE: &str = "REKALL_REEMBED_FILE";
const MODELS: &str = "REKALL_REEMBED_MODELS";
const STOP: &str = "REKALL_REEMBED_STOP";

const ENTRIES: usize = 1_000;

fn model(name: &str) -> Arc<WordModel> {
    Arc::new(WordModel::named(name, 24))
}

fn open(path: &Path, name: &str) -> Rekall {
    Rekall::builder(path).embedder(model(name)).open().unwrap()
}

fn states(memory: &Rekall) -> Vec<SpaceState> {
    memory.store().read().unwrap().spaces().unwrap().iter().map(|space| space.state).collect()
}

/// One line to the parent, at once and whole.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n> {line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// Runs in a child only: changes the model and, at the place asked for, waits to be killed.
#[test]
fn child_changes_the_model() {
    let (Ok(file), Ok(models)) = (std::env::var(FILE), std::env::var(MODELS)) else { return };
    let stop = std::env::var(STOP).unwrap();
    let (from, to) = models.split_once(' ').unwrap();
    let memory = open(Path::new(&file), from);
    let looker = open(Path::new(&file), from);
    let mut hear = |progress: Progress| {
        let switched = states(&looker).contains(&SpaceState::Leaving);
        if (stop == "filling" && progress.done >= 300) || (stop == "switched" && switched) {
            say("here");
            loop {
                std::thread::park();
            }
        }
    };
    say("begin");
    memory.reembed_with_embedder(model(to)).progress(&mut hear).run().unwrap();
    say("done");
}

fn child(path: &Path, models: &str, stop: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["reembed_killed::child_changes_the_model", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(FILE, path).env(MODELS, models).env(STOP, stop);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let out = BufReader::new(child.stdout.take().unwrap());
    out.lines().map_while(Result::ok).filter_map(|line| line.strip_prefix("> ").map(str::to_owned))
}

/// Lets a child come to the place, and kills it there.
fn kill_at(path: &Path, models: &str, stop: &str) {
    let mut child = child(path, models, stop);
    let came = lines(&mut child).any(|line| line == "here");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(came, "the child ended by itself");
}

fn filled() -> (crate::common::Memory, Vec<EntryId>) {
    let memory = memory();
    let notes: Vec<NewEntry> = (0..ENTRIES).map(|n| NewEntry::new(format!("note number{n}"))).collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    memory.reembed_with_embedder(model("first")).run().unwrap();
    (memory, ids)
}

#[track_caller]
fn assert_sound(memory: &Rekall, ids: &[EntryId]) {
    let report = memory.check().run().unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    for n in [0, 1, 77, ENTRIES / 2, ENTRIES - 1] {
        let found = memory.recall(format!("note number{n}")).mode(Mode::Semantic).limit(1).run().unwrap();
        assert_eq!(found[0].entry.id, ids[n]);
        assert!((found[0].similarity.unwrap() - 1.0).abs() < 1e-6);
        assert!(found.degraded.is_empty(), "{:?}", found.degraded);
    }
    let all = memory.recall("note").mode(Mode::Semantic).limit(ENTRIES * 2).run().unwrap();
    assert_eq!(all.len(), ENTRIES);
}

#[test]
fn killed_while_the_new_space_is_filled() {
    let (memory, mut ids) = filled();
    kill_at(memory.path(), "first second", "filling");
    assert_eq!(states(&memory), [SpaceState::Active, SpaceState::Building]);
    assert_sound(&memory, &ids);

    // Written while it is half full.
    memory.forget(ids[1]).unwrap();
    ids[1] = memory.remember(NewEntry::new("note number1")).unwrap();
    memory.update(ids[0], &EntryPatch::new().title("something else")).unwrap();
    memory.update(ids[0], &EntryPatch::new().title("note number0")).unwrap();
    let next = open(memory.path(), "first");
    let done = next.reembed_with_embedder(model("second")).run().unwrap();
    assert!(done.entries < ENTRIES - 200, "what was made is not made again: {done:?}");
    assert_eq!(states(&next), [SpaceState::Active]);
    assert_sound(&next, &ids);
}

#[test]
fn killed_between_the_switch_and_the_end_of_the_old_space() {
    let (memory, ids) = filled();
    kill_at(memory.path(), "first second", "switched");
    assert_eq!(states(&memory), [SpaceState::Leaving, SpaceState::Active]);
    let next = open(memory.path(), "second");
    assert_sound(&next, &ids);
    assert_eq!(next.stats().unwrap().store.vectors, 2 * ENTRIES as u64);
    next.embed_pending().run().unwrap();
    assert_eq!(states(&next), [SpaceState::Active]);
    assert_eq!(next.stats().unwrap().store.vectors, ENTRIES as u64);
    assert_sound(&next, &ids);
}

/// Wherever it was: in a transaction, between two, while it dropped vectors.
#[test]
fn killed_at_any_moment() {
    let (memory, ids) = filled();
    let path = memory.path().to_owned();
    let mut active = "first".to_owned();
    for turn in 0_u32..20 {
        let other = if active == "first" { "second" } else { "first" };
        let mut child = child(&path, &format!("{active} {other}"), "nowhere");
        let mut lines = lines(&mut child);
        assert_eq!(lines.next().as_deref(), Some("begin"));
        let until = Instant::now() + Duration::from_millis(u64::from(turn) * 7);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let now = memory.stats().unwrap().space.unwrap();
        if now.contains(other) {
            active = other.to_owned();
        }
        assert_sound(&open(&path, &active), &ids);
    }
    let last = open(&path, &active);
    last.reembed_with_embedder(model("third")).run().unwrap();
    assert_eq!(states(&last), [SpaceState::Active]);
    assert_sound(&last, &ids);
}
