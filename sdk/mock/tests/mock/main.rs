//! The mock as an app and a browser see it, over real sockets.

mod api;
mod gallery;
mod headless;
mod pages;
mod stage;
mod walk;
