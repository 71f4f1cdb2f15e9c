//! What the hits of a search are shown with: read one after the other, because a file is near.

use super::SqliteTx;
use crate::store::ReadHits;
use rusqlite::Connection;
use std::ops::Deref;

impl<C: Deref<Target = Connection>> ReadHits for SqliteTx<'_, C> {}
