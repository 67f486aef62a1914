//! Work that takes long.

use logical::Pending;

/// Work of tens of milliseconds on a processor.
pub type Job = Box<dyn FnOnce() + Send>;

/// Does work where it holds up nobody else.
pub trait Workers: Send + Sync {
    /// Does it, and answers when it is done. An error where it was not done: too much is waiting.
    fn run(&self, job: Job) -> Pending<'_, ()>;
}

/// Does the work at once, where it is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inline;

impl Workers for Inline {
    fn run(&self, job: Job) -> Pending<'_, ()> {
        Box::pin(async move {
            job();
            Ok(())
        })
    }
}
