//! The program `placet-login`.

use std::process::ExitCode;

use clap::Parser as _;
use placet_login::command::{self, Command};

#[tokio::main]
async fn main() -> ExitCode {
    command::run(Command::parse()).await
}
