//! The chores: `cargo xtask test`, `bench`, `parity`, `tidy`, `ready`.

mod bench;
mod images;
mod machine;
mod measure;
mod parity;
mod peers;
mod run;
mod test;
mod tidy;
mod validate;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask COMMAND

  test            make the machine ready and run everything that CI runs
  test --fast     without making the machine ready
  bench image     the product, the peer and the floor on one image; as root, for the image is built first
  parity          every package that Syft finds in the images of the tests and the benchmark, and no other; as root
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
        ["parity"] => parity::check(),
        ["tidy"] => tidy::check(),
        ["ready"] => machine::ready(),
        _ => bail!("{USAGE}"),
    }
}
