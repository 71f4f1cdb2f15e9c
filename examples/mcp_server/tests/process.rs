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
