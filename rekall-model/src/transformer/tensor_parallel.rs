//! Tensor parallelism: one micro-batch on several threads, for a query, which cannot be split text by text.
//!
//! Each thread has a *rank*, keeps rows of its own, and computes a shard of every product's columns, and of
//! the attention a shard of the heads; then the shards are gathered by all ranks, four times a layer. Each
//! thread reads only its shard of the weights, and reading them is most of a short text's time. An element is
//! summed by one thread in the same order as without other threads, so the bits are the same.
//!
//! Waiting is bounded. On a busy machine a worker may not run for milliseconds; the caller (rank 0) then
//! computes the missing shard itself, continues alone, and is no slower than without workers.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cpu::panel_width;

/// What the threads of one micro-batch share.
#[derive(Debug)]
pub(super) struct Group {
    ranks: Vec<Rank>,
    /// A rank has waited too long: the ranks no longer work together.
    abandoned: AtomicBool,
}

#[derive(Debug, Default)]
struct Rank {
    /// How many gathers it has published its shard for.
    published: AtomicUsize,
    /// Its columns, alternating: while one outbox is read, the other can be written.
    outboxes: [Mutex<Vec<f32>>; 2],
}

/// A rank's part of the work, or all of it.
#[derive(Debug)]
pub(super) struct Shard {
    group: Option<Arc<Group>>,
    /// The rank; 0 is the caller's, which has to finish whatever the others do.
    index: usize,
    gathers: usize,
}

/// How the columns of rows are divided among the ranks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Partition {
    /// By the panels of a packed matrix.
    Panels,
    /// By this many heads.
    Heads(usize),
}

/// How long a rank waits for the others: several times what waking a thread takes.
const TIMEOUT: Duration = Duration::from_micros(200);

/// Spins between two readings of the clock.
const SPINS_PER_TIME_CHECK: usize = 64;

impl Group {
    pub(super) fn new(ranks: usize) -> Arc<Self> {
        Arc::new(Self {
            ranks: (0..ranks).map(|_| Rank::default()).collect(),
            abandoned: AtomicBool::new(false),
        })
    }
}

impl Shard {
    /// The whole work.
    pub(super) fn whole() -> Self {
        Self { group: None, index: 0, gathers: 0 }
    }

    /// Rank `index`'s part.
    pub(super) fn of(group: Arc<Group>, index: usize) -> Self {
        Self { group: Some(group), index, gathers: 0 }
    }

    /// Fills rows of `width` numbers together with the other ranks: `compute` fills the columns, or heads,
    /// that it is given. False if a worker has to stop, because its work is no longer needed.
    pub(super) fn compute_and_gather(
        &mut self,
        rows: &mut [f32],
        width: usize,
        partition: Partition,
        mut compute: impl FnMut(&mut [f32], Range<usize>),
    ) -> bool {
        let Some(group) = self.group.clone() else {
            compute(rows, partition.of(0, 1, width));
            return true;
        };
        let ranks = group.ranks.len();
        compute(rows, partition.of(self.index, ranks, width));
        self.publish(&group, rows, width, partition);
        if !self.wait_for_all(&group) && self.index > 0 {
            return false;
        }
        for (index, rank) in group.ranks.iter().enumerate().filter(|(index, _)| *index != self.index) {
            let part = partition.of(index, ranks, width);
            if rank.published.load(Ordering::Acquire) >= self.gathers {
                rank.read(self.gathers, rows, width, partition.columns(part, width));
            } else {
                compute(rows, part);
                self.group = None;
            }
        }
        true
    }

    fn publish(&mut self, group: &Group, rows: &[f32], width: usize, partition: Partition) {
        let own = partition.columns(partition.of(self.index, group.ranks.len(), width), width);
        self.gathers += 1;
        let rank = &group.ranks[self.index];
        let mut outbox = rank.outbox(self.gathers).lock().unwrap_or_else(PoisonError::into_inner);
        outbox.clear();
        for row in rows.chunks_exact(width) {
            outbox.extend_from_slice(&row[own.clone()]);
        }
        drop(outbox);
        rank.published.store(self.gathers, Ordering::Release);
    }

