//! Where the processes of a user meet: a folder that is the user's alone, and in it a lock and a socket for each model.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::error::HostError;
use super::message::PROTOCOL;
use crate::Fingerprint;

#[derive(Debug, Clone)]
pub(super) struct Place {
    folder: PathBuf,
    /// Of lock and socket, without their endings.
    name: String,
}

/// The right to be the host, until it is dropped or the process ends.
#[derive(Debug)]
pub(super) struct Held {
    _lock: File,
}

/// A socket that others find. Its name goes with it.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Dropped last: nobody else binds the name before it is gone.
    _held: Held,
}

impl Place {
    /// The place for models of this space, of this version of the library and these processors.
    pub(super) fn of(fingerprint: &Fingerprint) -> Result<Self, HostError> {
        let base = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|base| base.is_absolute());
        let folder = match base {
            Some(base) => base.join("rekall"),
            None => std::env::temp_dir().join(format!("rekall-{}", rustix::process::geteuid().as_raw())),
        };
        Self::in_folder(folder, fingerprint)
    }

    pub(super) fn in_folder(folder: PathBuf, fingerprint: &Fingerprint) -> Result<Self, HostError> {
        private(&folder)?;
        let version = env!("CARGO_PKG_VERSION");
        let told_apart = format!("{PROTOCOL}\n{version}\n{}\n{fingerprint}", std::env::consts::ARCH);
        let digest = blake3::hash(told_apart.as_bytes()).to_hex();
        Ok(Self { folder, name: digest.as_str().chars().take(24).collect() })
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join(format!("{}.socket", self.name))
    }

    /// The right to be the host, unless another process has it.
    pub(super) fn hold(&self) -> Result<Option<Held>, HostError> {
        let path = self.folder.join(format!("{}.lock", self.name));
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Held { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Makes the socket. One that is there was left by a host that was killed, since the lock is ours.
    pub(super) fn bind(&self, held: Held) -> Result<Bound, HostError> {
        let path = self.socket();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        Ok(Bound { listener, path, _held: held })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// Makes the folder, or checks that it is the user's own and nobody else's: whoever can write there could answer.
fn private(folder: &Path) -> Result<(), HostError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let refused =
        |expected: String, got: String| HostError::Folder { path: folder.to_owned(), expected, got };
    let found = folder.symlink_metadata()?;
    let user = rustix::process::geteuid().as_raw();
    if !found.is_dir() {
        return Err(refused("a folder".into(), "a link or a file".into()));
    }
    if found.uid() != user {
        return Err(refused(format!("a folder of user {user}"), format!("one of user {}", found.uid())));
    }
    match found.mode() & 0o777 {
        mode if mode & 0o077 == 0 => Ok(()),
        mode => Err(refused("a folder of mode 700".into(), format!("mode {mode:o}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn refusal(folder: &Path) -> String {
        Place::in_folder(folder.to_owned(), &Fingerprint::external("m", 2)).unwrap_err().to_string()
    }

    #[test]
    fn a_folder_that_others_have_a_hand_in_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("rekall");
        let place = Place::in_folder(folder.clone(), &Fingerprint::external("m", 2)).unwrap();
        assert_eq!(folder.metadata().unwrap().mode() & 0o777, 0o700);
        let other = Place::in_folder(folder.clone(), &Fingerprint::external("n", 2)).unwrap();
        assert_ne!(place.socket(), other.socket(), "a place for each space");
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o770)).unwrap();
        assert!(refusal(&folder).ends_with("expected a folder of mode 700, got mode 770"));
        let link = base.path().join("link");
        std::os::unix::fs::symlink(base.path(), &link).unwrap();
        assert!(refusal(&link).ends_with("expected a folder, got a link or a file"));
        // One of another user, where this process may make one.
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
        if std::os::unix::fs::chown(&folder, Some(12_345), None).is_ok() {
            assert!(refusal(&folder).ends_with("got one of user 12345"));
        }
    }

    #[test]
    fn one_is_the_host_and_a_socket_goes_with_it() {
        let base = tempfile::tempdir().unwrap();
        let place = Place::in_folder(base.path().join("rekall"), &Fingerprint::external("m", 2)).unwrap();
        let held = place.hold().unwrap().unwrap();
        assert!(place.hold().unwrap().is_none());
        // As a killed host leaves one.
        drop(UnixListener::bind(place.socket()).unwrap());
        let bound = place.bind(held).unwrap();
        assert!(place.socket().exists());
        drop(bound);
        assert!(!place.socket().exists() && place.hold().unwrap().is_some());
    }
}
