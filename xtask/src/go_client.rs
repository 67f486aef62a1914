//! OpenBao's own Go client against the secrets server.

use crate::go;
use crate::postgres::Postgres;
use crate::run::{kept, palisade, root, run};
use crate::server::{free, start};
use anyhow::Result;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

/// Does with it what programs do: log in, renew, unwrap, read and write secrets, keys, certificates and credentials.
pub(crate) fn check() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("palisade-go-client-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let client = kept()?.join("bin/openbao-client");
    run(go::command()?.args(["build", "-C"]).arg(root().join("xtask/clients/openbao")).arg("-o").arg(&client))?;
    let program = folder.join("vault");
    symlink(palisade()?, &program)?;
    let postgres = Postgres::start(&folder.join("postgres"))?;
    let address = free()?;
    let config = folder.join("server.hcl");
    let listener = format!("listener \"tcp\" {{\n  address = \"{address}\"\n  tls_disable = true\n}}\n");
    let storage = format!("storage \"file\" {{\n  path = \"{}\"\n}}\n", folder.join("data").display());
    fs::write(&config, listener + &storage + "disable_mlock = true\n")?;
    let mut command = Command::new(program);
    command.arg("server").arg(format!("-config={}", config.display()));
    let server = start(&mut command, &address)?;
    let result = run(Command::new(client).arg(format!("http://{address}")).arg(postgres.url("postgres")));
    drop((server, postgres));
    fs::remove_dir_all(&folder)?;
    result
}
