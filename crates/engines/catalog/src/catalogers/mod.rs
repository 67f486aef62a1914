//! One file for each cataloger; this list is all that knows them.

mod alpm;
mod apk;
mod binary_classifier;
mod cargo_auditable;
mod cargo_lock;
mod dependency;
mod dotnet;
mod dpkg;
mod elf_package;
mod executable;
mod go_binary;
mod go_mod;
mod go_module;
mod inflate;
pub(crate) mod java;
mod javascript;
mod jvm;
mod license_files;
mod license_text;
mod linux_kernel;
mod os;
mod pe_package;
mod pe_resources;
mod php_composer;
mod php_interpreter;
mod portage;
mod python;
mod rpm;
mod ruby;
#[cfg(test)]
mod testing;

use crate::Cataloger;

/// Every cataloger, in the order in which their components win over equal ones.
pub static ALL: &[&dyn Cataloger] = &[
    &dpkg::DpkgDatabase,
    &apk::ApkDatabase,
    &rpm::RpmDatabase,
    &alpm::AlpmDatabase,
    &portage::Portage,
    &linux_kernel::LinuxKernel,
    &java::JavaArchive,
    &java::GradleLockfile,
    &java::JavaPom,
    &python::PythonInstalled,
    &python::PythonPackage,
    &javascript::JavaScriptPackage,
    &javascript::JavaScriptLock,
    &go_binary::GoBinary,
    &go_mod::GoMod,
    &cargo_auditable::CargoAuditable,
    &cargo_lock::CargoLock,
    &ruby::InstalledGemSpec,
    &ruby::GemfileLock,
    &ruby::GemSpec,
    &php_composer::ComposerInstalled,
    &php_composer::ComposerLock,
    &dotnet::DotnetDeps,
    &dotnet::PackagesLock,
    &binary_classifier::BinaryClassifier,
    &jvm::Jvm,
    &elf_package::ElfPackage,
    &php_interpreter::PhpInterpreter,
    &pe_package::PePackage,
];
