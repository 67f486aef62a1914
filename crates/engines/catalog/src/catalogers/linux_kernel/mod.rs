//! Linux kernels and their modules.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/kernel`).

mod image;
mod module;

use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want};
use foldhash::HashMap;
use purl::PackageUrl;
use sbom::{ComponentIndex, PackageType};

/// Finds kernels and modules.
pub(crate) struct LinuxKernel;

impl Cataloger for LinuxKernel {
    fn name(&self) -> &'static str {
        "linux-kernel-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "installed", "linux", "kernel"]
    }

    fn wants(&self) -> &'static [Want] {
        &[
            Want::Glob("**/{kernel,vmlinux,vmlinuz,bzImage,zImage}"),
            Want::Glob("**/{kernel,vmlinux,vmlinuz,bzImage,zImage}-*"),
            Want::Glob("**/lib/modules/**/*.ko"),
            Want::Glob("**/lib/modules/**/*.ko.{gz,xz,zst}"),
        ]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let is_module = [".ko", ".ko.gz", ".ko.xz", ".ko.zst"].iter().any(|end| file.name().ends_with(end));
        let found = if is_module { module::parse(file)? } else { image::parse(file.bytes)? };
        if let Some((component, kernel_version)) = found {
            out.add(component);
            out.kept = kernel_version.into_bytes();
        }
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let mut kernels: HashMap<Vec<u8>, Vec<ComponentIndex>> = HashMap::default();
        let mut modules: Vec<(ComponentIndex, &[u8])> = Vec::new();
        let found = view.extractions();
        for found in &found {
            for component in &found.body.components {
                let mut component = component.clone();
                component.locations.push(found.location());
                let is_kernel = component.kind == PackageType::LinuxKernel;
                let index = out.add(component);
                if is_kernel {
                    kernels.entry(found.body.kept.clone()).or_default().push(index);
                } else {
                    modules.push((index, &found.body.kept));
                }
            }
        }
        for (module, version) in modules {
            // A folder of kernels of one version is small; the first few stand for all of a hostile one.
            const MAX_KERNELS: usize = 16;
            for kernel in kernels.get(version).into_iter().flatten().take(MAX_KERNELS) {
                out.dependency(*kernel, module);
            }
        }
    }
}

fn purl(name: &str, version: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    PackageUrl::new("generic", name).namespace(namespace).version(version).to_string()
}

#[cfg(test)]
mod tests;
