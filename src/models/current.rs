//! The model that this memory uses now, held against the one that the file's vectors were made with.

use std::sync::{Arc, PoisonError};

use rekall_core::{Space, WriteTx};

use super::{Models, same_space};
use crate::retry::{Attempt, retry};
use crate::{Error, Rekall};

impl Rekall {
    /// Does something with the model, and once more when that was not the file's model because both are just
    /// being changed.
    pub(crate) fn with_models<T>(
        &self,
        mut work: impl FnMut(&Models) -> Result<T, Error>,
    ) -> Result<T, Error> {
        retry(self.models.load_full(), |models| match work(&models) {
            Err(Error::ModelMismatch { stored, requested }) => {
                drop(self.switching.read().unwrap_or_else(PoisonError::into_inner));
                let newer = self.models.load_full();
                if !Arc::ptr_eq(&models, &newer) {
                    return Ok(Attempt::Outdated(newer));
                }
                let followed = self.follow_file(&models, &stored)?;
                followed.map(Attempt::Outdated).ok_or(Error::ModelMismatch { stored, requested })
            }
            done => done.map(Attempt::Done),
        })
    }

    /// Refuses vectors of another model than the space's.
    pub(crate) fn check_model(&self, space: &Space, fingerprint: &str) -> Result<(), Error> {
        if same_space(&space.fingerprint, fingerprint) {
            return Ok(());
        }
        Err(Error::ModelMismatch { stored: space.fingerprint.clone(), requested: fingerprint.to_owned() })
    }

    /// The active space, if it is this model's; made when the file has none yet.
    pub(crate) fn own_space(
        &self,
        tx: &mut dyn WriteTx,
        fingerprint: &str,
        dimensions: usize,
    ) -> Result<Space, Error> {
        match tx.active_space()? {
            Some(space) => self.check_model(&space, fingerprint).map(|()| space),
            None => Ok(tx.ensure_active_space(fingerprint, dimensions)?),
        }
    }
}
