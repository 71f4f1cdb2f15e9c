//! The header's topics: which item belongs to which, and all that belongs to one together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{TOPICS, crate_root, source_file};

/// A part of the header.
pub(crate) struct Topic {
    pub(crate) title: String,
    /// What stands under the title, one line an element.
    pub(crate) introduction: Vec<String>,
    /// The names in C of what its files declare: constants and types, then functions.
    pub(crate) names: Vec<String>,
}

/// A declaration of the header with its comment.
pub(crate) struct Item {
    pub(crate) name: String,
    text: String,
}

impl Item {
    fn new(text: &str) -> Self {
        let text = format!("/**\n{}\n", text.trim_end());
        let (_, declaration) = text.split_once("*/\n").expect("a comment ends");
        let name = declared(declaration);
        Self { name: name.unwrap_or_else(|| panic!("what is declared here?\n{text}")).to_owned(), text }
    }

    /// What the declaration names, comments left out.
    fn words(&self) -> BTreeSet<&str> {
        let lines = self.text.lines().map(str::trim_start).filter(|line| !line.starts_with(['*', '/']));
        lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_')).collect()
    }

    fn is_type(&self) -> bool {
        self.text.contains("\ntypedef ")
    }
}

/// The name that a declaration gives.
fn declared(declaration: &str) -> Option<&str> {
    let first = declaration.lines().next()?;
    if let Some(constant) = first.strip_prefix("#define ") {
        return constant.split(' ').next();
    }
    if let Some((_, function)) = first.split_once("(*") {
        return function.split(')').next();
    }
    if first.starts_with("typedef") {
        let line = declaration.lines().find(|line| line.ends_with(';') && !line.starts_with(' '))?;
        return line.trim_end_matches(';').rsplit(' ').next();
    }
    let before = first.split('(').next()?;
    before.rsplit([' ', '*']).next()
}

/// The items in a stretch of the header that begins within the first one's comment.
pub(crate) fn items(text: &str) -> Vec<Item> {
    text.split("\n/**\n").map(Item::new).collect()
}

/// All topics, read from the sources.
pub(crate) fn topics() -> Vec<Topic> {
    let renamed = renamed();
    TOPICS.iter().map(|topic| Topic::read(topic, &renamed)).collect()
}

/// What cbindgen.toml calls the types: the name in C by the name in Rust.
fn renamed() -> BTreeMap<String, String> {
    let config = fs::read_to_string(crate_root().join("cbindgen.toml")).unwrap();
    let (_, names) = config.split_once("[export.rename]").expect("types are renamed");
    let pairs = names.lines().filter_map(|line| line.split_once(" = "));
    pairs.map(|(rust, c)| (rust.trim_matches('"').to_owned(), c.trim_matches('"').to_owned())).collect()
}

/// How a line begins that declares a function.
const FUNCTION: &str = "extern \"C\" fn rekall_";

/// The name in C of what a line of a source file begins to declare.
fn declared_in_rust(line: &str, renamed: &BTreeMap<String, String>) -> Option<String> {
    let name = |rest: &str| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned);
    if let Some(constant) = line.strip_prefix("pub const ") {
        return name(constant);
    }
    if let Some(kind) = line.strip_prefix("pub struct ").or(line.strip_prefix("pub type ")) {
        return renamed.get(&name(kind)?).cloned();
    }
    let (_, function) = line.split_once(FUNCTION).filter(|(before, _)| before.starts_with("pub "))?;
    name(function).map(|name| format!("rekall_{name}"))
}

impl Topic {
    fn read(files: &[&str], renamed: &BTreeMap<String, String>) -> Self {
        let sources: Vec<String> =
            files.iter().map(|file| fs::read_to_string(source_file(file)).unwrap()).collect();
        let mut comment = sources[0].lines().map_while(|line| line.strip_prefix("//!"));
        let title = comment.next().unwrap_or_else(|| panic!("{files:?} have no title")).trim();
        let introduction =
            comment.skip(1).map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned()).collect();
        let lines = || sources.iter().flat_map(|source| source.lines());
        let (is_function, is_other) =
            (|line: &&str| line.contains(FUNCTION), |line: &&str| !line.contains(FUNCTION));
        let names = lines().filter(is_other).chain(lines().filter(is_function));
        let names = names.filter_map(|line| declared_in_rust(line, renamed)).collect();
        Self { title: title.trim_end_matches('.').to_owned(), introduction, names }
    }

    /// What stands above the topic's items.
    pub(crate) fn banner(&self) -> String {
        let rule = format!("/* {} */", "=".repeat(104));
        let mut text = format!("{rule}\n/* {:<104} */\n{rule}\n\n", self.title);
        if !self.introduction.is_empty() {
            let ends_early = self.introduction.iter().any(|line| line.contains("*/") || line.contains("/*"));
            assert!(!ends_early, "{:?}: a comment within the header's comment", self.title);
            let lines =
                self.introduction.iter().map(|line| format!(" * {line}").trim_end().to_owned() + "\n");
            text.push_str(&format!("/*\n{} */\n\n", lines.collect::<String>()));
        }
        text
    }
}

/// The items, each under its topic. A type that is used before it is declared is an error: the topics, or the items of a
/// file, then stand in an order that C cannot read.
pub(crate) fn in_order(topics: &[Topic], items: Vec<Item>) -> String {
    let mut items: BTreeMap<String, Item> = items.into_iter().map(|item| (item.name.clone(), item)).collect();
    let mut undeclared: BTreeSet<String> =
        items.values().filter(|item| item.is_type()).map(|item| item.name.clone()).collect();
    let mut text = String::new();
    for topic in topics {
        text.push_str(&topic.banner());
        for name in &topic.names {
            let Some(item) = items.remove(name) else {
                panic!("{name} of {:?} is not generated", topic.title)
            };
            undeclared.remove(name);
            let early: Vec<_> = item.words().into_iter().filter(|word| undeclared.contains(*word)).collect();
            assert!(early.is_empty(), "{name} stands before {early:?}, which it uses");
            text.push_str(&item.text);
            text.push('\n');
        }
    }
    assert!(items.is_empty(), "in no topic: {:?}", items.keys().collect::<Vec<_>>());
    text
}
