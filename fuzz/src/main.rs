//! libFuzzer on the target that `FUZZ_TARGET` names.

#![no_main]

use std::sync::OnceLock;

static RUN: OnceLock<fn(&[u8])> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let target = fuzz::target(&name).unwrap_or_else(|| unreachable!("no target {name:?}"));
        RUN.get_or_init(|| target.run)
    },
    |bytes: &[u8]| {
        if let Some(run) = RUN.get() {
            run(bytes);
        }
    }
);
