//! The process's memory, and giving some of it back.
#![allow(unsafe_code)]

/// Resident memory before and after [`release_memory`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleasedMemory {
    /// Resident bytes before; `None` where the system does not report it.
    pub resident_before: Option<u64>,
    /// Resident bytes after.
    pub resident_after: Option<u64>,
}

/// Resident set size of this process in bytes; `None` on systems where it is not known how to ask
/// without more dependencies (all but Linux).
///
/// ```
/// if let Some(bytes) = rekall_model::process_rss() {
///     assert!(bytes > 0);
/// }
/// ```
pub fn process_rss() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// Asks the allocator to give freed memory back to the operating system.
///
/// On Linux with glibc this is `malloc_trim(0)`: glibc keeps freed memory for later use until this call. It
/// walks all arenas, which takes milliseconds. Elsewhere it does nothing, and need not: musl, macOS and
/// Windows return large blocks on their own. A host with another allocator asks that one (mimalloc:
/// `mi_collect(true)`; jemalloc: `arena.<i>.purge`), since it then holds what glibc would have.
///
/// ```
/// let released = rekall_model::release_memory();
/// if let (Some(before), Some(after)) = (released.resident_before, released.resident_after) {
///     println!("{before} bytes resident before, {after} after");
/// }
/// ```
pub fn release_memory() -> ReleasedMemory {
    let resident_before = process_rss();
    trim();
    ReleasedMemory { resident_before, resident_after: process_rss() }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn trim() {
    // SAFETY: `malloc_trim` takes no pointers, is thread-safe and may be called at any time.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}
