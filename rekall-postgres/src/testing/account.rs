//! The user that a server runs as: PostgreSQL refuses to run as root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A user without privileges, or the one that runs the tests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account(Option<(u32, u32)>);

impl Account {
    /// The one that may run a server; `folder` is one that this process has made.
    pub(super) fn choose(folder: &Path) -> Self {
        if fs::metadata(folder).unwrap().uid() != 0 {
            return Self(None);
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let nobody = users.lines().find_map(|line| {
            let mut fields = line.strip_prefix("nobody:")?.split(':').skip(1);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        });
        Self(Some(nobody.unwrap_or((65_534, 65_534))))
    }

    /// Gives a file or folder to the user.
    pub(super) fn own(self, path: &Path) {
        if let Self(Some((user, group))) = self {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    /// A command that the user runs.
    pub(super) fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        // The folder of the tests may be closed to the user. Messages in English, whatever the machine speaks.
        command.current_dir(folder).stdin(Stdio::null()).env("LC_ALL", "C");
        if let Self(Some((user, group))) = self {
            command.uid(user).gid(group);
        }
        command
    }

    /// An installation that the user may run: the given one, or a copy of it in the folder.
    pub(super) fn reachable(self, installation: &Path, folder: &Path) -> PathBuf {
        let works = |installation: &Path| {
            let mut version = self.command(&installation.join("bin/postgres"), folder);
            version.arg("--version").output().is_ok_and(|output| output.status.success())
        };
        if works(installation) {
            return installation.to_owned();
        }
        // Libraries of its programs lie beside it.
        let package = installation.parent().and_then(Path::parent).expect("an installation in a package");
        let copy = folder.join("package");
        copy_tree(package, &copy);
        let copied = copy.join(installation.strip_prefix(package).unwrap());
        assert!(works(&copied), "{} does not run, nor does a copy", installation.display());
        copied
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_installation_that_nobody_else_may_enter_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let account = Account::choose(folder.path());
        let Account(Some(_)) = account else { return };
        account.own(folder.path());
        let closed = tempfile::tempdir().unwrap();
        fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let installation = closed.path().join("a/b");
        fs::create_dir_all(installation.join("bin")).unwrap();
        fs::copy("/bin/true", installation.join("bin/postgres")).unwrap();
        let reached = account.reachable(&installation, folder.path());
        assert_eq!(reached, folder.path().join("package/a/b"));
    }
}
