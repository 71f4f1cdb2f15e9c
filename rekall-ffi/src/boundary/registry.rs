//! What the caller holds: addresses of handles, tokens and objects, so that a pointer which was given back, or never was
//! one of ours, is recognized before anything is read through it.
//!
//! A set of addresses and not a mark in the object: the memory of what was freed belongs to others, and to read it is
//! as wrong as what the caller did. Without locks, so that a child of fork() finds none held.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::boundary::panics::catch_or;

/// Places in the first part; each further one has twice as many as the one before.
const FIRST: usize = 64;
/// More than there is memory for.
const PARTS: usize = 26;
/// Places where an address may be in a part: a cache line of them.
const PROBED: usize = 4;

/// The live objects of one type.
pub(crate) struct Registry {
    parts: [OnceLock<Box<[Slot]>>; PARTS],
}

#[derive(Default)]
struct Slot {
    /// 0: free.
    address: AtomicUsize,
    /// Threads that are on their way into the object.
    entering: AtomicU32,
}

/// An object that the caller gets as a pointer and gives back.
pub(crate) trait Registered: Sized + 'static {
    /// All that are with callers.
    fn registry() -> &'static Registry;
}

/// The header lets any thread use what the library hands out.
pub(crate) const fn is_for_any_thread<T: Send + Sync>() {}

/// Declares such types, and asserts that any thread may use them.
macro_rules! registered {
    ($($type:ty),+ $(,)?) => {
        $(const _: () = crate::boundary::registry::is_for_any_thread::<$type>();

        impl crate::boundary::registry::Registered for $type {
            fn registry() -> &'static crate::boundary::registry::Registry {
                static LIVE: crate::boundary::registry::Registry = crate::boundary::registry::Registry::new();
                &LIVE
            }
        })+
    };
}
pub(crate) use registered;

/// Frees one of our objects. Nothing happens with NULL, with what was freed before, and with what belongs to another object.
pub(crate) fn free<T: Registered>(object: *mut T) {
    catch_or((), || {
        if T::registry().take_back(object) {
            // SAFETY: it was given out by `Registry::hand_out`, and is this call's alone.
            drop(unsafe { Box::from_raw(object) });
        }
    });
}

impl Registry {
    pub(crate) const fn new() -> Self {
        Self { parts: [const { OnceLock::new() }; PARTS] }
    }

    /// Makes an object the caller's.
    pub(crate) fn hand_out<T>(&self, object: T) -> *mut T {
        let object = Box::into_raw(Box::new(object));
        self.insert(object.addr());
        object
    }

    /// Takes an object out: it is then this caller's alone to free. False when it is none, or was taken out before.
    pub(crate) fn take_back<T>(&self, object: *mut T) -> bool {
        let Some(slot) = self.find(object.addr()) else { return false };
        // One of several who give the same pointer back is the first.
        if slot.address.compare_exchange(object.addr(), 0, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return false;
        }
        while slot.entering.load(Ordering::SeqCst) > 0 {
            std::thread::yield_now();
        }
        true
    }

    /// Looks at an object that cannot be taken back meanwhile; `None` when it is none. To be quick: who takes it back
    /// waits.
    ///
    /// # Safety
    /// The registry is that of `T`, and what comes out of `look` does not borrow from the object, unless that keeps it from being taken.
    pub(crate) unsafe fn enter<'a, T: 'a, R>(
        &self,
        object: *const T,
        look: impl FnOnce(&'a T) -> R,
    ) -> Option<R> {
        struct Leave<'s>(&'s AtomicU32);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let slot = self.find(object.addr())?;
        slot.entering.fetch_add(1, Ordering::SeqCst);
        let _leave = Leave(&slot.entering);
        // Looked at once more: from here on a thread that takes it back sees that this one is on its way in.
        if slot.address.load(Ordering::SeqCst) != object.addr() {
            return None;
        }
        // SAFETY: in the registry, so it lives.
        Some(look(unsafe { &*object }))
    }

