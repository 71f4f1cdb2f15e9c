//! What differs between the kinds of models that processes share.

use std::fmt::Debug;
use std::sync::Arc;

use super::error::HostError;
use super::hosted::Files;
use super::message::{In, Out};
use super::wire::{Frame, Link};
use crate::{Error, Fingerprint};

/// A kind of model, as host and client speak of it.
pub(super) trait Kind: Sized + 'static {
    /// What calls are made on.
    type Model: ?Sized + Send + Sync + 'static;
    /// What a client has to know of the model.
    type Properties: Debug + Copy + Send + Sync;

    /// What tells a model from all others of which a call may have other bits. Reads and hashes its files.
    fn fingerprint(files: &Files) -> Result<Fingerprint, Error>;

    /// Loads the model, and refuses files that have changed since `expected` was computed.
    fn load(files: &Files, expected: &Fingerprint) -> Result<Arc<Self::Model>, Error>;

    fn memory_bytes(model: &Self::Model) -> usize;

    fn properties(model: &Self::Model) -> Self::Properties;

    fn write(properties: Self::Properties, out: Out) -> Out;

    fn read(read: &mut In<'_>) -> Result<Self::Properties, HostError>;

    /// What the model answers to a question; an error of the outer kind ends the connection.
    fn answer(
        model: &Self::Model,
        link: &Link,
        question: &Frame,
    ) -> Result<Result<Vec<u8>, Error>, HostError>;
}

/// The error for files that are not those that the fingerprint was computed of.
pub(super) fn changed(files: &Files, expected: &Fingerprint, got: &Fingerprint) -> Error {
    Error::invalid_file(&files.folder, format!("the files of {expected}"), got.to_string())
}
