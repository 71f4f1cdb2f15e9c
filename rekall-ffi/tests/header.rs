//! The header: fresh, true to the library's version, and accepted by every C and C++ compiler at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "support/generate.rs"]
mod generate;
#[path = "support/toolchain.rs"]
mod toolchain;

use std::fs;

use generate::Struct;

#[test]
fn the_header_is_fresh() {
    let wanted = generate::header();
    let path = generate::header_path();
    if std::env::var_os("REKALL_UPDATE_HEADER").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "include/rekall.h is stale: `cargo xtask header` makes it anew");
}

#[test]
fn versions_agree() {
    let header = fs::read_to_string(generate::header_path()).unwrap();
    let number = |name: &str| -> u64 {
        let line = header.lines().find(|line| line.starts_with(&format!("#define {name} "))).expect(name);
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let parts = ["MAJOR", "MINOR", "PATCH"].map(|part| number(&format!("REKALL_VERSION_{part}")));
    assert_eq!(parts.map(|part| part.to_string()).join("."), env!("CARGO_PKG_VERSION"));
    assert_eq!(number("REKALL_VERSION_NUMBER"), parts[0] * 1_000_000 + parts[1] * 1_000 + parts[2]);
}

#[test]
fn every_exported_function_is_declared_and_documented() {
    let header = fs::read_to_string(generate::header_path()).unwrap();
    let mut functions = 0;
    for file in generate::source_files() {
        let source = fs::read_to_string(file).unwrap();
        for (at, _) in source.match_indices("#[unsafe(no_mangle)]") {
            let before = source[..at].lines().next_back().unwrap_or_default();
            assert!(before.starts_with("/// "), "a function behind {before:?} is not documented");
            let name = source[at..].split("fn ").nth(1).unwrap().split('(').next().unwrap();
            assert!(name.starts_with("rekall_"), "{name}");
            assert!(header.contains(&format!("{name}(")), "{name} is not in the header");
            functions += 1;
        }
    }
    assert!(functions > 100, "{functions}");
}

/// Looked for in the header as a reader would, by position: from a topic's title to the next one stands all that its files
/// declare, and nothing else.
#[test]
fn each_topic_stands_together_under_its_title() {
    let header = fs::read_to_string(generate::header_path()).unwrap();
    let topics = generate::topics::topics();
    let starts: Vec<usize> = topics
        .iter()
        .map(|topic| header.find(&topic.banner()).unwrap_or_else(|| panic!("no title {:?}", topic.title)))
        .collect();
    assert!(starts.is_sorted() && topics.len() > 30, "{starts:?}");
    let mut counted = 0;
    for (at, topic) in topics.iter().enumerate() {
        let text = &header[starts[at]..starts.get(at + 1).copied().unwrap_or(header.len())];
        for name in &topic.names {
            let forms = [
                format!("#define {name} "),
                format!("typedef struct {name} {name};"),
                format!("}} {name};"),
                format!("typedef int32_t {name};"),
                format!(" (*{name})("),
                format!(" {name}("),
                format!("*{name}("),
            ];
            let declared =
                |line: &str| !line.starts_with(" *") && forms.iter().any(|form| line.contains(form));
            let lines = text.lines().filter(|line| declared(line)).count();
            assert_eq!(lines, 1, "{name} under {:?}", topic.title);
        }
        let comments = text.matches("\n/**\n").count();
        let macros = text.matches("_INIT {").count();
        assert_eq!(comments, topic.names.len() + macros, "{:?} declares more than its files", topic.title);
        counted += topic.names.len();
    }
    assert!(counted > 250, "{counted}");
    let functions_before_the_last_type = &header[..header.rfind("\ntypedef ").unwrap()];
    assert!(
        functions_before_the_last_type.contains("rekall_status rekall_"),
        "types and functions are mixed"
    );
}

#[test]
fn the_header_speaks_c() {
    let header = fs::read_to_string(generate::header_path()).unwrap();
    for word in ["`", "[`", "# Safety", "Option<", "::", "&str", "Vec<", "Result<", "trait"] {
        assert!(!header.contains(word), "{word} is Rust");
    }
}

#[test]
fn every_kind_of_error_has_a_status() {
    let kinds = fs::read_to_string(generate::crate_root().join("../src/error.rs")).unwrap();
    let status = fs::read_to_string(generate::crate_root().join("src/boundary/status.rs")).unwrap();
    let (_, body) = kinds.split_once("pub enum ErrorKind {").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let mut count = 0;
    for line in body.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.is_empty()) {
        let kind = line.trim_end_matches(',');
        assert!(status.contains(&format!("ErrorKind::{kind} =>")), "{kind} has no status of its own");
        count += 1;
    }
    assert!(count >= 16);
}

