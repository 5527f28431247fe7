//! Interactions: what a person has to do before a request can be answered, one prompt at a time.
//!
//! An interaction is a short-lived record whose state is sealed. Every answer of the login app records one fact
//! and asks again what comes next ([`advance`]); steps never call each other. In the redirect front door nothing
//! that a person answered takes effect before the browser is back at `/resume` and has proved to be the browser
//! that started ([`complete`]).

pub mod advance;
pub mod answer;
pub mod backchannel;
pub mod complete;
pub(crate) mod consent;
pub(crate) mod device;
pub mod id;
pub mod open;
mod prompt;
pub mod session;
mod state;
pub(crate) mod steer;

pub use state::{
    Accepted, Answered, Consented, Delivered, Denied, Door, LogoutState, SessionCookieChange, State, Ticket,
};
pub(crate) use steer::device_request;
pub use steer::{Origin, Steered};
