//! JavaScript: installed `package.json` files, and the lock files of npm, yarn, pnpm, bun and deno.
//!
//! Reading order: `installed` is the cataloger of images, `lock` that of source trees with a file for each format;
//! `package_json` reads what both need, `package` makes components.

mod bun;
mod deno;
mod installed;
mod jsonc;
mod lock;
mod npm;
mod package;
mod package_json;
mod pnpm;
mod yarn;

pub(crate) use installed::JavaScriptPackage;
pub(crate) use lock::JavaScriptLock;
