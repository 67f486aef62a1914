//! `perl-cpan-installed-cataloger`: what installers left in the libraries of Perl.

use super::merge::{self, Installed};
use super::meta::{Meta, Module};
use super::perllocal::{self, Entry};
use crate::catalogers::license_files;
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, View, Want};
use sbom::{License, Location};
use serde::{Deserialize, Serialize};

/// Finds the distributions that are installed.
pub(crate) struct CpanInstalled;

/// What is kept of a file.
#[derive(Serialize, Deserialize)]
enum Kept {
    /// `install.json` or `.packlist`.
    Distribution(Distribution),
    /// `MYMETA.json`.
    Meta { licenses: Vec<String>, needs: Vec<String> },
    /// `perllocal.pod`.
    Local(Vec<Entry>),
    /// The version that a module's source states.
    Source(String),
}

/// A distribution, and the `cpan-distribution` record of Syft's JSON schema 16.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Distribution {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) dist: String,
    /// Only of a list of files, which names the module by its path.
    pub(super) main_module: String,
    pub(super) author: String,
    pub(super) path: String,
    pub(super) modules: Vec<Module>,
    pub(super) files: Vec<String>,
}

impl Cataloger for CpanInstalled {
    fn name(&self) -> &'static str {
        "perl-cpan-installed-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "perl", "cpan"]
    }

    fn wants(&self) -> &'static [Want] {
        // Sources count where no `perllocal.pod` tells the version: in the libraries to which CPAN installs.
        &[
            Want::Glob("**/.meta/*/{install,MYMETA}.json"),
            Want::Glob("**/auto/**/.packlist"),
            Want::Glob("**/perllocal.pod"),
            Want::Glob("usr/local/**/*.pm"),
            Want::Glob("**/{site_perl,perl5}/**/*.pm"),
        ]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let text = file.text();
        let kept = match file.name() {
            "install.json" => Meta::parse(&text).ok().and_then(|meta| installed(&meta)).map(Kept::Distribution),
            "MYMETA.json" => {
                let meta = Meta::parse(&text).ok();
                meta.map(|meta| Kept::Meta { licenses: meta.licenses(), needs: meta.needs() })
            }
            ".packlist" => listed(file.path, &text).map(Kept::Distribution),
            "perllocal.pod" => Some(Kept::Local(perllocal::entries(&text))),
            _ => Some(perllocal::version_of_source(&text)).filter(|version| !version.is_empty()).map(Kept::Source),
        };
        if let Some(kept) = kept {
            out.kept = postcard::to_stdvec(&kept).map_err(|error| ParseError::malformed(error.to_string()))?;
        }
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let mut pods = Vec::new();
        let (mut distributions, mut lists) = (Vec::new(), Vec::new());
        for found in view.extractions() {
            match postcard::from_bytes(&found.body.kept) {
                Ok(Kept::Distribution(distribution)) if distribution.main_module.is_empty() => {
                    distributions.push(with_meta(view, &found, distribution));
                }
                Ok(Kept::Distribution(distribution)) => lists.push((found, distribution)),
                Ok(Kept::Local(entries)) => pods.push((found, entries)),
                Ok(Kept::Meta { .. } | Kept::Source(_)) => {}
                Err(error) => out.unknown(&found, error.to_string()),
            }
        }
        distributions.extend(lists.into_iter().map(|(found, list)| with_version(view, &pods, &found, list)));
        if let Err((at, error)) = merge::add(distributions, out)
            && let Some(found) = view.extractions().get(at)
        {
            out.unknown(found, error.to_string());
        }
    }
}

/// What `install.json` tells; `None` without name or version.
fn installed(meta: &Meta) -> Option<Distribution> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (dist, path) = (text(&meta.dist), text(&meta.pathname));
    let file = path.rsplit('/').next().unwrap_or_default();
    let endings = [".tar.gz", ".tar.bz2", ".tgz", ".zip"];
    let stem = endings.iter().fold(file, |stem, ending| stem.strip_suffix(ending).unwrap_or(stem));
    let whole = if dist.is_empty() { stem } else { &dist };
    let (name, version) = match split(whole) {
        Some((name, version)) => (name.to_owned(), version.to_owned()),
        None => (whole.to_owned(), text(&meta.version)),
    };
    let author = path.split('/').nth(2).unwrap_or_default().to_owned();
    let is_whole = !name.is_empty() && !version.is_empty();
    is_whole.then(|| Distribution {
        name,
        version,
        author,
        dist,
        path,
        modules: meta.modules(),
        ..Distribution::default()
    })
}

