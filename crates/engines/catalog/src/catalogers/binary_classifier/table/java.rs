//! Java virtual machines, told apart by vendor.

use crate::catalogers::binary_classifier::evidence::Classifier;
use crate::catalogers::binary_classifier::evidence::Evidence;
use crate::catalogers::binary_classifier::evidence::Evidence::{All, Any, Library, Near, Path, Text, Texts};

const GRAALVM: &str = r"(?m)\x00(?P<version>[0-9]+[.0-9]+[.0-9]+\+[0-9]+-jvmci-[0-9]+[.0-9]+-b[0-9]+)\x00";
/// `openjdk`, `java`, the dotted version, the full version.
const OPENJDK: &str = r"(?m)\x00openjdk\x00java\x00(?:[0-9]+[.0-9]*)\x00(?P<version>[0-9]+[^\x00]+)\x00";
/// The same in the order of builds for arm64.
const OPENJDK_ARM: &str = r"(?m)\x00(?:[0-9]+[.0-9]*)\x00+(?P<version>[0-9]+[^\x00]+)\x00+openjdk\x00java";
/// A folder or a launcher library of IBM's.
const IBM: Evidence =
    Any(&[Path("**/ibm/**"), Library { names: r"^libjli\.so$", files: "**/libjli.so", evidence: &Text("IBM_JAVA") }]);

pub(super) static ALL: &[Classifier] = &[
    Classifier::branching("**/java", &[
        Classifier::new(
            "java-binary-graalvm",
            "",
            "graalvm",
            &[("oracle", "graalvm")],
            Near(&["-jvmci-"], GRAALVM),
        )
        .purl("pkg:generic/oracle/graalvm"),
        Classifier::new(
            "java-binary-openjdk-zulu",
            "",
            "zulu",
            &[("azul", "zulu")],
            All(&[
                Path("**/*zulu*/**"),
                Any(&[
                    Text(r"(?m)\x00java\x00(?:[0-9]+[.0-9]*)\x00(?P<version>[0-9]+[^\x00]+)\x00"),
                    Text(r"(?m)\x00(?:[0-9]+[.0-9]*)\x00+(?P<version>[0-9]+[^\x00]+)\x00+(openjdk|java)"),
                ]),
            ]),
        )
        .purl("pkg:generic/azul/zulu"),
        Classifier::new(
            "java-binary-openjdk-with-update",
            "",
            "openjdk",
            &[("oracle", "openjdk")],
            Any(&[
                Texts(&[
                    r"openjdk",
                    r"(?m)java\x00(?:[0-9]+[.0-9]*)\x00(?P<version>(?P<primary>[0-9]+[^\x00]+)_(?P<update>[^\x00]+)-[^\x00]+)\x00",
                ]),
                Texts(&[
                    r"openjdk",
                    r"(?m)\x00(?:[0-9]+[.0-9]*)\x00+(?P<version>(?P<primary>[0-9]+[^\x00]+)_(?P<update>[^\x00]+)-[^\x00]+)\x00+openjdk\x00java",
                ]),
            ]),
        )
        .purl("pkg:generic/oracle/openjdk")
        .with_update(),
        Classifier::new(
            "java-binary-openjdk",
            "",
            "openjdk",
            &[("oracle", "openjdk")],
            Any(&[
                Text(OPENJDK),
                Near(&["openjdk\0java"], OPENJDK_ARM),
            ]),
        )
        .purl("pkg:generic/oracle/openjdk"),
        Classifier::new(
            "java-binary-ibm",
            "",
            "java",
            &[("ibm", "java")],
            All(&[
                IBM,
                Text(r"(?m)\x00java\x00+(?:[0-9]+[.0-9]+)\x00+(?P<version>[0-9]+[-._a-zA-Z0-9]+)\x00"),
            ]),
        )
        .purl("pkg:generic/ibm/java"),
        Classifier::new(
            "java-binary-openjdk-fallthrough",
            "",
            "jre",
            &[("oracle", "jre")],
            Texts(&[
                r"openjdk",
                r"(?m)\x00(?P<version>[0-9]+[.0-9]+[+][-0-9]+)\x00",
            ]),
        )
        .purl("pkg:generic/oracle/jre"),
        Classifier::new(
            "java-binary-oracle",
            "",
            "jre",
            &[("oracle", "jre")],
            Text(r"(?m)\x00(?P<version>[0-9]+\.[0-9]+\.[-._+a-zA-Z0-9]+)\x00"),
        )
        .purl("pkg:generic/oracle/jre"),
    ]),
    Classifier::branching("**/jdb", &[
        Classifier::new(
            "java-binary-graalvm",
            "",
            "graalvm",
            &[("oracle", "graalvm_for_jdk")],
            Near(&["-jvmci-"], GRAALVM),
        )
        .purl("pkg:generic/oracle/graalvm"),
        Classifier::new(
            "jdb-binary-openjdk-zulu",
            "",
            "zulu",
            &[("azul", "zulu")],
            All(&[
                Path("**/*zulu*/**"),
                Any(&[
                    Text(r"(?m)(java|jdb)\x00(?:[0-9]+[.0-9]*)\x00(?P<version>[0-9]+[^\x00]+)\x00"),
                    Text(r"(?m)\x00(?:[0-9]+[.0-9]*)\x00+(?P<version>[0-9]+[^\x00]+)\x00+(java|jdb)"),
                ]),
            ]),
        )
        .purl("pkg:generic/azul/zulu"),
        Classifier::new(
            "java-jdb-binary-openjdk",
            "",
            "openjdk",
            &[("oracle", "openjdk")],
            All(&[
                Text(OPENJDK),
                Near(&["openjdk\0java"], OPENJDK_ARM),
            ]),
        )
        .purl("pkg:generic/oracle/openjdk"),
        Classifier::new(
            "java-sdk-binary-ibm",
            "",
            "java_sdk",
            &[("ibm", "java_sdk")],
            All(&[
                IBM,
                Text(r"(?m)\x00java\x00.+?\x00(?P<version>[0-9]+[-._a-zA-Z0-9]+)\x00"),
            ]),
        )
        .purl("pkg:generic/ibm/java_sdk"),
        Classifier::new(
            "java-binary-openjdk-fallthrough",
            "",
            "openjdk",
            &[("oracle", "openjdk")],
            Texts(&[
                r"openjdk",
                r"(?m)\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+(\+[0-9]+)?([-._a-zA-Z0-9]+)?)\x00",
            ]),
        )
        .purl("pkg:generic/oracle/openjdk"),
        Classifier::new(
            "java-binary-jdk",
            "",
            "jdk",
            &[("oracle", "jdk")],
            Text(r"(?m)\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+(\+[0-9]+)?([-._a-zA-Z0-9]+)?)\x00"),
        )
        .purl("pkg:generic/oracle/jdk"),
    ]),
];
