//! The server as a process: what it writes where, and how it ends. What it answers is `client.py`'s to test.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

fn start(db: &Path) -> Child {
    start_with(db, &[])
}

fn start_with(db: &Path, options: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekall-mcp-server"));
    command
        .arg("--db")
        .arg(db)
        .args(options)
        // Where processes that share a model meet.
        .env("XDG_RUNTIME_DIR", db.parent().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
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

fn call(id: u32, tool: &str, arguments: &Value) -> Value {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

fn remember(id: u32, title: &str) -> Value {
    call(id, "remember", &json!({ "title": title }))
}

/// What a server of its own, started with `options`, answers to one call.
fn answer(db: &Path, options: &[&str], tool: &str, arguments: &Value) -> String {
    let mut server = start_with(db, options);
    handshake(&mut server);
    send(&mut server, &call(1, tool, arguments));
    let output = server.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let answer = messages(&output).into_iter().find(|message| message["id"] == 1).unwrap();
    answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

fn fixture(name: &str) -> String {
    format!("path:{}/../../rekall-model/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
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

#[test]
fn a_reranker_orders_the_hits_of_every_search() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("a.db");
    let reranker = fixture("rerank-bert");
    let rekall = rekall::Rekall::builder(&db).reranker(reranker.parse().unwrap()).open().unwrap();
    let titles =
        ["the server error in the cache", "the server", "error error server", "memory of the server"];
    for title in titles {
        rekall.remember(rekall::NewEntry::new(title)).unwrap();
    }
    let order = |hits: usize| {
        let found = rekall.recall("server error").rerank(hits).limit(8).run().unwrap();
        found.iter().map(|hit| hit.entry.title.clone()).collect::<Vec<_>>()
    };
    assert_ne!(order(0), order(20), "the reranker has its own opinion");
    let query = json!({ "query": "server error" });
    for (options, expected) in [
        (&[][..], order(0)),
        (&["--reranker", &reranker], order(20)),
        (&["--reranker", &reranker, "--rerank", "2"], order(2)),
    ] {
        let said = answer(&db, options, "recall", &query);
        let places: Vec<_> = expected
            .iter()
            .enumerate()
            .map(|(at, title)| said.find(&format!("{}. {title}\n", at + 1)))
            .collect();
        assert!(places.iter().all(Option::is_some), "{options:?}: {expected:?} {said}");
        assert!(!said.contains("not complete"), "{said}");
    }
    // One that is not there makes no search fail.
    let said = answer(&db, &["--reranker", "path:gone"], "recall", &query);
    assert!(said.starts_with("(not complete: not re-ranked: gone"), "{said}");
    assert!(said.contains(&format!("1. {}", order(0)[0])), "{said}");
}

#[test]
fn a_model_is_loaded_as_the_options_say() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("a.db");
    let model = fixture("bert-tiny-mean");
    answer(&db, &["--model", &model, "--precision", "int8"], "remember", &json!({ "title": "the server" }));
    let rekall = rekall::Rekall::builder(&db).without_model().open().unwrap();
    let space = rekall.stats().unwrap().space.unwrap();
    assert!(space.contains("; precision=int8; "), "{space}");
    // Vectors of floats are others.
    let query = json!({ "query": "server" });
    let said = answer(&db, &["--model", &model], "recall", &query);
    assert!(said.contains(", int8, "), "{said}");
    let said = answer(&db, &["--model", &model, "--precision", "int8", "--model-host"], "recall", &query);
    // The library may have the feature without this program having asked for it.
    let shared =
        rekall::Rekall::builder(&db).model(model.parse().unwrap()).precision(rekall::Precision::Int8);
    let refused = shared.model_host(true).open().unwrap().load_model().err();
    let without = "needs the Cargo feature `host`";
    assert_eq!(said.contains(without), refused.is_some(), "{said} {refused:?}");
    assert!(said.contains("the server"), "{said}");
}

#[test]
fn options_that_mean_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("a.db");
    for (options, said) in [
        (&["--rerank", "5"][..], "--reranker"),
        (&["--reranker", "path:x", "--rerank", "0"], "expected 1 to 1000"),
        (&["--reranker", "path:x", "--rerank", "1001"], "expected 1 to 1000"),
        (&["--precision", "f16"], "--precision"),
        (&["--reranker", "bundled"], "path:DIR or hub:REPO"),
    ] {
        let output = start_with(&db, options).wait_with_output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{options:?}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{options:?}: {output:?}");
    }
    assert!(!db.exists());
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
