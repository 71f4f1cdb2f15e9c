//! A model that this process has for others, or another process for it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client::Client;
use super::error::{Failure, HostError};
use super::kind::Kind;
use super::place::Place;
use super::server::Server;
use crate::{Error, Fingerprint, LoadOptions};

/// How often a process tries to be the host or to reach it, and how long it waits in between: a host has the lock a moment before
/// its socket, and a moment after.
const TRIES: usize = 1000;
const PAUSE: Duration = Duration::from_millis(5);

/// What a model is loaded from, when this process has to.
pub(super) struct Files {
    pub(super) folder: PathBuf,
    pub(super) name: String,
    pub(super) kept: Option<PathBuf>,
    pub(super) options: LoadOptions,
}

impl Files {
    pub(super) fn new(folder: &Path, name: &str, kept: Option<&Path>, options: &LoadOptions) -> Self {
        let (folder, kept) = (folder.to_owned(), kept.map(Path::to_owned));
        Self { folder, name: name.to_owned(), kept, options: options.clone() }
    }
}

/// A model that the processes of a user share.
pub(super) struct Hosted<K: Kind> {
    pub(super) fingerprint: Fingerprint,
    pub(super) properties: K::Properties,
    files: Files,
    /// `None` where nothing can be shared.
    place: Option<Place>,
    role: Mutex<Arc<Role<K>>>,
    /// Held while a new role is found, which may take as long as loading the model; a role is looked at without it.
    election: Mutex<()>,
}

enum Role<K: Kind> {
    /// This process has the model, and answers others.
    Host(Server<K>, Arc<K::Model>),
    /// Another process has it.
    Client(Client<K>),
    /// This process has it for itself.
    Alone(Arc<K::Model>),
}

/// Where a call is done.
pub(super) enum Way<'a, K: Kind> {
    Here(&'a K::Model),
    There(&'a Client<K>),
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Kind> Hosted<K> {
    /// The model of a folder; see [`LoadOptions::model_host`].
    pub(super) fn load(files: Files) -> Result<Self, Error> {
        let fingerprint = K::fingerprint(&files)?;
        let place = Place::of(&fingerprint);
        let place = place.map_err(|error| tracing::warn!(%error, "the model is not shared")).ok();
        let role = elect::<K>(&files, place.as_ref(), &fingerprint)?;
        let properties = match &role {
            Role::Client(client) => client.properties,
            Role::Host(_, model) | Role::Alone(model) => K::properties(model),
        };
        let (role, election) = (Mutex::new(Arc::new(role)), Mutex::default());
        Ok(Self { fingerprint, properties, files, place, role, election })
    }

    pub(super) fn name(&self) -> &str {
        &self.files.name
    }

    fn role(&self) -> Arc<Role<K>> {
        Arc::clone(&locked(&self.role))
    }

    /// Makes a call where the model is. If the host does not answer, another takes its place and the call is made again; if that
    /// one does not either, this process loads the model.
    pub(super) fn call<T>(&self, mut make: impl FnMut(Way<'_, K>) -> Result<T, Failure>) -> Result<T, Error> {
        for last in [false, true] {
            let role = self.role();
            let error = match &*role {
                Role::Host(_, model) | Role::Alone(model) => return here(&mut make, &**model),
                Role::Client(client) => match make(Way::There(client)) {
                    Ok(made) => return Ok(made),
                    Err(Failure::Model(error)) => return Err(error),
                    Err(Failure::Way(error)) => error,
                },
            };
            tracing::debug!(%error, "the host of the model does not answer");
            let _electing = locked(&self.election);
            // Another call may have found another host meanwhile.
            if !Arc::ptr_eq(&self.role(), &role) {
                continue;
            }
            // One that is there and says nothing has been asked twice.
            let next = match last || error.is_silent() {
                false => elect::<K>(&self.files, self.place.as_ref(), &self.fingerprint)?,
                true => {
                    tracing::warn!(%error, "the model is not shared");
                    Role::Alone(K::load(&self.files, &self.fingerprint)?)
                }
            };
            *locked(&self.role) = Arc::new(next);
        }
        match &*self.role() {
            Role::Host(_, model) | Role::Alone(model) => here(&mut make, &**model),
            Role::Client(_) => here(&mut make, &*K::load(&self.files, &self.fingerprint)?),
        }
    }

    /// Makes a call that no message has room for: with a model that is loaded for it where this process has none.
    pub(super) fn call_here<T>(&self, make: impl FnOnce(&K::Model) -> Result<T, Error>) -> Result<T, Error> {
        match &*self.role() {
            Role::Host(_, model) | Role::Alone(model) => make(model),
            Role::Client(_) => make(&*K::load(&self.files, &self.fingerprint)?),
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match &*self.role() {
            Role::Host(_, model) | Role::Alone(model) => K::memory_bytes(model),
            Role::Client(_) => 0,
        }
    }

    /// When another process last used the model.
    pub(super) fn used_elsewhere(&self) -> Option<Instant> {
        match &*self.role() {
            Role::Host(server, _) => server.last_use(),
            Role::Client(_) | Role::Alone(_) => None,
        }
    }
}

fn here<K: Kind, T>(
    make: &mut impl FnMut(Way<'_, K>) -> Result<T, Failure>,
    model: &K::Model,
) -> Result<T, Error> {
    make(Way::Here(model)).map_err(|failure| match failure {
        Failure::Model(error) => error,
        Failure::Way(error) => Error::Compute { reason: error.to_string() },
    })
}

/// Finds the host, or becomes it; without either this process has the model for itself.
fn elect<K: Kind>(files: &Files, place: Option<&Place>, wanted: &Fingerprint) -> Result<Role<K>, Error> {
    let elected = match place {
        Some(place) => join_or_host(files, place, wanted),
        None => return K::load(files, wanted).map(Role::Alone),
    };
    match elected {
        Ok(role) => Ok(role),
        Err(Failure::Model(error)) => Err(error),
        Err(Failure::Way(error)) => {
            tracing::warn!(%error, "the model is not shared");
            K::load(files, wanted).map(Role::Alone)
        }
    }
}

fn join_or_host<K: Kind>(files: &Files, place: &Place, wanted: &Fingerprint) -> Result<Role<K>, Failure> {
    for _ in 0..TRIES {
        match Client::connect(place, wanted) {
            Ok(client) => return Ok(Role::Client(client)),
            Err(error) if error.is_gone() => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(held) = place.hold()? {
            // It answers before the model is loaded, so that others wait for it. Where loading fails they hear of its end.
            let server = Server::start(place.bind(held)?, wanted.clone())?;
            let model = K::load(files, wanted)?;
            server.offer(Arc::clone(&model));
            return Ok(Role::Host(server, model));
        }
        std::thread::sleep(PAUSE);
    }
    Err(HostError::Absent(PAUSE * TRIES as u32).into())
}
