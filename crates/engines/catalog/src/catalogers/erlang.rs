//! Erlang: `rebar.lock` and the applications of OTP, as Syft 1.57 reads them (`syft/pkg/cataloger/erlang`).

use super::term::{self, NOTHING};
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use purl::PackageUrl;
use sbom::{Component, Language, PackageType};
use serde::Serialize;
use std::collections::BTreeMap;

/// Finds the packages that rebar locked.
pub(super) struct RebarLock;

/// Finds applications of OTP.
pub(super) struct OtpApplication;

/// The `erlang-rebar-lock-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    name: String,
    version: String,
    pkg_hash: String,
    pkg_hash_ext: String,
}

impl Cataloger for RebarLock {
    fn name(&self) -> &'static str {
        "erlang-rebar-lock-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "erlang"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/rebar.lock")]
    }

    /// `{"1.2.0", [{<<"name">>, {pkg, <<"name">>, <<"version">>}, 0}, ...]}.` and then lists of digests.
    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let terms = term::parse(&file.text())?;
        let mut records: BTreeMap<String, Record> = BTreeMap::new();
        let term = |index: usize| terms.get(index).unwrap_or(&NOTHING);
        for package in term(0).at(1).items() {
            let (name, source) = (package.at(0).text(), package.at(1));
            let version = match source.at(0).text() {
                "git" => source.at(2).at(1).text(),
                _ => source.at(2).text(),
            };
            let (pkg_hash, pkg_hash_ext) = Default::default();
            let record = Record { name: name.to_owned(), version: version.to_owned(), pkg_hash, pkg_hash_ext };
            records.insert(name.to_owned(), record);
        }
        for list in term(1).items() {
            for entry in list.at(1).items() {
                let Some(record) = records.get_mut(entry.at(0).text()) else { continue };
                match list.at(0).text() {
                    "pkg_hash" => entry.at(1).text().clone_into(&mut record.pkg_hash),
                    "pkg_hash_ext" => entry.at(1).text().clone_into(&mut record.pkg_hash_ext),
                    _ => {}
                }
            }
        }
        for record in records.values() {
            let mut component = Component::new(PackageType::Hex, Language::Erlang, &record.name, &record.version);
            component.purl = PackageUrl::new("hex", &record.name).version(&record.version).to_string();
            component.set_metadata("erlang-rebar-lock-entry", record)?;
            out.add(component);
        }
        out.not_empty()
    }
}

impl Cataloger for OtpApplication {
    fn name(&self) -> &'static str {
        "erlang-otp-application-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "erlang", "otp"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/*.app")]
    }

    /// `{application, name, [{vsn, "version"}, ...]}.`
    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let terms = term::parse(&file.text()).map_err(|_| ParseError::malformed("unable to parse Erlang OTP app"))?;
        let application = terms.first().unwrap_or(&NOTHING);
        let name = application.at(1).text();
        for version in application.at(2).items().iter().filter(|pair| pair.at(0).text() == "vsn") {
            let version = version.at(1).text();
            let mut component = Component::new(PackageType::ErlangOtp, Language::Erlang, name, version);
            component.purl = PackageUrl::new("otp", name).version(version).to_string();
            out.add(component);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{OtpApplication, RebarLock};
    use crate::catalogers::testing::{catalogue, purls, record, unknowns};

    #[test]
    fn locks() {
        let lock = br#"{"1.2.0",
[{<<"certifi">>,{pkg,<<"certifi">>,<<"2.9.0">>},0},
 {<<"own">>,{git,"https://example.org/own.git",{ref,"abc"}},0}]}.
[
{pkg_hash,[{<<"certifi">>, <<"6F2A">>}]},
{pkg_hash_ext,[{<<"certifi">>, <<"266D">>},{<<"lost">>, <<"0">>}]}
].
"#;
        let document = catalogue(&RebarLock, &[("/rebar.lock", lock), ("/x/rebar.lock", b"[].\n")]);
        assert_eq!(purls(&document), ["pkg:hex/certifi@2.9.0", "pkg:hex/own@abc"]);
        let expected = r#"{"name":"certifi","version":"2.9.0","pkgHash":"6F2A","pkgHashExt":"266D"}"#;
        assert_eq!(record(&document, "certifi"), expected);
        assert_eq!(unknowns(&document), [("/x/rebar.lock", "unable to determine packages")]);
    }

    #[test]
    fn applications() {
        let application = b"%% about\n{application, accept,\n [{description, \"HTTP \\\"Accept\\\"\"}, {vsn,\"0.3.5\"},\n  {registered, []}, % none\n  {env, []}]}.\n";
        let document = catalogue(&OtpApplication, &[("/a/accept.app", application), ("/b/other.app", b"<xml/>")]);
        assert_eq!(purls(&document), ["pkg:otp/accept@0.3.5"]);
        assert_eq!(unknowns(&document), [("/b/other.app", "unable to parse Erlang OTP app")]);
    }
}
