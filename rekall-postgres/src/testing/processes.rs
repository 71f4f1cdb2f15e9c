//! The processes of a server: one for itself, and one for each connection and task.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// The children of a process. Where there is no `/proc`, none are found.
pub(super) fn children(parent: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.filter(|&process| status(process).is_some_and(|(_, found)| found == parent)).collect()
}

/// The state of a process and its parent.
fn status(process: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before them is in parentheses and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Kills processes at once, and waits until they are gone.
pub(super) fn kill(processes: &[u32]) {
    let numbers = processes.iter().map(u32::to_string);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"for process; do kill -KILL "$process" 2> /dev/null; done; true"#, "kill"]);
    assert!(command.args(numbers).status().unwrap().success());
    let gone = |&process: &u32| status(process).is_none_or(|(state, _)| state == 'Z');
    wait_until("killed processes are gone", || processes.iter().all(gone));
}

/// Waits for what another process does, which sends no word.
///
/// # Panics
/// When it has not happened after half a minute.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
