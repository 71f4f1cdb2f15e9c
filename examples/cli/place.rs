//! Where the database is when the command line does not say.

use std::env;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What is said when there is no place for the database.
pub(crate) const NO_PLACE: &str = "no home folder to keep the database in: give --db FILE or set REKALL_DB";

/// The file given, else `$REKALL_DB`, else `rekall/knowledge.db` in the user's data folder; `None` where there is no
/// such folder.
pub(crate) fn database(given: Option<&Path>) -> Option<PathBuf> {
    let named = given.map(Path::to_owned).or_else(|| variable("REKALL_DB"));
    named.or_else(|| Some(data_folder()?.join("rekall").join("knowledge.db")))
}

/// Makes the folder of the default database. A folder that the user named is theirs to make: a misspelt path
/// should be an error, not a new folder.
pub(crate) fn make_default_folder(given: Option<&Path>, database: &Path) -> io::Result<()> {
    if given.is_some() || variable("REKALL_DB").is_some() {
        return Ok(());
    }
    database.parent().map_or(Ok(()), fs::create_dir_all)
}

/// `$XDG_DATA_HOME` or its default (<https://specifications.freedesktop.org/basedir-spec/latest/>), which
/// says that a relative path is to be ignored. On Windows the local application data.
fn data_folder() -> Option<PathBuf> {
    if let Some(folder) = variable("XDG_DATA_HOME").filter(|folder| folder.is_absolute()) {
        return Some(folder);
    }
    if cfg!(windows) {
        return variable("LOCALAPPDATA");
    }
    variable("HOME").map(|home| home.join(".local").join("share"))
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