#[test]
fn a_status_that_is_dropped_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let program = "#include \"rekall.h\"\nvoid f(rekall_db *db) { rekall_clear_cache(db, NULL); }\n";
    let (c, cpp) = (folder.path().join("drops.c"), folder.path().join("drops.cpp"));
    fs::write(&c, program).unwrap();
    fs::write(&cpp, program).unwrap();
    let in_c = toolchain::c_compilers()
        .into_iter()
        .flat_map(|name| [(name, "-std=c90", &c), (name, "-std=c17", &c)]);
    let in_cpp = toolchain::cpp_compilers()
        .into_iter()
        .flat_map(|name| [(name, "-std=c++11", &cpp), (name, "-std=c++17", &cpp)]);
    for (compiler, standard, source) in in_c.chain(in_cpp) {
        for (wanted, defined) in [(true, "-DNOTHING"), (false, "-DREKALL_NODISCARD=")] {
            let mut command = std::process::Command::new(compiler);
            command.args([standard, defined, "-pedantic", "-I"]).arg(toolchain::include());
            command.arg("-c").arg("-o").arg(folder.path().join("drops.o"));
            let output = toolchain::run(command.arg(source));
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(told.contains("rekall_clear_cache"), wanted, "{compiler} {standard}: {told}");
        }
    }
}

/// Each struct is set up twice, in memory full of rubbish: by its macro and by its function.
#[test]
fn the_init_functions_equal_the_macros() {
    let Some(compiler) = toolchain::c_compilers().into_iter().next() else {
        return toolchain::skip("C compiler");
    };
    let header = fs::read_to_string(generate::header_path()).unwrap();
    let structs = generate::structs(&header);
    let mut program = String::from("#include \"rekall.h\"\n#include <stdio.h>\n#include <string.h>\n");
    let mut body = String::new();
    for Struct { name, .. } in structs.iter().filter(|found| found.is_sized()) {
        let capital = name.to_ascii_uppercase();
        program.push_str(&format!("static const {name} {name}_macro = {capital}_INIT;\n"));
        body.push_str(&format!(
            "    {{\n        struct {{ {name} set; unsigned char behind[8]; }} it;\n\
             \x20       memset(&it, 0xa5, sizeof it);\n\
             \x20       {name}_init(&it.set, sizeof it.set);\n\
             \x20       if (memcmp(&it.set, &{name}_macro, sizeof it.set) != 0 || it.behind[0] != 0xa5) puts(\"{name}\");\n\
             \x20       /* As an older caller has it, and what no caller can have. */\n\
             \x20       memset(&it, 0xa5, sizeof it);\n\
             \x20       {name}_init(&it.set, sizeof(size_t));\n\
             \x20       if (it.set.struct_size != sizeof(size_t)) puts(\"{name}, older\");\n\
             \x20       if (((unsigned char *)&it)[sizeof(size_t)] != 0xa5) puts(\"{name}, beyond\");\n\
             \x20       memset(&it, 0xa5, sizeof it);\n\
             \x20       {name}_init(&it.set, 0);\n\
             \x20       {name}_init(&it.set, sizeof(size_t) - 1);\n\
             \x20       {name}_init(&it.set, (size_t)-1);\n\
             \x20       {name}_init(NULL, sizeof it.set);\n\
             \x20       if (((unsigned char *)&it)[0] != 0xa5) puts(\"{name}, impossible\");\n    }}\n"
        ));
    }
    program.push_str(&format!("int main(void)\n{{\n{body}    return 0;\n}}\n"));
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("inits.c"), folder.path().join("inits"));
    fs::write(&source, program).unwrap();
    toolchain::link_shared(compiler, &[&source], &[], &target);
    let output = toolchain::run(&mut std::process::Command::new(&target));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "",
        "set up otherwise by its function than by its macro"
    );
}

#[test]
fn the_header_compiles_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let c = folder.path().join("header.c");
    // Included first, alone and twice; every _INIT macro used.
    let mut program = String::from("#include \"rekall.h\"\n#include \"rekall.h\"\nint main(void)\n{\n");
    let header = fs::read_to_string(generate::header_path()).unwrap();
    let structs = generate::structs(&header);
    let sized: Vec<_> = structs.iter().filter(|found| found.is_sized()).collect();
    assert_eq!(sized.len(), header.matches("_INIT {").count());
    assert!(sized.len() >= 15);
    for Struct { name, .. } in &sized {
        program.push_str(&format!("    {name} {name}_value = {}_INIT;\n", name.to_ascii_uppercase()));
    }
    for Struct { name, .. } in &sized {
        program.push_str(&format!("    if ({name}_value.struct_size != sizeof({name})) return 1;\n"));
    }
    // No padding at the end: a member added there would find rubbish in programs that are older than it.
    for Struct { name, members } in &sized {
        let last = Struct::name_of(members[members.len() - 1]);
        let end = format!("offsetof({name}, {last}) + sizeof({name}_value.{last})");
        program.push_str(&format!("    {{ char full[({end}) == sizeof({name}) ? 1 : -1]; (void)full; }}\n"));
    }
    program.push_str("    return 0;\n}\n");
    fs::write(&c, &program).unwrap();
    let cpp = folder.path().join("header.cpp");
    fs::write(&cpp, &program).unwrap();
    for compiler in toolchain::c_compilers() {
        let standards = ["c90", "c99", "c11", "c17", "c2x", "c23", "gnu90", "gnu17"];
        for standard in toolchain::known(compiler, "c", &standards) {
            toolchain::compile(compiler, standard, &[], &c);
        }
    }
    for compiler in toolchain::cpp_compilers() {
        let standards = ["c++11", "c++14", "c++17", "c++20", "c++2b", "c++23"];
        for standard in toolchain::known(compiler, "c++", &standards) {
            toolchain::compile(compiler, standard, &[], &cpp);
        }
    }
    if toolchain::c_compilers().is_empty() {
        toolchain::skip("C compiler");
    }
}
