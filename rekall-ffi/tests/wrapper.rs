//! The C++ wrapper: it covers the C header, and each of its files compiles alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "support/generate.rs"]
#[allow(dead_code, reason = "shared with the header's tests")]
mod generate;
#[path = "support/toolchain.rs"]
mod toolchain;

use std::fs;
use std::path::PathBuf;

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
    for source in fs::read_dir(generate::crate_root().join("src")).unwrap() {
        let source = fs::read_to_string(source.unwrap().path()).unwrap();
        for (at, _) in source.match_indices("#[unsafe(no_mangle)]") {
            let name = source[at..].split("fn ").nth(1).unwrap().split('(').next().unwrap();
            if !uses(&wrapper, name) {
                missing.push(name.to_owned());
            }
        }
    }
    // The wrapper remembers one entry as a list of one, and has exceptions for the rest.
    missing.retain(|name| name != "rekall_remember");
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
