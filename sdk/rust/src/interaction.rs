//! The interaction API: what the server asks of a login and consent web app, and what the app answers.
//!
//! An interaction has exactly one prompt at a time. The app reads it, does what its [`Body`] asks, and answers
//! with an [`Answer`] for that `step`; the reply is the next prompt.

pub use crate::interaction_answer::*;
pub use crate::interaction_prompt::*;
