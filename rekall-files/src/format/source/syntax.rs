//! What the languages have in common, as a table of their differences.

use crate::Language;

/// A language, as far as its items can be told by their first line.
#[derive(Debug, Default)]
pub(super) struct Syntax {
    /// What begins a comment to the end of the line.
    pub(super) line_comments: &'static [&'static str],
    pub(super) block_comment: Option<(&'static str, &'static str)>,
    /// Whether block comments contain block comments.
    pub(super) nested_comments: bool,
    /// What begins and ends a text that goes on over lines.
    pub(super) long_strings: &'static [&'static str],
    /// The same for texts in which `\\` has no meaning.
    pub(super) raw_strings: &'static [&'static str],
    /// Characters that begin and end a text within a line.
    pub(super) strings: &'static [char],
    /// What begins a line that belongs to the item below: attributes, decorators.
    pub(super) attributes: &'static [&'static str],
    /// Words that may precede an item's keyword.
    pub(super) modifiers: &'static [&'static str],
    pub(super) keywords: &'static [&'static str],
    /// Keywords that begin an item only if their line contains a function or is exported.
    pub(super) bindings: &'static [&'static str],
    pub(super) functions: Functions,
}

/// Functions whose first line has no keyword.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Functions {
    #[default]
    WithKeyword,
    /// `int main(int argc, char **argv)`.
    C,
    /// `main() {`.
    Shell,
}

const C_COMMENTS: Syntax = Syntax {
    line_comments: &["//"],
    block_comment: Some(("/*", "*/")),
    nested_comments: false,
    long_strings: &[],
    raw_strings: &[],
    strings: &['"', '\''],
    attributes: &[],
    modifiers: &[],
    keywords: &[],
    bindings: &[],
    functions: Functions::WithKeyword,
};

const RUST: Syntax = Syntax {
    nested_comments: true,
    // A text in plain quotes goes on over lines, too; `'` also begins a lifetime.
    long_strings: &["\""],
    strings: &[],
    attributes: &["#["],
    modifiers: &["async", "unsafe", "extern", "default", "const"],
    keywords: &[
        "fn",
        "struct",
        "enum",
        "union",
        "trait",
        "impl",
        "mod",
        "type",
        "static",
        "const",
        "macro_rules!",
    ],
    ..C_COMMENTS
};

const PYTHON: Syntax = Syntax {
    line_comments: &["#"],
    block_comment: None,
    long_strings: &["\"\"\"", "'''"],
    attributes: &["@"],
    modifiers: &["async"],
    keywords: &["def", "class"],
    ..C_COMMENTS
};

const JAVASCRIPT: Syntax = Syntax {
    long_strings: &["`"],
    attributes: &["@"],
    modifiers: &["export", "default", "async", "declare", "abstract"],
    keywords: &["function", "function*", "class", "interface", "type", "enum", "namespace"],
    bindings: &["const", "let", "var"],
    ..C_COMMENTS
};

const GO: Syntax = Syntax { raw_strings: &["`"], keywords: &["func", "type", "var", "const"], ..C_COMMENTS };

const C: Syntax = Syntax {
    attributes: &["__attribute__"],
    modifiers: &["typedef", "static", "const"],
    keywords: &["struct", "union", "enum"],
    functions: Functions::C,
    ..C_COMMENTS
};

const CPP: Syntax = Syntax {
    attributes: &["template", "[["],
    modifiers: &["typedef", "static", "const", "inline", "constexpr"],
    keywords: &["struct", "union", "enum", "class", "concept"],
    functions: Functions::C,
    ..C_COMMENTS
};

/// Java and its relatives.
const CLASSES: Syntax = Syntax {
    long_strings: &["\"\"\""],
    attributes: &["@", "["],
    modifiers: &[
        "public",
        "private",
        "protected",
        "internal",
        "static",
        "final",
        "abstract",
        "sealed",
        "open",
        "data",
        "partial",
        "override",
        "inline",
        "suspend",
        "case",
        "implicit",
        "fileprivate",
        "readonly",
        "non-sealed",
    ],
    keywords: &[
        "class",
        "interface",
        "enum",
        "record",
        "trait",
        "object",
        "struct",
        "fun",
        "func",
        "def",
        "function",
        "protocol",
        "extension",
        "actor",
        "@interface",
    ],
    ..C_COMMENTS
};

const PHP: Syntax =
    Syntax { line_comments: &["//", "#"], long_strings: &["\"", "'"], strings: &[], ..CLASSES };

const RUBY: Syntax = Syntax {
    line_comments: &["#"],
    block_comment: Some(("\n=begin", "\n=end")),
    keywords: &["def", "class", "module"],
    ..C_COMMENTS
};

const SHELL: Syntax = Syntax {
    line_comments: &["#"],
    block_comment: None,
    long_strings: &["\""],
    raw_strings: &["'"],
    strings: &[],
    keywords: &["function"],
    functions: Functions::Shell,
    ..C_COMMENTS
};

const LUA: Syntax = Syntax {
    line_comments: &["--"],
    block_comment: Some(("--[[", "]]")),
    modifiers: &["local"],
    keywords: &["function"],
    ..C_COMMENTS
};

pub(super) fn syntax(language: Language) -> Option<&'static Syntax> {
    Some(match language {
        Language::Rust => &RUST,
        Language::Python => &PYTHON,
        Language::JavaScript | Language::TypeScript => &JAVASCRIPT,
        Language::Go => &GO,
        Language::C => &C,
        Language::Cpp => &CPP,
        Language::Java | Language::CSharp | Language::Kotlin | Language::Scala | Language::Swift => &CLASSES,
        Language::Php => &PHP,
        Language::Ruby => &RUBY,
        Language::Shell => &SHELL,
        Language::Lua => &LUA,
        Language::Other => return None,
    })
}
