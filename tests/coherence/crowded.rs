//! Six threads in three processes on one file, with every kind of upkeep beside them: nothing that was acknowledged is lost, no
//! writer is starved, and the time that each operation took is printed.
//!
//! Times are printed, not judged: a slow machine fails nothing here. `REKALL_CROWDED_SECONDS` sets the length of the run.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::{WordModel, memory};
use rekall::{EntryId, EntryPatch, Mode, NewEntry, Rekall};

const FILE: &str = "REKALL_CROWDED_FILE";
const NUMBER: &str = "REKALL_CROWDED_NUMBER";
const SECONDS: &str = "REKALL_CROWDED_SECONDS";

const PROCESSES: u64 = 3;
const THREADS: u64 = 2;
const SEED: u64 = 20_261_128;

/// What the library waits at the most for another writer: starvation shows as a long wait, not as an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

fn seconds() -> u64 {
    std::env::var(SECONDS).ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

fn open(path: &Path, model: &str) -> Rekall {
    let model = Arc::new(WordModel::named(model, 384));
    Rekall::builder(path).embedder(model).busy_timeout(BUSY_TIMEOUT).open().unwrap()
}

/// xorshift64*: <https://doi.org/10.18637/jss.v008.i14>
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

/// What one thread did: its notes that are still there, and how long each operation took.
#[derive(Default)]
struct Diary {
    kept: Vec<(EntryId, u64)>,
    times: BTreeMap<&'static str, Vec<u64>>,
}

impl Diary {
    fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = work();
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap();
        self.times.entry(name).or_default().push(micros);
        done
    }
}

fn note(thread: u64, number: u64) -> NewEntry {
    let filler = "some words that every note shares and that make it as long as notes are ".repeat(4);
    NewEntry::new(format!("note t{thread}n{number}")).content(filler).tags(["crowd"])
}

fn work(memory: &Rekall, thread: u64, until: Instant) -> Diary {
    let mut random = Random(SEED + thread * 7919 + 1);
    let mut diary = Diary::default();
    let mut number = 0;
    while Instant::now() < until {
        // Every second thread spends nearly all its time on upkeep.
        let upkeep = thread % 2 == 1 && random.below(4) == 0;
        match if upkeep { 980 + random.below(20) } else { random.below(1000) } {
            0..600 => {
                number += 1;
                let id = diary.time("remember", || memory.remember(note(thread, number)).unwrap());
                diary.kept.push((id, number));
            }
            600..680 if diary.kept.len() > 50 => {
                let at = random.below(diary.kept.len() as u64) as usize;
                let (id, _) = diary.kept.swap_remove(at);
                diary.time("forget", || memory.forget(id).unwrap());
            }
            680..760 if !diary.kept.is_empty() => {
                let at = random.below(diary.kept.len() as u64) as usize;
                let patch = EntryPatch::new().content(format!("changed {number}"));
                let (id, _) = diary.kept[at];
                diary.time("update", || memory.update(id, &patch).unwrap());
            }
            760..980 if !diary.kept.is_empty() => {
                let at = random.below(diary.kept.len() as u64) as usize;
                let query = format!("t{thread}n{}", diary.kept[at].1);
                let found =
                    diary.time("recall", || memory.recall(&query).mode(Mode::Text).limit(1).run().unwrap());
                assert_eq!(found[0].entry.id, diary.kept[at].0, "{query}");
            }
            980..985 => diary.time("rebuild_index", || memory.rebuild_index().run().unwrap()),
            985..990 => {
                let report = diary.time("check", || memory.check().run().unwrap());
                assert!(report.is_clean(), "{:?}", report.problems);
            }
            990..993 => {
                let _ = diary.time("compact", || memory.compact().run().unwrap());
            }
            993..997 => {
                let mut out = Vec::new();
                diary.time("export", || memory.export_jsonl(&mut out).run().unwrap());
            }
            // One thread changes the model to and fro: what the others write meanwhile waits for vectors.
            997..1000 if thread == 1 => {
                let to = if number % 2 == 0 { "second" } else { "first" };
                let model = Arc::new(WordModel::named(to, 384));
                diary.time("reembed", || memory.reembed_with_embedder(model).run().unwrap());
            }
            _ => {}
        }
    }
    diary
}

/// Runs in a child only: two threads on one handle, then their diaries as lines.
#[test]
fn child_works() {
    let (Ok(file), Ok(number)) = (std::env::var(FILE), std::env::var(NUMBER)) else { return };
    let number: u64 = number.parse().unwrap();
    let memory = open(Path::new(&file), "first");
    let until = Instant::now() + Duration::from_secs(seconds());
    let diaries: Vec<Diary> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| number * THREADS + thread)
            .map(|thread| {
                let memory = &memory;
                scope.spawn(move || work(memory, thread, until))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut out = std::fs::File::create(diary_path(Path::new(&file), number)).unwrap();
    for diary in &diaries {
        for (id, number) in &diary.kept {
            writeln!(out, "kept {id} {number}").unwrap();
        }
        for (name, times) in &diary.times {
            for time in times {
                writeln!(out, "time {name} {time}").unwrap();
            }
        }
    }
}

fn diary_path(file: &Path, number: u64) -> PathBuf {
    file.with_extension(format!("diary{number}"))
}

fn child(path: &Path, number: u64) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["crowded::child_works", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(FILE, path).env(NUMBER, number.to_string());
    command.stdin(Stdio::null()).spawn().unwrap()
}

#[test]
fn nothing_is_lost_and_nobody_starves() {
    println!("seed {SEED}, {} s", seconds());
    let memory = memory();
    let path = memory.path().to_owned();
    let children: Vec<Child> = (0..PROCESSES).map(|number| child(&path, number)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }

    let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut kept: Vec<EntryId> = Vec::new();
    for number in 0..PROCESSES {
        let diary = std::fs::read_to_string(diary_path(&path, number)).unwrap();
        for line in diary.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["kept", id, _] => kept.push(id.parse().unwrap()),
                ["time", name, micros] => {
                    times.entry(name.to_owned()).or_default().push(micros.parse().unwrap());
                }
                _ => panic!("{line}"),
            }
        }
    }
    println!("{:14} {:>7} {:>9} {:>9} {:>9} {:>9}", "ms", "number", "median", "p99", "p99.9", "longest");
    for (name, times) in &mut times {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
        println!(
            "{name:14} {:7} {:9.1} {:9.1} {:9.1} {:9.1}",
            times.len(),
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0)
        );
    }

    let found = memory.check().run().unwrap();
    assert!(found.is_clean(), "{:?}", found.problems);
    assert_eq!(found.entries, kept.len() as u64);
    for id in kept {
        memory.get(id).unwrap();
    }
}