    /// Waits until all ranks have published as often as this one; false if one of them does not in time.
    fn wait_for_all(&self, group: &Group) -> bool {
        let all_here =
            || group.ranks.iter().all(|rank| rank.published.load(Ordering::Acquire) >= self.gathers);
        let mut started = None;
        loop {
            for _ in 0..SPINS_PER_TIME_CHECK {
                if all_here() {
                    return true;
                }
                std::hint::spin_loop();
            }
            if group.abandoned.load(Ordering::Relaxed) {
                return false;
            }
            if started.get_or_insert_with(Instant::now).elapsed() > TIMEOUT {
                group.abandoned.store(true, Ordering::Relaxed);
                return false;
            }
        }
    }
}

impl Rank {
    fn outbox(&self, gather: usize) -> &Mutex<Vec<f32>> {
        &self.outboxes[gather % 2]
    }

    fn read(&self, gather: usize, rows: &mut [f32], width: usize, columns: Range<usize>) {
        let outbox = self.outbox(gather).lock().unwrap_or_else(PoisonError::into_inner);
        if !columns.is_empty() {
            for (row, part) in rows.chunks_exact_mut(width).zip(outbox.chunks_exact(columns.len())) {
                row[columns.clone()].copy_from_slice(part);
            }
        }
    }
}

impl Partition {
    /// What rank `index` of `ranks` computes: a range of columns, or of heads.
    fn of(self, index: usize, ranks: usize, width: usize) -> Range<usize> {
        let part = |count: usize| count * index / ranks..count * (index + 1) / ranks;
        match self {
            Self::Heads(count) => part(count),
            Self::Panels => {
                let panels = part(width.div_ceil(panel_width()));
                (panels.start * panel_width()).min(width)..(panels.end * panel_width()).min(width)
            }
        }
    }

    /// The columns of a part.
    fn columns(self, part: Range<usize>, width: usize) -> Range<usize> {
        match self {
            Self::Panels => part,
            Self::Heads(count) => part.start * (width / count)..part.end * (width / count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: usize = 6;

    /// A rank's work on three rows: many gathers, each checked. `leave` stops in the middle. Returns how many
    /// rounds were completed.
    fn work(mut shard: Shard, rounds: usize, leave: Option<usize>) -> usize {
        let width = HEADS * panel_width();
        for round in 0..rounds {
            if leave == Some(round) {
                return round;
            }
            let value = |row: usize, column: usize| (round * 1_000 + row * 100_000 + column) as f32;
            let partition = if round % 2 == 0 { Partition::Panels } else { Partition::Heads(HEADS) };
            let mut rows = vec![f32::NAN; 3 * width];
            let go_on = shard.compute_and_gather(&mut rows, width, partition, |rows, part| {
                for row in 0..3 {
                    for column in partition.columns(part.clone(), width) {
                        rows[row * width + column] = value(row, column);
                    }
                }
            });
            if !go_on {
                return round;
            }
            let whole = (0..3 * width).map(|i| value(i / width, i % width));
            assert!(rows.iter().copied().eq(whole), "round {round}");
        }
        rounds
    }

    #[test]
    fn every_rank_has_all_columns_after_each_gather() {
        for ranks in [1, 2, 4, 6] {
            let group = Group::new(ranks);
            std::thread::scope(|scope| {
                for index in 1..ranks {
                    let shard = Shard::of(Arc::clone(&group), index);
                    scope.spawn(move || work(shard, 500, None));
                }
                // Whether the others keep up or not.
                assert_eq!(work(Shard::of(group, 0), 500, None), 500);
            });
        }
        assert_eq!(work(Shard::whole(), 3, None), 3);
    }

    #[test]
    fn the_caller_finishes_without_workers_that_stop_or_never_come() {
        let group = Group::new(3);
        std::thread::scope(|scope| {
            let shard = Shard::of(Arc::clone(&group), 1);
            let helper = scope.spawn(move || work(shard, 500, Some(100)));
            assert_eq!(work(Shard::of(Arc::clone(&group), 0), 500, None), 500);
            assert!(helper.join().unwrap() <= 100);
        });
        assert!(work(Shard::of(group, 2), 500, None) <= 1, "a late worker is told to stop");
    }
}
