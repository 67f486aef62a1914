//! Support channels (Red Hat EUS, Ubuntu ESM): flaws are those of the release, fixes come from the channel too.

use super::look::{Candidate, Looked};
use super::{Outcome, Settled, reason, set_aside};
use crate::database::ClaimEnd;
use crate::distro::Release;
use crate::finding::{FixState, Match};
use crate::order::Version;

/// Takes out what the channel has fixed at this version, and tells of the channel's fixes for what remains.
pub(super) fn apply(
    looked: &Looked<'_>,
    version: Version<'_>,
    release: &Release,
    matches: &mut Vec<Match>,
    outcome: &mut Outcome,
) {
    let fixes_it = |candidate: &&Candidate<'_>| crate::order::is_fixed_at(version, &candidate.claim);
    let mut fixed = Settled::default();
    for candidate in looked.missed.iter().filter(fixes_it) {
        fixed.add_candidates(std::slice::from_ref(candidate), reason::DISTRO_NOT_VULNERABLE);
        outcome.settled.add_candidates(std::slice::from_ref(candidate), reason::DISTRO_NOT_VULNERABLE);
    }
    set_aside(matches, &fixed, &mut outcome.set_aside);
    for found in matches.iter_mut() {
        if release.distro == "redhat" {
            keep_reachable(found, release);
        }
        let identifiers = found.vulnerability.identifiers.clone();
        let same = |candidate: &&Candidate<'_>| {
            let advisory = &candidate.advisory;
            let mut ids = [advisory.id].into_iter().chain(advisory.aliases.iter().copied());
            ids.any(|id| identifiers.iter().any(|have| have == id))
                || advisory.related.iter().any(|id| identifiers.iter().any(|have| have == id))
        };
        for candidate in looked.hit.iter().filter(same) {
            add_fix(found, candidate, version);
        }
    }
}

fn add_fix(found: &mut Match, candidate: &Candidate<'_>, version: Version<'_>) {
    let fix = &mut found.vulnerability.fix;
    for range in &candidate.claim.ranges {
        if let ClaimEnd::Fixed(fixed) = range.end
            && version.cmp(fixed).is_lt()
            && !fix.versions.iter().any(|have| have == fixed)
        {
            fix.versions.push(fixed.to_owned());
            fix.state = FixState::Fixed;
        }
    }
    fix.versions.sort();
}

/// Leaves out fixes that are built for a later minor release than the one with extended support.
fn keep_reachable(found: &mut Match, release: &Release) {
    let fix = &mut found.vulnerability.fix;
    let had_fixes = !fix.versions.is_empty();
    fix.versions.retain(|version| is_reachable(version, release));
    if had_fixes && fix.versions.is_empty() {
        fix.state = FixState::NotFixed;
        fix.available.clear();
    }
}

/// Whether a fix, by the `.el9_4` of its release, is there for a release with extended support. What does not say is.
fn is_reachable(fix: &str, release: &Release) -> bool {
    let Some(major) = release.major() else { return true };
    let Some((_, built_for)) = fix.rsplit_once('-').and_then(|(_, part)| part.split_once(".el")) else { return true };
    let number = |text: &str| -> Option<u32> {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text.get(..end)?.parse().ok()
    };
    let Some(fix_major) = number(built_for) else { return true };
    let behind = built_for.trim_start_matches(|c: char| c.is_ascii_digit());
    let fix_minor = behind.strip_prefix('_').and_then(number).unwrap_or(0);
    fix_major == major && fix_minor <= release.minor().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixes_are_reached_up_to_the_minor_release() {
        let release = Release::parse("rhel:9.4+eus").unwrap();
        for (fix, want) in [
            ("0:5.14.0-427.el9_4", true),
            ("5.14.0-503.11.1.el9_5", false),
            ("1-82.el8_10.2", false),
            ("1-1.el9", true),
            ("1.0.0", true),
        ] {
            assert_eq!(is_reachable(fix, &release), want, "{fix}");
        }
    }
}
