//! Images made of packages, for tests and measurements: built where they are not there yet, and kept.

use crate::run::{kept, root, run};
use crate::{go, peers};
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

/// What a recipe in `xtask/images` builds.
pub(crate) struct Recipe {
    name: &'static str,
    /// Grows when the recipe changes what it builds.
    version: u32,
    /// The names of what it builds.
    tags: &'static [&'static str],
}

/// What the tests read.
pub(crate) const TESTED: &[Recipe] = &[
    Recipe { name: "alpine", version: 1, tags: &["alpine"] },
    Recipe { name: "binaries", version: 1, tags: &["binaries"] },
    Recipe { name: "debian", version: 1, tags: &["debian"] },
    Recipe { name: "languages", version: 1, tags: &["languages"] },
    Recipe { name: "locks", version: 1, tags: &["locks"] },
    Recipe { name: "rpm", version: 1, tags: &["rpm-sqlite", "rpm-ndb", "rpm-bdb"] },
];
/// What the benchmark reads: `next` has another top layer.
pub(crate) const BENCH: Recipe = Recipe { name: "bench", version: 1, tags: &["bench", "next"] };

/// An OCI layout of one image, or a folder of sources.
pub(crate) struct Image {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Its folder.
    pub(crate) folder: PathBuf,
}

impl Image {
    /// How the product and the peers are told to read it.
    pub(crate) fn source(&self) -> String {
        let scheme = if self.folder.join("oci-layout").is_file() { "oci-dir" } else { "dir" };
        format!("{scheme}:{}", self.folder.display())
    }
}

/// The images of these recipes.
pub(crate) fn build<'a>(recipes: impl IntoIterator<Item = &'a Recipe>) -> Result<Vec<Image>> {
    Ok(recipes.into_iter().map(Recipe::images).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

impl Recipe {
    /// Its images. Whoever builds at the same time is waited for.
    pub(crate) fn images(&self) -> Result<Vec<Image>> {
        let all = kept()?.join("images");
        fs::create_dir_all(&all)?;
        let lock = File::create(all.join("lock"))?;
        lock.lock().with_context(|| format!("cannot lock {}", all.display()))?;
        let folder = all.join(format!("{}-{}", self.name, self.version));
        if !folder.is_dir() {
            let mut build = Command::new("sh");
            build.env("PATH", go::path()?);
            build.arg(root().join("xtask/images/build.sh")).arg(self.name).arg(&folder);
            if self.name == BENCH.name {
                build.arg(peers::syft()?);
            }
            run(&mut build)?;
        }
        Ok(self.tags.iter().map(|name| Image { name, folder: folder.join(name) }).collect())
    }
}
