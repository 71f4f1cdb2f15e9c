//! What does the C ABI add to a recall by vector?
//!
//! `cargo bench -p rekall-ffi --bench boundary` prints the medians of both and their difference, then what the boundary costs where
//! there is nothing behind it.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::ffi::CString;
use std::hint::black_box;
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

use rekall::{NewEntry, Rekall};
use rekall_ffi::*;

const DIMENSIONS: usize = 256;
const ENTRIES: usize = 1000;
const ROUNDS: usize = 4000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("boundary.db");
    let rust = Rekall::builder(&path).vectors_of("bench", DIMENSIONS).open().unwrap();
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 16) as u16) / 65536.0 - 0.5
    };
    let entries: Vec<NewEntry> =
        (0..ENTRIES).map(|number| NewEntry::new(format!("entry {number}"))).collect();
    let rows: Vec<f32> = (0..ENTRIES * DIMENSIONS).map(|_| noise()).collect();
    rust.remember_many(&entries).vectors(&rows).run().unwrap();
    let query: Vec<f32> = (0..DIMENSIONS).map(|_| noise()).collect();

    let c_path = CString::new(path.to_str().unwrap()).unwrap();
    let mut db = null_mut();
    // SAFETY: all bytes zero are the default of an option struct; the pointers are good.
    unsafe {
        let mut options: OpenOptions = std::mem::zeroed();
        options.struct_size = size_of::<OpenOptions>();
        options.flags = REKALL_OPEN_NO_MODEL;
        assert_eq!(rekall_open(c_path.as_ptr(), &raw const options, &raw mut db, null_mut()), REKALL_OK);
    }
    let through_c = || {
        let mut hits = null_mut();
        // SAFETY: a good handle and good pointers.
        unsafe {
            let status =
                rekall_recall_vector(db, query.as_ptr(), DIMENSIONS, null(), &raw mut hits, null_mut());
            assert_eq!(status, REKALL_OK);
            assert_eq!(rekall_hits_count(hits), 10);
            rekall_hits_free(hits);
        }
    };
    let in_rust = || assert_eq!(black_box(rust.recall_vector(&query).run().unwrap()).len(), 10);

    // Alternately, so that whatever else the machine does falls on both alike.
    let (mut c, mut r) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
    for round in 0..ROUNDS + 200 {
        let (a, b) = (time(&through_c), time(&in_rust));
        if round >= 200 {
            c.push(a);
            r.push(b);
        }
    }
    let (c, r) = (median(&mut c), median(&mut r));
    println!("recall_vector, {ENTRIES} x {DIMENSIONS}, 10 hits: C {c:.2?}, Rust {r:.2?}");
    println!("the boundary adds {} ns", c.as_nanos() as i64 - r.as_nanos() as i64);
    // SAFETY: a good handle, not used again, and good pointers.
    unsafe {
        let (state, token) = (std::cell::Cell::new(0), rekall_token_new());
        let empty = each(&|| assert_eq!(rekall_model_state(db, state.as_ptr(), null_mut()), REKALL_OK));
        let object = each(&|| assert_eq!(rekall_token_is_cancelled(token), 0));
        println!("a call that does next to nothing: {empty:.1} ns; a look at a token: {object:.1} ns");
        rekall_token_free(token);
        rekall_close(db);
    }
}

/// Nanoseconds that one of many takes, in the best of some rounds.
fn each(work: &impl Fn()) -> f64 {
    const MANY: usize = 100_000;
    let rounds = (0..20).map(|_| time(&|| (0..MANY).for_each(|_| work())));
    rounds.min().unwrap_or_default().as_nanos() as f64 / MANY as f64
}

fn time(work: &impl Fn()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
