//! How long does the write-ahead log get beside a searcher that never rests? 4,000 notes of 800 bytes, the built-in model.
//!
//! One thread remembers note after note, another one searches without a pause: in the same process, then in a second one.
//! Prints the log's length after 1,000 and 4,000 notes, its greatest length, and what the calls took, as a table.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rekall::{NewEntry, Rekall};

const NOTES: usize = 4_000;
const NOTE_BYTES: usize = 800;
/// The argument with which this program starts itself as the searcher of another process.
const SEARCHER: &str = "--searcher";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == SEARCHER) {
        search(&open(Path::new(&arguments[at + 1])), &AtomicBool::new(false));
        return;
    }
    // `cargo test` builds and runs benches, too, and is not to wait for this one.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    println!(
        "{:26} {:>9} {:>9} {:>9} {:>10} {:>10} {:>9} {:>8}",
        "searchers",
        "1,000: MB",
        "4,000: MB",
        "most: MB",
        "µs a write",
        "longest ms",
        "longest s",
        "searches"
    );
    run("none", 0, 0);
    run("1 in this process", 1, 0);
    run("3 in this process", 3, 0);
    run("1 in another process", 0, 1);
    run("1 here, 2 in other ones", 1, 2);
}

fn open(path: &Path) -> Rekall {
    Rekall::builder(path).cache_max_size(0).open().unwrap()
}

/// Searches until told to stop, or until the process is ended. Gives the longest search in seconds, and how many there were.
fn search(rekall: &Rekall, stop: &AtomicBool) -> (f64, usize) {
    let questions = common::questions();
    let (mut longest, mut searches) = (0.0_f64, 0);
    for question in questions.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let started = Instant::now();
        rekall.recall(question).run().unwrap();
        longest = longest.max(started.elapsed().as_secs_f64());
        searches += 1;
    }
    (longest, searches)
}

/// A searcher in a process of its own, ended with this value.
struct Searcher(Child);

impl Searcher {
    fn start(path: &Path) -> Self {
        let program = std::env::current_exe().unwrap();
        Self(Command::new(program).arg(SEARCHER).arg(path).stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Searcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(name: &str, threads: usize, processes: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.db");
    let rekall = open(&path);
    rekall.remember(NewEntry::new("the first one")).unwrap();
    let _searchers: Vec<Searcher> = (0..processes).map(|_| Searcher::start(&path)).collect();
    let log = || std::fs::metadata(folder.path().join("bench.db-wal")).map_or(0, |log| log.len());
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let stop = AtomicBool::new(false);
    let (lengths, most, took, longest, searched) = std::thread::scope(|scope| {
        let searchers: Vec<_> = (0..threads).map(|_| scope.spawn(|| search(&rekall, &stop))).collect();
        let (mut lengths, mut most, mut longest) = (Vec::new(), 0, 0.0_f64);
        let started = Instant::now();
        for (number, note) in notes().enumerate() {
            let begun = Instant::now();
            rekall.remember(note).unwrap();
            longest = longest.max(begun.elapsed().as_secs_f64());
            most = most.max(log());
            if [1_000, NOTES].contains(&(number + 1)) {
                lengths.push(log());
            }
        }
        let took = started.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        let searched: Vec<(f64, usize)> =
            searchers.into_iter().map(|thread| thread.join().unwrap()).collect();
        (lengths, most, took, longest, searched)
    });
    println!(
        "{name:26} {:9.1} {:9.1} {:9.1} {:10.0} {:10.1} {:9.3} {:8}",
        megabytes(lengths[0]),
        megabytes(lengths[1]),
        megabytes(most),
        took * 1e6 / NOTES as f64,
        longest * 1e3,
        searched.iter().map(|(longest, _)| *longest).fold(0.0, f64::max),
        searched.iter().map(|(_, searches)| searches).sum::<usize>(),
    );
}

/// Notes of 800 bytes, of the sentences of the sample notes.
fn notes() -> impl Iterator<Item = NewEntry> {
    let entries = common::entries(3 * NOTES);
    (0..NOTES).map(move |number| {
        let parts = entries[3 * number..][..3].iter().map(|entry| entry.content.as_str());
        let mut content = parts.collect::<Vec<_>>().join(" ");
        let end = (0..=NOTE_BYTES.min(content.len())).rev().find(|&at| content.is_char_boundary(at));
        content.truncate(end.unwrap_or(0));
        NewEntry::new(entries[number].title.as_str()).content(content)
    })
}
