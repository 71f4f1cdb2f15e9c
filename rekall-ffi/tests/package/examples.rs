//! The examples, copied out of the repository and built by make and by CMake.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::toolchain::{self, answers, skip};
use crate::tree::{folder, prefix, soname};

fn sources(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(language)
}

/// Copies an example folder out of the repository and builds it with its Makefile.
fn build(language: &str, place: &str, make: &[&str]) -> PathBuf {
    let target = folder(place);
    for file in fs::read_dir(sources(language)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), target.join(file.file_name())).unwrap();
    }
    let mut command = Command::new("make");
    command.args(make).current_dir(&target).env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"));
    toolchain::run(&mut command);
    target
}

/// Whether make can be used, and what with.
fn have_make() -> bool {
    let missing: Vec<&str> =
        ["make", "pkg-config", "cc", "c++"].into_iter().filter(|tool| !answers(tool)).collect();
    missing.iter().for_each(|tool| skip(tool));
    missing.is_empty()
}

/// Runs a program of the examples in its folder; what it prints.
fn output(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = toolchain::run(Command::new(folder.join(program)).args(arguments).current_dir(folder));
    String::from_utf8(output.stdout).unwrap()
}

/// What the C examples answer.
fn c_examples_answer(folder: &Path) {
    if cfg!(feature = "bundled-model") {
        let text = output(folder, "quickstart", &[]);
        assert!(text.lines().next().unwrap().contains("CORS fails on Safari"), "{text}");
    }
    output(folder, "own_embedder", &[]);
    // A second time as the first: it leaves nothing behind.
    let text = output(folder, "own_embedder", &[]);
    assert_eq!(text.matches("Marmalade recipe\n").count(), 1, "{text}");
    assert!(text.contains("Marmalade recipe\n") && text.contains("the model was asked 4 times"), "{text}");
}

/// What the C++ example answers.
fn cpp_example_answers(folder: &Path) {
    let notes = folder.join("files");
    fs::create_dir(&notes).unwrap();
    fs::write(notes.join("a.md"), "# Backup\nThe disk was full.\n\n## Restore\nTake the newest file.\n")
        .unwrap();
    fs::write(notes.join("b.txt"), "Trains leave at noon.\n").unwrap();
    let text = output(folder, "notes", &["notes.db", "files", "when do trains leave"]);
    assert!(text.starts_with("3 sections indexed, 3 in all\n"), "{text}");
    assert!(text.lines().nth(1).unwrap().contains("b.txt"), "{text}");
    let again = output(folder, "notes", &["notes.db", "files", "disk"]);
    assert!(again.starts_with("0 sections indexed, 3 in all\n"), "{again}");
    // A name that JSON must escape, and one without a word; then a change, and one that is gone.
    fs::write(notes.join("c\t\"x\".md"), "Ferries wait for the tide.\n").unwrap();
    fs::write(notes.join("--.txt"), "Buses come in pairs.\n").unwrap();
    let more = output(folder, "notes", &["notes.db", "files", "ferries"]);
    assert!(more.starts_with("2 sections indexed, 5 in all\n"), "{more}");
    fs::write(notes.join("b.txt"), "Trains leave at one o'clock now.\n").unwrap();
    fs::remove_file(notes.join("a.md")).unwrap();
    let less = output(folder, "notes", &["notes.db", "files", "trains"]);
    assert!(less.starts_with("1 sections indexed, 3 in all\n"), "{less}");
}

#[test]
fn make_builds_the_c_examples_shared_and_static() {
    if !have_make() {
        return;
    }
    for (place, make) in [("c-shared", &[][..]), ("c-static", &["STATIC=1"][..])] {
        let folder = build("c", place, make);
        c_examples_answer(&folder);
        let needed = toolchain::run(Command::new("ldd").arg(folder.join("quickstart"))).stdout;
        let needed = String::from_utf8(needed).unwrap();
        assert_eq!(needed.contains(&soname()), make.is_empty(), "{place}: {needed}");
    }
}

