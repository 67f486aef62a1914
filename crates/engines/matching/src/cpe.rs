//! CPE names of components against those of advisories, as Grype compares them
//! (grype/matcher/internal/only_vulnerable_targets.go, 0.121.2).

use purl::cpe::{Attribute, Cpe};
use sbom::{Component, Language, PackageType};
use std::borrow::Cow;

/// The plain text: empty for ANY, `-` for NA.
pub(crate) fn text(attribute: &Attribute) -> Cow<'_, str> {
    match attribute {
        Attribute::Any => Cow::Borrowed(""),
        Attribute::NotApplicable => Cow::Borrowed("-"),
        Attribute::Value(_) => attribute.text().unwrap_or_default(),
    }
}

fn same(a: &Attribute, b: &Attribute) -> bool {
    text(a).eq_ignore_ascii_case(&text(b))
}

/// The `part:vendor:product` key of the database, in the spelling of the formatted string.
pub(crate) fn key(cpe: &Cpe) -> String {
    format!("{}:{}:{}", cpe.part, cpe.vendor, cpe.product)
}

/// The full criterion of a claim: its key, and what follows.
pub(crate) fn criterion(key: &str, rest: &str) -> Option<Cpe> {
    format!("cpe:2.3:{key}{rest}").parse().ok()
}

/// Whether a component's CPE asks for the criterion: whatever the component states must be stated alike. Version and
/// update are not compared.
pub(crate) fn asks_for(component: &Cpe, criterion: &Cpe) -> bool {
    let pairs = [
        (&component.part, &criterion.part),
        (&component.vendor, &criterion.vendor),
        (&component.product, &criterion.product),
        (&component.edition, &criterion.edition),
        (&component.language, &criterion.language),
        (&component.sw_edition, &criterion.sw_edition),
        (&component.target_sw, &criterion.target_sw),
        (&component.target_hw, &criterion.target_hw),
        (&component.other, &criterion.other),
    ];
    pairs.into_iter().all(|(ours, theirs)| *ours == Attribute::Any || same(ours, theirs))
}

fn alike_but_for_target(a: &Cpe, b: &Cpe) -> bool {
    let pairs = [
        (&a.part, &b.part),
        (&a.vendor, &b.vendor),
        (&a.product, &b.product),
        (&a.edition, &b.edition),
        (&a.language, &b.language),
        (&a.sw_edition, &b.sw_edition),
        (&a.target_hw, &b.target_hw),
        (&a.other, &b.other),
    ];
    pairs.into_iter().all(|(a, b)| *a == Attribute::Any || *b == Attribute::Any || same(a, b))
}

/// Whether the criterion is about software of the component's kind, going by target software. Packages of the
/// operating system may hold anything.
pub(crate) fn is_about(component: &Component, cpes: &[Cpe], criterion: &Cpe) -> bool {
    if is_os_package(component.kind) {
        return true;
    }
    let ours: Vec<Cow<'_, str>> =
        cpes.iter().filter(|cpe| alike_but_for_target(cpe, criterion)).map(|cpe| text(&cpe.target_sw)).collect();
    if ours.is_empty() {
        return false;
    }
    let theirs = text(&criterion.target_sw);
    if matches!(component.kind, PackageType::Binary | PackageType::Unknown) {
        return ours.iter().any(|target| same_target(target, &theirs))
            || theirs.is_empty()
            || ours.iter().any(|target| target.is_empty());
    }
    if component.language == Language::Java || ours.iter().any(|target| same_target(target, &theirs)) {
        return true;
    }
    let language = language_of(&theirs).unwrap_or_default();
    theirs.is_empty()
        || theirs == "-"
        || language == component.language
        || package_type_of(&theirs) == Some(component.kind)
        || language == Language::Unknown && !is_known_platform(&theirs)
}

pub(crate) fn is_os_package(kind: PackageType) -> bool {
    use PackageType as P;
    matches!(kind, P::Alpm | P::Apk | P::Deb | P::KnowledgeBase | P::Portage | P::Rpm)
}

