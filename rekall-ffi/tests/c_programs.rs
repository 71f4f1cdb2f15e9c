//! C and C++ programs against the libraries that cargo built: plain, under sanitizers, under valgrind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[allow(dead_code, reason = "the facade's tests use all of it")]
#[path = "../../tests/common/fake_hub.rs"]
mod fake_hub;
#[path = "support/toolchain.rs"]
mod toolchain;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fake_hub::FakeHub;
use toolchain::{answers, link_shared, run, skip};

/// Each program and its language's standard, as its first comment says.
const PROGRAMS: &[(&str, &str)] = &[
    ("c/main_path.c", "c90"),
    ("c/anywhere.c", "c90"),
    ("c/search.c", "c90"),
    ("c/filters.c", "c90"),
    ("c/entry_sets.c", "c90"),
    ("c/sources.c", "c90"),
    ("c/vectors.c", "c90"),
    ("c/ranking.c", "c90"),
    ("c/rerank.c", "c90"),
    ("c/misuse.c", "c99"),
    ("c/hostile.c", "c99"),
    ("c/sizes.c", "c99"),
    ("c/callbacks.c", "c99"),
    ("c/reentry.c", "c99"),
    ("c/interrupted.c", "c99"),
    ("c/gone.c", "c99"),
    ("c/flagged.c", "c99"),
    ("c/transfer.c", "c99"),
    ("c/files.c", "c99"),
    ("c/model.c", "c99"),
    ("c/wrong_model.c", "c99"),
    ("c/many.c", "c90"),
    ("c/threads.c", "c11"),
    ("c/exit.c", "c11"),
    ("c/cancelled.c", "c11"),
    ("c/every_function.c", "c11"),
    ("cpp/wrapper.cpp", "c++17"),
    ("cpp/wrapper.cpp", "c++20"),
    ("cpp/filters.cpp", "c++17"),
    ("cpp/entry_sets.cpp", "c++17"),
    ("cpp/sources.cpp", "c++17"),
    ("cpp/ranking.cpp", "c++17"),
    ("cpp/rerank.cpp", "c++17"),
    ("cpp/ownership.cpp", "c++17"),
    ("cpp/exit.cpp", "c++17"),
    ("cpp/edges.cpp", "c++17"),
    ("cpp/many.cpp", "c++17"),
    ("cpp/angry.cpp", "c++17"),
    ("cpp/edges.cpp", "c++20"),
];

/// Touches a page on purpose that it may not touch, which is all that valgrind would tell.
const FAULTS: &str = "c/interrupted.c";

const SANITIZERS: &[&str] = &["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/// The address of a hub with a model of an architecture that nothing here runs.
static HUB: LazyLock<String> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hub-of-wrong-models");
    fs::create_dir_all(&folder).unwrap();
    let config = r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}"#;
    fs::write(folder.join("config.json"), config).unwrap();
    fs::write(folder.join("model.safetensors"), "weights").unwrap();
    fs::write(folder.join("tokenizer.json"), "{}").unwrap();
    FakeHub::serve(folder).endpoint
});

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn compilers(program: &str) -> Vec<&'static str> {
    if program.ends_with(".c") { toolchain::c_compilers() } else { toolchain::cpp_compilers() }
}

/// Whether a compiler has the sanitizers and they work here.
fn sanitizers_work(compiler: &str, folder: &Path) -> bool {
    let (source, program) = (folder.join("probe.c"), folder.join("probe"));
    fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let compiled = Command::new(compiler).args(SANITIZERS).arg(&source).arg("-o").arg(&program).output();
    compiled.is_ok_and(|output| output.status.success())
        && Command::new(&program).output().is_ok_and(|output| output.status.success())
}

/// Compiles a program and runs it, alone or under another.
fn passes(name: &str, standard: &str, compiler: &str, flags: &[&str], under: &[&str]) {
    passes_at(None, name, standard, compiler, flags, under);
}

