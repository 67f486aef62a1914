//! Serves a configuration file until it is killed: `serve FILE`.

use secrets_server::{Bound, Config};
use std::path::PathBuf;

type Problem = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Problem> {
    let file = std::env::args().nth(1).ok_or("a configuration file is needed")?;
    let config = Config::read(&[PathBuf::from(file)])?;
    Bound::new(&config).await?.serve(std::future::pending()).await;
    Ok(())
}
