//! `search --rerank`, `--reranker`, `--precision` and `--model-host` of the command line program.

#![cfg(all(feature = "bundled-model", feature = "files", feature = "transformer"))]

use crate::program::World;

fn fixture(name: &str) -> String {
    format!("path:{}/rekall-model/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_reranker_puts_the_first_hits_in_its_order() {
    let world = World::new();
    for title in ["the server error in the cache", "the server", "error error server"] {
        world.add(&[title]);
    }
    let reranker = fixture("rerank-bert");
    let search = ["--reranker", &reranker, "search", "server", "--mode", "text", "--rerank", "3"];
    let found = world.json(&search);
    let hits = found["hits"].as_array().unwrap();
    let ranks: Vec<u64> = hits.iter().map(|hit| hit["explain"]["rerank"]["rank"].as_u64().unwrap()).collect();
    assert_eq!(ranks, [1, 2, 3]);
    let scores: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    // From a file of settings, in eight bits.
    let config = world.write("c.toml", &format!("[reranker]\nsource = \"{reranker}\"\nprecision = \"int8\""));
    let config = config.to_str().unwrap();
    let rounded = world.json(&["--config", config, "search", "server", "--mode", "text", "--rerank", "3"]);
    let near = rounded["hits"][0]["score"].as_f64().unwrap();
    assert!(near != scores[0] && (near - scores[0]).abs() < 0.1, "{near} {scores:?}");

    let (kind, message, code) = world.error(&["search", "server", "--rerank", "3"]);
    assert_eq!((kind.as_str(), code), ("invalid_input", 1));
    assert!(message.starts_with("no reranker"), "{message}");
    let output = world.run(&["--reranker", "path:gone", "search", "server", "--rerank", "3"]);
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("note: not re-ranked: gone"), "{said}");
}

#[test]
fn a_shared_model_and_reranker_find_the_same() {
    let world = World::new();
    let (model, reranker) = (fixture("bert-tiny-mean"), fixture("rerank-bert"));
    let models = ["--model", &model, "--reranker", &reranker];
    for title in ["the server error in the cache", "the server", "error error server"] {
        world.json(&[&models[..], &["add", title]].concat());
    }
    let search = [&models[..], &["search", "server error", "--rerank", "3"]].concat();
    let shared = [&["--model-host"], &search[..]].concat();
    if cfg!(all(feature = "host", unix)) {
        assert_eq!(world.json(&shared)["hits"], world.json(&search)["hits"]);
        return;
    }
    let output = world.run(&shared);
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("needs the Cargo feature `host`").count(), 2, "{said}");
}

#[test]
fn reembed_makes_vectors_in_eight_bits() {
    let world = World::new();
    world.add(&["the server error"]);
    let model = fixture("bert-tiny-mean");
    let int8 = ["--model", &model, "--precision", "int8"];
    let done = world.json(&[&int8[..], &["reembed"]].concat());
    assert_eq!((done["precision"].as_str(), done["entries"].as_u64()), (Some("int8"), Some(1)));
    let space = world.json(&["stats"])["space"].as_str().unwrap().to_owned();
    assert!(space.contains("; precision=int8; "), "{space}");
    let found = world.json(&[&int8[..], &["search", "server", "--mode", "semantic"]].concat());
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    let (kind, ..) = world.error(&["--model", &model, "search", "server", "--mode", "semantic"]);
    assert_eq!(kind, "model_mismatch");
    let (kind, message, _) = world.error(&["--db", "new.db", "--precision", "int8", "add", "a note"]);
    assert_eq!(kind, "invalid_input");
    assert!(message.contains("got int8 for a static model"), "{message}");
}