/// The same, with a memory that is not in the folder which the program is given.
fn passes_at(
    place: Option<&str>,
    name: &str,
    standard: &str,
    compiler: &str,
    flags: &[&str],
    under: &[&str],
) {
    let folder = tempfile::tempdir().unwrap();
    let (program, data) = (folder.path().join("program"), folder.path().join("data"));
    fs::create_dir(&data).unwrap();
    let standard = format!("-std={standard}");
    let flags: Vec<&str> = flags.iter().copied().chain([standard.as_str()]).collect();
    link_shared(compiler, &[&tests().join(name)], &flags, &program);
    let mut command = match under {
        [] => Command::new(&program),
        [other, arguments @ ..] => {
            let mut command = Command::new(other);
            command.args(arguments).arg(&program);
            command
        }
    };
    command.env("REKALL_TEST_HUB", &*HUB);
    if let Some(place) = place {
        command.env("REKALL_TEST_PLACE", place);
    }
    let output = run(command.arg(&data).arg(tests().join("../..")));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n", "{name}, {compiler}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}, {compiler}: a library does not print");
}

/// Valgrind runs a program on one processor.
fn on_all_processors<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(one)
                }
            });
        }
    });
}

#[test]
fn every_program_is_run() {
    let named: BTreeSet<String> = PROGRAMS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut found = BTreeSet::new();
    for language in ["c", "cpp"] {
        for file in fs::read_dir(tests().join(language)).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            if !name.ends_with(".h") && !name.ends_with(".hpp") {
                found.insert(format!("{language}/{name}"));
            }
        }
    }
    assert_eq!(found, named);
}

#[test]
fn every_function_with_a_handle_is_called_from_eight_threads() {
    let header = fs::read_to_string(toolchain::include().join("rekall.h")).unwrap();
    let declared: BTreeSet<String> = header
        .match_indices("rekall_db *db")
        .filter_map(|(at, _)| header[..at].trim_end_matches("const ").strip_suffix('('))
        .map(|before| before.rsplit([' ', '*', '\n']).next().unwrap().to_owned())
        .filter(|name| name != "rekall_close")
        .collect();
    assert!(declared.len() > 40, "{declared:?}");
    let program = fs::read_to_string(tests().join("c/every_function.c")).unwrap();
    let called: BTreeSet<String> = program
        .lines()
        .filter_map(|line| line.strip_prefix("    {\"rekall_")?.split_once('"'))
        .map(|(name, _)| format!("rekall_{name}"))
        .collect();
    assert_eq!(called, declared);
}

#[test]
fn programs_run_plain_and_under_sanitizers() {
    let folder = tempfile::tempdir().unwrap();
    let have_sanitizers: BTreeMap<&str, bool> = [toolchain::c_compilers(), toolchain::cpp_compilers()]
        .concat()
        .into_iter()
        .map(|compiler| (compiler, sanitizers_work(compiler, folder.path())))
        .collect();
    for compiler in have_sanitizers.iter().filter(|(_, works)| !**works) {
        skip(&format!("{} with sanitizers", compiler.0));
    }
    on_all_processors(PROGRAMS, |(name, standard)| {
        if compilers(name).is_empty() {
            skip(&format!("a compiler for {name}"));
        }
        for compiler in compilers(name) {
            passes(name, standard, compiler, &[], &[]);
            if have_sanitizers[compiler] {
                passes(name, standard, compiler, SANITIZERS, &[]);
            }
        }
    });
}

#[cfg(all(feature = "postgres", unix))]
#[test]
fn the_program_for_files_runs_on_a_server() {
    let Some(server) = rekall_postgres::testing::Server::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    if toolchain::c_compilers().is_empty() {
        skip("C compiler");
    }
    for compiler in toolchain::c_compilers() {
        let run = |flags| {
            passes_at(Some(&server.memory_url()), "c/anywhere.c", "c90", compiler, flags, &[]);
        };
        run(&[]);
        if sanitizers_work(compiler, folder.path()) {
            run(SANITIZERS);
        }
    }
}

#[test]
fn nothing_leaks_or_strays_under_valgrind() {
    if !answers("valgrind") {
        return skip("valgrind");
    }
    let valgrind = [
        "valgrind",
        "--quiet",
        "--error-exitcode=9",
        "--leak-check=full",
        "--show-leak-kinds=definite,indirect,possible",
        "--errors-for-leak-kinds=definite,indirect,possible",
    ];
    on_all_processors(PROGRAMS, |(name, standard)| match compilers(name).first() {
        Some(compiler) if *name != FAULTS => passes(name, standard, compiler, &["-g"], &valgrind),
        _ => {}
    });
}
