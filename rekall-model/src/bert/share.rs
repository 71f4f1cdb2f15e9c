//! One micro-batch on several threads: for a question, which cannot be spread text by text.
//!
//! Each member keeps rows of its own and computes a share of every product's columns, of the attention a share of
//! the heads; then the shares are exchanged, four times a layer. So each reads only its share of the weights, which
//! is most of a short text's time. An element is summed by one thread in the order in which it is summed alone: the
//! same bits.
//!
//! Nobody waits long. On a busy machine a helper may not run for milliseconds; the caller then computes the missing
//! share itself, goes on alone, and is no slower than without help.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cpu::panel_width;

/// What the threads of one micro-batch have in common.
#[derive(Debug)]
pub(super) struct Team {
    members: Vec<Member>,
    /// Somebody has run out of patience: the team is no more.
    over: AtomicBool,
}

#[derive(Debug, Default)]
struct Member {
    /// How many exchanges it has come to.
    arrived: AtomicUsize,
    /// Its columns, in turn: while one board is read, the next may be written already.
    boards: [Mutex<Vec<f32>>; 2],
}

/// A member's part of the work; or all of it.
#[derive(Debug)]
pub(super) struct Share {
    team: Option<Arc<Team>>,
    /// 0 is the caller's, who has to finish whatever the others do.
    index: usize,
    exchanges: usize,
}

/// How the columns of rows are parted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Parts {
    /// By the panels of a packed matrix.
    Panels,
    /// By so many heads.
    Heads(usize),
}

/// How long a member waits for the others: several times what waking a thread takes.
const PATIENCE: Duration = Duration::from_micros(200);

/// Between two looks at the time.
const SPINS: usize = 64;

impl Team {
    pub(super) fn new(members: usize) -> Arc<Self> {
        Arc::new(Self {
            members: (0..members).map(|_| Member::default()).collect(),
            over: AtomicBool::new(false),
        })
    }
}

impl Share {
    /// The whole work.
    pub(super) fn all() -> Self {
        Self { team: None, index: 0, exchanges: 0 }
    }

    /// Member `index`'s part.
    pub(super) fn of(team: Arc<Team>, index: usize) -> Self {
        Self { team: Some(team), index, exchanges: 0 }
    }

    /// Fills rows of `width` numbers, with the others' help: `compute` fills the columns, or heads, that it is given.
    /// False if a helper is to stop, because nobody needs its work any more.
    pub(super) fn fill(
        &mut self,
        rows: &mut [f32],
        width: usize,
        parts: Parts,
        mut compute: impl FnMut(&mut [f32], Range<usize>),
    ) -> bool {
        let Some(team) = self.team.clone() else {
            compute(rows, parts.of(0, 1, width));
            return true;
        };
        let members = team.members.len();
        compute(rows, parts.of(self.index, members, width));
        self.publish(&team, rows, width, parts);
        if !self.wait(&team) && self.index > 0 {
            return false;
        }
        for (index, member) in team.members.iter().enumerate().filter(|(index, _)| *index != self.index) {
            let part = parts.of(index, members, width);
            if member.arrived.load(Ordering::Acquire) >= self.exchanges {
                member.read(self.exchanges, rows, width, parts.columns(part, width));
            } else {
                compute(rows, part);
                self.team = None;
            }
        }
        true
    }

    fn publish(&mut self, team: &Team, rows: &[f32], width: usize, parts: Parts) {
        let own = parts.columns(parts.of(self.index, team.members.len(), width), width);
        self.exchanges += 1;
        let member = &team.members[self.index];
        let mut board = member.board(self.exchanges).lock().unwrap_or_else(PoisonError::into_inner);
        board.clear();
        for row in rows.chunks_exact(width) {
            board.extend_from_slice(&row[own.clone()]);
        }
        drop(board);
        member.arrived.store(self.exchanges, Ordering::Release);
    }

    /// Until all have come as far as this one; false if that will not be.
    fn wait(&self, team: &Team) -> bool {
        let all_here =
            || team.members.iter().all(|member| member.arrived.load(Ordering::Acquire) >= self.exchanges);
        let mut started = None;
        loop {
            for _ in 0..SPINS {
                if all_here() {
                    return true;
                }
                std::hint::spin_loop();
            }
            if team.over.load(Ordering::Relaxed) {
                return false;
            }
            if started.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                team.over.store(true, Ordering::Relaxed);
                return false;
            }
        }
    }
}

impl Member {
    fn board(&self, exchange: usize) -> &Mutex<Vec<f32>> {
        &self.boards[exchange % 2]
    }

    fn read(&self, exchange: usize, rows: &mut [f32], width: usize, columns: Range<usize>) {
        let board = self.board(exchange).lock().unwrap_or_else(PoisonError::into_inner);
        if !columns.is_empty() {
            for (row, part) in rows.chunks_exact_mut(width).zip(board.chunks_exact(columns.len())) {
                row[columns.clone()].copy_from_slice(part);
            }
        }
    }
}

impl Parts {
    /// What member `index` of `members` computes: columns, or heads.
    fn of(self, index: usize, members: usize, width: usize) -> Range<usize> {
        let part = |count: usize| count * index / members..count * (index + 1) / members;
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

    /// A member's work on three rows: many exchanges, each checked. `leave` stops in the middle. Says how many it
    /// went through.
    fn work(mut share: Share, rounds: usize, leave: Option<usize>) -> usize {
        let width = HEADS * panel_width();
        for round in 0..rounds {
            if leave == Some(round) {
                return round;
            }
            let value = |row: usize, column: usize| (round * 1_000 + row * 100_000 + column) as f32;
            let parts = if round % 2 == 0 { Parts::Panels } else { Parts::Heads(HEADS) };
            let mut rows = vec![f32::NAN; 3 * width];
            let go_on = share.fill(&mut rows, width, parts, |rows, part| {
                for row in 0..3 {
                    for column in parts.columns(part.clone(), width) {
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
    fn everybody_has_the_whole_after_each_exchange() {
        for members in [1, 2, 4, 6] {
            let team = Team::new(members);
            std::thread::scope(|scope| {
                for index in 1..members {
                    let share = Share::of(Arc::clone(&team), index);
                    scope.spawn(move || work(share, 500, None));
                }
                // Whether the others keep up or not.
                assert_eq!(work(Share::of(team, 0), 500, None), 500);
            });
        }
        assert_eq!(work(Share::all(), 3, None), 3);
    }

    #[test]
    fn the_caller_finishes_without_helpers_who_stop_or_never_come() {
        let team = Team::new(3);
        std::thread::scope(|scope| {
            let share = Share::of(Arc::clone(&team), 1);
            let helper = scope.spawn(move || work(share, 500, Some(100)));
            assert_eq!(work(Share::of(Arc::clone(&team), 0), 500, None), 500);
            assert!(helper.join().unwrap() <= 100);
        });
        assert!(work(Share::of(team, 2), 500, None) <= 1, "who comes late is told to stop");
    }
}
