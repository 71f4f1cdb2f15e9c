//! A model, and a reranker, that processes share: asked for by the builder, the settings or the load options. What it does is tested
//! where it is made, with processes of its own (`rekall-model/tests/host`); here, that the wish arrives.
#![cfg(feature = "transformer")]

use std::path::Path;

use rekall::model::LoadOptions;
use rekall::{Builder, Config, ModelSource, NewEntry, Rekall};

fn fixture(name: &str) -> ModelSource {
    ModelSource::Path(Path::new(env!("CARGO_MANIFEST_DIR")).join("rekall-model/tests/fixtures").join(name))
}

/// The ways to ask for a shared model, and those to take it back. Of each: whether the model is shared, and the reranker.
const WAYS: [(&str, [bool; 2]); 8] = [
    ("nothing", [false, false]),
    ("builder", [true, true]),
    ("settings", [true, true]),
    ("load options", [true, true]),
    ("reranker's load options", [false, true]),
    ("builder, and load options without", [true, true]),
    ("builder against load options", [false, false]),
    ("settings against load options", [false, false]),
];

fn asked(way: &str, builder: Builder) -> Builder {
    let settings = |toml: &str| toml.parse::<Config>().unwrap();
    let shared = || LoadOptions::new().model_host(true);
    match way {
        "nothing" => builder,
        "builder" => builder.model_host(true),
        "settings" => builder.config(settings("[model]\nhost = true")),
        "load options" => builder.load_options(shared()),
        "reranker's load options" => builder.reranker_load_options(shared()),
        "builder, and load options without" => builder
            .model_host(true)
            .load_options(LoadOptions::new())
            .reranker_load_options(LoadOptions::new()),
        "builder against load options" => {
            builder.load_options(shared()).reranker_load_options(shared()).model_host(false)
        }
        "settings against load options" => {
            builder.config(settings("[model]\nhost = false")).load_options(shared())
        }
        other => panic!("{other}"),
    }
}

/// A memory with both models.
fn open(way: &str, path: &Path) -> Rekall {
    let builder = asked(way, Rekall::builder(path));
    builder.model(fixture("bert-tiny-mean")).reranker(fixture("rerank-bert")).open().unwrap()
}

#[cfg(not(feature = "host"))]
#[test]
fn a_build_without_it_says_so_wherever_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for (way, [model, reranker]) in WAYS {
        let memory = open(way, &folder.path().join("a.db"));
        for (is_shared, loaded) in [(model, memory.load_model()), (reranker, memory.load_reranker())] {
            let Err(error) = loaded else {
                assert!(!is_shared, "{way}");
                continue;
            };
            assert_eq!((is_shared, error.kind()), (true, rekall::ErrorKind::Unsupported), "{way}");
            let said = error.to_string();
            assert!(said.contains("needs the Cargo feature `host` of rekall-model"), "{way}: {said}");
        }
    }
}

#[test]
fn the_built_in_model_is_as_without_it() {
    if !cfg!(feature = "bundled-model") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let memory = Rekall::builder(folder.path().join("a.db")).model_host(true).open().unwrap();
    memory.remember(NewEntry::new("the disk is full")).unwrap();
    assert_eq!(memory.recall("full disk").run().unwrap().len(), 1);
}

#[cfg(feature = "host")]
mod shared {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, ChildStdout, Command, Stdio};

    use super::*;

    /// In the environment of a process of its own: the memory's file, and how a shared model is asked for.
    const FILE: &str = "REKALL_TEST_SHARED_FILE";
    const WAY: &str = "REKALL_TEST_SHARED_WAY";

    /// In the environment of any process: where the folder is in which users of a model meet.
    const BASE: &str = if cfg!(windows) { "LOCALAPPDATA" } else { "XDG_RUNTIME_DIR" };

    /// Searches, says what it found and what it holds, and ends when nobody listens any more. In the tests' own process, nothing.
    #[test]
    fn process_of_its_own() {
        let (Some(file), Ok(way)) = (std::env::var_os(FILE), std::env::var(WAY)) else { return };
        let memory = open(&way, Path::new(&file));
        let found = memory.recall("server error").rerank(3).run().unwrap();
        assert!(found.degraded.is_empty(), "{:?}", found.degraded);
        let hits: Vec<_> =
            found.iter().map(|hit| (hit.entry.id, hit.score.to_bits(), hit.similarity)).collect();
        let taken = memory.stats().unwrap().memory;
        println!("\n> {} {} {hits:?}", taken.model == 0, taken.reranker == 0);
        // Until its other end is closed.
        std::io::stdin().lines().for_each(drop);
    }

    /// Such a process.
    struct User {
        process: Child,
        output: BufReader<ChildStdout>,
        /// Whether it holds no model, and no reranker.
        without: [bool; 2],
        found: String,
    }

    impl User {
        fn start(file: &Path, runtime: &Path, way: &str) -> Self {
            let mut process = Command::new(std::env::current_exe().unwrap())
                .args(["model_host::shared::process_of_its_own", "--exact", "--nocapture"])
                .envs([(FILE, file), (WAY, Path::new(way)), (BASE, runtime)])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut output = BufReader::new(process.stdout.take().unwrap());
            let mut line = String::new();
            while !line.starts_with("> ") {
                line.clear();
                assert!(output.read_line(&mut line).unwrap() > 0, "{way}: the process ended");
            }
            let mut words = line["> ".len()..].trim_end().splitn(3, ' ');
            let without = [words.next() == Some("true"), words.next() == Some("true")];
            let found = words.next().unwrap().to_owned();
            Self { process, output, without, found }
        }

        fn leave(mut self) {
            drop(self.process.stdin.take());
            std::io::copy(&mut self.output, &mut std::io::sink()).unwrap();
            assert!(self.process.wait().unwrap().success());
        }
    }

    #[test]
    fn the_second_process_holds_nothing_and_finds_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let memory = open("nothing", &file);
        for title in ["the server error in the cache", "the server", "error error server"] {
            memory.remember(NewEntry::new(title)).unwrap();
        }
        let mut expected = None;
        for (way, is_shared) in WAYS {
            let first = User::start(&file, folder.path(), way);
            let second = User::start(&file, folder.path(), way);
            assert_eq!((first.without, second.without), ([false, false], is_shared), "{way}");
            let expected = expected.get_or_insert_with(|| first.found.clone());
            assert_eq!((&first.found, &second.found), (&*expected, &*expected), "{way}");
            first.leave();
            second.leave();
        }
    }
}
