//! OpenLDAP's server with a few entries.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) struct Slapd {
    child: Child,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    pub(crate) certificate: PathBuf,
    _folder: tempfile::TempDir,
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const ENTRIES: &str = "\
dn: dc=example
objectClass: domain
dc: example

dn: ou=people,dc=example
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example
objectClass: organizationalUnit
ou: groups

dn: uid=jane,ou=people,dc=example
objectClass: inetOrgPerson
uid: jane
cn: Jane
sn: Doe
userPassword: secret

dn: uid=joe\\, (the *\\\\ 2nd),ou=people,dc=example
objectClass: inetOrgPerson
uid: joe, (the *\\ 2nd)
cn: Joe
sn: Doe
userPassword: secret

dn: cn=dev,ou=groups,dc=example
objectClass: groupOfNames
cn: dev
member: uid=jane,ou=people,dc=example
member: uid=joe\\, (the *\\\\ 2nd),ou=people,dc=example

dn: cn=ops,ou=groups,dc=example
objectClass: groupOfNames
cn: ops
member: uid=joe\\, (the *\\\\ 2nd),ou=people,dc=example
";

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Slapd {
    pub(crate) fn start() -> Option<Self> {
        let program = PathBuf::from("/usr/sbin/slapd");
        if !program.exists() {
            println!("skipped: needs Debian's package slapd");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (certificate, key) = (path("server.pem"), path("server.key"));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
        openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:false"]);
        run(openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate));
        std::fs::create_dir(path("data")).unwrap();
        let config = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
             TLSCertificateFile {}\nTLSCertificateKeyFile {}\ndatabase mdb\nsuffix dc=example\ndirectory {}\n\
             rootdn cn=admin,dc=example\nrootpw admin\n",
            certificate.display(),
            key.display(),
            path("data").display()
        );
        std::fs::write(path("slapd.conf"), config).unwrap();
        std::fs::write(path("entries.ldif"), ENTRIES).unwrap();
        let mut load = Command::new("/usr/sbin/slapadd");
        run(load.arg("-f").arg(path("slapd.conf")).arg("-l").arg(path("entries.ldif")));
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (port, tls_port) = (free(), free());
        let mut server = Command::new(program);
        server.arg("-f").arg(path("slapd.conf")).args(["-d", "0", "-h"]);
        server.arg(format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}"));
        let child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, port, tls_port, certificate, _folder: folder };
        while std::net::TcpStream::connect(("127.0.0.1", tls_port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }
}
