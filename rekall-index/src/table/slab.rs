//! Memory for blocks, in huge pages.
//!
//! A scan reads its rows once, in order; with pages of 4 KiB it waits for a table walk every few rows (a third to a half of the
//! time, measured). Linux gives huge pages to memory that asks for them and is aligned to them, which a block of 200 KB
//! on the heap is not. So blocks are slots of slabs: a few MiB each, aligned, advised. Slots of freed blocks are used again;
//! a slab goes back to the system with its last block.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The size of a huge page on x86-64 and, as a rule, on AArch64.
const HUGE_PAGE: usize = 2 << 20;
/// The size of a slab: the part of it that no slot fills should be small.
const SLAB: usize = 2 * HUGE_PAGE;
/// So many slots' worth of blocks comes from the heap first: a small index needs no huge page.
const HEAP_BLOCKS: usize = 8;

/// Where the blocks of one table (and of its snapshots) get their memory.
#[derive(Debug)]
pub(crate) struct Pool {
    slot_bytes: usize,
    /// Blocks from the heap so far.
    heap_blocks: AtomicUsize,
    /// The slabs in use, the last one added last.
    slabs: Mutex<Vec<Weak<Slab>>>,
}

impl Pool {
    /// A pool of slots of `bytes` each, rounded up to whole cache lines.
    pub(crate) fn new(bytes: usize) -> Arc<Self> {
        let slot_bytes = bytes.next_multiple_of(64);
        Arc::new(Self { slot_bytes, heap_blocks: AtomicUsize::new(0), slabs: Mutex::default() })
    }

    /// A pool without slots, for blocks that go before the next one comes: each would bring a slab with it, and take it away.
    pub(crate) fn of_no_slots() -> Arc<Self> {
        Self::new(0)
    }

    /// A slot for `bytes` bytes, if such blocks shall lie in slabs.
    pub(crate) fn take(&self, bytes: usize) -> Option<Slot> {
        let whole_block = self.slot_bytes > 0
            && bytes <= self.slot_bytes
            && bytes + 64 > self.slot_bytes
            && self.slot_bytes <= SLAB / 2;
        // A count that only ever grows: after long use of a small index its blocks come from slabs too, which does no harm.
        if !whole_block || self.heap_blocks.fetch_add(1, Ordering::Relaxed) < HEAP_BLOCKS {
            return None;
        }
        let mut slabs = lock(&self.slabs);
        let mut found = None;
        slabs.retain(|slab| match slab.upgrade() {
            Some(slab) => {
                found = found.take().or_else(|| Slab::take(&slab, self.slot_bytes));
                true
            }
            None => false,
        });
        found.or_else(|| {
            let slab = Arc::new(Slab::new(self.slot_bytes));
            slabs.push(Arc::downgrade(&slab));
            Slab::take(&slab, self.slot_bytes)
        })
    }
}

/// A poisoned lock guards plain numbers that are whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One aligned piece of memory. Pages are first touched when a slot is taken: not all at once.
#[derive(Debug)]
struct Slab {
    memory: NonNull<u8>,
    /// The numbers of the slots that nobody has.
    free: Mutex<Vec<u16>>,
}

// SAFETY: the memory is reached only through slots, each of which owns its own part of it.
unsafe impl Send for Slab {}
// SAFETY: as above; the list of free slots is behind a lock.
unsafe impl Sync for Slab {}

impl Slab {
    const LAYOUT: Layout = match Layout::from_size_align(SLAB, HUGE_PAGE) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    };

    fn new(slot_bytes: usize) -> Self {
        // SAFETY: the layout's size is not zero.
        let Some(memory) = NonNull::new(unsafe { alloc(Self::LAYOUT) }) else {
            handle_alloc_error(Self::LAYOUT)
        };
        // SAFETY: the range is ours, whole pages; the advice changes no contents. If the system refuses, pages stay small.
        #[cfg(all(target_os = "linux", not(miri)))]
        unsafe {
            libc::madvise(memory.as_ptr().cast(), SLAB, libc::MADV_HUGEPAGE);
        }
        // At most SLAB / 64 slots; the lowest is taken first.
        let free = (0..(SLAB / slot_bytes) as u16).rev().collect();
        Self { memory, free: Mutex::new(free) }
    }

    fn take(slab: &Arc<Self>, bytes: usize) -> Option<Slot> {
        let number = lock(&slab.free).pop()?;
        let slot = Slot { slab: Arc::clone(slab), number, bytes };
        // SAFETY: these bytes are within the slab and only this slot's. From here on they are initialized.
        unsafe { slot.start().write_bytes(0, bytes) };
        Some(slot)
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and no slot is left, for each holds the slab.
        unsafe { dealloc(self.memory.as_ptr(), Self::LAYOUT) }
    }
}

/// A part of a slab that has one owner.
#[derive(Debug)]
pub(crate) struct Slot {
    slab: Arc<Slab>,
    number: u16,
    bytes: usize,
}

impl Slot {
    fn start(&self) -> *mut u8 {
        // SAFETY: the slab has more than `number` slots of `bytes` bytes.
        unsafe { self.slab.memory.as_ptr().add(usize::from(self.number) * self.bytes) }
    }

    /// The bytes, on a cache line; zero at first.
    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: `bytes` bytes from the start are within the slab, initialized when the slot was taken, and only this slot
        // reaches them: its number is given to nobody else until it is dropped.
        unsafe { std::slice::from_raw_parts(self.start(), self.bytes) }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` makes sure of one reference.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.bytes) }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.slab.free).push(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_apart_and_come_back() {
        let bytes = 1 << 20;
        let pool = Pool::new(bytes);
        assert!((0..HEAP_BLOCKS).all(|_| pool.take(bytes).is_none()));
        let heap = Pool::of_no_slots();
        assert!((0..2 * HEAP_BLOCKS).all(|_| heap.take(0).is_none() && heap.take(bytes).is_none()));
        let mut slots: Vec<Slot> = (0..10).map(|_| pool.take(bytes).unwrap()).collect();
        assert_eq!(lock(&pool.slabs).len(), 3);
        for (number, slot) in slots.iter_mut().enumerate() {
            slot.as_mut_slice().fill(number as u8);
        }
        for (number, slot) in slots.iter().enumerate() {
            assert!(slot.as_slice().len() == bytes && slot.as_slice().as_ptr().addr() % 64 == 0);
            assert!([0, bytes / 2, bytes - 1].iter().all(|&at| slot.as_slice()[at] == number as u8));
        }
        // A freed slot is used again, and slabs without slots go.
        let place = slots.remove(1).start();
        assert_eq!(pool.take(bytes).unwrap().start(), place);
        slots.truncate(1);
        let _more = pool.take(bytes).unwrap();
        assert_eq!(lock(&pool.slabs).len(), 1);
    }

    #[test]
    fn only_whole_blocks_of_fitting_size_get_slots() {
        let pool = Pool::new(1000);
        (0..HEAP_BLOCKS).for_each(|_| assert!(pool.take(1000).is_none()));
        assert!(pool.take(500).is_none() && pool.take(2000).is_none() && pool.take(1000).is_some());
        let large = Pool::new(SLAB);
        assert!((0..HEAP_BLOCKS + 1).all(|_| large.take(SLAB).is_none()));
    }
}
