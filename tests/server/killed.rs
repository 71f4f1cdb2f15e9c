//! Eight threads in four processes on one server, which is killed ten times meanwhile: what was acknowledged is there, what was refused
//! is not, every answer is right, every error is typed, and each handle works again when the server is back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::WordModel;
use rekall::{EntryId, EntryPatch, Error, ErrorKind, Filter, Mode, NewEntry, Rekall};
use rekall_postgres::testing::Server;

const PLACE: &str = "REKALL_KILLED_SERVER_URL";
const FOLDER: &str = "REKALL_KILLED_SERVER_FOLDER";
const NUMBER: &str = "REKALL_KILLED_SERVER_NUMBER";

const PROCESSES: u64 = 4;
const THREADS: u64 = 2;
/// Operations that succeed, of all threads together.
const OPERATIONS: u64 = 20_000;
const KILLS: u64 = 10;
const SEED: u64 = 20_261_129;

/// Nobody may wait longer for anything: a test that hangs says nothing.
const PATIENCE: Duration = Duration::from_secs(240);

/// What one thread knows of a note of its own.
#[derive(Debug, Clone, PartialEq)]
enum State {
    There(String),
    Gone,
    /// The server died before it said what became of the last change.
    Either(Box<State>, Box<State>),
}

impl State {
    fn admits(&self, found: Option<&str>) -> bool {
        match self {
            Self::There(content) => found == Some(content),
            Self::Gone => found.is_none(),
            Self::Either(before, after) => before.admits(found) || after.admits(found),
        }
    }
}

struct Worker<'r> {
    memory: &'r Rekall,
    thread: u64,
    random: u64,
    /// A word of each note's title that no other note has.
    names: BTreeMap<EntryId, String>,
    states: BTreeMap<EntryId, State>,
    refused: u64,
}

