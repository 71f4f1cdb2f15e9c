//! Stopping work from another thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::Error;

/// A flag that stops the work it was given to. Clones share the flag.
///
/// Work looks at it about every millisecond and then fails with [`Error::Interrupted`]; what it had changed
/// is undone.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    /// Shared with storage, whose SQLite looks at it in the middle of a statement.
    cancelled: Arc<AtomicBool>,
    children: Mutex<Vec<Weak<Self>>>,
    /// Lives as long as the child: what cancels the parent's parent comes by way of it.
    parent: Option<Arc<Self>>,
}

impl Flag {
    fn set(self: &Arc<Self>) {
        // A list and not a recursion: families may be deep.
        let mut waiting = vec![Arc::clone(self)];
        while let Some(flag) = waiting.pop() {
            // Under the lock, so that a child that is being made either sees the flag or is in the list.
            let mut children = flag.children.lock().unwrap_or_else(PoisonError::into_inner);
            flag.cancelled.store(true, Ordering::Relaxed);
            waiting.extend(children.drain(..).filter_map(|child| child.upgrade()));
        }
    }
}

impl Drop for Flag {
    fn drop(&mut self) {
        let mut ancestor = self.parent.take();
        while let Some(flag) = ancestor {
            ancestor = Arc::into_inner(flag).and_then(|mut flag| flag.parent.take());
        }
    }
}

impl CancelToken {
    /// A token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that is cancelled with this one, also when this one's last clone is gone by then and an
    /// ancestor of it is cancelled; it can be cancelled alone.
    ///
    /// ```
    /// # use rekall::CancelToken;
    /// let window = CancelToken::new();
    /// let (search, other) = (window.child(), window.child());
    /// search.cancel();
    /// assert!(!window.is_cancelled() && !other.is_cancelled());
    /// window.cancel();
    /// assert!(other.is_cancelled());
    /// ```
    #[must_use]
    pub fn child(&self) -> Self {
        let child = Self(Arc::new(Flag {
            parent: Some(Arc::clone(&self.0)),
            cancelled: Arc::default(),
            children: Mutex::default(),
        }));
        let mut children = self.0.children.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_cancelled() {
            child.cancel();
        } else {
            children.retain(|child| child.strong_count() > 0);
            children.push(Arc::downgrade(&child.0));
        }
        child
    }

    /// Stops the work, for good: a token is not used again.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::CancelToken;
    /// let token = CancelToken::new();
    /// token.cancel();
    /// assert!(token.is_cancelled());
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(&self) {
        self.0.set();
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Relaxed)
    }

    /// Whether both are clones of one token.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The bare flag, for functions of [`storage`](crate::storage) that this facade does not cover. True once
    /// the token was cancelled; set it by [`cancel`](Self::cancel) only.
    #[must_use]
    pub fn flag(&self) -> &AtomicBool {
        &self.0.cancelled
    }

    pub(crate) fn shared_flag(&self) -> &Arc<AtomicBool> {
        &self.0.cancelled
    }
}

/// The flag, for storage that looks at it only between its own steps.
pub(crate) fn flag_of(cancel: Option<&Arc<AtomicBool>>) -> Option<&AtomicBool> {
    cancel.map(|flag| &**flag)
}

/// Fails when the token was cancelled.
pub(crate) fn check_cancelled(cancel: Option<&CancelToken>) -> Result<(), Error> {
    match cancel {
        Some(token) if token.is_cancelled() => Err(Error::Interrupted),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_go_with_their_parent_and_not_the_other_way() {
        let parent = CancelToken::new();
        let (one, other) = (parent.child(), parent.child());
        one.cancel();
        assert!(one.is_cancelled() && !other.is_cancelled() && !parent.is_cancelled());
        let grandchild = other.child();
        parent.cancel();
        assert!(other.is_cancelled() && grandchild.is_cancelled());
        assert!(parent.child().is_cancelled(), "born after");
    }

    #[test]
    fn a_grandchild_stays_in_the_family_when_its_parent_is_gone() {
        let grandparent = CancelToken::new();
        let grandchild = grandparent.child().child();
        grandparent.cancel();
        assert!(grandchild.is_cancelled());
    }

    #[test]
    fn a_deep_family_is_cancelled_and_dropped_without_a_deep_stack() {
        let first = CancelToken::new();
        let mut last = first.child();
        for _ in 0..200_000 {
            last = last.child();
        }
        first.cancel();
        assert!(last.is_cancelled());
        drop(first);
        drop(last);
    }

    #[test]
    fn children_that_went_take_no_room() {
        let parent = CancelToken::new();
        for _ in 0..100 {
            drop(parent.child());
        }
        assert!(parent.0.children.lock().unwrap().len() <= 1);
    }
}
