//! Which prompt is answered on which page: one address per step.

use placet_sdk::interaction::{AccountMode, Body, Prompt};

use crate::form::escape;

/// A page that answers prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Login,
    Signup,
    Select,
    Totp,
    Setup,
    Consent,
    Logout,
    Device,
    Custom,
    Error,
    Done,
}

impl Step {
    /// All pages.
    pub(crate) const ALL: [Self; 11] = [
        Self::Login,
        Self::Signup,
        Self::Select,
        Self::Totp,
        Self::Setup,
        Self::Consent,
        Self::Logout,
        Self::Device,
        Self::Custom,
        Self::Error,
        Self::Done,
    ];

    /// The path, without its slash.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Signup => "signup",
            Self::Select => "select",
            Self::Totp => "totp",
            Self::Setup => "totp-setup",
            Self::Consent => "consent",
            Self::Logout => "logout",
            Self::Device => "device",
            Self::Custom => "custom",
            Self::Error => "error",
            Self::Done => "done",
        }
    }

    /// The address of this page of an interaction.
    pub(crate) fn href(self, interaction: &str) -> String {
        format!("/{}?interaction={}", self.name(), escape(interaction))
    }

    /// The page where a prompt starts.
    pub(crate) fn of(prompt: &Prompt) -> Self {
        match &prompt.body {
            Body::Confirm { confirm } if confirm.what == "logout" => Self::Logout,
            Body::UserCode { .. } | Body::Confirm { .. } => Self::Device,
            Body::Auth { auth } => match auth.account.mode {
                AccountMode::Select if !auth.account.candidates.is_empty() => Self::Select,
                AccountMode::Any if auth.create && prompt.ui.screen.as_deref() == Some("signup") => {
                    Self::Signup
                }
                _ => Self::Login,
            },
            Body::Consent { .. } => Self::Consent,
            Body::Custom { .. } => Self::Custom,
            Body::Response { .. } => Self::Done,
            Body::Error { .. } => Self::Error,
        }
    }

    /// Whether a prompt can be answered on this page.
    pub(crate) fn serves(self, prompt: &Prompt) -> bool {
        let start = Self::of(prompt);
        match (&prompt.body, self) {
            _ if self == start => true,
            (Body::Auth { .. }, Self::Login | Self::Totp | Self::Setup) => true,
            (Body::Auth { auth }, Self::Signup) => auth.create && auth.account.mode != AccountMode::Fixed,
            _ => false,
        }
    }
}

/// Whether this can be an interaction's id at all.
pub(crate) fn is_interaction(id: &str) -> bool {
    id.strip_prefix("ia_").is_some_and(|rest| {
        (1..=64).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}
