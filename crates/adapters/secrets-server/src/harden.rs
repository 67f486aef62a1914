//! What a process does about itself before it holds keys.

use crate::config::Config;
use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, capabilities};

/// What was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardening {
    /// Whether the process leaves no core dump, and others of its user can't trace it.
    pub no_core_dumps: bool,
    /// Whether its memory stays out of swap.
    pub memory: MemoryLock,
}

/// Whether memory stays out of swap.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryLock {
    /// It does.
    Locked,
    /// `disable_mlock` was asked for.
    Disabled,
    /// The process may not: it has neither the capability `IPC_LOCK` nor an unlimited `memlock`.
    NotAllowed,
    /// The system refused.
    Refused(Errno),
}

/// Turns core dumps off and locks memory, of the whole process: before the storage is opened. What can't be had is logged
/// as a warning with what to do, and nothing fails: OpenBao starts without it too, while Vault refuses.
pub fn harden(config: &Config) -> Hardening {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let dumps = setrlimit(Resource::Core, none).and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = dumps {
        tracing::warn!(%error, "core dumps cannot be turned off: one could hold keys");
    }
    let memory = if config.disable_mlock { MemoryLock::Disabled } else { lock() };
    match &memory {
        MemoryLock::Locked | MemoryLock::Disabled => {}
        MemoryLock::NotAllowed => tracing::warn!(
            "memory cannot be locked, so keys could be swapped out: give the capability IPC_LOCK or an unlimited memlock, \
             or turn swap off and set disable_mlock = true"
        ),
        MemoryLock::Refused(error) => {
            tracing::warn!(%error, "memory cannot be locked, so keys could be swapped out: turn swap off and set disable_mlock = true");
        }
    }
    Hardening { no_core_dumps: dumps.is_ok(), memory }
}

fn lock() -> MemoryLock {
    // Under a limit a later allocation would fail, and with it the process.
    let has_capability = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    if !has_capability && getrlimit(Resource::Memlock).current.is_some() {
        return MemoryLock::NotAllowed;
    }
    // What was never touched needs no memory.
    match mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT) {
        Ok(()) => MemoryLock::Locked,
        Err(error) => MemoryLock::Refused(error),
    }
}
