//! The sentences of the account page.

use super::{
    About,
    times::{self, Times},
};

/// All of them in one language.
pub(crate) struct Account {
    pub(crate) title: &'static str,
    pub(crate) enter: &'static str,
    pub(crate) leave: &'static str,
    pub(crate) sessions: &'static str,
    pub(crate) sessions_lead: &'static str,
    pub(crate) no_sessions: &'static str,
    pub(crate) this_browser: &'static str,
    /// Before a moment.
    pub(crate) used: &'static str,
    /// Before a day.
    pub(crate) began: &'static str,
    pub(crate) unknown_device: &'static str,
    pub(crate) end: &'static str,
    pub(crate) end_others: &'static str,
    pub(crate) end_all: &'static str,
    pub(crate) ended: &'static str,
    pub(crate) ended_others: &'static str,
    pub(crate) apps: &'static str,
    pub(crate) apps_lead: &'static str,
    pub(crate) no_apps: &'static str,
    /// Before a day.
    pub(crate) since: &'static str,
    /// A link to the app.
    pub(crate) open: &'static str,
    pub(crate) withdraw: &'static str,
    pub(crate) withdrawn: &'static str,
    /// What a button is about, for those who hear the page.
    pub(crate) of: About,
    pub(crate) times: &'static Times,
}

/// English.
pub(super) static EN: Account = Account {
    title: "Your account",
    enter: "Sign in to see where you are signed in, and which apps have access.",
    leave: "Leave this page",
    sessions: "Where you are signed in",
    sessions_lead: "If you do not know one of these, sign it out and change your password.",
    no_sessions: "You are signed in nowhere.",
    this_browser: "This browser",
    used: "Last used",
    began: "Signed in",
    unknown_device: "Unknown device",
    end: "Sign out",
    end_others: "Sign out everywhere else",
    end_all: "Sign out everywhere",
    ended: "It is signed out.",
    ended_others: "You are signed out everywhere else.",
    apps: "Apps with access",
    apps_lead: "An app that you remove has to ask you again.",
    no_apps: "No app has access to your account.",
    since: "Since",
    open: "Open",
    withdraw: "Remove access",
    withdrawn: "The app has no access any more.",
    of: About(": {}"),
    times: &times::EN,
};

/// German.
pub(super) static DE: Account = Account {
    title: "Ihr Konto",
    enter: "Melden Sie sich an, um zu sehen, wo Sie angemeldet sind und welche Apps Zugriff haben.",
    leave: "Diese Seite verlassen",
    sessions: "Wo Sie angemeldet sind",
    sessions_lead: "Wenn Sie etwas davon nicht kennen, melden Sie es ab und ändern Sie Ihr Passwort.",
    no_sessions: "Sie sind nirgends angemeldet.",
    this_browser: "Dieser Browser",
    used: "Zuletzt benutzt",
    began: "Angemeldet am",
    unknown_device: "Unbekanntes Gerät",
    end: "Abmelden",
    end_others: "Überall sonst abmelden",
    end_all: "Überall abmelden",
    ended: "Dort sind Sie abgemeldet.",
    ended_others: "Sie sind überall sonst abgemeldet.",
    apps: "Apps mit Zugriff",
    apps_lead: "Eine App, die Sie entfernen, muss Sie wieder fragen.",
    no_apps: "Keine App hat Zugriff auf Ihr Konto.",
    since: "Seit dem",
    open: "Öffnen",
    withdraw: "Zugriff entfernen",
    withdrawn: "Die App hat keinen Zugriff mehr.",
    of: About(": {}"),
    times: &times::DE,
};
