//! The server as a process: what it writes where, and how it ends. What it answers is `client.py`'s to test.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

fn start(db: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekall-mcp-server"));
    command.arg("--db").arg(db).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn send(server: &mut Child, message: &Value) {
    writeln!(server.stdin.as_mut().unwrap(), "{message}").unwrap();
}

fn handshake(server: &mut Child) {
    let client = json!({ "name": "test", "version": "1" });
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
    send(server, &json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }));
    send(server, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
}

fn remember(id: u32, title: &str) -> Value {
    let params = json!({ "name": "remember", "arguments": { "title": title } });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

/// The messages that a server wrote, which are all that it wrote.
fn messages(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_end_of_the_input_ends_it_and_what_was_asked_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(&folder.path().join("a.db"));
    handshake(&mut server);
    for id in 1..=20 {
        send(&mut server, &remember(id, &format!("Note {id}")));
    }
    // Closes the input.
    let output = server.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let answered: Vec<_> = messages(&output).iter().map(|message| message["id"].as_u64().unwrap()).collect();
    assert_eq!((answered.len(), answered[0]), (21, 0), "{answered:?}");
    let rekall = rekall::Rekall::builder(folder.path().join("a.db")).open().unwrap();
    assert_eq!(rekall.stats().unwrap().store.entries, 20);
}

#[test]
fn a_host_that_says_nothing_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let output = start(&folder.path().join("a.db")).wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["TERM", "INT"] {
        let mut server = start(&folder.path().join("a.db"));
        handshake(&mut server);
        let mut answer = String::new();
        BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut answer).unwrap();
        assert!(answer.contains("instructions"), "{answer}");
        let process = server.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &process]).status().unwrap().success());
        // The input stays open until the process has ended.
        let input = server.stdin.take();
        let output = server.wait_with_output().unwrap();
        drop(input);
        assert!(output.status.success() && output.stderr.is_empty(), "{signal}: {output:?}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.db");
    std::fs::write(&text, "just words, longer than the header of a database file would be").unwrap();
    let output = start(&text).wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("text.db"), "{output:?}");
}

#[test]
fn what_is_no_message_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(&folder.path().join("a.db"));
    handshake(&mut server);
    writeln!(server.stdin.as_mut().unwrap(), "no JSON\n{{\"jsonrpc\":\"2.0\"}}\n[]").unwrap();
    send(&mut server, &remember(1, "Still there"));
    let output = server.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(
        messages(&output).iter().any(|message| message["id"] == 1 && message["result"]["isError"] == false)
    );
}

/// `cargo xtask bench-mcp` runs the script with a release build and 10,000 notes.
#[cfg(target_os = "linux")]
#[test]
fn the_measurement_names_the_limits() {
    let folder = tempfile::tempdir().unwrap();
    let (database, report) = (folder.path().join("a.db"), folder.path().join("figures.json"));
    let rekall = rekall::Rekall::builder(&database).open().unwrap();
    let notes: Vec<_> = (0..12).map(|number| rekall::NewEntry::new(format!("Note {number}"))).collect();
    rekall.remember_many(&notes).run().unwrap();
    drop(rekall);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("measure.py");
    let mut measure = Command::new("python3");
    measure
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_rekall-mcp-server"))
        .arg(&database)
        .args(["--starts", "2", "--json"]);
    let output = measure.arg(&report).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    let row = |what: &str| {
        table.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {table}"))
    };
    assert!(row("among 12 notes, median of 2 starts").ends_with("| measured | limit |"));
    assert!(row("first answer of a cold server").contains("| 150 ms ("), "{table}");
    assert!(row("resident memory when idle").contains("| 40 MB ("), "{table}");
    let figures: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    let first = figures["first_answer_ms"]["max"].as_f64().unwrap();
    let verdict = if first <= 150.0 { "150 ms (kept)" } else { "150 ms (NOT kept)" };
    assert!(row("first answer of a cold server").contains(verdict), "{table}");
    assert_eq!(figures["notes"], 12);
    // The page has the same rows.
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/mcp.md")).unwrap();
    for line in table.lines().skip(2) {
        let what = line.split('|').nth(1).unwrap();
        assert!(page.contains(&format!("|{what}|")), "{what}");
    }
}
