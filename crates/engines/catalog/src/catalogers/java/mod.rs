//! Java: archives of every nesting, `pom.xml`, `gradle.lockfile`.
//!
//! Reading order: `archive` walks an archive and what is nested in it; `package` decides who an archive is, from
//! `manifest`, `pom` with `resolver`, `filename` and `groups`; `record` is what is kept. `zip` reads the bytes.
//! `poms` and `gradle` are the catalogers of source trees; `native_image` that of programs made from Java.

mod archive;
mod filename;
mod gradle;
mod groups;
mod manifest;
mod native_image;
mod package;
mod pom;
mod poms;
mod record;
mod resolver;
#[cfg(test)]
mod testing;
mod zip;

pub(crate) use archive::JavaArchive;
pub(crate) use gradle::GradleLockfile;
pub(crate) use native_image::NativeImage;
pub(crate) use poms::JavaPom;
