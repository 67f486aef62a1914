//! What the user can set.

use crate::distro::Release;
use crate::ignore::IgnoreRule;
use crate::order::MissingEpoch;
use crate::vex::{VexStatement, VexStatus};
use jiff::civil::Date;

/// Settings of a matching; the defaults are Grype's (0.121.2). `today` decides on what has expired or ended.
#[derive(Debug, Clone)]
pub struct Options {
    /// The day on which the question is asked.
    pub today: Date,
    /// The distribution that all packages are taken to be of, whatever the document says (`--distro`).
    pub distro: Option<Release>,
    /// Which support channels count.
    pub channels: Channels,
    /// Which components are looked up by CPE too.
    pub cpes: UseCpes,
    /// Compare pseudo-versions of a Go binary's main module (`v0.0.0-2024...`).
    pub go_main_module_pseudo_versions: bool,
    /// What a missing epoch means for deb packages.
    pub deb_missing_epoch: MissingEpoch,
    /// What a missing epoch means for rpm packages.
    pub rpm_missing_epoch: MissingEpoch,
    /// The user's rules, `--only-fixed` and its like among them ([`crate::ignore`]).
    pub ignore: Vec<IgnoreRule>,
    /// Report kernel flaws on packages that only hold its headers.
    pub match_upstream_kernel_headers: bool,
    /// VEX statements.
    pub vex: Vec<VexStatement>,
    /// Statuses by which VEX brings back what rules set aside (`vex-add`).
    pub vex_add: Vec<VexStatus>,
    /// Report flaws by their CVE where they have one (`--by-cve`).
    pub by_cve: bool,
}

/// Which components are looked up by CPE besides their ecosystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one switch for each matcher, as in the peer's configuration")]
pub struct UseCpes {
    /// Java archives.
    pub java: bool,
    /// .NET.
    pub dotnet: bool,
    /// Go modules.
    pub golang: bool,
    /// The Go standard library.
    pub golang_stdlib: bool,
    /// npm.
    pub javascript: bool,
    /// Python.
    pub python: bool,
    /// Gems.
    pub ruby: bool,
    /// Rust crates.
    pub rust: bool,
    /// Erlang and Elixir.
    pub hex: bool,
    /// What has no matcher of its own: binaries, PHP, Swift, ...
    pub stock: bool,
    /// deb packages.
    pub dpkg: bool,
    /// deb packages of releases past their end of life.
    pub dpkg_end_of_life: bool,
    /// rpm packages.
    pub rpm: bool,
    /// rpm packages of releases past their end of life.
    pub rpm_end_of_life: bool,
}

/// When fixes of a support channel count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Channel {
    /// Where the system or the user says that it is subscribed.
    #[default]
    Auto,
    /// Never.
    Never,
    /// For every release that has one.
    Always,
}

/// Support channels with fixes of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Channels {
    /// Red Hat Extended Update Support, from release 8 on.
    pub redhat_eus: Channel,
    /// Ubuntu Extended Security Maintenance.
    pub ubuntu_esm: Channel,
}

impl Default for UseCpes {
    fn default() -> Self {
        Self {
            java: false,
            dotnet: false,
            golang: false,
            golang_stdlib: false,
            javascript: false,
            python: false,
            ruby: false,
            rust: false,
            hex: false,
            stock: true,
            dpkg: false,
            dpkg_end_of_life: false,
            rpm: false,
            rpm_end_of_life: false,
        }
    }
}

impl Options {
    /// The defaults, asked on the given day.
    #[must_use]
    pub fn new(today: Date) -> Self {
        Self {
            today,
            distro: None,
            channels: Channels::default(),
            cpes: UseCpes::default(),
            go_main_module_pseudo_versions: false,
            deb_missing_epoch: MissingEpoch::Zero,
            rpm_missing_epoch: MissingEpoch::Auto,
            ignore: Vec::new(),
            match_upstream_kernel_headers: false,
            vex: Vec::new(),
            vex_add: Vec::new(),
            by_cve: false,
        }
    }
}

impl Channels {
    /// Settles which channels of a release count.
    pub(crate) fn settle(self, release: &mut Release) {
        let (name, channel) = match release.distro.as_str() {
            "redhat" if release.major().is_some_and(|major| major >= 8) => ("eus", self.redhat_eus),
            "ubuntu" => ("esm", self.ubuntu_esm),
            _ => ("", Channel::Never),
        };
        match channel {
            Channel::Never => release.channels.clear(),
            Channel::Auto => release.channels.retain(|stated| stated == name),
            Channel::Always => release.channels = vec![name.to_owned()],
        }
    }
}
