//! How long until a new process has its first answer, and until a write is found? 100,000 entries, 384 dimensions.
//!
//! Prints medians as a table. The vectors are given, so no model takes part; the page cache is warm.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use common::{Vectors, median};
use rekall::{EntryPatch, NewEntry, Rekall};

const ROWS: usize = 100_000;
const DIMENSIONS: usize = 384;
const ROUNDS: usize = 15;
/// Tells the program that it is the other process, and what to do.
const ROLE: &str = "REKALL_BENCH_ROLE";

fn main() {
    match env::var(ROLE).as_deref() {
        Ok("first_answer") => first_answer(),
        Ok("read_codes") => read_codes(),
        Ok("writer") => writer(),
        // `cargo test` builds and runs benches, too, and is not to wait for this one.
        _ if env::args().any(|argument| argument == "--bench") => bench(),
        _ => {}
    }
}

fn file() -> std::path::PathBuf {
    env::args_os().nth(1).unwrap().into()
}

fn open(path: &Path) -> Rekall {
    Rekall::builder(path).vectors_of("bench", DIMENSIONS).open().unwrap()
}

fn bench() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.db");
    fill(&path);
    println!("{ROWS} entries, {DIMENSIONS} dimensions, medians of {ROUNDS}");
    let (mut read, mut first) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        read.push(run_to_the_end("read_codes", &path));
        first.push(run_to_the_end("first_answer", &path));
    }
    let (read, first) = (median(read), median(first));
    println!("new process, codes read                     {read:8.2} ms");
    println!("new process, first exact top-10             {first:8.2} ms, {:.2} x", first / read);
    changes(&path);
    history(&path);
}

fn fill(path: &Path) {
    let rekall = open(path);
    let mut vectors = Vectors::new(DIMENSIONS, 2);
    let entries = common::entries(ROWS);
    for entries in entries.chunks(10_000) {
        let rows: Vec<f32> = entries.iter().flat_map(|_| vectors.next()).collect();
        rekall.remember_many(entries).vectors(&rows).run().unwrap();
    }
    rekall.rebuild_index().run().unwrap();
    let query: Vec<u8> = vectors.next().into_iter().flat_map(f32::to_le_bytes).collect();
    std::fs::write(path.with_extension("query"), query).unwrap();
}

/// From a write's return to the answer that holds it.
fn changes(path: &Path) {
    let rekall = open(path);
    let mut vectors = Vectors::new(DIMENSIONS, 3);
    let search = |vector: &[f32]| {
        let started = Instant::now();
        let found = rekall.recall_vector(vector).limit(10).run().unwrap();
        (started.elapsed().as_secs_f64() * 1e3, found)
    };
    let mut other = spawn("writer", path);
    let mut lines = BufReader::new(other.stdout.take().unwrap()).lines();
    let (mut quiet, mut own, mut foreign) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS as u64 {
        let vector = vectors.next();
        search(&vector);
        quiet.push(search(&vector).0);
        let id = rekall.remember_with_vector(NewEntry::new("new"), &vector).unwrap();
        let (elapsed, found) = search(&vector);
        assert!(found.iter().any(|hit| hit.entry.id == id));
        own.push(elapsed);
        writeln!(other.stdin.as_mut().unwrap(), "{round}").unwrap();
        let id = lines.next().unwrap().unwrap();
        let (elapsed, found) = search(&Vectors::new(DIMENSIONS, round).next());
        assert!(found.iter().any(|hit| hit.entry.id.to_string() == id));
        foreign.push(elapsed);
    }
    drop(other.stdin.take());
    other.wait().unwrap();
    let (quiet, own, foreign) = (median(quiet), median(own), median(foreign));
    println!("search, nothing new                         {quiet:8.2} ms");
    println!("search after an upsert of this process      {own:8.2} ms, {:+.2} ms", own - quiet);
    println!("search after an upsert of another process   {foreign:8.2} ms, {:+.2} ms", foreign - quiet);
}

/// A hundred thousand updates, against the same file filled anew.
fn history(path: &Path) {
    let rekall = open(path);
    let mut vectors = Vectors::new(DIMENSIONS, 4);
    let query = vectors.next();
    rekall.recall_vector(&query).run().unwrap();
    let ids: Vec<_> = {
        let tx = rekall.store().read().unwrap();
        tx.entries_after(0, ROWS).unwrap().into_iter().map(|(_, entry)| entry.id).collect()
    };
    let patch = EntryPatch::new().title("changed");
    for id in &ids {
        rekall.update_with_vector(*id, &patch, &vectors.next()).unwrap();
    }
    let anew = open(path);
    let time = |rekall: &Rekall| {
        let started = Instant::now();
        rekall.recall_vector(&query).limit(10).run().unwrap();
        started.elapsed().as_secs_f64() * 1e3
    };
    time(&rekall);
    time(&anew);
    let (old, new): (Vec<f64>, Vec<f64>) = (0..200).map(|_| (time(&rekall), time(&anew))).unzip();
    let (old, new) = (median(old), median(new));
    println!("search after {ROWS} updates             {old:8.2} ms, {:.3} x filled anew", old / new);
    let [old, new] = [&rekall, &anew].map(|rekall| rekall.stats().unwrap().memory.index as f64);
    println!("index after them                            {:8.2} MB, {:.3} x", old / 1e6, old / new);
}

fn spawn(role: &str, path: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .arg(path)
        .env(ROLE, role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// From the start of a process to its end.
fn run_to_the_end(role: &str, path: &Path) -> f64 {
    let started = Instant::now();
    assert!(spawn(role, path).wait().unwrap().success());
    started.elapsed().as_secs_f64() * 1e3
}

fn first_answer() {
    let query: Vec<f32> = std::fs::read(file().with_extension("query"))
        .unwrap()
        .as_chunks()
        .0
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect();
    let rekall = open(&file());
    assert_eq!(rekall.recall_vector(&query).limit(10).run().unwrap().len(), 10);
}

fn read_codes() {
    let connection = rusqlite::Connection::open(file()).unwrap();
    let mut statement = connection.prepare("SELECT data FROM index_block").unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut sum = 0;
    while let Some(row) = rows.next().unwrap() {
        sum += row.get::<_, Vec<u8>>(0).unwrap().len();
    }
    assert!(sum > ROWS * DIMENSIONS);
}

fn writer() {
    let rekall = open(&file());
    for round in std::io::stdin().lines() {
        let vector = Vectors::new(DIMENSIONS, round.unwrap().parse().unwrap()).next();
        let id = rekall.remember_with_vector(NewEntry::new("from elsewhere"), &vector).unwrap();
        println!("{id}");
    }
}
