//! What the settings ask of matching.

use super::{rules, vex};
use crate::catalogue::today;
use crate::outcome::advised;
use crate::settings::{Settings, expand, invalid};
use anyhow::Context;
use matching::distro::Release;
use matching::options::{Channel, Channels, Options, UseCpes};
use matching::order::MissingEpoch;
use matching::vex::VexStatus;

/// The options of matching.
pub(super) fn options(settings: &Settings) -> anyhow::Result<Options> {
    let mut options = Options::new(today()?);
    options.by_cve = settings.bool("by-cve");
    options.ignore = rules::rules(settings)?;
    options.ignore.extend(rules::state_rules(settings)?);
    options.match_upstream_kernel_headers = settings.bool("match-upstream-kernel-headers");
    if let Some(text) = settings.some("distro") {
        let release = Release::parse(text).ok_or_else(|| {
            advised(format!("{text:?} is not a distribution"), "write it as debian:12 or alpine:3.20")
        })?;
        options.distro = Some(release);
    }
    options.cpes = cpes(settings);
    options.channels = Channels {
        redhat_eus: channel(settings, "fix-channel.redhat-eus.apply")?,
        ubuntu_esm: channel(settings, "fix-channel.ubuntu-esm.apply")?,
    };
    options.go_main_module_pseudo_versions = settings.bool("match.golang.allow-main-module-pseudo-version-comparison");
    options.deb_missing_epoch = missing_epoch(settings, "match.dpkg.missing-epoch-strategy")?;
    options.rpm_missing_epoch = missing_epoch(settings, "match.rpm.missing-epoch-strategy")?;
    for status in settings.list("vex-add") {
        options.vex_add.push(vex_status(&status)?);
    }
    for path in settings.list("vex-documents") {
        options.vex.extend(vex::read(&expand(&path))?);
    }
    Ok(options)
}

fn cpes(settings: &Settings) -> UseCpes {
    let using = |matcher: &str| settings.bool(&format!("match.{matcher}.using-cpes"));
    UseCpes {
        java: using("java"),
        dotnet: using("dotnet"),
        golang: using("golang"),
        golang_stdlib: settings.bool("match.golang.always-use-cpe-for-stdlib"),
        javascript: using("javascript"),
        python: using("python"),
        ruby: using("ruby"),
        rust: using("rust"),
        hex: using("hex"),
        stock: using("stock"),
        dpkg: using("dpkg"),
        dpkg_end_of_life: settings.bool("match.dpkg.use-cpes-for-eol"),
        rpm: using("rpm"),
        rpm_end_of_life: settings.bool("match.rpm.use-cpes-for-eol"),
    }
}

fn channel(settings: &Settings, key: &str) -> anyhow::Result<Channel> {
    match settings.text(key) {
        "auto" | "" => Ok(Channel::Auto),
        "never" => Ok(Channel::Never),
        "always" => Ok(Channel::Always),
        other => Err(invalid(format!("invalid value for {key}: {other:?}"), "use never, always or auto")),
    }
}

fn missing_epoch(settings: &Settings, key: &str) -> anyhow::Result<MissingEpoch> {
    match settings.text(key) {
        "zero" => Ok(MissingEpoch::Zero),
        "auto" => Ok(MissingEpoch::Auto),
        other => Err(invalid(format!("invalid {key}: {other:?}"), "use zero or auto")),
    }
}

fn vex_status(word: &str) -> anyhow::Result<VexStatus> {
    match word {
        "affected" => Ok(VexStatus::Affected),
        "under_investigation" => Ok(VexStatus::UnderInvestigation),
        other => Err(invalid(
            format!("invalid VEX status in vex-add setting: {other:?}"),
            "use affected or under_investigation",
        )),
    }
}

/// Refuses a database that is older than the user allows. Without a word from the user any age will do: the database is
/// made of the user's own feeds.
pub(super) fn check_age(settings: &Settings, built: &str) -> anyhow::Result<()> {
    if !settings.is_set("db.max-allowed-built-age") || !settings.bool("db.validate-age") {
        return Ok(());
    }
    let limit = settings.text("db.max-allowed-built-age");
    let allowed: jiff::SignedDuration = limit.parse().map_err(|_| {
        invalid(format!("db.max-allowed-built-age cannot be understood: {limit:?}"), "write it as 120h")
    })?;
    let built: jiff::Timestamp = built.parse().context("the database does not say when it was built")?;
    let now: jiff::Timestamp = crate::catalogue::now()?.parse()?;
    let age = now.duration_since(built);
    if age > allowed {
        let hours = age.as_hours();
        return Err(advised(
            format!("the vulnerability database was built {hours} hours ago (max allowed age is {limit})"),
            "build it anew, or set db.validate-age to false",
        ));
    }
    Ok(())
}
