//! Servers, proxies, orchestration and their agents.

use crate::catalogers::binary_classifier::evidence::Classifier;
use crate::catalogers::binary_classifier::evidence::Evidence;
use crate::catalogers::binary_classifier::evidence::Evidence::{Any, Near, Text};

/// Version constants as the Go linker lays them out, by release.
const ISTIO: Evidence = Any(&[
    Text(
        r"[0-9]+\.[0-9]+\.[0-9]+(-alpha\.[0-9]+|-beta\.[0-9]+|-rc\.[0-9]+|-snapshot\.[0-9]+|-dev)?\x00+(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha\.[0-9]+|-beta\.[0-9]+|-rc\.[0-9]+|-snapshot\.[0-9]+|-dev)?)\x00+",
    ),
    Near(&["-snapshot."], r"\x00+(?P<version>[0-9]+\.[0-9]+\.[0-9]+-snapshot\.[0-9]+)\x00+"),
    Text(
        r"Clean\x00+(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha\.[0-9]+|-beta\.[0-9]+|-rc\.[0-9]+|-snapshot\.[0-9]+|-dev)?)\x00+",
    ),
    Text(r"Modified\x00+(?P<version>[0-9]+\.[0-9]+-dev)\x00+"),
    Near(
        &["=v<y5"],
        r"(?s)(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha\.[0-9]+|-beta\.[0-9]+|-rc\.[0-9]+|-snapshot\.[0-9]+|-dev)?)\x00+.{1,100}S?=v<y5",
    ),
]);
/// The version between words that the Go compiler happens to put around it, by release; all beats share them.
const BEATS: Evidence = Any(&[
    Text(r"Test (?P<version>[0-9]+\.[0-9]+\.[0-9]+)[a-z%]"),
    Text(r"plugin(?:output)?(?P<version>[0-9]+\.[0-9]+\.[0-9]+)[-a-z]"),
    Text(r"5m\.rate(?P<version>[0-9]+\.[0-9]+\.[0-9]+)-"),
]);

