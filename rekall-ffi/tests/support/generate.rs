//! Makes `include/rekall.h`: what cbindgen makes of the sources, put in the order of the topics, with an _INIT macro after
//! each option struct.

#[path = "topics.rs"]
pub(crate) mod topics;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The header's topics, in order, each of one file or several. The first line of the first file is the title, the rest of its
/// first comment an introduction with an example. A topic's constants and types stand before its functions, both in the order
/// of the files. What uses a type comes after it, as C wants.
pub(crate) const TOPICS: &[&[&str]] = &[
    &["boundary/version"],
    &["boundary/status"],
    &["boundary/error"],
    &["boundary/text"],
    &["boundary/limits"],
    &["calls/token"],
    &["calls/watch"],
    &["callbacks/events"],
    &["callbacks/embedder"],
    &["callbacks/reranker"],
    &["callbacks/clock"],
    &["model/load"],
    &["boundary/report"],
    &["file/config"],
    &["file/open", "calls/handle"],
    &["file/scopes"],
    &["entries/input"],
    &["entries/remember"],
    &["entries/entry"],
    &["entries/get_update"],
    &["entries/upsert"],
    &["entries/usage"],
    &["entries/supersede"],
    &["entries/links"],
    &["entries/filter"],
    &["entries/forget"],
    &["entries/list", "entries/get_many"],
    &["entries/list_newest"],
    &["entries/batch"],
    &["entries/json"],
    &["entries/change_feed"],
    &["entries/facets"],
    &["sources/sync"],
    &["sources/known"],
    &["search/hits", "search/passage"],
    &["search/recall"],
    &["search/recall_many"],
    &["search/similar"],
    &["search/duplicates"],
    &["model/embed", "model/embed_texts"],
    &["model/lifecycle"],
    &["model/reembed"],
    &["model/spaces"],
    &["file/transfer"],
    &["file/upkeep"],
    &["search/audit"],
    &["file/stats"],
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

/// A source file by its name in [`TOPICS`].
pub(crate) fn source_file(name: &str) -> PathBuf {
    crate_root().join("src").join(name).with_extension("rs")
}

/// Where the header stands.
pub(crate) fn header_path() -> PathBuf {
    crate_root().join("../include/rekall.h")
}

/// The header as it should be: what stands before the first topic, the topics in order, and what stands after the last.
pub(crate) fn header() -> String {
    let sources = crate_root().join("src");
    let found: BTreeSet<String> = source_files()
        .into_iter()
        .filter(|file| !file.ends_with("mod.rs"))
        .map(|file| file.strip_prefix(&sources).unwrap().with_extension("").to_string_lossy().into_owned())
        .collect();
    let known: BTreeSet<String> =
        TOPICS.iter().copied().flatten().chain(INSIDE).map(|&name| name.to_owned()).collect();
    assert_eq!(
        found, known,
        "a source file is neither a topic of the header nor among those that declare nothing"
    );

    let text = generated();
    let (opening, rest) = text.split_once("\n/**\n").expect("the header declares something");
    let (types, functions) = rest.split_once(C_LINKAGE).expect("types stand before functions");
    let (functions, closing) = functions.split_once(C_LINKAGE_END).expect("functions end");
    let mut items = topics::items(types);
    items.extend(topics::items(
        functions.trim_start().strip_prefix("/**\n").expect("functions are documented"),
    ));
    let topics = topics::topics();
    let contents: Vec<String> = topics.iter().map(|topic| format!(" *   {}\n", topic.title)).collect();
    let opening = opening.replacen("\n */\n", &format!("\n *\n * CONTENTS\n{} */\n", contents.concat()), 1);
    let body = with_init_macros(&topics::in_order(&topics, items));
    with_warnings(&format!("{opening}\n{C_LINKAGE}\n{body}{C_LINKAGE_END}{closing}"))
}

const C_LINKAGE: &str = "#ifdef __cplusplus\nextern \"C\" {\n#endif /* __cplusplus */\n";
const C_LINKAGE_END: &str = "#ifdef __cplusplus\n}  /* extern \"C\" */\n#endif  /* __cplusplus */\n";

/// What cbindgen makes of the sources: all constants, then all types, then all functions.
fn generated() -> String {
    let config = cbindgen::Config::from_file(crate_root().join("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in TOPICS.iter().copied().flatten() {
        builder = builder.with_src(source_file(file));
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
    one_empty_line(&text)
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

/// After each struct with a size: `#define X_INIT { sizeof(x), 0, ... }`.
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
