//! One file for each cataloger; this list is all that knows them.

mod alpm;
mod apk;
mod apple;
mod binary_classifier;
mod bitnami;
mod cargo_auditable;
mod cargo_lock;
mod conan;
mod conda;
mod dart;
mod dependency;
mod dotnet;
mod dpkg;
mod elf_package;
mod elixir;
mod erlang;
pub(crate) mod executable;
mod github_actions;
mod go_binary;
mod go_mod;
mod go_module;
mod haskell;
mod homebrew;
mod inflate;
pub(crate) mod java;
mod javascript;
mod jvm;
pub(crate) mod license_files;
mod license_text;
mod linux_kernel;
mod lua;
mod nix;
mod opam;
mod os;
mod pe_package;
mod pe_resources;
mod perl;
mod php_composer;
mod php_interpreter;
mod php_pear;
mod portage;
mod python;
mod r_description;
mod rpm;
mod ruby;
mod sbom_file;
mod snap;
mod swift;
mod swipl;
mod term;
mod terraform;
#[cfg(test)]
mod testing;
mod vcpkg;
mod wordpress;
mod yaml;

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
    &java::NativeImage,
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
    &perl::CpanInstalled,
    &perl::CpanMeta,
    &php_composer::ComposerInstalled,
    &php_composer::ComposerLock,
    &php_pear::PhpPear,
    &dotnet::DotnetDeps,
    &dotnet::PackagesLock,
    &binary_classifier::BinaryClassifier,
    &jvm::Jvm,
    &elf_package::ElfPackage,
    &php_interpreter::PhpInterpreter,
    &pe_package::PePackage,
    &dart::PubspecLock,
    &dart::Pubspec,
    &swift::SwiftPackageManager,
    &swift::Cocoapods,
    &conan::Conan,
    &conan::ConanInfo,
    &haskell::Haskell,
    &elixir::MixLock,
    &erlang::RebarLock,
    &erlang::OtpApplication,
    &vcpkg::VcpkgManifest,
    &r_description::RPackage,
    &lua::LuaRock,
    &opam::Opam,
    &swipl::SwiplPack,
    &github_actions::ActionUsage,
    &github_actions::WorkflowUsage,
    &terraform::TerraformLock,
    &conda::CondaMeta,
    &homebrew::Homebrew,
    &nix::NixStore,
    &apple::AppBundle,
    &snap::Snap,
    &dpkg::DebArchive,
    &rpm::RpmArchive,
    &wordpress::WordpressPlugins,
    &bitnami::Bitnami,
    &sbom_file::SbomFile,
];
