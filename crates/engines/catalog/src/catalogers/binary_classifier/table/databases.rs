//! Databases and caches.

use crate::catalogers::binary_classifier::evidence::Classifier;
use crate::catalogers::binary_classifier::evidence::Evidence::{All, Any, Near, NotPath, Text};

/// `7.0.14buildkitsandbox-1702957741000000000`: version, build host, build time.
const BUILDKIT: &str = r"[^\d](?P<version>\d+.\d+\.\d+)buildkitsandbox-\d+";
/// Where it was compiled.
const MYSQL_CLUSTER: &str =
    r"/mysql-cluster-gpl-(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)/";

pub(super) static ALL: &[Classifier] = &[
    Classifier::new(
        "redis-binary",
        "**/redis-server",
        "redis",
        &[("redislabs", "redis"), ("redis", "redis")],
        All(&[
            NotPath("**/valkey-server"),
            Any(&[
                Near(&["buildkitsandbox-"], BUILDKIT),
                Text(r"[^\d](?P<version>[0-9]+\.[0-9]+\.[0-9]+)\w{12}-\d+"),
                Text(r"Redis version (?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
            ]),
        ]),
    ),
    Classifier::new(
        "valkey-binary",
        "**/valkey-server",
        "valkey",
        &[("lfprojects", "valkey"), ("linuxfoundation", "valkey"), ("valkey-io", "valkey")],
        Near(&["buildkitsandbox-"], BUILDKIT),
    ),
    Classifier::new(
        "memcached-binary",
        "**/memcached",
        "memcached",
        &[("memcached", "memcached")],
        Text(r"(?m)memcached\s(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    ),
    Classifier::new(
        "arangodb-binary",
        "**/arangosh",
        "arangodb",
        &[("arangodb", "arangodb")],
        Near(&["[linux]"], r"(?m)\x00*(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-[0-9]+)?)\s(enterprise\s)?\[linux\]"),
    ),
    Classifier::new(
        "postgresql-binary",
        "**/postgres",
        "postgresql",
        &[("postgresql", "postgresql")],
        Text(r"(?m)(\x00|\?)PostgreSQL (?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)"),
    ),
    Classifier::new(
        "mysql-binary",
        "**/mysql",
        "mysql",
        &[("oracle", "mysql")],
        Any(&[
            Text(r"\x00(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)\x00+mysql"),
            Near(
                &["/mysql-"],
                r"(?m).*/mysql-(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)",
            ),
        ]),
    ),
    Classifier::new(
        "mysql-binary",
        "**/mysql",
        "percona-server",
        &[("oracle", "mysql"), ("percona", "percona_server")],
        Near(
            &["/percona-server-"],
            r"(?m).*/percona-server-(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)",
        ),
    ),
    Classifier::new(
        "mysql-binary",
        "**/mysql",
        "percona-xtradb-cluster",
        &[("oracle", "mysql"), ("percona", "percona_server"), ("percona", "xtradb_cluster")],
        Near(
            &["/Percona-XtraDB-Cluster-"],
            r"(?m).*/Percona-XtraDB-Cluster-(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)",
        ),
    ),
    Classifier::new(
        "mysqld-mysql-cluster-legacy-binary",
        "**/mysqld",
        "mysql-server",
        &[("oracle", "mysql"), ("oracle", "mysql_server")],
        Text(r"cluster-gpl\x00(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?)\-ndb\-[0-9]+(\.[0-9]+)?(\.[0-9]+)?"),
    ),
    Classifier::branching(
        "**/mysqld",
        &[
            Classifier::new(
                "mysqld-mysql-cluster-legacy-binary",
                "",
                "mysql-cluster",
                &[("oracle", "mysql_cluster")],
                Text(r"cluster-gpl\x00[0-9]+(\.[0-9]+)?(\.[0-9]+)?\-ndb\-(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?)"),
            ),
            Classifier::new(
                "mysqld-mysql-cluster-binary",
                "",
                "mysql-cluster",
                &[("oracle", "mysql"), ("oracle", "mysql_server"), ("oracle", "mysql_cluster")],
                Text(MYSQL_CLUSTER),
            ),
            Classifier::new(
                "mysqld-mysql-server-binary",
                "",
                "mysql-server",
                &[("oracle", "mysql"), ("oracle", "mysql_server")],
                Text(r"/mysql-(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)/"),
            ),
        ],
    ),
    Classifier::new("ndbd-binary", "**/ndbd", "mysql-cluster", &[("oracle", "mysql_cluster")], Text(MYSQL_CLUSTER)),
    Classifier::new("ndbmtd-binary", "**/ndbmtd", "mysql-cluster", &[("oracle", "mysql_cluster")], Text(MYSQL_CLUSTER)),
    Classifier::new(
        "ndb_mgmd-binary",
        "**/ndb_mgmd",
        "mysql-cluster",
        &[("oracle", "mysql_cluster")],
        Text(MYSQL_CLUSTER),
    ),
    Classifier::new(
        "xtrabackup-binary",
        "**/xtrabackup",
        "percona-xtrabackup",
        &[("percona", "xtrabackup")],
        Near(
            &["/percona-xtrabackup-"],
            r"(?m).*/percona-xtrabackup-(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)",
        ),
    ),
    Classifier::new(
        "mariadb-binary",
        "**/{mariadb,mysql}",
        "mariadb",
        &[("mariadb", "mariadb")],
        Any(&[
            Near(
                &["-MariaDB"],
                r"(?m)(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)-MariaDB",
            ),
            Near(
                &["mariadb-"],
                r"(?m)(?:^|/)mariadb-(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)-",
            ),
        ]),
    ),
    Classifier::new(
        "sqlcipher-binary",
        "**/sqlcipher",
        "sqlcipher",
        &[("zetetic", "sqlcipher")],
        Text(r"[^0-9]\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    ),
    Classifier::new(
        "mongodb-binary",
        "**/mongod",
        "mongodb",
        &[("mongodb", "mongodb")],
        Any(&[
            Near(&["tcmalloc"], r"(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00tcmalloc"),
            Near(&["heap_size"], r"(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00+heap_size"),
            Near(&["cppdefines"], r"(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00+cppdefines"),
        ]),
    ),
];
