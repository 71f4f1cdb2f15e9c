//! Packed matrices, made once and kept in a file that later loads map, so that all processes share its pages.
//!
//! The file is made from the weights and can be made again at any time: one that is missing, damaged, of other weights or
//! another layout, or without a matrix that is asked for, is made anew, and where none can be written nothing is kept. It holds,
//! one after the other: a first line, the numbers of each matrix (of those in eight bits also scales and offsets), an index of
//! them in JSON, the index's length, and the digest of all that.

mod found;
mod layout;
mod writer;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use super::reader::Matrix;
use crate::{Device, LoadOptions, Precision};

use found::Found;
use layout::Origin;
use writer::Writer;

/// How a network's matrices are made.
#[derive(Debug)]
pub(super) struct Matrices {
    pub(super) precision: Precision,
    kept: RefCell<Kept>,
    /// Whether a kept file did not have a matrix that was asked for.
    lacks_some: Cell<bool>,
}

#[derive(Debug)]
enum Kept {
    None,
    /// Matrices that an earlier load has kept.
    Found(Found),
    /// Those of this load.
    Keeping(Box<Writer>),
}

/// Where a load's matrices may be kept, and what they are made from.
#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
    origin: Origin,
}

impl Place {
    /// In `folder`, for the weights of this digest; `None` where nothing is kept: no such folder, a device that has a
    /// layout of its own, a processor that writes its numbers the other way round.
    pub(super) fn of(folder: Option<&Path>, weights: &str, options: &LoadOptions) -> Option<Self> {
        let usable = options.device == Device::Cpu && cfg!(target_endian = "little");
        let folder = folder.filter(|_| usable)?.to_owned();
        Some(Self { folder, origin: Origin::of(weights, options.precision) })
    }

    /// Removes what is kept there.
    pub(super) fn clear(&self) {
        drop(std::fs::remove_file(self.folder.join(self.origin.file_name())));
    }
}

impl Matrices {
    /// Without anything kept.
    pub(super) fn of(precision: Precision) -> Self {
        Self::new(precision, Kept::None)
    }

    /// Those that are kept there, or else such as will be.
    pub(super) fn kept_in(place: &Place) -> Self {
        let Place { folder, origin } = place;
        if let Some(kept) = Self::found_in(place) {
            return kept;
        }
        let kept = match Writer::begin(folder, origin.clone()) {
            Ok(writer) => Kept::Keeping(Box::new(writer)),
            Err(error) => {
                tracing::debug!(%error, folder = %folder.display(), "matrices are not kept");
                Kept::None
            }
        };
        Self::new(origin.precision(), kept)
    }

    /// Those that are kept there.
    pub(super) fn found_in(Place { folder, origin }: &Place) -> Option<Self> {
        let found = Found::open(&folder.join(origin.file_name()), origin)?;
        Some(Self::new(origin.precision(), Kept::Found(found)))
    }

    fn new(precision: Precision, kept: Kept) -> Self {
        Self { precision, kept: RefCell::new(kept), lacks_some: Cell::new(false) }
    }

    /// Whether the kept file is one of another version of this crate, which had other matrices.
    pub(super) fn lacks_some(&self) -> bool {
        self.lacks_some.get()
    }

    /// A matrix of that name, if it was kept.
    pub(super) fn find(&self, name: &str, k: usize, n: usize) -> Option<Matrix> {
        match &*self.kept.borrow() {
            Kept::Found(found) => {
                let matrix = found.matrix(name, k, n);
                self.lacks_some.set(self.lacks_some.get() || matrix.is_none());
                matrix
            }
            _ => None,
        }
    }

    /// Keeps a matrix that was made.
    pub(super) fn keep(&self, name: &str, matrix: &Matrix) {
        let mut kept = self.kept.borrow_mut();
        if let Kept::Keeping(writer) = &mut *kept
            && let Err(error) = writer.add(name, matrix)
        {
            tracing::debug!(%error, "matrices are not kept");
            *kept = Kept::None;
        }
    }

    /// All matrices were made: the file takes its name, whole. True if this load has written one.
    pub(super) fn finish(self) -> bool {
        let Kept::Keeping(writer) = self.kept.into_inner() else { return false };
        match writer.finish() {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, "matrices are not kept");
                false
            }
        }
    }
}
