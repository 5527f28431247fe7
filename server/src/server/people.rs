//! What the server keeps for the people who operate it.

use super::Server;
use crate::{console::Doors, ledger::Ledger};

impl Server {
    /// Who may enter the console, and who is in it.
    pub fn doors(&self) -> &Doors {
        &self.0.doors
    }

    /// What happened lately, for people.
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }
}
