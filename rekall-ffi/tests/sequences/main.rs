//! Sequences of calls driven by bytes: whatever the order, the sizes, the NULLs and the texts, nothing crashes, every
//! failed call has its error, every output is empty after a failure, and what was handed over to the library is
//! destroyed exactly once.
//!
//! `cargo xtask test` makes a million calls, `cargo xtask fuzz CALLS SEED` as many others as wanted (`REKALL_FUZZ_CALLS`,
//! `REKALL_FUZZ_SEED`). A sequence that failed is printed as hexadecimal digits: put its bytes into
//! tests/corpus, whose files are run first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod callbacks;
mod entries;
mod machine;
mod reading;
mod searches;
mod together;
mod work;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use machine::{Counts, Machine};

/// Runs one sequence, and tells it when it fails.
fn run(bytes: &[u8]) -> Counts {
    struct Tell<'a>(&'a [u8]);
    impl Drop for Tell<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
                eprintln!("the sequence: {digits}");
            }
        }
    }
    let _tell = Tell(bytes);
    let folder = tempfile::tempdir().unwrap();
    Machine::new(bytes, folder.path()).run()
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The functions that the header declares.
fn declared() -> BTreeSet<&'static str> {
    include_str!("../../../include/rekall.h")
        .lines()
        .filter(|line| !line.starts_with([' ', '*', '/', '#', '}']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("rekall_"))
        .collect()
}

#[test]
fn every_function_is_in_the_sequences() {
    let mut missing = declared();
    assert!(missing.len() > 100, "{}", missing.len());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sequences");
    for file in fs::read_dir(folder).unwrap() {
        let source = fs::read_to_string(file.unwrap().path()).unwrap();
        missing.retain(|name| !source.contains(&format!("{name}(")));
    }
    assert!(missing.is_empty(), "no sequence calls {missing:?}");
}

#[test]
fn the_corpus_runs() {
    let mut files: Vec<_> = fs::read_dir(corpus()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 8);
    let mut made = Counts::default();
    for file in files {
        eprintln!("{}", file.display());
        made.add(run(&fs::read(file).unwrap()));
    }
    // What the corpus was made before would be missing in it.
    let cannot_fail = [24, 25, 26, 39];
    let idle: Vec<u32> =
        (0..40).filter(|at| made.worked >> at & 1 == 0 && !cannot_fail.contains(at)).collect();
    assert!(idle.is_empty(), "operations without a success in the corpus: {idle:?}");
}

#[test]
fn random_sequences_run() {
    let (wanted, seed) =
        (number("REKALL_FUZZ_CALLS").unwrap_or(1_000_000), number("REKALL_FUZZ_SEED").unwrap_or(1));
    eprintln!("REKALL_FUZZ_SEED={seed}");
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut made = Counts::default();
    while made.calls < wanted {
        let bytes: Vec<u8> = (0..6000)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .collect();
        made.add(run(&bytes));
    }
    let Counts { calls, fallible, succeeded, .. } = made;
    println!("{calls} calls, {fallible} of them can fail, {succeeded} of these did not");
    assert!(succeeded * 4 > fallible, "most calls were refused at the door: that tests little");
}
