//! Being told to end (Ctrl-C): unfinished files go, and the exit code is the one that shells give for the signal.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;
use std::sync::{Mutex, PoisonError};

type Action = Box<dyn FnOnce() + Send>;

/// What the first signal does instead.
static INSTEAD: Mutex<Option<Action>> = Mutex::new(None);

/// Listens from now on, on a thread of its own.
pub(crate) fn watch() {
    // Where signals can't be had, the process ends at once, as it would have without this.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            match INSTEAD.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(action) => action(),
                None => {
                    mapped::abandon();
                    low_level::exit(128 + signal);
                }
            }
        }
    });
}

/// Has the next signal do this, for servers that end in their own time; one more ends the process.
pub(crate) fn instead(action: impl FnOnce() + Send + 'static) {
    *INSTEAD.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(action));
}
