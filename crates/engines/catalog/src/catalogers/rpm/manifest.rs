//! The manifest that Mariner's distroless images have in place of a database: one line of tab-separated fields for each
//! package (CBL-Mariner, `toolkit/docs/how_it_works/5_misc.md`).

use super::package::Package;

/// Reads every line that has the form; others are passed over, as the peer.
pub(super) fn parse(text: &str) -> Vec<Package<'static>> {
    /// Lines of one manifest.
    const MAX_PACKAGES: usize = 200_000;
    text.lines().filter_map(line).take(MAX_PACKAGES).collect()
}

/// Name, version-release, install time, build time, vendor, epoch, size, architecture, epoch as a number, source.
fn line(line: &str) -> Option<Package<'static>> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    let (name, version, _installed, _built, vendor) = (next()?, next()?, next()?, next()?, next()?);
    let (epoch, size, architecture, epoch_number, source_rpm) = (next()?, next()?, next()?, next()?, next()?);
    let (version, release) = version.split_once('-').filter(|(_, release)| !release.contains('-'))?;
    Some(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        release: release.to_owned(),
        epoch: if epoch == "(none)" { None } else { epoch_number.parse().ok() },
        architecture: architecture.to_owned(),
        source_rpm: source_rpm.to_owned(),
        size: size.parse().unwrap_or_default(),
        vendor: vendor.to_owned(),
        ..Package::default()
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lines() {
        let text = "bad line\n\
                    bash\t5.1.8-1.cm2\t1653816591\t1653628924\tMicrosoft\t(none)\t3525\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm\n\
                    p\t1-2-3\t1\t1\tv\t(none)\t1\ta\t0\ts\n\
                    q\t1-2\t1\t1\tv\t3\tx\ta\t3\ts\n";
        let found: Vec<_> =
            parse(text).into_iter().map(|p| (p.name.clone(), p.full_version(), p.epoch, p.size)).collect();
        assert_eq!(
            found,
            [("bash".into(), "5.1.8-1.cm2".to_owned(), None, 3525), ("q".into(), "3:1-2".to_owned(), Some(3), 0)]
        );
    }
}
