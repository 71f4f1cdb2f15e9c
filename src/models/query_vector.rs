//! The vector of a query, and how much of the query the model knows.

use std::ops::Deref;
use std::sync::Arc;

use rekall_core::Space;
use rekall_model::KeepAlive;

use crate::{Error, Rekall};

/// The unit vector of a query text.
#[derive(Debug, Clone)]
pub(crate) struct QueryVector {
    /// The vector; as a number after it the share that the model knows, if it can tell. So the cache holds both, and a
    /// cached query needs no model.
    cached: Arc<[f32]>,
    dimensions: usize,
}

impl QueryVector {
    /// A vector that the host made.
    pub(crate) fn given(vector: Vec<f32>) -> Self {
        Self { dimensions: vector.len(), cached: vector.into() }
    }

    /// How much of the text the model knows; `None`: it cannot tell.
    pub(crate) fn known(&self) -> Option<f32> {
        self.cached.get(self.dimensions).copied()
    }
}

impl Deref for QueryVector {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.cached[..self.dimensions]
    }
}

impl Rekall {
    /// The vector of a query text in `space`: from the cache, or else from the model.
    pub(crate) fn query_vector(
        &self,
        space: &Space,
        text: &str,
        keep_alive: Option<KeepAlive>,
    ) -> Result<QueryVector, Error> {
        let key = (space.id.0, Arc::from(text));
        let cached = self.queries.get_or_try_insert_with(&key, || {
            let lease = self.with_models(|models| {
                let lease = models.lease(keep_alive)?;
                self.check_model(space, lease.fingerprint().as_str()).map(|()| lease)
            })?;
            let mut vector = match lease.embed_query(text) {
                Ok(vector) => vector,
                Err(rekall_model::Error::Unembeddable { .. }) => return Err(Error::UnknownQuery),
                Err(error) => return Err(error.into()),
            };
            if vector.len() != space.dimensions {
                return Err(Error::VectorLength { expected: space.dimensions, got: vector.len() });
            }
            vector.extend(lease.known_share(text)?);
            Ok(vector.into())
        })?;
        Ok(QueryVector { cached, dimensions: space.dimensions })
    }
}
