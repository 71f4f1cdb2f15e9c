//! Makes `include/rekall.h`: cbindgen's text, with a title before each section and an _INIT macro behind each option
//! struct.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The header's order. Each file's first line is its section's title.
const SECTIONS: &[&str] = &[
    "boundary/version",
    "boundary/status",
    "boundary/error",
    "boundary/text",
    "calls/token",
    "calls/watch",
    "callbacks/events",
    "callbacks/embedder",
    "boundary/limits",
    "calls/handle",
    "callbacks/clock",
    "model/load",
    "file/open",
    "file/config",
    "entries/input",
    "entries/remember",
    "entries/entry",
    "entries/get_update_forget",
    "entries/supersede",
    "entries/links",
    "entries/batch",
    "entries/json",
    "entries/filter",
    "entries/list",
    "entries/get_many",
    "entries/change_feed",
    "entries/facets",
    "search/recall",
    "search/recall_many",
    "search/similar",
    "search/hits",
    "search/passage",
    "model/embed",
    "model/embed_texts",
    "model/lifecycle",
    "model/reembed",
    "boundary/report",
    "file/transfer",
    "file/upkeep",
    "search/selftest",
    "file/stats",
];

/// Files that declare nothing for C.
const INSIDE: &[&str] = &[
    "boundary/fallible",
    "boundary/lazy_string",
    "boundary/panics",
    "boundary/registry",
    "boundary/thread_state",
    "calls/call",
    "calls/running",
    "calls/stoppable",
    "callbacks/user_data",
    "lib",
    "callbacks/listener",
    "boundary/options",
    "boundary/out",
    "boundary/testing",
    "boundary/uncancelled",
    "callbacks/trace",
];

const NTS: &str = "/**
 * As a length: the text ends at its first NUL.
 */
#define REKALL_NTS ((size_t)-1)
";

