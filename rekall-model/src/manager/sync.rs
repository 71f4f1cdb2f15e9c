//! The primitives of [`slot`](super::slot). The model checker compiles that file a second time with
//! `shuttle`'s in their place.

pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard};
