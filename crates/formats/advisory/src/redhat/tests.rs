use super::*;

/// A VEX document of one flaw: products as (identifier, purl), statuses, remediations.
fn document(products: &[(&str, &str, &str)], status: &str, remediations: &str) -> String {
    let branches: Vec<String> = products
        .iter()
        .map(|(_, part, purl)| {
            format!(r#"{{"product":{{"product_id":"{part}","product_identification_helper":{{"purl":"{purl}"}}}}}}"#)
        })
        .collect();
    let parts: Vec<String> = products
        .iter()
        .map(|(platform, part, _)| {
            format!(
                r#"{{"full_product_name":{{"product_id":"{platform}:{part}"}},"product_reference":"{part}",
                    "relates_to_product_reference":"{platform}"}}"#
            )
        })
        .collect();
    let platforms: Vec<String> = [
        ("BaseOS-8.9.0.Z.MAIN", "cpe:/o:redhat:enterprise_linux:8::baseos"),
        ("BaseOS-8.10.0.Z.MAIN.EUS", "cpe:/o:redhat:enterprise_linux:8::baseos"),
        ("BaseOS-9.2.0.Z.EUS", "cpe:/o:redhat:rhel_eus:9.2::baseos"),
        ("red_hat_enterprise_linux_8", "cpe:/o:redhat:enterprise_linux:8"),
        ("openshift", "cpe:/a:redhat:openshift:4"),
    ]
    .iter()
    .map(|(id, cpe)| {
        format!(r#"{{"product":{{"product_id":"{id}","product_identification_helper":{{"cpe":"{cpe}"}}}}}}"#)
    })
    .collect();
    format!(
        r#"{{"document":{{"tracking":{{"id":"CVE-2024-1"}}}},
            "product_tree":{{"branches":[{{"branches":[{}]}},{{"branches":[{}]}}],"relationships":[{}]}},
            "vulnerabilities":[{{"cve":"CVE-2024-1","product_status":{status},"remediations":[{remediations}],
            "threats":[{{"category":"impact","details":"Moderate"}}]}}]}}"#,
        platforms.join(","),
        branches.join(","),
        parts.join(",")
    )
}

fn check(products: &[(&str, &str, &str)], status: &str, remediations: &str, expected: &[&str]) {
    let records = parse(document(products, status, remediations).as_bytes()).unwrap();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.id.as_str(), record.severity), ("CVE-2024-1", Severity::Medium));
    let found: Vec<String> = record
        .affected
        .iter()
        .map(|a| {
            let Ecosystem::Distro(id, release) = &a.package.ecosystem else { panic!("{a:?}") };
            let end = match a.ranges.first().map(|range| &range.end) {
                Some(RangeEnd::Fixed(version)) => version.as_str(),
                Some(_) => "open",
                None => "none",
            };
            let module = a.module.as_deref().unwrap_or("?");
            format!(
                "{id} {release} {} [{module}] {:?} {end} {} {:?}",
                a.package.name, a.state, a.advisory, a.architectures
            )
        })
        .collect();
    assert_eq!(found, expected);
}

const FIX: &str = r#"{"category":"vendor_fix","date":"2024-05-01T00:00:00Z",
    "url":"https://access.redhat.com/errata/RHSA-2024:1","product_ids":["BaseOS-8.9.0.Z.MAIN:glibc-1.x86_64"]}"#;

#[test]
fn joins_architectures_and_drops_the_source_beside_binaries() {
    check(
        &[
            ("BaseOS-8.9.0.Z.MAIN", "glibc-1.x86_64", "pkg:rpm/redhat/glibc@2.28-1.el8_9?arch=x86_64"),
            ("BaseOS-8.9.0.Z.MAIN", "glibc-1.s390x", "pkg:rpm/redhat/glibc@2.28-1.el8_9?arch=s390x"),
            ("BaseOS-8.9.0.Z.MAIN", "glibc-1.src", "pkg:rpm/redhat/glibc@2.28-1.el8_9?arch=src"),
            ("openshift", "glibc-9", "pkg:rpm/redhat/glibc@9?arch=x86_64"),
        ],
        r#"{"fixed":["BaseOS-8.9.0.Z.MAIN:glibc-1.x86_64","BaseOS-8.9.0.Z.MAIN:glibc-1.s390x",
            "BaseOS-8.9.0.Z.MAIN:glibc-1.src","openshift:glibc-9"]}"#,
        FIX,
        &["redhat 8 glibc [] Fixed 0:2.28-1.el8_9 RHSA-2024:1 []"],
    );
}

