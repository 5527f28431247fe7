//! The command line of the server.

mod command;
mod development;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::run()
}
