//! Progress bars: on the standard error, and only when a person is looking at it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// As wide as the terminal, with a rate in whole steps.
const BAR: &str = "{msg} {wide_bar} {pos}/{len} {rate} {eta}";

/// While it is not known how much is to be done.
const NO_BAR: &str = "{msg} …";

/// A bar for `total` steps, 0 when that is not known yet; wiped away when dropped. indicatif draws nothing
/// when the standard error is no terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(what: &'static str, total: usize) -> Self {
        // Style and message before anything is drawn.
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
        Self(bar.with_style(style(total > 0)).with_message(what))
    }

    /// Tells how far work is that counts its steps itself; a total of 0 is not known yet.
    pub(crate) fn follow(&self, at: rekall::Progress) {
        if at.total > 0 {
            if self.0.length() == Some(0) {
                self.0.set_style(style(true));
            }
            self.0.set_length(at.total as u64);
        }
        self.set(at.done);
    }

    /// Tells how many steps are done.
    pub(crate) fn set(&self, done: usize) {
        self.0.set_position(done as u64);
    }
}

fn style(with_bar: bool) -> ProgressStyle {
    let style = ProgressStyle::with_template(if with_bar { BAR } else { NO_BAR });
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key(
        "rate",
        |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // What cannot be written is not shown.
            let _ = write!(out, "{:.0}/s", state.per_sec());
        },
    )
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
