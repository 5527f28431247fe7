//! A login and consent web app for Placet.
//!
//! It knows the server only through the interaction API: the server sends the browser here with the id of an
//! interaction, the app asks the API what is wanted ([`placet_sdk::interaction::Prompt`]), shows the page for it,
//! sends the answer, and goes on until the last prompt says where the browser goes. It keeps no state of its own
//! but the user directory and counters of failures.

mod account;
mod app;
mod approve;
mod brand;
mod clock;
pub mod command;
mod csrf;
mod device;
mod directory;
mod failure;
mod flow;
mod form;
mod language;
mod limiter;
mod page;
mod pass;
mod password;
mod proof;
mod qr;
mod random;
mod routes;
mod server;
mod step;
mod text;
mod totp;
mod vault;
mod visit;

pub use self::{
    brand::Colour,
    clock::Clock,
    server::{SecondFactor, Server, Settings},
};