/// `libwww-perl` and `5.836` of `libwww-perl-5.836`; a mark for trials is no part of the version.
fn split(whole: &str) -> Option<(&str, &str)> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let stable =
        whole.rsplit_once("-TRIAL").filter(|(_, number)| is_digits(number)).map_or(whole, |(stable, _)| stable);
    let (name, version) = stable.rsplit_once('-')?;
    let is_version = version.strip_prefix('v').unwrap_or(version).starts_with(|c: char| c.is_ascii_digit());
    (is_version && !name.is_empty()).then_some((name, version))
}

/// The distribution of `.../auto/Net/HTTP/.packlist`, and the files that the list names.
fn listed(path: &str, text: &str) -> Option<Distribution> {
    let parts: Vec<&str> = path.split('/').collect();
    let (_, folders) = parts.split_last()?;
    let auto = folders.iter().rposition(|part| *part == "auto")?;
    let module = folders.get(auto + 1..).filter(|module| !module.is_empty())?;
    // `/path type=file mode=0644`
    let file = |line: &str| {
        let is_attribute = |word: &str| word.split_once('=').is_some_and(|(key, _)| is_word(key));
        let mut end = line.len();
        for (at, _) in line.match_indices(' ') {
            if line.get(at + 1..).is_some_and(is_attribute) {
                end = at;
                break;
            }
        }
        line.get(..end).map(|file| file.trim().to_owned()).filter(|file| !file.is_empty())
    };
    Some(Distribution {
        name: module.join("-"),
        main_module: module.join("::").replace('-', "::"),
        files: text.lines().filter_map(file).collect(),
        ..Distribution::default()
    })
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// With the licences and needs that `MYMETA.json` beside it tells.
fn with_meta(view: &View<'_>, found: &Found<'_>, distribution: Distribution) -> Installed {
    let mut installed = Installed::new(distribution, found.location());
    let folder = found.file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if let Some(beside) = view.beside(found, &format!("{folder}/MYMETA.json"))
        && let Ok(Kept::Meta { licenses, needs }) = postcard::from_bytes(&beside.body.kept)
    {
        let location = beside.supporting();
        let declared = licenses.iter().flat_map(|license| license_files::declared(license));
        let declared = declared.map(|license| License { location: Some(location.clone()), ..license });
        installed.licenses = declared.collect();
        installed.locations.push(location);
        installed.needs = needs;
    }
    installed
}

/// With the version that `perllocal.pod` tells, else the source of the module.
fn with_version(
    view: &View<'_>,
    pods: &[(Found<'_>, Vec<Entry>)],
    found: &Found<'_>,
    mut distribution: Distribution,
) -> Installed {
    let (version, evidence) = local_version(pods, &distribution.name, &found.file.path)
        .or_else(|| source_version(view, found, &distribution))
        .unzip();
    distribution.version = version.unwrap_or_default();
    let mut installed = Installed::new(distribution, found.location());
    installed.locations.extend(evidence);
    installed
}

/// Of the installations of that name into a library above the list, the one whose library is nearest.
fn local_version(pods: &[(Found<'_>, Vec<Entry>)], name: &str, list: &str) -> Option<(String, Location)> {
    let entries = pods.iter().flat_map(|(pod, entries)| entries.iter().map(move |entry| (pod, entry)));
    let is_it = |entry: &Entry| {
        let inside = list.strip_prefix(entry.folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
        inside && !entry.folder.is_empty() && !entry.version.is_empty() && entry.module.replace("::", "-") == name
    };
    let matching = entries.filter(|(_, entry)| is_it(entry));
    let (pod, entry) = matching.max_by_key(|(_, entry)| entry.folder.len())?;
    Some((entry.version.clone(), pod.supporting()))
}

fn source_version(view: &View<'_>, found: &Found<'_>, distribution: &Distribution) -> Option<(String, Location)> {
    let suffix = format!("/{}.pm", distribution.name.replace('-', "/"));
    let sources = distribution.files.iter().filter(|file| file.ends_with(&suffix));
    let source = sources.min_by_key(|file| file.matches('/').count())?;
    let (file, layer) = view.file(found, source)?;
    let version = match view.beside(found, source).map(|source| postcard::from_bytes(&source.body.kept)) {
        Some(Ok(Kept::Source(version))) => version,
        _ => String::new(),
    };
    let path = file.path.clone();
    Some((version, Location { access_path: source.clone(), path, layer, ..Location::default() }))
}

#[cfg(test)]
mod tests {
    use super::{CpanInstalled, split};
    use crate::catalogers::testing::{catalogue, edges, purls, record};

    #[test]
    fn names_and_versions() {
        for (whole, expected) in [
            ("libwww-perl-5.836", Some(("libwww-perl", "5.836"))),
            ("A-v1.2.3", Some(("A", "v1.2.3"))),
            ("A-B-1.0-TRIAL2", Some(("A-B", "1.0"))),
            ("A-B", None),
            ("A", None),
        ] {
            assert_eq!(split(whole), expected, "{whole}");
        }
    }

    #[test]
    fn libraries() {
        let lib = "/usr/local/lib/perl5/site_perl/5.40.0";
        let at = |path: &str| format!("{lib}/x86_64-linux-gnu/{path}");
        let install = br#"{"name":"URI","version":"5.35","dist":"URI-5.35","pathname":"O/OA/OALDERS/URI-5.35.tar.gz","provides":{"URI":{"file":"URI.pm","version":"5.35"}}}"#;
        let meta = br#"{"license":["perl_5"],"prereqs":{"runtime":{"requires":{"Net::HTTP":"6","perl":5.008}}}}"#;
        let http = br#"{"dist":"Net-HTTP-6.23","pathname":"O/OA/OALDERS/Net-HTTP-6.23.tar.gz","provides":{"Net::HTTP":{"version":"6.23"}}}"#;
        let list = format!("{lib}/URI.pm type=file\n{lib}/URI/Escape.pm\n");
        let own = format!("{lib}/My/Own.pm\n{lib}/Deep/My/Own.pm\n");
        let pod =
            format!("=head2 x: C<Module> L<Local::Mod|Local::Mod>\n\nC<installed into: {lib}>\n\nC<VERSION: 1.5>\n");
        let paths = [
            at(".meta/URI-5.35/install.json"),
            at(".meta/URI-5.35/MYMETA.json"),
            at(".meta/Net-HTTP-6.23/install.json"),
            at("auto/URI/.packlist"),
            at("auto/My/Own/.packlist"),
            at("auto/Local/Mod/.packlist"),
            format!("{lib}/My/Own.pm"),
            "/usr/local/lib/perl5/5.40.0/x86_64-linux-gnu/perllocal.pod".to_owned(),
        ];
        let contents: [&[u8]; 8] = [
            install,
            meta,
            http,
            list.as_bytes(),
            own.as_bytes(),
            b"",
            b"package My::Own;\nour $VERSION = '0.10';\n",
            pod.as_bytes(),
        ];
        let files: Vec<(&str, &[u8])> = paths.iter().map(String::as_str).zip(contents).collect();
        let document = catalogue(&CpanInstalled, &files);
        let expected = [
            "pkg:cpan/Local-Mod@1.5",
            "pkg:cpan/My-Own@0.10",
            "pkg:cpan/Net-HTTP@6.23?author=OALDERS",
            "pkg:cpan/URI@5.35?author=OALDERS",
        ];
        assert_eq!(purls(&document), expected);
        assert_eq!(edges(&document), ["Net-HTTP -> URI"]);
        let expected = format!(
            r#"{{"dist":"URI-5.35","author":"OALDERS","path":"O/OA/OALDERS/URI-5.35.tar.gz","modules":[{{"name":"URI","version":"5.35"}}],"files":["{lib}/URI.pm","{lib}/URI/Escape.pm"]}}"#
        );
        assert_eq!(record(&document, "URI"), expected);
        assert_eq!(document.components[3].licenses[0].value, "perl_5");
        assert_eq!(document.components[3].locations.len(), 3);
    }
}
