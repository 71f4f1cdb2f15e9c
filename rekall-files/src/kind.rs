//! Which files are read, by their names.

use std::ffi::OsStr;
use std::path::Path;

/// A kind of file, by the structure of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// CommonMark with tables: `.md`, `.markdown`, `.mdown`, `.mkd`, `.mdx`, `.qmd`, `.rmd`.
    Markdown,
    /// Org: `.org`.
    Org,
    /// reStructuredText: `.rst`, `.rest`.
    ReStructuredText,
    /// AsciiDoc: `.adoc`, `.asciidoc`, `.asc`.
    AsciiDoc,
    /// A Jupyter notebook: `.ipynb`.
    Notebook,
    /// HTML: `.html`, `.htm`, `.xhtml`.
    Html,
    /// Source code; see [`Language`].
    Source(Language),
    /// Text without a structure: `.txt`, `.text`, `.tex`, settings (`.toml`, `.yaml`, `.yml`, `.ini`, `.cfg`,
    /// `.conf`, `.properties`), and files without an extension, such as `LICENSE`.
    PlainText,
}

/// The language of source code. Its files are cut at the items at their top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// `.rs`
    Rust,
    /// `.py`, `.pyi`
    Python,
    /// `.js`, `.jsx`, `.mjs`, `.cjs`
    JavaScript,
    /// `.ts`, `.tsx`, `.mts`, `.cts`
    TypeScript,
    /// `.go`
    Go,
    /// `.c`, `.h`
    C,
    /// `.cc`, `.cpp`, `.cxx`, `.hh`, `.hpp`, `.hxx`
    Cpp,
    /// `.java`
    Java,
    /// `.cs`
    CSharp,
    /// `.kt`, `.kts`
    Kotlin,
    /// `.scala`
    Scala,
    /// `.swift`
    Swift,
    /// `.php`
    Php,
    /// `.rb`
    Ruby,
    /// `.sh`, `.bash`, `.zsh`
    Shell,
    /// `.lua`
    Lua,
    /// A language whose files are one section each: `.sql`, `.css`, `.scss`, `.r`, `.jl`, `.pl`, `.hs`, `.ml`, `.ex`,
    /// `.exs`, `.clj`, `.el`, `.vim`, `.ps1`, `.zig`, `.nim`, `.dart`, `.proto`, `.graphql`, `.nix`, `.tf`, `.vue`,
    /// `.svelte`.
    Other,
}

/// Extensions of each kind, in lower case.
const EXTENSIONS: &[(FileKind, &[&str])] = &[
    (FileKind::Markdown, &["md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd"]),
    (FileKind::Org, &["org"]),
    (FileKind::ReStructuredText, &["rst", "rest"]),
    (FileKind::AsciiDoc, &["adoc", "asciidoc", "asc"]),
    (FileKind::Notebook, &["ipynb"]),
    (FileKind::Html, &["html", "htm", "xhtml"]),
    (FileKind::Source(Language::Rust), &["rs"]),
    (FileKind::Source(Language::Python), &["py", "pyi"]),
    (FileKind::Source(Language::JavaScript), &["js", "jsx", "mjs", "cjs"]),
    (FileKind::Source(Language::TypeScript), &["ts", "tsx", "mts", "cts"]),
    (FileKind::Source(Language::Go), &["go"]),
    (FileKind::Source(Language::C), &["c", "h"]),
    (FileKind::Source(Language::Cpp), &["cc", "cpp", "cxx", "hh", "hpp", "hxx"]),
    (FileKind::Source(Language::Java), &["java"]),
    (FileKind::Source(Language::CSharp), &["cs"]),
    (FileKind::Source(Language::Kotlin), &["kt", "kts"]),
    (FileKind::Source(Language::Scala), &["scala"]),
    (FileKind::Source(Language::Swift), &["swift"]),
    (FileKind::Source(Language::Php), &["php"]),
    (FileKind::Source(Language::Ruby), &["rb"]),
    (FileKind::Source(Language::Shell), &["sh", "bash", "zsh"]),
    (FileKind::Source(Language::Lua), &["lua"]),
    (
        FileKind::Source(Language::Other),
        &[
            "sql", "css", "scss", "r", "jl", "pl", "hs", "ml", "ex", "exs", "clj", "el", "vim", "ps1", "zig",
            "nim", "dart", "proto", "graphql", "nix", "tf", "vue", "svelte",
        ],
    ),
    (FileKind::PlainText, &["txt", "text", "tex", "toml", "yaml", "yml", "ini", "cfg", "conf", "properties"]),
];

impl FileKind {
    /// The kind of a file; `None` if its kind is not read. Only the name is looked at.
    ///
    /// ```
    /// use std::path::Path;
    /// use rekall_files::FileKind;
    ///
    /// assert_eq!(FileKind::of(Path::new("notes/Plan.MD")), Some(FileKind::Markdown));
    /// assert_eq!(FileKind::of(Path::new("README")), Some(FileKind::PlainText));
    /// assert_eq!(FileKind::of(Path::new("photo.jpeg")), None);
    /// ```
    pub fn of(path: &Path) -> Option<Self> {
        let Some(extension) = path.extension().filter(|extension| !extension.is_empty()) else {
            return Some(Self::PlainText);
        };
        let is_named = |name: &&str| extension.eq_ignore_ascii_case(OsStr::new(name));
        EXTENSIONS.iter().find(|(_, names)| names.iter().any(is_named)).map(|(kind, _)| *kind)
    }
}
