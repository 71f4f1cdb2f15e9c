//! Progress bars: on the standard error, and only when a person is looking at it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for `total` steps, 0 when that is not known yet; wiped away when dropped. indicatif draws nothing
/// when the standard error is no terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(what: &'static str, total: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len}  {per_sec}  {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self(bar)
    }

    /// Tells how far work is that counts its steps itself; a total of 0 is not known yet.
    pub(crate) fn follow(&self, at: rekall::Progress) {
        if at.total > 0 {
            self.0.set_length(at.total as u64);
        }
        self.set(at.done);
    }

    /// Tells how many steps are done.
    pub(crate) fn set(&self, done: usize) {
        self.0.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
