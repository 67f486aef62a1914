//! A progress bar on a terminal, nothing in a pipe.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// A bar on standard error where that is a terminal and `quiet` is not asked for; gone when dropped.
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Shows how much of the layers was read.
    pub(crate) fn of_layers(quiet: bool) -> Self {
        Self::new(0, "{spinner} layers {bytes}/{total_bytes} {wide_bar} {bytes_per_sec}", quiet)
    }

    /// Counts up to `total` what was done; 0: nobody knows.
    pub(crate) fn of_count(what: &'static str, total: usize, quiet: bool) -> Self {
        let template =
            if total == 0 { "{spinner} {msg} {human_pos}" } else { "{spinner} {msg} {pos}/{len} {wide_bar}" };
        let counting = Self::new(total as u64, template, quiet);
        counting.bar.set_message(what);
        counting
    }

    fn new(total: u64, template: &str, quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// So much more was done.
    pub(crate) fn add(&self, count: u64) {
        self.bar.inc(count);
    }
}

impl inventory::Progress for Bar {
    fn layer(&self, _index: usize, size_bytes: u64, cached: bool) {
        if !cached {
            self.bar.inc_length(size_bytes);
        }
    }

    fn bytes(&self, count: u64) {
        self.add(count);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
