//! The login app against a scripted server.

mod account;
mod approve;
mod browser;
mod consent;
mod ending;
mod failure;
mod fake;
mod login;
mod other_pages;
mod protection;
mod second;
mod setup;
mod signup;
mod stage;