#[test]
fn tells_minor_releases_and_channels_apart() {
    check(
        &[
            ("BaseOS-8.9.0.Z.MAIN", "a-1", "pkg:rpm/redhat/a@1-9.el8_9?arch=x86_64"),
            ("BaseOS-8.10.0.Z.MAIN.EUS", "a-2", "pkg:rpm/redhat/a@1-12.el8_10?arch=x86_64"),
            ("BaseOS-9.2.0.Z.EUS", "a-3", "pkg:rpm/redhat/a@1-3.el9_2?arch=x86_64&epoch=2"),
        ],
        r#"{"fixed":["BaseOS-8.9.0.Z.MAIN:a-1","BaseOS-8.10.0.Z.MAIN.EUS:a-2","BaseOS-9.2.0.Z.EUS:a-3"]}"#,
        "",
        &[
            r#"redhat 8 a [] Fixed 0:1-12.el8_10  ["x86_64"]"#,
            r#"redhat 8.9 a [] Fixed 0:1-9.el8_9  ["x86_64"]"#,
            r#"redhat 9.2+eus a [] Fixed 2:1-3.el9_2  ["x86_64"]"#,
        ],
    );
}

#[test]
fn reads_states_and_modules() {
    check(
        &[
            ("red_hat_enterprise_linux_8", "curl", "pkg:rpm/redhat/curl?arch=src"),
            ("red_hat_enterprise_linux_8", "ruby", "pkg:rpm/redhat/ruby?rpmmod=ruby:2.5"),
            ("red_hat_enterprise_linux_8", "safe", "pkg:rpm/redhat/safe"),
            ("red_hat_enterprise_linux_8", "maven", "pkg:maven/a/b@1"),
            ("red_hat_enterprise_linux_8", "snakeyaml", ""),
            ("red_hat_enterprise_linux_8", "nodejs:20/nodejs", ""),
            ("red_hat_enterprise_linux_8", "rhel8/container", ""),
        ],
        r#"{"known_affected":["red_hat_enterprise_linux_8:curl","red_hat_enterprise_linux_8:ruby",
            "red_hat_enterprise_linux_8:maven","red_hat_enterprise_linux_8:snakeyaml",
            "red_hat_enterprise_linux_8:nodejs:20/nodejs","red_hat_enterprise_linux_8:rhel8/container"],"known_not_affected":["red_hat_enterprise_linux_8:safe"]}"#,
        r#"{"category":"no_fix_planned","details":"Will not fix","product_ids":["red_hat_enterprise_linux_8:curl"]},
            {"category":"none_available","details":"Affected","product_ids":["red_hat_enterprise_linux_8:ruby"]}"#,
        &[
            r#"redhat 8 curl [] WontFix open  ["src"]"#,
            "redhat 8 nodejs [nodejs:20] NotFixed open  []",
            "redhat 8 ruby [ruby:2.5] NotFixed open  []",
            "redhat 8 snakeyaml [] NotFixed open  []",
            "redhat 8 safe [] NotAffected none  []",
        ],
    );
}

#[test]
fn refuses_what_is_no_document() {
    let deep = format!(
        r#"{{"document":{{"tracking":{{"id":"X"}}}},"product_tree":{{"branches":{}}}}}"#,
        r#"[{"branches":"#.repeat(60) + "[]" + &"}]".repeat(60)
    );
    for json in ["", "[]", "{}", r#"{"document":{}}"#, deep.replace("60", "61").as_str(), &"[".repeat(9999)] {
        let result = parse(json.as_bytes());
        assert!(result.is_err() || json.len() > 500 && !json.starts_with("[["), "{json}");
    }
}
