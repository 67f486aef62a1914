#!/bin/sh
# The compiler of the workspace's crates for `cargo xtask fuzz`, as RUSTC_WORKSPACE_WRAPPER: coverage for libFuzzer by
# flags of the stable compiler. The dependencies are not affected, so all builds share them.
case " $* " in
*" --crate-name build_script_build "*) exec "$@" ;; # runs without libFuzzer
*" --crate-name "*)
    exec "$@" -Copt-level=1 -Cdebug-assertions=on -Coverflow-checks=on -Cpasses=sancov-module \
        -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
*) exec "$@" ;;
esac
