//! Time, processor time and memory of this process.

use std::time::Instant;

use serde::Serialize;

/// One turn of a contender.
#[derive(Debug, Serialize)]
pub(crate) struct Turn {
    /// Milliseconds of each search.
    ms: Vec<f64>,
    /// Processor time over time: how many threads really ran.
    cores: f64,
}

/// Runs `search` again and again for about `seconds`. The first time is not counted, for the caches are full of what the
/// contender before needed; unless it alone took longer than that, when caches no longer matter.
pub(crate) fn turn<E>(seconds: f64, mut search: impl FnMut() -> Result<(), E>) -> Result<Turn, E> {
    const LEAST: usize = 3;
    let mut ms = Vec::new();
    let (mut started, mut cpu) = (Instant::now(), cpu_seconds());
    search()?;
    let first = started.elapsed().as_secs_f64();
    if first > seconds {
        ms.push(first * 1e3);
    } else {
        (started, cpu) = (Instant::now(), cpu_seconds());
        while ms.len() < LEAST || started.elapsed().as_secs_f64() < seconds {
            let search_started = Instant::now();
            search()?;
            ms.push(search_started.elapsed().as_secs_f64() * 1e3);
        }
    }
    let cores = (cpu_seconds() - cpu) / started.elapsed().as_secs_f64();
    Ok(Turn { ms, cores })
}

/// Seconds of processor time, of all threads.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists on every system with POSIX threads, and the time is written to memory that is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Bytes of memory that only this process holds and no file backs, once the allocator gave back what it could; `None` where
/// the system does not say.
pub(crate) fn resident_bytes() -> Option<u64> {
    // SAFETY: gives free memory back to the system, and touches nothing that is in use.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::malloc_trim(0);
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
