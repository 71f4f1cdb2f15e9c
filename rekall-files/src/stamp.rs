//! What shows, without reading it, that a file is unchanged.

use std::fmt;
use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file system's clock may stand still for this long; FAT's does for two seconds.
const COARSEST_TICK: Duration = Duration::from_secs(2);
const FINE_TICK: Duration = Duration::from_millis(50);

/// Size, times and number of a file: as long as they are equal, its content is taken to be equal.
///
/// Two of the times matter: when the content was last changed (which programs may set back, as `cp -p` and
/// `rsync -t` do) and, on Unix, when the file was (which nothing sets). The number is the inode's, where there is
/// one, so another file under the same name is seen. Stored as text ([`Display`](fmt::Display)), such as
/// `1204-18b0c5e07a1b2c3d-18b0c5e07a1b2c3d-4e21`; a caller only compares.
///
/// A stamp taken by [`read`](crate::read()) within the tick of the file system's clock after the last change
/// (50 ms; 2 s where times are whole seconds) ends in `+` and so differs from the one that
/// [`walk`](crate::walk()) takes later: another change in the same tick would not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    size: u64,
    modified_ns: u64,
    changed_ns: u64,
    inode: u64,
    unsettled: bool,
}

impl Stamp {
    /// The stamp of a file, settled.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let (changed_ns, inode) = changed_and_inode(metadata);
        let modified_ns = metadata.modified().map_or(0, nanoseconds);
        Self { size: metadata.len(), modified_ns, changed_ns, inode, unsettled: false }
    }

    /// The same, for a file that is read at `now`.
    pub(crate) fn when_read(metadata: &Metadata, now: SystemTime) -> Self {
        let stamp = Self::of(metadata);
        Self { unsettled: stamp.may_change_unseen(nanoseconds(now)), ..stamp }
    }

    fn may_change_unseen(&self, now_ns: u64) -> bool {
        let newest = self.modified_ns.max(self.changed_ns);
        let tick = if newest.is_multiple_of(1_000_000_000) { COARSEST_TICK } else { FINE_TICK };
        now_ns < newest.saturating_add(u64::try_from(tick.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, modified_ns, changed_ns, inode, unsettled } = self;
        let mark = if *unsettled { "+" } else { "" };
        write!(f, "{size}-{modified_ns:x}-{changed_ns:x}-{inode:x}{mark}")
    }
}

/// Nanoseconds since 1970, for comparing only: earlier times count backwards from the greatest number.
fn nanoseconds(time: SystemTime) -> u64 {
    let number = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => number(since),
        Err(before) => 0_u64.wrapping_sub(number(before.duration())),
    }
}

#[cfg(unix)]
fn changed_and_inode(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let seconds = metadata.ctime().wrapping_mul(1_000_000_000);
    (seconds.wrapping_add(metadata.ctime_nsec()).cast_unsigned(), metadata.ino())
}

#[cfg(not(unix))]
fn changed_and_inode(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_file_read_within_the_tick_of_its_change_is_unsettled() {
        let stamp =
            |modified_ns, changed_ns| Stamp { size: 1, modified_ns, changed_ns, inode: 1, unsettled: false };
        let fine = 100 * SECOND + 1;
        assert!(stamp(fine, 0).may_change_unseen(fine));
        assert!(stamp(fine, 0).may_change_unseen(fine + 49_000_000));
        assert!(!stamp(fine, 0).may_change_unseen(fine + 51_000_000));
        // Programs set the first time back, not the second one.
        assert!(stamp(7, fine).may_change_unseen(fine + 1));
        // Whole seconds: a clock as coarse as FAT's.
        assert!(stamp(100 * SECOND, 0).may_change_unseen(101 * SECOND));
        assert!(!stamp(100 * SECOND, 0).may_change_unseen(103 * SECOND));
    }

    #[test]
    fn an_unsettled_stamp_is_written_otherwise() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let metadata = file.as_file().metadata().unwrap();
        let now = Stamp::when_read(&metadata, metadata.modified().unwrap());
        let later = Stamp::when_read(&metadata, metadata.modified().unwrap() + Duration::from_secs(3));
        assert_eq!(now.to_string(), format!("{later}+"));
        assert_ne!(now, later);
        assert_eq!(later, Stamp::of(&metadata));
    }
}
