//! TLS to a real PostgreSQL: who is believed, by each `sslmode`.

use std::path::Path;
use std::process::Command;

use space::{Batch, Space};
use storage::{ConnectError, Connection, ConnectionError, Postgres};

use crate::cluster::Cluster;

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A certificate of `right` for localhost, and a CA `wrong` that has nothing to do with it.
fn certificates(folder: &Path) {
    for name in ["right", "wrong"] {
        openssl(
            folder,
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN={name} -keyout {name}.key -out {name}.pem"
            ),
        );
    }
    std::fs::write(folder.join("san"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(folder, "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=db -keyout db.key -out db.csr");
    openssl(
        folder,
        "x509 -req -in db.csr -CA right.pem -CAkey right.key -CAcreateserial -days 9 -extfile san -out db.pem",
    );
}

async fn connect(text: &str) -> Result<Postgres, ConnectError> {
    Postgres::connect(&Connection::parse(text, &|_| None).unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_whom_a_root_vouches_for_is_believed() {
    let started = Cluster::start(|folder| {
        certificates(folder);
        let file = |name: &str| folder.join(name).display().to_string();
        vec![
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", file("db.pem")),
            format!("ssl_key_file={}", file("db.key")),
        ]
    });
    let Some(server) = started else { return };
    let folder = server.local();
    let folder = folder.strip_prefix("host=").and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    let by_name = server.remote().replace("127.0.0.1", "localhost");
    let by_number = server.remote();
    let (right, wrong) = (format!("{folder}/right.pem"), format!("{folder}/wrong.pem"));
    for (base, parameters, reason) in [
        (&by_name, "sslmode=disable".to_owned(), None),
        (&by_name, "sslmode=prefer".to_owned(), None),
        (&by_number, "sslmode=require".to_owned(), None),
        (&by_number, format!("sslmode=verify-ca&sslrootcert={right}"), None),
        (&by_name, format!("sslmode=verify-full&sslrootcert={right}"), None),
        (&by_number, format!("sslmode=verify-full&sslrootcert={right}"), Some("not valid for name")),
        (&by_name, format!("sslmode=verify-full&sslrootcert={wrong}"), Some("UnknownIssuer")),
        (&by_name, format!("sslmode=verify-ca&sslrootcert={wrong}"), Some("UnknownIssuer")),
        // As with libpq: a root that is named is believed alone, also where encryption would be enough.
        (&by_name, format!("sslmode=require&sslrootcert={wrong}"), Some("UnknownIssuer")),
        (&by_name, format!("sslmode=prefer&sslrootcert={wrong}"), Some("UnknownIssuer")),
        (&by_name, "sslmode=verify-full&sslrootcert=system".to_owned(), Some("UnknownIssuer")),
        (&by_name, format!("sslmode=verify-full&sslrootcert={folder}/none.pem"), Some("none.pem")),
    ] {
        match (connect(&format!("{base}?{parameters}")).await, reason) {
            (Ok(store), None) => {
                let mut batch = Batch::new();
                batch.put("key", parameters.as_bytes());
                store.space("tls").commit(batch).await.unwrap();
            }
            (Err(ConnectError::Connect(error)), Some(reason)) => {
                let whole = format!("{error} {:?}", std::error::Error::source(&error));
                assert!(whole.contains(reason) || whole.contains("NotValidForName"), "{parameters}: {whole}");
            }
            (Ok(_), Some(_)) => panic!("{parameters}: believed"),
            (Err(error), _) => panic!("{parameters}: {error:?}"),
        }
    }
    assert_eq!(
        Connection::parse(&format!("{by_name}?sslmode=verify-full"), &|_| None).unwrap_err(),
        ConnectionError::NoRoot
    );
    drop(server);
    // One without TLS is not used where TLS is asked for.
    let Some(plain) = Cluster::start(|_| Vec::new()) else { return };
    connect(&format!("{}?sslmode=prefer", plain.remote())).await.unwrap();
    let refused = connect(&format!("{}?sslmode=require", plain.remote())).await.err().unwrap();
    assert!(format!("{refused:?}").contains("does not support TLS"), "{refused:?}");
}
