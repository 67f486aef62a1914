//! One component against the database: which claims are asked for, by the kind of package, as Grype does
//! (grype/matcher, 0.121.2).
//!
//! [`Engine::look`] is the entry; `look` asks the database and turns claims into matches, the other modules say what to
//! ask for.

mod almalinux;
mod by_cpe;
mod channels;
mod distribution;
mod language;
mod look;

pub(crate) use look::{fix_state, own_severity};

use crate::database::{Database, DatabaseError};
use crate::distro::{Keys, KnownReleases, Release};
use crate::finding::{IgnoredMatch, Match};
use crate::ignore::IgnoreRule;
use crate::options::Options;
use crate::subject::Subject;
use advisory::Severity;
use sbom::PackageType;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Reasons in the words of the peer.
pub(crate) mod reason {
    pub(crate) const DISTRO_FIXED: &str = "Distro Fixed";
    pub(crate) const DISTRO_NOT_VULNERABLE: &str = "Distro Not Vulnerable";
    pub(crate) const ALMA_UNAFFECTED: &str = "Alma Unaffected";
    pub(crate) const CPE_NOT_VULNERABLE: &str = "CPE not vulnerable";
    pub(crate) const UNAFFECTED: &str = "UnaffectedPackageEntry";
}

/// What was found for one component.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) matches: Vec<Match>,
    /// Matches that the publisher's own word rules out.
    pub(crate) set_aside: Vec<IgnoredMatch>,
    /// Flaws that the component is known not to have, with the reason; they are set aside on what it owns.
    pub(crate) settled: Settled,
}

/// Identifiers of flaws that are settled, in upper case, with the reason.
#[derive(Debug, Default)]
pub(crate) struct Settled(HashMap<String, &'static str>);

impl Settled {
    pub(crate) fn add<'a>(&mut self, identifiers: impl IntoIterator<Item = &'a str>, reason: &'static str) {
        for id in identifiers {
            self.0.entry(id.to_ascii_uppercase()).or_insert(reason);
        }
    }

    /// Why a flaw is settled, where it is: the identifier and the reason.
    pub(crate) fn reason(&self, identifiers: &[String]) -> Option<(String, &'static str)> {
        identifiers.iter().find_map(|id| self.0.get(&id.to_ascii_uppercase()).map(|reason| (id.clone(), *reason)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The database with the settings and what is worked out once.
pub(crate) struct Engine<'a> {
    pub(crate) database: &'a Database<'a>,
    pub(crate) options: &'a Options,
    known: KnownReleases<'a>,
    keys: RefCell<HashMap<*const Release, Rc<Keys>>>,
    ended: EndsOfLife,
    /// What CVE records say, by CVE.
    severities: RefCell<HashMap<String, Severity>>,
}

/// Last days of support by (distribution, release).
struct EndsOfLife(HashMap<(String, String), String>);

impl<'a> Engine<'a> {
    pub(crate) fn new(database: &'a Database<'a>, options: &'a Options) -> Result<Self, DatabaseError> {
        let ends = database.ends_of_life()?.into_iter().map(|end| ((end.distro, end.release), end.end)).collect();
        Ok(Self {
            database,
            options,
            known: KnownReleases::new(&database.ecosystems()?),
            keys: RefCell::default(),
            ended: EndsOfLife(ends),
            severities: RefCell::default(),
        })
    }

    /// The database keys of a release.
    pub(crate) fn keys(&self, release: &Rc<Release>) -> Rc<Keys> {
        let mut kept = self.keys.borrow_mut();
        kept.entry(Rc::as_ptr(release)).or_insert_with(|| Rc::new(self.known.keys(release))).clone()
    }

    /// Whether the release is past its last day: by the database, else by what the system says of itself.
    pub(crate) fn is_ended(&self, release: &Release) -> bool {
        let major = release.version.split('.').next().unwrap_or_default();
        let two = release.version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
        let candidates = [release.version.as_str(), &two, major, release.codename.as_str()];
        let find = |text: &&str| self.ended.0.get(&(release.distro.clone(), (*text).to_owned()));
        let end = candidates.iter().filter(|text| !text.is_empty()).find_map(find);
        let end = end.and_then(|date| date.parse().ok()).or(release.support_end);
        end.is_some_and(|end: jiff::civil::Date| end < self.options.today)
    }

    /// Everything about one component.
    pub(crate) fn look(&self, subject: &Subject<'_>) -> Result<Outcome, DatabaseError> {
        let cpes = self.options.cpes;
        let ended = || subject.release.as_ref().is_some_and(|release| self.is_ended(release));
        match subject.component.kind {
            PackageType::Apk => self.apk(subject),
            PackageType::Deb => self.deb(subject, cpes.dpkg || cpes.dpkg_end_of_life && ended()),
            PackageType::Rpm => self.rpm(subject, cpes.rpm || cpes.rpm_end_of_life && ended()),
            PackageType::Alpm => self.plain_distribution(subject, "pacman-matcher"),
            PackageType::Portage => self.plain_distribution(subject, "portage-matcher"),
            PackageType::GoModule => self.go(subject),
            PackageType::Bitnami => self.language(subject, "bitnami-matcher", false),
            PackageType::JavaArchive | PackageType::JenkinsPlugin => self.language(subject, "java-matcher", cpes.java),
            PackageType::Dotnet => self.language(subject, "dotnet-matcher", cpes.dotnet),
            PackageType::Npm => self.language(subject, "javascript-matcher", cpes.javascript),
            PackageType::Python => self.language(subject, "python-matcher", cpes.python),
            PackageType::Gem => self.language(subject, "ruby-gem-matcher", cpes.ruby),
            PackageType::Rust => self.language(subject, "rust-matcher", cpes.rust),
            PackageType::Hex | PackageType::ErlangOtp => self.language(subject, "hex-matcher", cpes.hex),
            _ => self.language(subject, "stock-matcher", cpes.stock),
        }
    }
}

/// Takes out of `matches` what `settled` settles, and keeps it with the reason.
pub(crate) fn set_aside(matches: &mut Vec<Match>, settled: &Settled, into: &mut Vec<IgnoredMatch>) {
    if settled.is_empty() {
        return;
    }
    let all = std::mem::take(matches);
    for found in all {
        match settled.reason(&found.vulnerability.identifiers) {
            Some((id, reason)) => {
                let rules = vec![IgnoreRule::because(&id, reason)];
                into.push(IgnoredMatch { found, rules });
            }
            None => matches.push(found),
        }
    }
}
