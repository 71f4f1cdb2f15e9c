//! Which files change while a program runs.

mod debounce;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::event::{Event, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::{ReadOptions, RootError, WalkOptions};
use debounce::Debounce;

/// Files that change what a walk finds.
const RULES: [&str; 2] = [".gitignore", ".rekallignore"];

/// Reports what changes below folders, once it rests.
///
/// Editors write a file in several steps, and a checkout writes a thousand files. So changes are gathered until
/// none has come for a while, or for ten times as long if they do not end.
///
/// The system's notices are used: inotify, FSEvents, ReadDirectoryChangesW. One thread waits for them until the
/// value is dropped. On Linux each folder takes one of the user's watches (`fs.inotify.max_user_watches`), also a
/// folder that rules exclude. Network drives often give no notices.
///
/// ```no_run
/// use std::time::Duration;
/// use rekall_files::{ReadOptions, WalkOptions, Watch};
///
/// # fn main() -> Result<(), rekall_files::WatchError> {
/// let mut watch = Watch::new(&["notes"], &WalkOptions::new(), &ReadOptions::new(), Duration::from_millis(300))?;
/// loop {
///     if let Some(changes) = watch.next(Duration::from_secs(60))? {
///         println!("changed: {:?}, everything: {}", changes.paths, changes.everything);
///     }
/// }
/// # }
/// ```
pub struct Watch {
    roots: Vec<PathBuf>,
    options: WalkOptions,
    read_options: ReadOptions,
    debounce: Debounce,
    events: Receiver<notify::Result<Event>>,
    /// Sends events as long as it lives.
    _watcher: RecommendedWatcher,
}

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// Files and folders that were written, made, moved or removed, in order, each once. Of files that exist only
    /// those of a kind that is read; a folder stands for all that is in it. Rules are not looked at:
    /// [`walk`](crate::walk()) says whether a file belongs to what is read.
    pub paths: Vec<PathBuf>,
    /// Whether anything may have changed: the system lost notices, or ignore files were changed.
    pub everything: bool,
}

/// Why folders cannot be watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// A root that cannot be opened.
    #[error(transparent)]
    Root(#[from] RootError),
    /// There are more folders than the system lets this user watch.
    #[error(
        "more folders than the system watches for this user (on Linux: sysctl fs.inotify.max_user_watches)"
    )]
    TooManyFolders,
    /// Another error of the system.
    #[error("cannot watch: {0}")]
    System(#[source] Box<dyn Error + Send + Sync>),
}

impl From<notify::Error> for WatchError {
    fn from(error: notify::Error) -> Self {
        match error.kind {
            notify::ErrorKind::MaxFilesWatch => Self::TooManyFolders,
            _ => Self::System(Box::new(error)),
        }
    }
}

impl Watch {
    /// Begins to watch. Changes are reported when none has come for `rest`.
    ///
    /// # Errors
    ///
    /// [`WatchError`].
    pub fn new<P: AsRef<Path>>(
        roots: &[P],
        options: &WalkOptions,
        read_options: &ReadOptions,
        rest: Duration,
    ) -> Result<Self, WatchError> {
        let (sender, events) = channel();
        // The receiver is gone when the value is dropped.
        let mut watcher = notify::recommended_watcher(move |event| drop(sender.send(event)))?;
        let mut canonical = Vec::new();
        for given in roots {
            let given = given.as_ref();
            let root = given.canonicalize().map_err(|source| RootError { path: given.to_owned(), source })?;
            match root.parent() {
                // An editor that replaces a file leaves a watch of the file behind.
                Some(folder) if root.is_file() => watcher.watch(folder, RecursiveMode::NonRecursive)?,
                _ => watcher.watch(&root, RecursiveMode::Recursive)?,
            }
            canonical.push(root);
        }
        Ok(Self {
            roots: canonical,
            options: options.clone(),
            read_options: read_options.clone(),
            debounce: Debounce::new(rest),
            events,
            _watcher: watcher,
        })
    }

