//! What is searched for.

use super::document::Info;
use crate::ecosystem::CPE;
use versions::Scheme;

/// Everything must hold; of a list, any one. An empty list asks for nothing.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Identifiers of flaws, aliases too.
    pub ids: Vec<String>,
    /// Packages.
    pub packages: Vec<PackageName>,
    /// An ecosystem, in any of its names: `maven`, `java-archive`, `deb`, ...
    pub ecosystem: Option<String>,
    /// Releases: `debian`, `debian:12`, `alpine@3.20`.
    pub distros: Vec<String>,
    /// Publishers, as [`Info::provider`] names them.
    pub providers: Vec<String>,
    /// `fixed`, `not-fixed`, `wont-fix`, `unknown`.
    pub states: Vec<String>,
    /// `YYYY-MM-DD`: published on that day or later.
    pub published_after: Option<String>,
    /// `YYYY-MM-DD`: published or changed on that day or later.
    pub modified_after: Option<String>,
}

/// A package that is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageName {
    /// A name, or the last part of one.
    Plain(String),
    /// A package URL's type and name.
    Purl(String, String),
    /// A CPE's part, vendor and product; an empty one is any.
    Cpe([String; 3]),
}

impl PackageName {
    /// A package URL, a CPE in either form, or else a name. Versions are left aside.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if let Some(rest) = text.strip_prefix("pkg:") {
            let path = rest.split(['?', '#']).next().unwrap_or(rest);
            let path = path.rsplit_once('@').map_or(path, |(path, _)| path);
            let (kind, path) = path.split_once('/').unwrap_or((path, ""));
            return Self::Purl(kind.to_owned(), path.rsplit('/').next().unwrap_or(path).to_owned());
        }
        let fields = text.strip_prefix("cpe:2.3:").or(text.strip_prefix("cpe:/"));
        match fields {
            Some(fields) => {
                let mut fields = fields.split(':').map(|field| if field == "*" { "" } else { field }.to_owned());
                Self::Cpe(std::array::from_fn(|_| fields.next().unwrap_or_default()))
            }
            None => Self::Plain(text.to_owned()),
        }
    }

    fn is(&self, key: &str, name: &str) -> bool {
        match self {
            Self::Plain(wanted) => is_name(wanted, name),
            Self::Purl(kind, wanted) => is_ecosystem(kind, key) && is_name(wanted, name),
            Self::Cpe(wanted) => {
                let fits = |(wanted, field): (&String, &str)| wanted.is_empty() || wanted.eq_ignore_ascii_case(field);
                key == CPE && wanted.iter().zip(name.split(':')).all(fits)
            }
        }
    }
}

fn is_name(wanted: &str, name: &str) -> bool {
    let last = name.rsplit([':', '/']).next().unwrap_or(name);
    name.eq_ignore_ascii_case(wanted) || last.eq_ignore_ascii_case(wanted)
}

impl Query {
    /// Whether anything is searched for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
            && self.packages.is_empty()
            && self.ecosystem.is_none()
            && self.distros.is_empty()
            && self.is_plain()
    }

    /// Whether a package is asked for.
    pub(super) fn names(&self, key: &str, name: &str) -> bool {
        (self.packages.is_empty() || self.packages.iter().any(|package| package.is(key, name)))
            && self.ecosystem.as_deref().is_none_or(|wanted| is_ecosystem(wanted, key))
            && (self.distros.is_empty() || self.distros.iter().any(|wanted| is_release(wanted, key)))
    }

    pub(super) fn has_state(&self, state: &str) -> bool {
        self.states.is_empty() || self.states.iter().any(|wanted| wanted == state)
    }

    /// Whether nothing is asked of the advisory itself.
    pub(super) fn is_plain(&self) -> bool {
        self.providers.is_empty() && self.published_after.is_none() && self.modified_after.is_none()
    }

    pub(super) fn is_of(&self, info: &Info) -> bool {
        // RFC 3339 times and dates compare as texts.
        let since = |day: &Option<String>, times: &[&str]| {
            day.as_deref().is_none_or(|day| times.iter().any(|time| !time.is_empty() && *time >= day))
        };
        (self.providers.is_empty() || self.providers.contains(&info.provider))
            && since(&self.published_after, &[&info.published_date])
            && since(&self.modified_after, &[&info.published_date, &info.modified_date])
    }
}

fn is_ecosystem(wanted: &str, key: &str) -> bool {
    let family = key.split(':').next().unwrap_or(key);
    let own = [family, ecosystem_name(key), purl_type(key)];
    own.iter().any(|name| name.eq_ignore_ascii_case(wanted))
}

