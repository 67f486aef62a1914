use crate::serving::config;
use secrets_server::{Config, MemoryLock, SealConfig, StorageConfig, harden};
use std::fs;

#[test]
fn no_core_dump_is_left_and_memory_is_locked_where_that_is_allowed() {
    let reached = harden(&config(StorageConfig::Memory, SealConfig::Shamir));
    assert!(reached.no_core_dumps);
    assert_eq!(reached.memory, MemoryLock::Disabled);
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    let reached = harden(&Config { disable_mlock: false, ..config(StorageConfig::Memory, SealConfig::Shamir) });
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap().trim();
    match reached.memory {
        MemoryLock::Locked => assert_ne!(locked, "0 kB"),
        MemoryLock::NotAllowed | MemoryLock::Refused(_) => assert_eq!(locked, "0 kB"),
        other => panic!("{other:?}"),
    }
}