pub(super) static ALL: &[Classifier] = &[
    Classifier::new(
        "helm",
        "**/helm",
        "helm",
        &[("helm", "helm")],
        Any(&[
            Text(r"\x00v(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha\.[0-9]|-beta\.[0-9]|-rc\.[0-9])?)\x00{2,}"),
            Text(r"v(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha\.[0-9]|-beta\.[0-9]|-rc\.[0-9])?)\x00+.{1,500}go[0-9]+\.[0-9]+\.[0-9]+\x00+"),
            Text(r"\x00v(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha\.[0-9]|-beta\.[0-9]|-rc\.[0-9])?)\x00"),
            Text(r"@v(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha\.[0-9]|-beta\.[0-9]|-rc\.[0-9])?)\x00"),
        ]),
    )
    .purl("pkg:golang/helm.sh/helm"),
    Classifier::new(
        "haproxy-binary",
        "**/haproxy",
        "haproxy",
        &[("haproxy", "haproxy")],
        Any(&[
            Text(r"(?m)version (?P<version>[0-9]+\.[0-9]+(\.|-dev|-rc)[0-9]+)(-[a-z0-9]{7})?, released 20"),
            Text(r"(?m)HA-Proxy version (?P<version>[0-9]+\.[0-9]+(\.|-dev)[0-9]+)"),
            Text(r"(?m)(?P<version>[0-9]+\.[0-9]+(\.|-dev)[0-9]+)-[0-9a-zA-Z]{7}.+HAProxy version"),
        ]),
    ),
    Classifier::new(
        "httpd-binary",
        "**/httpd",
        "httpd",
        &[("apache", "http_server")],
        Text(r"(?m)Apache/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    ),
    Classifier::new(
        "traefik-binary",
        "**/traefik",
        "traefik",
        &[("traefik", "traefik")],
        Any(&[
            Text(r"(?m)(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00\x00"),
            Text(r"(?m)(\x00v?|[\x80-\xff].?)(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00"),
        ]),
    ),
    Classifier::new(
        "consul-binary",
        "**/consul",
        "consul",
        &[("hashicorp", "consul")],
        Any(&[
            Text(r"CONSUL_VERSION: (?P<version>\d+\.\d+\.\d+)"),
            Text(r#"GitDescribe=(?P<version>\d+\.\d+\.\d+)\""#),
            Text(r"\x00+v(?P<version>\d+\.\d+\.\d+)\x00+"),
        ]),
    )
    .purl("pkg:golang/github.com/hashicorp/consul"),
    Classifier::new(
        "hashicorp-vault-binary",
        "**/vault",
        "github.com/hashicorp/vault",
        &[("hashicorp", "vault")],
        Any(&[
            Text(r"(?m)revoke(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
            Text(r"state(?P<version>[0-9]+\.[0-9]+\.[0-9]+\-rc[0-9])"),
            Text(r"016x(?P<version>1.1[1,3,4].[0-9]{1,2})"),
            Text(r"\x00+(?P<version>1\.[0-9][0,1]?\.[0-9]+)\x00+"),
        ]),
    )
    .purl("pkg:golang/github.com/hashicorp/vault"),
    Classifier::new(
        "nginx-binary",
        "**/nginx",
        "nginx",
        &[("f5", "nginx"), ("nginx", "nginx")],
        Text(r"(?m)(\x00|\?)nginx version: [^/]+/(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:\+\d+)?(?:-\d+)?)"),
    ),
    Classifier::new(
        "openldap-search-binary",
        "**/ldapsearch",
        "openldap",
        &[("openldap", "openldap")],
        Text(r"\$OpenLDAP:\sldapsearch\s(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    ),
    Classifier::new(
        "fluent-bit-binary",
        "**/fluent-bit",
        "fluent-bit",
        &[("treasuredata", "fluent_bit")],
        Near(&["Fluent"], r"\x00(\x00)?(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00(\x1b\[1m\x00|\x00|\x00\x00)?(%s)?Fluent"),
    )
    .purl("pkg:github/fluent/fluent-bit"),
    Classifier::new(
        "lighttpd-binary",
        "**/lighttpd",
        "lighttpd",
        &[("lighttpd", "lighttpd")],
        Text(r"\x00lighttpd/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    ),
    Classifier::new(
        "proftpd-binary",
        "**/proftpd",
        "proftpd",
        &[("proftpd", "proftpd")],
        Text(r"\x00ProFTPD Version (?P<version>[0-9]+\.[0-9]+\.[0-9]+[a-z]?)\x00"),
    ),
    Classifier::new(
        "istio-binary",
        "**/pilot-discovery",
        "pilot-discovery",
        &[("istio", "istio")],
        ISTIO,
    )
    .purl("pkg:generic/istio"),
    Classifier::new(
        "istio-binary",
        "**/pilot-agent",
        "pilot-agent",
        &[("istio", "istio")],
        ISTIO,
    )
    .purl("pkg:generic/istio"),
    Classifier::new(
        "grafana-binary",
        "**/grafana",
        "grafana",
        &[("grafana", "grafana")],
        Any(&[
            Text(r"\x00+(?P<version>[0-9]{2}\.[0-9]+\.[0-9]+\-[0-9]{6,})\x00+"),
            Near(&["+security-"], r"\x00(?P<version>[0-9]{1,2}\.[0-9]+\.[0-9]+)\+security-[0-9]+\x00"),
            Near(&["release-"], r"\x00+release-(?P<version>[0-9]{2}\.[0-9]+\.[0-9]+(-beta[0-9]|-test|-preview)?)(\+security-[0-9]+)?\x00+"),
            Near(&["+DT"], r"(?s)\x00+go1\.[0-9]+\.[0-9]+\x00+(?P<version>[0-9]{2}\.[0-9]+\.[0-9]+(-beta[0-9]|-test|-preview)?)(\+security-[0-9]+)?\x00+.{1,500}\+DT"),
            Text(r"(?P<version>[0-9]{2}\.[0-9]+\.[0-9]+(-beta[0-9]|-test|-preview)?)(\+security-[0-9]+)?\x00+\$a"),
            Text(r"\x00.(?P<version>10\.[0-9]+\.[0-9]+(-beta[0-9]|-test|-preview)?)(\+security-[0-9]+)?\x00"),
            Near(&["+DT"], r"(?s)(?P<version>[0-9]{2}\.[0-9]+\.[0-9]+(-beta[0-9]|-test|-preview)?)(\+security-[0-9]+)?\x00+.{1,100}\x00go1\.[0-9]+\.[0-9]+\x00.{1,100}\+DT"),
            Text(r"(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-beta[0-9]|-test|-preview)?)(\+security-[0-9]+)?\x00+v[0-9]+\.[0-9]+\.x\x00+"),
            Text(r"HEAD\x00+.*\x00+(?P<version>[0-9]\.[0-9]+\.[0-9]+(-beta[0-9]|-test|-preview)?)(\+security-[0-9]+)?\x00+"),
            Near(&["/usr/local/go"], r"[a-z0-9]+\x00+(?P<version>[0-9]\.[0-9]+\.[0-9]+(-beta[0-9]|-test|-preview)?)(\+security-[0-9]+)?\x00+/usr/local/go"),
        ]),
    ),
    Classifier::new(
        "grafana-binary",
        "**/grafana-server",
        "grafana",
        &[("grafana", "grafana")],
        Any(&[
            Near(&["/usr/local/go"], r"[a-z0-9]+\x00+(?P<version>[0-9]\.[0-9]+\.[0-9]+(-beta[0-9]|-test)?)\x00+/usr/local/go"),
            Text(r"HEAD\x00+.*\x00+(?P<version>[0-9]\.[0-9]+\.[0-9]+(-beta[0-9]|-test)?)\x00+"),
            // The peer also asks for a NUL in the 1000 bytes before `/u`, where there always is one.
            Text(r"(?s)\x00+(?P<version>[0-9]\.[0-9]+\.[0-9]+(-beta[0-9]|-test)?)\x00+.+\x00/u"),
        ]),
    ),
    Classifier::new(
        "envoy-binary",
        "**/envoy",
        "envoy",
        &[("envoyproxy", "envoy")],
        Any(&[
            Near(&["envoy_reloadable_features"], r"(?s)\x00(?P<version>1\.[34][0-9]\.[0-9]+(-dev)?)\x00.{0,1000}envoy_reloadable_features"),
            Near(&["envoy.reloadable_features"], r"(?s)\x00(?P<version>1\.34\.5)\x00.{0,200}envoy\.reloadable_features"),
            Text(r"(?s)DeltaDiscoveryResponse\.removed_resources\x00(?P<version>1\.[34][0-9]\.[0-9]+(-dev)?)\x00"),
            Text(r"(?s)envoy_quic_.{0,1000}\x00(?P<version>1\.2[0-9]\.[0-9]+(-dev)?)\x00"),
            Near(&["Unable to"], r"(?s)\x00(?P<version>1\.[12][0-9]\.[0-9]+(-dev)?)\x00.{0,1000}Unable to"),
            Near(&["ValidationError"], r"(?s)\x00(?P<version>1\.2[0-9]\.[0-9]+(-dev)?)\x00.{0,580}ValidationError"),
            Near(&["ValidationError"], r"(?s)\x00(?P<version>1\.1[0-9]\.[0-9]+(-dev)?)\x00.{0,1000}ValidationError"),
            Text(r"(?s)\[source/.{0,200}\x00(?P<version>1\.1[0-9]\.[0-9]+(-dev)?)\x00"),
            Near(&["RELEASE"], r"(?s)\x00(?P<version>1\.[0-9]\.[0-9]+(-dev)?)\x00.{0,20}RELEASE"),
            Near(&["envoy"], r"(?s)\x00(?P<version>1\.3[0-9]\.[0-9]+(-dev)?)\x00envoy[/._:]"),
            Near(&["envoy"], r"(?s)\x00(?P<version>1\.3[0-9]\.[0-9]+(-dev)?)\x00.{0,200}envoy[./]"),
            Near(&["envoy_quic"], r"(?s)\x00(?P<version>1\.3[0-9]\.[0-9]+(-dev)?)\x00.{0,1000}envoy_quic"),
            Near(&["TLS "], r"(?s)\x00(?P<version>1\.3[0-9]\.[0-9]+(-dev)?)\x00TLS "),
            Near(&["envoy"], r"(?s)\x00(?P<version>1\.2[0-9]\.[0-9]+(-dev)?)\x00envoy[/._]"),
            Near(&["envoy."], r"(?s)\x00(?P<version>1\.2[0-9]\.[0-9]+(-dev)?)\x00.{0,500}envoy\."),
            Near(&["envoy_"], r"(?s)\x00(?P<version>1\.2[0-9]\.[0-9]+(-dev)?)\x00.{0,300}envoy_"),
        ]),
    ),
    Classifier::new(
        "ingress-nginx-binary",
        "**/nginx-ingress-controller",
        "nginx-ingress-controller",
        &[("kubernetes", "ingress-nginx")],
        Any(&[
            Text(r"v(?P<version>[0-9]+\.[0-9]+\.[0-9]+(\-(alpha|beta)\.[0-9]+)?)\x00\x00"),
            Text(r"v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00+.{0,50}go[0-9]+\.[0-9]+(\-(alpha|beta)\.[0-9])?\.[0-9]+\x00+"),
            Text(r"v(?P<version>[0-9]+\.[0-9]+\.[0-9]+(\-(alpha|beta)\.[0-9])?)\x00+.{0,800}\$a.{0,10}\x00+"),
            Near(&["S=v<y5"], r"\x00+v?(?P<version>[0-9]+\.[0-9]+\.[0-9]+(\-(alpha|beta)\.[0-9])?)\x00+.{0,100}S=v<y5"),
            Text(r"\x00+go[0-9]+\.[0-9]+\.[0-9]+\x00+v(?P<version>[0-9]+\.[0-9]+\.[0-9]+(\-(alpha|beta)\.[0-9])?)\x00+"),
            Text(r"\x00+v(?P<version>[0-9]+\.[0-9]+\.[0-9]+\-(alpha|beta)\.[0-9])\x00+"),
        ]),
    ),
    Classifier::new(
        "filebeat-binary",
        "**/filebeat",
        "filebeat",
        &[("elastic", "filebeat")],
        BEATS,
    ),
    Classifier::new(
        "metricbeat-binary",
        "**/metricbeat",
        "metricbeat",
        &[("elastic", "metricbeat")],
        BEATS,
    ),
    Classifier::new(
        "heartbeat-binary",
        "**/heartbeat",
        "heartbeat",
        &[("elastic", "heartbeat")],
        BEATS,
    ),
    Classifier::new(
        "packetbeat-binary",
        "**/packetbeat",
        "packetbeat",
        &[("elastic", "packetbeat")],
        BEATS,
    ),
    Classifier::new(
        "auditbeat-binary",
        "**/auditbeat",
        "auditbeat",
        &[("elastic", "auditbeat")],
        BEATS,
    ),
    Classifier::new(
        "elastic-agent-binary",
        "**/elastic-agent",
        "elastic-agent",
        &[("elastic", "elastic_agent")],
        Any(&[
            Text(r"enroll(?:: true)?(?P<version>[0-9]+\.[0-9]+\.[0-9]+)-?header"),
            Text(r"PM(?P<version>[0-9]+\.[0-9]+\.[0-9]+):https"),
        ]),
    ),
];