fn same_target(a: &str, b: &str) -> bool {
    let concrete = |text: &str| !matches!(text, "" | "*" | "?" | "-");
    match (package_type_of(a), package_type_of(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => concrete(a) && a.eq_ignore_ascii_case(b),
        _ => false,
    }
}

/// Platforms that no cataloger knows as a language and that are the cause of many wrong matches.
fn is_known_platform(target: &str) -> bool {
    matches!(target, "joomla" | "joomla!" | "drupal")
}

fn language_of(name: &str) -> Option<Language> {
    Some(match name.to_ascii_lowercase().as_str() {
        "maven" | "gradle" | "java-archive" | "java" => Language::Java,
        "composer" | "php-composer" | "php" => Language::Php,
        "golang" | "go-module" | "go" => Language::Go,
        "npm" | "javascript" | "nodejs" | "node.js" => Language::JavaScript,
        "luarocks" | "lua" => Language::Lua,
        "cpan" | "perl" => Language::Perl,
        "pypi" | "python" => Language::Python,
        "gem" | "ruby" => Language::Ruby,
        "cargo" | "rust-crate" | "rust" => Language::Rust,
        "pub" | "dart-pub" | "dart" => Language::Dart,
        "dotnet" | ".net" | "nuget" => Language::Dotnet,
        "cocoapods" | "swift" | "pod" => Language::Swift,
        "swipl" | "swiplpack" => Language::Swipl,
        "ocaml" | "opam" => Language::Ocaml,
        "conan" | "c++" => Language::Cpp,
        "hackage" | "haskell" => Language::Haskell,
        "cran" | "r" => Language::R,
        _ => return None,
    })
}

/// The package type that a CPE's target software stands for.
fn package_type_of(target: &str) -> Option<PackageType> {
    Some(sbom::kind_of_target_software(target)).filter(|kind| *kind != PackageType::Unknown)
}

/// Whether what must be present besides is there, as far as the distribution tells; Windows and WordPress are the
/// common cases (grype/pkg/qualifier/platformcpe, 0.121.2).
pub(crate) fn platform_holds(platform: &str, distro: Option<&str>) -> bool {
    let Ok(cpe) = platform.parse::<Cpe>() else { return true };
    let (vendor, product) = (text(&cpe.vendor), text(&cpe.product));
    let is = |wanted: &str| distro.is_none_or(|distro| distro == wanted);
    match (vendor.as_ref(), product.as_ref()) {
        ("wordpress", "wordpress") => false,
        ("microsoft", product) if product.starts_with("windows") => is("windows"),
        ("canonical", "ubuntu_linux") | ("ubuntu", _) => is("ubuntu"),
        ("debian", "debian_linux" | "linux") => is("debian"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: PackageType, language: Language, ours: &str, theirs: &str, want: bool) {
        let component = Component::new(kind, language, "x", "1");
        let parse = |target: &str| format!("cpe:2.3:a:v:p:*:*:*:*:*:{target}:*:*").parse::<Cpe>().unwrap();
        assert_eq!(is_about(&component, &[parse(ours)], &parse(theirs)), want, "{kind:?} {ours} {theirs}");
    }

    #[test]
    fn target_software_decides() {
        use Language as L;
        use PackageType as P;
        check(P::Deb, L::Unknown, "*", "wordpress", true);
        check(P::Binary, L::Unknown, "*", "python", true);
        check(P::Binary, L::Unknown, "ruby", "python", false);
        check(P::Python, L::Python, "*", "python", true);
        check(P::Python, L::Python, "*", "*", true);
        check(P::Python, L::Python, "*", "node.js", false);
        check(P::Npm, L::JavaScript, "nodejs", "node.js", true);
        check(P::Npm, L::JavaScript, "*", "wordpress", true);
        check(P::Npm, L::JavaScript, "*", "joomla\\!", false);
        check(P::JavaArchive, L::Java, "*", "node.js", true);
    }

    #[test]
    fn platforms() {
        let cpe = |vendor: &str, product: &str| format!("cpe:2.3:o:{vendor}:{product}:*:*:*:*:*:*:*:*");
        assert!(!platform_holds(&cpe("microsoft", "windows_10"), Some("debian")));
        assert!(platform_holds(&cpe("microsoft", "windows_10"), None));
        assert!(!platform_holds(&cpe("canonical", "ubuntu_linux"), Some("debian")));
        assert!(platform_holds(&cpe("debian", "debian_linux"), Some("debian")));
        assert!(!platform_holds("cpe:2.3:a:wordpress:wordpress:*:*:*:*:*:*:*:*", None));
        assert!(platform_holds("nonsense", Some("debian")));
    }
}
