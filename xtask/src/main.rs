//! The chores: `cargo xtask test`, `fuzz`, `bench`, `parity`, `interop`, `clients`, `deny`, `tidy`, `ready`.

mod bench;
mod bench_log;
mod bench_secrets;
mod bench_sign;
mod board;
mod deny;
mod findings;
mod fuzz;
mod go;
mod go_client;
mod hvac;
mod images;
mod interop;
mod machine;
mod measure;
mod oracle;
mod parity;
mod peers;
mod postgres;
mod run;
mod server;
mod test;
mod tidy;
mod validate;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask COMMAND

  test            make the machine ready and run everything that CI runs
  test --fast     without making the machine ready
  bench image     the product, the peer and the floor on one image; as root, for the image is built first
  bench log       the transparency log with the load generator beside it, and search in two million entries
  bench secrets   the secrets server beside OpenBao under wrk, over PostgreSQL, and with a million leases; as root
  bench sign      verification beside Cosign's, and an authority at rest
  parity          every package that Syft finds in the images of the tests and the benchmark, and no other; as root
  parity --scan   what Grype finds in them and in lists of packages, with the same advisories; as root
  interop         signatures between Palisade, Cosign, sigstore-python and sigstore-js, in all directions
  clients         hvac's integration tests and OpenBao's Go client against the secrets server, on both storages
  fuzz [SECONDS [TARGET]]
                  every fuzz target (or one) from its kept inputs on, for so many seconds each; 60 unless told
  deny            licences, sources and versions of the dependencies, by deny.toml
  tidy            the rules of the house that no compiler checks
  ready           only make the machine ready
";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => test::all(),
        ["test", "--fast"] => test::fast(),
        ["bench", "image"] => bench::image(),
        ["bench", "log"] => bench_log::log(),
        ["bench", "secrets"] => bench_secrets::secrets(),
        ["bench", "sign"] => bench_sign::sign(),
        ["parity"] => parity::check(),
        ["parity", "--scan"] => findings::check(),
        ["interop"] => interop::check(),
        ["clients"] => hvac::check().and_then(|()| go_client::check()),
        ["fuzz"] => fuzz::all(60, None),
        ["fuzz", seconds] => fuzz::all(seconds.parse()?, None),
        ["fuzz", seconds, target] => fuzz::all(seconds.parse()?, Some(target)),
        ["deny"] => deny::check(),
        ["tidy"] => tidy::check(),
        ["ready"] => machine::ready(),
        _ => bail!("{USAGE}"),
    }
}
