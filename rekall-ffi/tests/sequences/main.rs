//! Sequences of calls driven by bytes: whatever the order, the sizes, the NULLs and the texts, nothing crashes, every
//! failed call has its error, every output is empty after a failure, and what was handed over to the library is
//! destroyed exactly once.
//!
//! `REKALL_FUZZ_CALLS=1000000 cargo test --release -p rekall-ffi --test sequences` runs a million calls;
//! `REKALL_FUZZ_SEED` chooses others. A sequence that failed is printed as hexadecimal digits: put its bytes into
//! tests/corpus, whose files are run first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod callbacks;
mod entries;
mod machine;
mod reading;
mod searches;
mod work;

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

#[test]
fn the_corpus_runs() {
    let mut files: Vec<_> = fs::read_dir(corpus()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 8);
    for file in files {
        eprintln!("{}", file.display());
        run(&fs::read(file).unwrap());
    }
}

#[test]
fn random_sequences_run() {
    let (wanted, seed) =
        (number("REKALL_FUZZ_CALLS").unwrap_or(200_000), number("REKALL_FUZZ_SEED").unwrap_or(1));
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
    let Counts { calls, fallible, succeeded } = made;
    println!("{calls} calls, {fallible} of them can fail, {succeeded} of these did not");
    assert!(succeeded * 4 > fallible, "most calls were refused at the door: that tests little");
}
