//! Where the database is when the command line does not say.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The file given, else `$REKALL_DB`, else `rekall/knowledge.db` in the user's data folder.
pub(crate) fn database(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    if let Some(path) = variable("REKALL_DB") {
        return Ok(path);
    }
    data_folder().map(|folder| folder.join("rekall").join("knowledge.db")).ok_or_else(|| {
        Failure::Usage("no home folder to keep the database in: give --db FILE or set REKALL_DB".to_owned())
    })
}

/// Makes the folder of the default database. A folder that the user named is theirs to make: a misspelt path
/// should be an error, not a new folder.
pub(crate) fn make_default_folder(given: Option<&Path>, database: &Path) -> Result<(), Failure> {
    if given.is_some() || variable("REKALL_DB").is_some() {
        return Ok(());
    }
    match database.parent() {
        Some(folder) => fs::create_dir_all(folder).map_err(|error| Failure::io("create", folder, error)),
        None => Ok(()),
    }
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
