//! What the host asks of the index.

use rekall_index::Choice;

use crate::VectorBackend;

/// Entries that may change before what is persisted is made again, at the most.
const MAX_DELTA_ENTRIES: usize = 20_000;

/// A smaller memory budget counts as this one for the rows of changed entries: below a mebibyte there is nothing to save.
const MIN_DELTA_BYTES: usize = 1 << 20;

/// What the host asks of the index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IndexSettings {
    pub(crate) backend: VectorBackend,
    /// Bytes that the index may hold in memory; `None`: no limit.
    pub(crate) memory_budget: Option<usize>,
    /// Rows that an approximate search rescores.
    pub(crate) rescored_rows: usize,
}

impl IndexSettings {
    /// The limits of what may have changed in a space since a base in the file was made.
    pub(crate) fn delta_limits(&self, dimensions: usize) -> DeltaLimits {
        let budget = self.memory_budget.map(|budget| budget.max(MIN_DELTA_BYTES));
        DeltaLimits {
            entries: budget.map_or(MAX_DELTA_ENTRIES, |budget| {
                (budget / Choice::Flat.bytes(1, dimensions)).clamp(1, MAX_DELTA_ENTRIES)
            }),
            bytes: budget.unwrap_or(usize::MAX),
        }
    }
}

/// How much may have changed since a base in the file was made: the rows of these entries are held in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeltaLimits {
    pub(crate) entries: usize,
    /// What their rows may take; one entry may have hundreds.
    pub(crate) bytes: usize,
}

/// The automatic choice for one space.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AutoChoice {
    pub(crate) dimensions: usize,
    pub(crate) memory_budget: Option<usize>,
}

impl AutoChoice {
    pub(crate) fn backend_for(self, rows: usize) -> Choice {
        Choice::auto(rows, self.dimensions, self.memory_budget)
    }
}
