//! How soon a search ends after it is told to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rekall_index::testing::Random;
use rekall_index::{Error, SearchOptions, VectorSearch};
use serde::Serialize;

use crate::measure::median;
use crate::{BoxError, K};

/// Milliseconds from setting the flag to the search's return.
#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    median_ms: f64,
    most_ms: f64,
    searches: usize,
    /// Searches that the flag reached; others were done before it was set.
    cancelled: usize,
}

/// Cancels searches at random moments. A search for one query or, if there are more, for a batch.
pub(crate) fn latency(index: &dyn VectorSearch, queries: &[f32], batch: bool) -> Result<Latency, BoxError> {
    const TIMES: usize = 40;
    let run = |flag: &AtomicBool| {
        let options = SearchOptions::new(K).with_cancel(flag);
        if batch {
            index.search_batch(queries, &options).map(drop)
        } else {
            index.search(queries, &options).map(drop)
        }
    };
    let started = Instant::now();
    run(&AtomicBool::new(false))?;
    let whole = started.elapsed();
    let mut random = Random::new(9);
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let after = whole.mul_f32(0.8 * (random.signed() + 1.0) / 2.0);
        let (flag, set_at) = (AtomicBool::new(false), Mutex::new(None));
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                sleep(after);
                *set_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                flag.store(true, Ordering::Relaxed);
            });
            let result = run(&flag);
            let ended = Instant::now();
            result.map(|()| None).or_else(|error| match error {
                Error::Cancelled => Ok(Some(ended)),
                other => Err(other),
            })
        })?;
        let set_at = set_at.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let (Some(ended), Some(set_at)) = (result, set_at) {
            times.push(ended.saturating_duration_since(set_at).as_secs_f64() * 1e3);
        }
    }
    let most_ms = times.iter().copied().fold(0.0, f64::max);
    Ok(Latency { searches: TIMES, cancelled: times.len(), median_ms: median(times), most_ms })
}

/// Sleeps; short spans by spinning, which the system's timer would overshoot.
fn sleep(span: Duration) {
    let started = Instant::now();
    std::thread::sleep(span.saturating_sub(Duration::from_millis(1)));
    while started.elapsed() < span {
        std::hint::spin_loop();
    }
}
