//! The C++ wrapper: it covers the C header, and each of its files compiles alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "support/generate.rs"]
#[allow(dead_code, reason = "shared with the header's tests")]
mod generate;
#[path = "support/toolchain.rs"]
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};
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
        if ["rekall_stats", "rekall_embedded", "rekall_index_audit"].contains(&found.name) {
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

/// What a program may write, each in a function of its own.
const FINE: &[&str] = &[
    "const auto hits = memory.recall(\"x\"); const auto hit = hits[0]; (void)hit;\n\
     std::string_view text = hits[0].entry().title(); (void)text;",
    "for (const auto &hit : memory.recall(\"x\")) (void)hit.entry().title();",
    "for (auto &&link : memory.links_of(\"x\")) (void)link.source();",
    "const auto entry = memory.get(\"x\"); const std::string copied(entry.title()); memory.update(\"x\", {});",
    "(void)memory.recall(\"x\").size(); (void)memory.check().number(\"found\"); (void)memory.get(\"x\").confidence();",
    // Ids, as they come out, go in.
    "const auto hits = memory.recall(\"x\"); const auto id = hits.front().entry().id();\n\
     memory.forget(id); memory.link(id, hits.back().entry().id(), \"related\"); (void)memory.similar(id);\n\
     (void)memory.list({}, id, 10); (void)memory.list({}, {}, 10); (void)rekall::id_time(id);\n\
     memory.forget(std::string(id)); memory.forget(\"x\");",
    "rekall::memory one(\"x\"), two(std::string(\"x\")), three(memory.path()), four(std::filesystem::path(\"x\"));\n\
     char id[] = \"x\"; char *pointer = id; memory.forget(id); memory.forget(pointer);",
    "const std::string_view view = \"x\"; memory.remember(view); memory.remember({view, \"y\"});\n\
     memory.remember({\"x\", view}); memory.remember({view, view}); memory.remember({\"x\", \"y\"});\n\
     memory.remember({std::string(\"x\"), view}); memory.remember({{\"x\"}, {\"y\"}}); rekall::new_entry entry(view);",
    "rekall::open_options how; how.busy_timeout = std::chrono::seconds(1); how.cache_ttl = rekall::forever;\n\
     how.read_only = true; rekall::filter which; which.status = std::nullopt; which.created_after = rekall::time();\n\
     (void)memory.count(which);",
    "const std::vector<float> kept(3); rekall::recall_options how; how.vector = kept; how.vector = {};\n\
     float row[3] = {}; how.vector = row; how.vector = rekall::floats(row, 2); std::array<float, 3> three{};\n\
     rekall::remember_options also; also.vectors = three; (void)memory.recall_vector(memory.embed(\"x\"));",
];

/// What would be used after it is gone, and the word that the compiler must have for it.
const REFUSED: &[(&str, &str)] = &[
    ("auto entry = memory.recall(\"x\")[0].entry(); (void)entry;", "delete"),
    ("const auto hit = memory.recall(\"x\").at(0); (void)hit;", "delete"),
    ("const auto hit = memory.recall(\"x\").front(); (void)hit;", "delete"),
    ("const auto hit = memory.recall(\"x\").back(); (void)hit;", "delete"),
    ("const auto hit = memory.recall(\"x\").begin(); (void)hit;", "delete"),
    ("const auto hit = memory.recall(\"x\").end(); (void)hit;", "delete"),
    ("for (const auto &why : memory.recall(\"x\").degraded()) (void)why;", "delete"),
    ("(void)memory.recall(\"x\").c_ptr();", "delete"),
    (
        "const auto hit = memory.recall_batch({\"x\"})[0][0]; const auto made = std::move(memory.recall_batch({\"x\"})[0])[0];\n\
      (void)hit; (void)made;",
        "delete",
    ),
    ("const auto link = memory.links_of(\"x\")[0]; (void)link;", "delete"),
    ("const auto near = memory.neighbors_of(\"x\", 1)[0]; (void)near;", "delete"),
    ("const auto entry = memory.list()[0]; (void)entry;", "delete"),
    ("std::string_view text = memory.get(\"x\").title(); (void)text;", "delete"),
    ("const auto text = memory.get(\"x\").content(); (void)text;", "delete"),
    ("const auto text = memory.get(\"x\").id(); (void)text;", "delete"),
    ("const auto text = memory.get(\"x\").kind(); (void)text;", "delete"),
    ("const auto text = memory.get(\"x\").project(); (void)text;", "delete"),
    ("const auto text = memory.get(\"x\").memory_type(); (void)text;", "delete"),
    ("const auto text = memory.get(\"x\").metadata(); (void)text;", "delete"),
    ("const auto text = memory.get(\"x\").legacy(); (void)text;", "delete"),
    ("const auto text = memory.get(\"x\").json(); (void)text;", "delete"),
    ("const auto text = memory.get(\"x\").superseded_by(); (void)text;", "delete"),
    ("for (const auto tag : memory.get(\"x\").tags()) (void)tag;", "delete"),
    (
        "for (const auto text : memory.get(\"x\").context(rekall::context_part::solution)) (void)text;",
        "delete",
    ),
    ("(void)memory.get(\"x\").c_ptr();", "delete"),
    ("const rekall::entry_view view = memory.get(\"x\"); (void)view;", "delete"),
    ("const rekall::entry_view view(memory.update(\"x\", {})); (void)view;", "delete"),
    ("std::string_view text = memory.check().json(); (void)text;", "delete"),
    ("for (const auto line : memory.check().lines()) (void)line;", "delete"),
    ("(void)rekall::memory(\"x\").c_ptr();", "delete"),
    ("const auto path = rekall::memory(\"x\").path(); (void)path;", "delete"),
    ("(void)rekall::token().c_ptr();", "delete"),
    ("rekall::recall_options how; how.vector = memory.embed(\"x\");", "vector"),
    ("rekall::remember_options how; how.vectors = std::array<float, 3>{};", "vectors"),
    // A number is no member of a closed set, and no duration has no unit.
    ("rekall::recall_options how; how.mode = 1;", "mode"),
    ("rekall::recall_options how; how.mode = REKALL_MODE_TEXT;", "mode"),
    ("rekall::recall_options how; how.keep_alive = 1000;", "keep_alive"),
    ("rekall::open_options how; how.busy_timeout = 1000;", "busy_timeout"),
    ("(void)memory.facets_of(1);", "facet_kind"),
    ("(void)memory.embed(\"x\", 1);", "purpose"),
    ("memory.recall(\"x\");", "nodiscard"),
    ("memory.get(\"x\");", "nodiscard"),
    ("memory.check();", "nodiscard"),
];

/// Whether a function's body compiles, and what the compiler says.
fn compiles(compiler: &str, standard: &str, folder: &Path, body: &str) -> (bool, String) {
    let source = folder.join("body.cpp");
    let includes = "#include \"rekall.hpp\"\n#include <array>\n#include <filesystem>\n#include <iostream>\n#include <string>\n";
    let function = format!(
        "{includes}void f(rekall::memory &memory);\nvoid f(rekall::memory &memory)\n{{\n{body}\n}}\n"
    );
    fs::write(&source, function).unwrap();
    let mut command = Command::new(compiler);
    command.arg(format!("-std={standard}")).args(toolchain::WARNINGS).args(["-fsyntax-only", "-I"]);
    // English words, whatever the machine's language is.
    let output = command.env("LC_ALL", "C").arg(toolchain::include()).arg(&source).output().unwrap();
    (output.status.success(), toolchain::show(&command, &output))
}

#[test]
fn what_would_dangle_does_not_compile() {
    let folder = tempfile::tempdir().unwrap();
    for compiler in toolchain::cpp_compilers() {
        for body in FINE {
            let (fine, said) = compiles(compiler, "c++17", folder.path(), body);
            assert!(fine, "{body}\n{said}");
        }
        for (body, word) in REFUSED {
            let (fine, said) = compiles(compiler, "c++17", folder.path(), body);
            assert!(!fine, "this compiles: {body}");
            assert!(said.contains(word), "{body} has no {word:?}\n{said}");
        }
    }
}

#[test]
fn an_older_standard_is_told_plainly() {
    let folder = tempfile::tempdir().unwrap();
    for compiler in toolchain::cpp_compilers() {
        for standard in ["c++98", "c++11", "c++14"] {
            let (fine, said) = compiles(compiler, standard, folder.path(), "");
            assert!(!fine);
            let first = said.lines().find(|line| line.contains(" error: ")).unwrap();
            assert!(first.contains("rekall.hpp needs C++17 or later"), "{said}");
        }
    }
}

#[test]
fn the_guide_compiles() {
    let folder = tempfile::tempdir().unwrap();
    let guide = fs::read_to_string(generate::crate_root().join("../docs/c.md")).unwrap();
    let blocks: Vec<&str> =
        guide.split("\n```cpp\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert!(!blocks.is_empty());
    for compiler in toolchain::cpp_compilers() {
        for block in &blocks {
            let body = format!("(void)memory;\n{{\n{block}}}");
            let (fine, said) = compiles(compiler, "c++17", folder.path(), &body);
            assert!(fine, "{block}\n{said}");
        }
    }
}