impl Worker<'_> {
    /// xorshift64*: <https://doi.org/10.18637/jss.v008.i14>
    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    fn pick(&mut self) -> Option<EntryId> {
        let count = self.states.len() as u64;
        let at = self.below(count.max(1)) as usize;
        self.states.keys().nth(at).copied()
    }

    /// Whether the operation succeeded; an error must be that of a server that is away.
    fn succeeded<T>(&mut self, result: &Result<T, Error>) -> bool {
        if let Err(error) = result {
            assert!(matches!(error.kind(), ErrorKind::Io | ErrorKind::Busy), "{error:?}");
            self.refused += 1;
        }
        result.is_ok()
    }

    /// Notes what a change has made of a note: all of it, nothing, or one of the two.
    fn changed<T>(&mut self, id: EntryId, after: State, result: &Result<T, Error>) -> bool {
        let before = self.states.get(&id).cloned().unwrap_or(State::Gone);
        let unknown = result.as_ref().err().is_some_and(|error| error.to_string().contains("may or may not"));
        let done = self.succeeded(result);
        let state = match (done, unknown) {
            (true, _) => after,
            (false, true) => State::Either(Box::new(before), Box::new(after)),
            (false, false) => before,
        };
        self.states.insert(id, state);
        done
    }

    fn remember(&mut self, number: u64) -> bool {
        let id = self.memory.store().new_id().unwrap();
        let name = format!("t{}n{number}", self.thread);
        let content = format!("first words of {number}");
        let result = self.memory.remember(NewEntry::new(format!("note {name}")).content(&content).id(id));
        self.names.insert(id, name);
        self.changed(id, State::There(content), &result)
    }

    fn update(&mut self, id: EntryId, number: u64) -> bool {
        let content = format!("other words of {number}");
        match self.memory.update(id, &EntryPatch::new().content(&content)) {
            Err(Error::Core(_)) if self.is_gone(id) => true,
            result => self.changed(id, State::There(content), &result),
        }
    }

    fn forget(&mut self, id: EntryId) -> bool {
        match self.memory.forget(id) {
            Err(Error::Core(_)) if self.is_gone(id) => true,
            result => self.changed(id, State::Gone, &result),
        }
    }

    /// Whether a note may be gone, and is: it is then known again what became of it.
    fn is_gone(&mut self, id: EntryId) -> bool {
        let began = Instant::now();
        let gone = loop {
            match self.memory.get(id) {
                Ok(_) => break false,
                Err(error) if error.kind() == ErrorKind::NotFound => break true,
                Err(error) => assert!(began.elapsed() < PATIENCE, "{error:?}"),
            }
        };
        if gone {
            assert!(self.states[&id].admits(None), "{id}: {:?}", self.states[&id]);
            self.states.insert(id, State::Gone);
        }
        gone
    }

    fn get(&mut self, id: EntryId) -> bool {
        let found = match self.memory.get(id) {
            Ok(entry) => Ok(Some(entry.content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        if self.succeeded(&found) {
            let content = found.as_ref().unwrap().as_deref();
            assert!(self.states[&id].admits(content), "{id}: {:?}, found {content:?}", self.states[&id]);
        }
        found.is_ok()
    }

    fn recall(&mut self, id: EntryId, mode: Mode) -> bool {
        let name = self.names[&id].clone();
        let result = self.memory.recall(&name).mode(mode).limit(3).run();
        if self.succeeded(&result) {
            let found = result.as_ref().unwrap();
            let content = found.iter().find(|hit| hit.entry.id == id).map(|hit| hit.entry.content.as_str());
            // Others may say nearly the same to the model: by words, only this one is meant.
            if mode == Mode::Text || content.is_some() {
                assert!(self.states[&id].admits(content), "{id}: {:?}, found {content:?}", self.states[&id]);
            }
        }
        result.is_ok()
    }

    fn work(&mut self, progress: &mut File) {
        let (mut done, mut number) = (0, 0);
        let mut last = Instant::now();
        while done < OPERATIONS / (PROCESSES * THREADS) {
            number += 1;
            let choice = self.below(100);
            let succeeded = match self.pick() {
                None => self.remember(number),
                Some(_) if choice < 40 => self.remember(number),
                Some(id) if choice < 50 => self.update(id, number),
                Some(id) if choice < 58 => self.forget(id),
                Some(id) if choice < 75 => self.get(id),
                Some(id) if choice < 95 => self.recall(id, Mode::Text),
                Some(id) => self.recall(id, Mode::Hybrid),
            };
            if succeeded {
                done += 1;
                last = Instant::now();
                progress.write_all(b".").unwrap();
            }
            assert!(last.elapsed() < PATIENCE, "nothing succeeds any more");
        }
    }
}

fn open(url: &str) -> Rekall {
    let model = Arc::new(WordModel::new(32));
    Rekall::builder(url).embedder(model).busy_timeout(Duration::from_secs(30)).open().unwrap()
}

fn file(folder: &Path, what: &str, thread: u64) -> PathBuf {
    folder.join(format!("{what}{thread}"))
}

/// Runs in a child only: two threads on one handle, then what each knows of its notes, as lines.
#[test]
fn child_works() {
    let (Ok(url), Ok(folder)) = (std::env::var(PLACE), std::env::var(FOLDER)) else { return };
    let process: u64 = std::env::var(NUMBER).unwrap().parse().unwrap();
    let (folder, memory) = (PathBuf::from(folder), open(&url));
    std::thread::scope(|scope| {
        for thread in process * THREADS..(process + 1) * THREADS {
            let (folder, memory) = (&folder, &memory);
            scope.spawn(move || {
                let mut worker = Worker {
                    memory,
                    thread,
                    random: SEED + thread * 7919,
                    names: BTreeMap::new(),
                    states: BTreeMap::new(),
                    refused: 0,
                };
                worker.work(&mut File::create(file(folder, "progress", thread)).unwrap());
                let mut out = File::create(file(folder, "known", thread)).unwrap();
                for (id, state) in &worker.states {
                    let known = match state {
                        State::There(content) => content,
                        State::Gone => "",
                        State::Either(..) => "?",
                    };
                    writeln!(out, "{id} {known}").unwrap();
                }
                fs::write(file(folder, "refused", thread), worker.refused.to_string()).unwrap();
            });
        }
    });
}

fn child(url: &str, folder: &Path, number: u64) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["killed::child_works", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(PLACE, url).env(FOLDER, folder).env(NUMBER, number.to_string());
    command.stdin(Stdio::null()).spawn().unwrap()
}

#[test]
fn nothing_that_was_acknowledged_is_lost_and_no_answer_is_wrong() {
    let Some(server) = Server::start() else { return };
    println!("seed {SEED}");
    let (url, folder) = (server.memory_url(), tempfile::tempdir().unwrap());
    // The one that follows what the others write, from before the first kill to the end.
    let memory = open(&url);
    let mut children: Vec<Child> = (0..PROCESSES).map(|number| child(&url, folder.path(), number)).collect();
    let threads = PROCESSES * THREADS;
    let done = || -> u64 {
        (0..threads)
            .map(|thread| fs::metadata(file(folder.path(), "progress", thread)).map_or(0, |file| file.len()))
            .sum()
    };
    for kill in 1..=KILLS {
        let (began, wanted) = (Instant::now(), kill * OPERATIONS / (KILLS + 1));
        while done() < wanted {
            assert!(began.elapsed() < PATIENCE, "{} of {wanted} operations", done());
            for child in &mut children {
                let ended = child.try_wait().unwrap();
                assert!(ended.is_none_or(|status| status.success()), "a process failed");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        server.kill();
        server.restart();
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(done(), OPERATIONS);

    let mut there: BTreeMap<EntryId, String> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = memory.list(Filter::new(), after, 1_000).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        there.extend(page.iter().map(|entry| (entry.id, entry.content.clone())));
    }
    let (mut refused, mut uncertain, mut kept) = (0, 0, 0);
    for thread in 0..threads {
        let read = |what| fs::read_to_string(file(folder.path(), what, thread)).unwrap();
        refused += read("refused").parse::<u64>().unwrap();
        for line in read("known").lines() {
            let (id, content) = line.split_once(' ').unwrap();
            let found = there.remove(&id.parse().unwrap());
            match content {
                "?" => uncertain += 1,
                "" => assert_eq!(found, None, "{id} was forgotten, or never written"),
                content => {
                    assert_eq!(found.as_deref(), Some(content), "{id} was acknowledged");
                    kept += 1;
                }
            }
        }
    }
    assert!(there.is_empty(), "notes of nobody: {there:?}");
    println!("{kept} notes, {refused} operations refused, {uncertain} of which nobody knows");
    assert!(refused > 0, "the server was missed");
    assert_eq!(memory.stats().unwrap().store.pending, 0);
}