    /// Waits for changes that rest; `None` if there are none within `timeout`.
    ///
    /// # Errors
    ///
    /// [`WatchError::System`] if the system stops giving notices.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Changes>, WatchError> {
        let deadline = Instant::now() + timeout;
        loop {
            // What waits already belongs together, however slowly this thread gets on.
            while let Ok(event) = self.events.try_recv() {
                self.event(event?, Instant::now());
            }
            let now = Instant::now();
            if let Some(changes) = self.debounce.take(now) {
                return Ok(Some(changes));
            }
            if now >= deadline {
                return Ok(None);
            }
            let until = self.debounce.due().map_or(deadline, |due| due.min(deadline));
            match self.events.recv_timeout(until.saturating_duration_since(now)) {
                Ok(event) => self.event(event?, Instant::now()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(WatchError::System("the system's notices have ended".into()));
                }
            }
        }
    }

    fn event(&mut self, event: Event, now: Instant) {
        if event.need_rescan() {
            self.debounce.everything(now);
        }
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        for path in event.paths {
            if path.file_name().is_some_and(|name| RULES.iter().any(|rules| name == *rules)) {
                self.debounce.everything(now);
            } else if self.concerns(&path) {
                self.debounce.path(path, now);
            }
        }
    }

    /// Whether a path is below a root, not hidden there, and no file of an unknown kind. A file that is gone may
    /// have been a folder, of any name.
    fn concerns(&self, path: &Path) -> bool {
        let is_hidden = |below: &Path| below.iter().any(|name| name.as_encoded_bytes().starts_with(b"."));
        let below = self.roots.iter().filter_map(|root| path.strip_prefix(root).ok());
        let is_seen = below.into_iter().any(|below| self.options.takes_hidden() || !is_hidden(below));
        is_seen && (!path.is_file() || self.read_options.kind(path).is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);
    const REST: Duration = Duration::from_millis(20);

    fn watch(path: &Path) -> Watch {
        Watch::new(&[path], &WalkOptions::new(), &ReadOptions::new(), REST).unwrap()
    }

    /// Waits until these paths were reported; a machine under load reports them one by one. No other path may be.
    fn reported(watch: &mut Watch, paths: &[PathBuf]) {
        let mut seen = Vec::new();
        while paths.iter().any(|path| !seen.contains(path)) {
            let changes = watch.next(PATIENCE).unwrap().unwrap_or_else(|| panic!("{seen:?}, and no more"));
            assert!(!changes.everything);
            seen.extend(changes.paths);
        }
        assert!(seen.iter().all(|path| paths.contains(path)), "{seen:?}");
    }

    #[test]
    fn changes_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join(".git")).unwrap();
        let mut watch = watch(&root);

        fs::write(root.join(".git/index.md"), "x").unwrap();
        fs::write(root.join("memory.db"), "x").unwrap();
        fs::write(root.join("a.md"), "x").unwrap();
        reported(&mut watch, &[root.join("a.md")]);

        fs::rename(root.join("a.md"), root.join("b.md")).unwrap();
        reported(&mut watch, &[root.join("a.md"), root.join("b.md")]);

        fs::create_dir(root.join("sub.folder")).unwrap();
        reported(&mut watch, &[root.join("sub.folder")]);

        fs::write(root.join(".rekallignore"), "*.md\n").unwrap();
        while !watch.next(PATIENCE).unwrap().unwrap().everything {}
    }

    #[test]
    fn a_file_that_an_editor_replaces_is_still_watched() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let file = root.join("a.md");
        fs::write(&file, "x").unwrap();
        let mut watch = watch(&file);
        for _ in 0..2 {
            fs::write(root.join("new.md"), "y").unwrap();
            fs::rename(root.join("new.md"), &file).unwrap();
            reported(&mut watch, std::slice::from_ref(&file));
        }
    }

    #[test]
    fn nothing_is_reported_when_nothing_changes() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(watch(folder.path()).next(REST).unwrap(), None);
    }

    #[test]
    fn a_missing_root_is_named() {
        let error =
            Watch::new(&["/no/such/folder"], &WalkOptions::new(), &ReadOptions::new(), PATIENCE).err();
        assert!(matches!(error, Some(WatchError::Root(RootError { .. }))));
    }
}
