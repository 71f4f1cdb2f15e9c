//! Where the processes of a user meet: a folder that is the user's alone, and in it a lock and a socket for each model.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

use super::error::HostError;
use super::message::PROTOCOL;
use super::transport::{self, Listener};
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

/// A socket that others find, or what names a pipe. It goes with this.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) listener: Listener,
    path: PathBuf,
    /// Dropped last: nobody else binds the name before it is gone.
    _held: Held,
}

impl Place {
    /// The place for models of this space, of this version of the library and these processors.
    pub(super) fn of(fingerprint: &Fingerprint) -> Result<Self, HostError> {
        Self::in_folder(transport::folder()?, fingerprint)
    }

    pub(super) fn in_folder(folder: PathBuf, fingerprint: &Fingerprint) -> Result<Self, HostError> {
        transport::make_private(&folder)?;
        let (version, processor) = (env!("CARGO_PKG_VERSION"), std::env::consts::ARCH);
        let privileges = transport::privileges()?;
        let told_apart = format!("{PROTOCOL}\n{version}\n{processor}{privileges}\n{fingerprint}");
        let digest = blake3::hash(told_apart.as_bytes()).to_hex();
        Ok(Self { folder, name: digest.as_str().chars().take(24).collect() })
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join(format!("{}.socket", self.name))
    }

    /// The right to be the host, unless another process has it.
    pub(super) fn hold(&self) -> Result<Option<Held>, HostError> {
        let path = self.folder.join(format!("{}.lock", self.name));
        let lock = transport::open_lock(&path)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Held { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Makes the socket. One that is there was left by a host that was killed, since the lock is ours.
    pub(super) fn bind(&self, held: Held) -> Result<Bound, HostError> {
        let path = self.socket();
        let listener = Listener::bind(&path)?;
        Ok(Bound { listener, path, _held: held })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_the_host_and_a_socket_goes_with_it() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("rekall");
        let place = Place::in_folder(folder.clone(), &Fingerprint::external("m", 2)).unwrap();
        let other = Place::in_folder(folder, &Fingerprint::external("n", 2)).unwrap();
        assert_ne!(place.socket(), other.socket(), "a place for each space");
        let held = place.hold().unwrap().unwrap();
        assert!(place.hold().unwrap().is_none());
        // As a killed host leaves one.
        drop(Listener::bind(&place.socket()).unwrap());
        let bound = place.bind(held).unwrap();
        assert!(place.socket().exists());
        drop(bound);
        assert!(!place.socket().exists() && place.hold().unwrap().is_some());
    }
}