fn is_release(wanted: &str, key: &str) -> bool {
    let Some((id, release)) = key.split_once(':').filter(|_| key != CPE) else { return false };
    let (name, version) = wanted.split_once([':', '@']).or_else(|| wanted.split_once('-')).unwrap_or((wanted, ""));
    let release = release.split('+').next().unwrap_or(release);
    let is_named = id.eq_ignore_ascii_case(name) || (id == "redhat" && matches!(name, "rhel" | "centos"));
    is_named && (version.is_empty() || release == version || release.starts_with(&format!("{version}.")))
}

/// The peer's name of an ecosystem.
pub(super) fn ecosystem_name(key: &str) -> &str {
    if key.contains(':') {
        return purl_type(key);
    }
    match key {
        "pypi" => "python",
        "maven" => "java-archive",
        "go" => "go-module",
        "rubygems" => "gem",
        "cargo" => "rust-crate",
        "packagist" => "php-composer",
        "nuget" => "dotnet",
        "pub" => "dart-pub",
        "cran" => "R-package",
        "github-actions" => "github-action",
        other => other.strip_prefix("other/").unwrap_or(other),
    }
}

fn purl_type(key: &str) -> &str {
    if key.contains(':') {
        return match crate::order::scheme_of(key) {
            Scheme::Deb => "deb",
            Scheme::Apk => "apk",
            Scheme::Pacman => "alpm",
            Scheme::Portage => "portage",
            Scheme::Kb => "msrc-kb",
            _ => "rpm",
        };
    }
    match key {
        "go" => "golang",
        "rubygems" => "gem",
        "packagist" => "composer",
        "github-actions" => "github",
        other => other,
    }
}

/// The peer's name of a version order in its database.
pub(super) fn version_type(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Deb => "dpkg",
        Scheme::Semver => "semver",
        other => other.grype_name(),
    }
}

/// The CPE 2.3 name of a criterion: version and update are any.
pub(super) fn cpe(part_vendor_product: &str, rest: &str) -> String {
    // After the product: version, update, edition, language, software edition, target software and hardware, other.
    const FIELDS: usize = 8;
    let given = rest.trim_start_matches(':').split(':').filter(|field| !field.is_empty());
    let mut fields: Vec<&str> = given.take(FIELDS).collect();
    fields.resize(FIELDS, "*");
    fields.iter_mut().take(2).for_each(|field| *field = "*");
    format!("cpe:2.3:{part_vendor_product}:{}", fields.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_named_in_three_ways() {
        let check = |text: &str, key: &str, name: &str, expected: bool| {
            assert_eq!(PackageName::parse(text).is(key, name), expected, "{text} {key} {name}");
        };
        check("log4j-core", "maven", "org.apache.logging.log4j:log4j-core", true);
        check("OpenSSL", "debian:12", "openssl", true);
        check("log4j", "maven", "org.apache.logging.log4j:log4j-core", false);
        check(
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
            "maven",
            "org.apache.logging.log4j:log4j-core",
            true,
        );
        check("pkg:rpm/redhat/openssl?arch=x86_64", "redhat:9", "openssl", true);
        check("pkg:rpm/redhat/openssl", "debian:12", "openssl", false);
        check("cpe:2.3:a:jetty:jetty_http_server:*:*:*:*:*:*:*:*", CPE, "a:jetty:jetty_http_server", true);
        check("cpe:/a:jetty:jetty_http_server", CPE, "a:jetty:jetty_http_server", true);
        check("cpe:/a:other", CPE, "a:jetty:jetty_http_server", false);
    }

    #[test]
    fn releases_are_named_loosely() {
        for (wanted, key, expected) in [
            ("debian", "debian:12", true),
            ("debian:12", "debian:12", true),
            ("debian@1", "debian:12", false),
            ("rhel-8", "redhat:8.6+eus", true),
            ("alpine:3", "alpine:3.20", true),
            ("cpe", CPE, false),
        ] {
            assert_eq!(is_release(wanted, key), expected, "{wanted} {key}");
        }
    }

    #[test]
    fn criteria_become_names() {
        assert_eq!(cpe("a:x:y", ""), "cpe:2.3:a:x:y:*:*:*:*:*:*:*:*");
        assert_eq!(cpe("a:x:y", ":1.0:*:*:*:*:node.js:*:*"), "cpe:2.3:a:x:y:*:*:*:*:*:node.js:*:*");
    }
}
