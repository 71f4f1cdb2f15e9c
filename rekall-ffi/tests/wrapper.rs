//! The C++ wrapper: it covers the C header, and each of its files compiles alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "support/generate.rs"]
#[allow(dead_code, reason = "shared with the header's tests")]
mod generate;
#[path = "support/toolchain.rs"]
mod toolchain;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use generate::Struct;

fn parts() -> Vec<PathBuf> {
    let mut parts: Vec<PathBuf> =
        fs::read_dir(toolchain::include().join("rekall")).unwrap().map(|file| file.unwrap().path()).collect();
    parts.sort();
    assert!(parts.len() > 5);
    parts
}

/// Whether a text uses a name, not just a longer one that begins or ends with it.
fn uses(text: &str, name: &str) -> bool {
    let of_name = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(name).any(|(at, _)| {
        let (before, behind) = (&text[..at], &text[at + name.len()..]);
        !before.ends_with(of_name) && !behind.starts_with(of_name)
    })
}

#[test]
fn all_of_the_c_header_can_be_reached() {
    let wrapper: String = parts().into_iter().map(|part| fs::read_to_string(part).unwrap()).collect();
    let header = fs::read_to_string(generate::header_path()).unwrap();
    let mut missing = Vec::new();
    for source in generate::source_files() {
        let source = fs::read_to_string(source).unwrap();
        for (at, _) in source.match_indices("#[unsafe(no_mangle)]") {
            let name = source[at..].split("fn ").nth(1).unwrap().split('(').next().unwrap();
            if !uses(&wrapper, name) {
                missing.push(name.to_owned());
            }
        }
    }
    // The wrapper remembers one entry as a list of one, and has exceptions for the rest.
    missing.retain(|name| name != "rekall_remember");
    // C++ has constructors.
    missing.retain(|name| !name.ends_with("_init"));
    let structs = generate::structs(&header);
    for found in structs.iter().filter(|found| found.is_sized()) {
        // What the library fills is handed on as it is.
        if ["rekall_stats", "rekall_embedded", "rekall_recall_report"].contains(&found.name) {
            continue;
        }
        for member in found.members.iter().map(|member| Struct::name_of(member)) {
            if !["struct_size", "reserved"].contains(&member) && !uses(&wrapper, member) {
                missing.push(format!("{}.{member}", found.name));
            }
        }
    }
    assert!(missing.is_empty(), "the wrapper has nothing for {missing:?}");
}

#[test]
fn the_wrapper_compiles_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut sources = Vec::new();
    let mut includes = vec!["rekall.hpp".to_owned()];
    includes.extend(parts().iter().map(|part| format!("rekall/{}", part.file_name().unwrap().display())));
    for (number, include) in includes.iter().enumerate() {
        // First, alone and twice.
        let source = folder.path().join(format!("{number}.cpp"));
        let line = format!("#include \"{include}\"\n");
        fs::write(&source, format!("{line}{line}int main() {{ return 0; }}\n")).unwrap();
        sources.push(source);
    }
    // What programs that are stricter than ours ask for.
    let strict = ["-Wshadow", "-Wconversion", "-Wold-style-cast", "-Wnon-virtual-dtor"];
    for compiler in toolchain::cpp_compilers() {
        for standard in toolchain::known(compiler, "c++", &["c++17", "c++20", "c++2b", "c++23"]) {
            for (source, include) in sources.iter().zip(&includes) {
                // The parts with the oldest standard, the whole with all.
                if include == "rekall.hpp" || standard == "c++17" {
                    toolchain::compile(compiler, standard, &strict, source);
                }
            }
        }
    }
    if toolchain::cpp_compilers().is_empty() {
        toolchain::skip("C++ compiler");
    }
}

/// Functions that must be warned of, and one that must not.
const DANGLING: &[(&str, bool)] = &[
    ("std::string_view text = memory.get(\"x\").title(); (void)text;", true),
    ("const auto tags = memory.get(\"x\").tags(); (void)tags;", true),
    ("const auto hit = memory.recall(\"x\")[0]; (void)hit;", true),
    ("std::string_view text = memory.check().json(); (void)text;", true),
    ("memory.recall(\"x\");", true),
    (
        "const auto hits = memory.recall(\"x\"); const auto hit = hits[0]; (void)hit;\n\
         std::string_view text = hits[0].entry().title(); (void)text;\n\
         for (const auto &one : memory.recall(\"x\")) (void)one.score();\n\
         const std::string copied(memory.get(\"x\").title()); memory.update(\"x\", {});",
        false,
    ),
];

#[test]
fn what_would_dangle_is_warned_of() {
    let compiler = "clang++";
    if !toolchain::cpp_compilers().contains(&compiler) {
        return toolchain::skip(compiler);
    }
    let folder = tempfile::tempdir().unwrap();
    for (number, (body, warned)) in DANGLING.iter().enumerate() {
        let source = folder.path().join(format!("{number}.cpp"));
        let function = format!("#include \"rekall.hpp\"\nvoid f(rekall::memory &memory)\n{{\n{body}\n}}\n");
        fs::write(&source, function).unwrap();
        let mut command = Command::new(compiler);
        command.args(["-std=c++17", "-fsyntax-only", "-Wall", "-I"]).arg(toolchain::include());
        let output = command.arg(&source).output().unwrap();
        assert!(output.status.success(), "{}", toolchain::show(&command, &output));
        assert_eq!(!output.stderr.is_empty(), *warned, "{}", toolchain::show(&command, &output));
    }
}