#[test]
fn make_builds_the_cpp_example_shared_and_static() {
    if !have_make() {
        return;
    }
    for (place, make) in [("cpp-shared", &[][..]), ("cpp-static", &["STATIC=1"][..])] {
        cpp_example_answers(&build("cpp", place, make));
    }
}

#[test]
fn cmake_finds_the_tree() {
    let Some(cmake) = toolchain::cmake() else { return skip("cmake") };
    for (language, program) in [("c", "quickstart"), ("cpp", "notes")] {
        for linked in ["OFF", "ON"] {
            let place = folder(&format!("cmake-{language}-{linked}"));
            let mut configure = Command::new(&cmake);
            configure.arg("-S").arg(sources(language)).arg("-B").arg(&place);
            configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display()));
            configure.arg(format!("-DREKALL_STATIC={linked}"));
            toolchain::run(&mut configure);
            toolchain::run(Command::new(&cmake).arg("--build").arg(&place));
            match program {
                "notes" => cpp_example_answers(&place),
                _ => c_examples_answer(&place),
            }
        }
    }
}

/// Whether CMake takes the tree below `prefix` in a project that asks for it with these lines.
fn cmake_takes(cmake: &str, name: &str, prefix: &Path, lines: &str) -> bool {
    let place = folder(name);
    let project = format!(
        "cmake_minimum_required(VERSION 3.15)\nproject(wanted C)\n{lines}\n\
         add_executable(wanted wanted.c)\ntarget_link_libraries(wanted PRIVATE rekall::rekall)\n"
    );
    fs::write(place.join("CMakeLists.txt"), project).unwrap();
    fs::write(place.join("wanted.c"), "#include <rekall.h>\nint main(void) { return 0; }\n").unwrap();
    let mut configure = Command::new(cmake);
    configure.arg("-S").arg(&place).arg("-B").arg(place.join("build"));
    let output = configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())).output().unwrap();
    let build = Command::new(cmake).arg("--build").arg(place.join("build")).output().unwrap();
    output.status.success() && build.status.success()
}

#[test]
fn cmake_looks_at_the_version() {
    let Some(cmake) = toolchain::cmake() else { return skip("cmake") };
    let (major, rest) = env!("CARGO_PKG_VERSION").split_once('.').unwrap();
    let (minor, _) = rest.split_once('.').unwrap();
    let next = minor.parse::<u32>().unwrap() + 1;
    for (wanted, found) in
        [(format!("{major}.{minor}"), true), (format!("{major}.{next}"), false), ("99".to_owned(), false)]
    {
        let line = format!("find_package(rekall {wanted} REQUIRED CONFIG)");
        assert_eq!(
            cmake_takes(&cmake, &format!("cmake-version-{wanted}"), &prefix(), &line),
            found,
            "{wanted}"
        );
    }
}

#[test]
fn cmake_looks_at_the_size_of_pointers() {
    let Some(cmake) = toolchain::cmake() else { return skip("cmake") };
    for (bytes, found) in [(size_of::<usize>(), true), (size_of::<usize>() / 2, false)] {
        let line = format!("set(CMAKE_SIZEOF_VOID_P {bytes})\nfind_package(rekall REQUIRED CONFIG)");
        assert_eq!(
            cmake_takes(&cmake, &format!("cmake-pointers-{bytes}"), &prefix(), &line),
            found,
            "{bytes}"
        );
    }
}

/// As on systems where `/lib` is a link to `/usr/lib`, and the headers are in `/usr/include`.
#[test]
fn cmake_finds_the_headers_when_the_libraries_folder_is_a_link() {
    let Some(cmake) = toolchain::cmake() else { return skip("cmake") };
    let system = folder("merged");
    std::os::unix::fs::symlink(prefix().join("lib"), system.join("lib")).unwrap();
    assert!(cmake_takes(&cmake, "cmake-merged", &system, "find_package(rekall REQUIRED CONFIG)"));
}
