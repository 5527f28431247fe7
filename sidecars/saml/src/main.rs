//! The program `placet-saml`.

use std::process::ExitCode;

use clap::Parser as _;
use placet_saml::command::{self, Command};

fn main() -> ExitCode {
    command::run(Command::parse())
}