    fn find(&self, address: usize) -> Option<&Slot> {
        if address == 0 {
            return None;
        }
        let parts = self.parts.iter().map_while(OnceLock::get);
        parts
            .flat_map(|part| probed(part, address))
            .find(|slot| slot.address.load(Ordering::Acquire) == address)
    }

    fn insert(&self, address: usize) {
        for (number, part) in self.parts.iter().enumerate() {
            let part = part.get_or_init(|| (0..FIRST << number).map(|_| Slot::default()).collect());
            for slot in probed(part, address) {
                if slot.address.compare_exchange(0, address, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                    return;
                }
            }
        }
    }
}

/// Where an address may be in a part.
fn probed(part: &[Slot], address: usize) -> &[Slot] {
    let mixed = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let group = mixed as usize % (part.len() / PROBED);
    &part[group * PROBED..][..PROBED]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn what_was_given_is_taken_back_once() {
        let registry = Registry::new();
        let object = registry.hand_out(String::from("text"));
        let stranger = std::ptr::from_ref(&registry).cast::<String>();
        // SAFETY: a registry of strings.
        unsafe {
            assert_eq!(registry.enter(object, |text| text.clone()).unwrap(), "text");
            assert!(registry.enter(stranger, |text| text.clone()).is_none());
            assert!(
                !registry.take_back(stranger.cast_mut())
                    && !registry.take_back(std::ptr::null_mut::<String>())
            );
            assert!(registry.take_back(object) && !registry.take_back(object));
            assert_eq!(*Box::from_raw(object), "text");
            assert!(registry.enter(object, |text| text.clone()).is_none());
        }
    }

    #[test]
    fn there_is_room_for_as_many_as_are_wanted() {
        let registry = Registry::new();
        let mut objects: Vec<*mut u64> = (0..20_000).map(|number| registry.hand_out(number)).collect();
        let parts = |registry: &Registry| registry.parts.iter().filter(|part| part.get().is_some()).count();
        let grown = parts(&registry);
        for round in 0..3 {
            let taken = objects.iter().map(|object| {
                assert!(registry.take_back(*object));
                // SAFETY: a number of the registry's, and nobody else's any more.
                *unsafe { Box::from_raw(*object) }
            });
            assert_eq!(taken.sum::<u64>(), 19_999 * 10_000, "round {round}");
            objects = (0..20_000).map(|number| registry.hand_out(number)).collect();
        }
        assert!(parts(&registry) <= grown + 1, "places are used again");
        // SAFETY: as above.
        objects.iter().for_each(|object| drop(unsafe { Box::from_raw(*object) }));
    }

    /// Threads enter an object while another takes it back: each of them meets it whole or not at all.
    #[test]
    fn who_is_inside_is_waited_for() {
        struct Mark(AtomicU64);
        impl Drop for Mark {
            fn drop(&mut self) {
                self.0.store(0, Ordering::SeqCst);
            }
        }
        static REGISTRY: Registry = Registry::new();
        for _ in 0..200 {
            let object = REGISTRY.hand_out(Mark(AtomicU64::new(7))).expose_provenance();
            let (start, taken) = (Barrier::new(5), AtomicU32::new(0));
            std::thread::scope(|scope| {
                for thread in 0..5 {
                    let (start, taken) = (&start, &taken);
                    scope.spawn(move || {
                        let object = std::ptr::with_exposed_provenance_mut::<Mark>(object);
                        start.wait();
                        if thread < 2 && REGISTRY.take_back(object) {
                            taken.fetch_add(1, Ordering::SeqCst);
                            // SAFETY: a mark of the registry's, and this thread's alone.
                            drop(unsafe { Box::from_raw(object) });
                        }
                        for _ in 0..20 {
                            // SAFETY: a registry of marks.
                            let seen =
                                unsafe { REGISTRY.enter(object, |mark| mark.0.load(Ordering::SeqCst)) };
                            assert!(seen.is_none_or(|seen| seen == 7));
                        }
                    });
                }
            });
            assert_eq!(taken.into_inner(), 1);
        }
    }
}
