//! Being told to end (Ctrl-C): unfinished files go, and the exit code is the one that shells give for the signal.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

/// Listens from now on, on a thread of its own.
pub(crate) fn watch() {
    // Where signals can't be had, the process ends at once, as it would have without this.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            mapped::abandon();
            low_level::exit(128 + signal);
        }
    });
}