/// The crate's folder.
pub(crate) fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The crate's sources.
pub(crate) fn source_files() -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![crate_root().join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for found in fs::read_dir(folder).unwrap() {
            let path = found.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// Where the header stands.
pub(crate) fn header_path() -> PathBuf {
    crate_root().join("../include/rekall.h")
}

/// The header as it should be.
pub(crate) fn header() -> String {
    let sources = crate_root().join("src");
    let found: BTreeSet<String> = source_files()
        .into_iter()
        .filter(|file| !file.ends_with("mod.rs"))
        .map(|file| file.strip_prefix(&sources).unwrap().with_extension("").to_string_lossy().into_owned())
        .collect();
    let known: BTreeSet<String> = SECTIONS.iter().chain(INSIDE).map(|&name| name.to_owned()).collect();
    assert_eq!(found, known, "a source file is missing from, or too much in, the header's sections");

    let config = cbindgen::Config::from_file(crate_root().join("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for section in SECTIONS {
        builder = builder.with_src(sources.join(section).with_extension("rs"));
    }
    let mut text = Vec::new();
    builder.generate().expect("cbindgen reads the sources").write(&mut text);
    let mut text = String::from_utf8(text).unwrap();
    // cbindgen has no word for usize::MAX.
    let first = "#define REKALL_ID_LEN 26\n";
    assert!(text.contains(first));
    text = text.replace(first, &format!("{first}\n{NTS}"));
    // C90 has no comments of that sort.
    for word in ["__cplusplus", "extern \"C\""] {
        text = text.replace(&format!("// {word}"), &format!("/* {word} */"));
    }
    // The names are typedefs: no need to say each time what they are.
    text = text
        .replace("typedef struct rekall", "typedef struct @")
        .replace("struct rekall", "rekall")
        .replace("typedef struct @", "typedef struct rekall");
    for section in SECTIONS {
        let source = fs::read_to_string(sources.join(section).with_extension("rs")).unwrap();
        text = titled(&text, &source);
    }
    one_empty_line(&with_warnings(&with_init_macros(&text)))
}

/// Puts the section's title before its first constant and its first function.
fn titled(text: &str, source: &str) -> String {
    let title = source.lines().next().and_then(|line| line.strip_prefix("//! ")).expect("a file has a title");
    let title = title.trim_end_matches('.');
    let first = |marker: &str| {
        let (_, rest) = source.split_once(marker)?;
        rest.split([':', '(', '<', ' ']).next()
    };
    let mut text = text.to_owned();
    let wanted = [
        first("pub const REKALL_").map(|name| format!("#define REKALL_{name} ")),
        first("extern \"C\" fn rekall_").map(|name| format!("rekall_{name}(")),
    ];
    for declaration in wanted.into_iter().flatten() {
        let at = declared_at(&text, &declaration);
        let rule = format!("/* {} */", "=".repeat(104));
        let banner = format!("{rule}\n/* {title:<104} */\n{rule}\n\n");
        text.insert_str(at, &banner);
    }
    text
}

/// Where the comment of a declaration begins.
fn declared_at(text: &str, declaration: &str) -> usize {
    let mut from = 0;
    loop {
        let at =
            from + text[from..].find(declaration).unwrap_or_else(|| panic!("{declaration} is not declared"));
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        if !text[line..at].trim_start().starts_with('*') {
            let comment = text[..line].rfind("/**").expect("everything is documented");
            return comment;
        }
        from = at + 1;
    }
}

/// A struct of the header: its name, and its members as they are declared.
pub(crate) struct Struct<'a> {
    pub(crate) name: &'a str,
    pub(crate) members: Vec<&'a str>,
}

impl Struct<'_> {
    /// Whether callers set it up with an _INIT macro.
    pub(crate) fn is_sized(&self) -> bool {
        self.members.first() == Some(&"size_t struct_size") && self.name != "rekall_event"
    }

    /// A member's name.
    pub(crate) fn name_of(member: &str) -> &str {
        let name = member.rsplit([' ', '*']).next().unwrap_or_default();
        name.split_once('[').map_or(name, |(name, _)| name)
    }
}

/// The structs that a header defines, in order.
pub(crate) fn structs(header: &str) -> Vec<Struct<'_>> {
    let mut found = Vec::new();
    let mut members: Option<Vec<&str>> = None;
    for line in header.lines() {
        if line.starts_with("typedef struct") && line.ends_with('{') {
            members = Some(Vec::new());
        } else if let Some(name) = line.strip_prefix("} ").and_then(|line| line.strip_suffix(';')) {
            found.push(Struct { name, members: members.take().expect("the struct began") });
        } else if let Some(members) = &mut members {
            let line = line.trim();
            if line.ends_with(';') && !line.starts_with('*') {
                members.push(line.trim_end_matches(';'));
            }
        }
    }
    found
}

/// Behind each struct with a size: `#define X_INIT { sizeof(x), 0, ... }`.
fn with_init_macros(text: &str) -> String {
    let mut out = text.to_owned();
    for found in structs(text).iter().filter(|found| found.is_sized()) {
        let end = format!("\n}} {};\n", found.name);
        out = out.replace(&end, &format!("{end}{}", init_macro(found.name, &found.members)));
    }
    out
}

fn init_macro(name: &str, members: &[&str]) -> String {
    let zeroes = members.iter().skip(1).map(|member| {
        match (member.starts_with("rekall_str ") && !member.contains('*'), member.ends_with(']')) {
            (true, _) => "{0, 0}",
            (_, true) => "{0}",
            _ => "0",
        }
    });
    let values: Vec<&str> = zeroes.collect();
    let mut text = format!("\n/**\n * A {name} with its size, and the default in all members.\n */\n");
    let mut line = format!("#define {}_INIT {{ sizeof({name})", name.to_ascii_uppercase());
    for value in values {
        line.push(',');
        if line.len() + value.len() > 104 {
            text.push_str(&line);
            text.push_str(" \\\n");
            line = "   ".to_owned();
        }
        line.push(' ');
        line.push_str(value);
    }
    text.push_str(&line);
    text.push_str(" }\n");
    text
}

/// Before each function that gives a status: the macro that warns where it is dropped.
fn with_warnings(text: &str) -> String {
    text.replace("\nrekall_status rekall_", "\nREKALL_NODISCARD\nrekall_status rekall_")
}

fn one_empty_line(text: &str) -> String {
    let mut out = String::new();
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() && empty {
            continue;
        }
        empty = line.is_empty();
        out.push_str(line);
        out.push('\n');
    }
    out
}
