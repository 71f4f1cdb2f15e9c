//! PostgreSQL's password file: `HOST:PORT:DATABASE:USER:PASSWORD`, a line each.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// What a line has to fit.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) user: String,
}

/// Where the server's own programs look for the file.
pub(crate) fn default_path() -> Option<PathBuf> {
    let named = env::var_os("PGPASSFILE").map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pgpass")))
}

/// The password of the first line that fits. `None` if there is none, or if the file is open to others, as the server's own
/// programs have it.
pub(crate) fn password(path: &Path, wanted: &Wanted) -> Option<String> {
    if is_open_to_others(path) {
        tracing::warn!(path = %path.display(), "the password file is not used: it is open to others");
        return None;
    }
    let file = fs::read_to_string(path).ok()?;
    // The name of a socket's folder is written as the machine's own.
    let host = if wanted.host.starts_with('/') { "localhost" } else { &wanted.host };
    let port = wanted.port.to_string();
    let values = [host, &port, &wanted.database, &wanted.user];
    file.lines().find_map(|line| {
        if line.starts_with('#') {
            return None;
        }
        let fields = fields(line);
        let [patterns @ .., password] = fields.as_slice() else { return None };
        let fits = patterns.len() == values.len()
            && patterns.iter().zip(values).all(|(pattern, value)| pattern == "*" || pattern == value);
        fits.then(|| password.clone())
    })
}

/// The fields of a line, of which the last one may hold colons. A backslash stands before a colon or backslash.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let last = fields.len() - 1;
        match character {
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields[last].extend(characters.next()),
            other => fields[last].push(other),
        }
    }
    fields
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, "# a:1:b:c:no\nh:5432:other:ann:no\nh:*:team:ann:o\\:n:e\n*:*:*:*:t\\\\wo\n")
            .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let wanted = |host: &str, user: &str| Wanted {
            host: host.to_owned(),
            port: 5432,
            database: "team".to_owned(),
            user: user.to_owned(),
        };
        assert_eq!(password(&path, &wanted("h", "ann")).as_deref(), Some("o:n:e"));
        assert_eq!(password(&path, &wanted("/run", "bob")).as_deref(), Some("t\\wo"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(password(&path, &wanted("h", "ann")), None);
    }
}
