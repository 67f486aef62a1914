//! A progress bar on a terminal, nothing in a pipe.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// Shows how much of the layers was read.
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar on standard error where that is a terminal and `quiet` is not asked for.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { bar: bar(0, "{spinner} layers {bytes}/{total_bytes} {wide_bar} {bytes_per_sec}", quiet) }
    }
}

impl inventory::Progress for Bar {
    fn layer(&self, _index: usize, size_bytes: u64, cached: bool) {
        if !cached {
            self.bar.inc_length(size_bytes);
        }
    }

    fn bytes(&self, count: u64) {
        self.bar.inc(count);
    }
}

/// Counts what was done.
pub(crate) struct Count {
    bar: ProgressBar,
}

impl Count {
    /// Counts up to `total`; 0: nobody knows.
    pub(crate) fn new(what: &'static str, total: usize, quiet: bool) -> Self {
        let template =
            if total == 0 { "{spinner} {msg} {human_pos}" } else { "{spinner} {msg} {pos}/{len} {wide_bar}" };
        Self { bar: bar(total as u64, template, quiet).with_message(what) }
    }

    pub(crate) fn add(&self, count: u64) {
        self.bar.inc(count);
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn bar(total: u64, template: &str, quiet: bool) -> ProgressBar {
    let shown = !quiet && std::io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
