//! `file://` URIs of paths, one for each path.

use std::path::{Path, PathBuf};

/// Characters of a path that stand for themselves, besides letters and digits (RFC 3986, `pchar`, and `/`).
const PLAIN: &[u8] = b"/-._~!$&'()*+,;=:@";

/// The `file://` URI of an absolute path.
///
/// Bytes that may not stand in a URI are percent-encoded one by one, so paths that are not UTF-8 keep apart,
/// and [`path_of_uri`] gives the path back. Nothing is looked up: `..` and links stay as they are.
///
/// ```
/// use std::path::Path;
///
/// # if cfg!(unix) {
/// assert_eq!(rekall_files::file_uri(Path::new("/notes/a b/Übung.md")), "file:///notes/a%20b/%C3%9Cbung.md");
/// # }
/// ```
pub fn file_uri(path: &Path) -> String {
    uri_of(&path_bytes(path), HAS_SHARES)
}

/// The path that [`file_uri`] made a URI of; `None` for any other URI.
///
/// ```
/// # use std::path::Path;
/// # if cfg!(unix) {
/// assert_eq!(rekall_files::path_of_uri("file:///notes/a%20b.md").as_deref(), Some(Path::new("/notes/a b.md")));
/// # }
/// assert_eq!(rekall_files::path_of_uri("https://example.org/a.md"), None);
/// ```
pub fn path_of_uri(uri: &str) -> Option<PathBuf> {
    path_from_bytes(bytes_of(uri, HAS_SHARES)?)
}

/// Whether a path may begin with the name of a machine, as `\\server\share` does: `file://server/share` (RFC 8089, E.3).
const HAS_SHARES: bool = cfg!(not(unix));

fn uri_of(bytes: &[u8], has_shares: bool) -> String {
    let mut uri = String::with_capacity("file:///".len() + bytes.len());
    uri.push_str(match bytes {
        [b'/', b'/', ..] if has_shares => "file:",
        [b'/', ..] => "file://",
        _ => "file:///",
    });
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
            uri.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    uri
}

fn bytes_of(uri: &str, has_shares: bool) -> Option<Vec<u8>> {
    let encoded = uri.strip_prefix("file://").filter(|rest| !rest.is_empty())?;
    let mut bytes = Vec::with_capacity(encoded.len() + 2);
    if !encoded.starts_with('/') {
        bytes.extend(has_shares.then_some(b"//")?);
    }
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

#[cfg(unix)]
fn path_bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(unix)]
fn path_from_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

#[cfg(not(unix))]
fn path_bytes(path: &Path) -> Vec<u8> {
    with_slashes(path.as_os_str().as_encoded_bytes())
}

#[cfg(not(unix))]
fn path_from_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    with_backslashes(bytes).map(PathBuf::from)
}

/// Of a path on Windows: `C:\notes` as `C:/notes` and `\\server\notes` as `//server/notes`, also where they are written
/// `\\?\C:\notes` and `\\?\UNC\server\notes`.
#[cfg(any(not(unix), test))]
fn with_slashes(path: &[u8]) -> Vec<u8> {
    let (before, rest) = match path.strip_prefix(br"\\?\UNC\") {
        Some(rest) => (&b"//"[..], rest),
        None => (&b""[..], path.strip_prefix(br"\\?\").unwrap_or(path)),
    };
    let rest = rest.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte });
    before.iter().copied().chain(rest).collect()
}

/// The path again; in a URI a drive has a slash before it.
#[cfg(any(not(unix), test))]
fn with_backslashes(bytes: Vec<u8>) -> Option<String> {
    let path = String::from_utf8(bytes).ok()?;
    let path = if path.starts_with("//") { &path } else { path.trim_start_matches('/') };
    Some(path.replace('/', r"\"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::collections::HashSet;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_look_alike_keep_apart() {
        let names: [&[u8]; 5] = [b"/a\xE9.md", b"/a\xE8.md", "/a\u{FFFD}.md".as_bytes(), b"/a%E9.md", b"/ "];
        let uris: HashSet<String> =
            names.iter().map(|name| file_uri(Path::new(OsStr::from_bytes(name)))).collect();
        assert_eq!(uris.len(), names.len(), "{uris:?}");
        assert!(uris.contains("file:///a%25E9.md") && uris.contains("file:///%20"), "{uris:?}");
    }

    #[test]
    fn other_uris_are_refused() {
        for uri in ["", "file://", "file://host/a", "http:///a", "file:///a%", "file:///a%2", "file:///%zz"] {
            assert_eq!(path_of_uri(uri), None, "{uri}");
        }
    }

    #[test]
    fn paths_of_windows_come_back() {
        for (path, uri, back) in [
            (r"C:\notes\a b.md", "file:///C:/notes/a%20b.md", r"C:\notes\a b.md"),
            (r"\\?\C:\notes\a.md", "file:///C:/notes/a.md", r"C:\notes\a.md"),
            (r"\\server\share\a.md", "file://server/share/a.md", r"\\server\share\a.md"),
            (r"\\?\UNC\server\share\ü.md", "file://server/share/%C3%BC.md", r"\\server\share\ü.md"),
        ] {
            assert_eq!(uri_of(&with_slashes(path.as_bytes()), true), uri);
            assert_eq!(bytes_of(uri, true).and_then(with_backslashes).as_deref(), Some(back));
        }
    }

    proptest! {
        #[test]
        fn a_path_comes_back(name in proptest::collection::vec(1..=255_u8, 0..60)) {
            let mut path = b"/".to_vec();
            path.extend(name);
            let path = Path::new(OsStr::from_bytes(&path));
            let uri = file_uri(path);
            prop_assert!(uri.is_ascii());
            prop_assert_eq!(path_of_uri(&uri).unwrap(), path);
        }
    }
}
