//! The sentences of the page for requests that wait.

use super::About;

/// All of them in one language.
pub(crate) struct Approve {
    pub(crate) title: &'static str,
    pub(crate) enter: &'static str,
    pub(crate) none: &'static str,
    pub(crate) asks: About,
    pub(crate) review: &'static str,
    pub(crate) of: About,
    pub(crate) leave: &'static str,
}

/// English.
pub(super) static EN: Approve = Approve {
    title: "Requests for you",
    enter: "Sign in to see who asks for your approval.",
    none: "Nothing waits for you. This page looks again by itself.",
    asks: About("{} asks for your approval"),
    review: "Review",
    of: About(": {}"),
    leave: "Leave this page",
};

/// German.
pub(super) static DE: Approve = Approve {
    title: "Anfragen an Sie",
    enter: "Melden Sie sich an, um zu sehen, wer Ihre Zustimmung möchte.",
    none: "Nichts wartet auf Sie. Diese Seite sieht von selbst wieder nach.",
    asks: About("{} bittet um Ihre Zustimmung"),
    review: "Ansehen",
    of: About(": {}"),
    leave: "Diese Seite verlassen",
};
