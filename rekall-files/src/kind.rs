//! Which files are read, by their names.

use std::ffi::OsStr;
use std::path::Path;

/// A kind of file, by the structure of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// CommonMark with tables: `.md`, `.markdown`, `.mdown`, `.mkd`, `.mdx`, `.qmd`, `.rmd`.
    Markdown,
    /// Text without a structure: `.txt`, `.text`, configuration files (`.toml`, `.yaml`, `.ini` ...), and files
    /// without an extension, such as `LICENSE`.
    PlainText,
}

/// Extensions of each kind, in lower case.
const EXTENSIONS: &[(FileKind, &[&str])] = &[
    (FileKind::Markdown, &["md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd"]),
    (FileKind::PlainText, &["txt", "text", "toml", "yaml", "yml", "ini", "cfg", "conf", "properties", "tex"]),
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
        let known = |name: &&str| extension.eq_ignore_ascii_case(OsStr::new(name));
        EXTENSIONS.iter().find(|(_, names)| names.iter().any(|name| known(name))).map(|(kind, _)| *kind)
    }
}
