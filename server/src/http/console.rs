//! The console for operators and developers, on the private listener: pages without scripts.
//!
//! It shows what the admin API knows, and changes it through the very same functions, with the roles of the admin who asked
//! for the link that the browser came with. Every page of it checks `Host`, so that no name of others leads here.

mod access;
mod clients;
mod decisions;
mod flows;
mod frame;
mod keys;
mod people;
mod policies;
mod routes;
mod search;
mod shown;
mod sign_in;
mod simulate;

pub(super) use routes::routes;
