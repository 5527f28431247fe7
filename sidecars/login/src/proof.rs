//! What a browser carries from the password page to the page of the second factor: this app keeps no sign-ins.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_sdk::interaction::Prompt;
use serde::{Deserialize, Serialize};

use crate::visit::Visit;

/// How long a password counts while its user looks for the other factor, in seconds.
const LIFE: i64 = 600;

/// That the first factor was given, in this browser, for this step of this interaction.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Proof {
    /// By whom.
    pub(crate) sub: String,
    /// Whether the session shall outlive the browser.
    pub(crate) remember: bool,
    /// When, in seconds since 1970.
    pub(crate) at: i64,
    /// The secret of a second factor that is being set up, in base32: it is the user's own, and on their page anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) setup: Option<String>,
}

impl Proof {
    /// As a field of a form.
    pub(crate) fn write(&self, visit: &Visit, prompt: &Prompt) -> String {
        let body = serde_json::to_vec(self).expect("texts and numbers are JSON");
        let body = URL_SAFE_NO_PAD.encode(body);
        let mark = mark(visit, prompt, &body);
        format!("{body}.{mark}")
    }

    /// The one in a field, if this app wrote it for this browser, interaction and step, and not too long ago.
    pub(crate) fn read(visit: &Visit, prompt: &Prompt, field: &str) -> Option<Self> {
        let (body, signature) = field.split_once('.')?;
        if !crate::csrf::same(&mark(visit, prompt, body), signature) {
            return None;
        }
        let proof: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        // Instances of this app may differ a little about the time.
        let age = visit.app.clock.now() - proof.at;
        (-60..=LIFE).contains(&age).then_some(proof)
    }
}

fn mark(visit: &Visit, prompt: &Prompt, body: &str) -> String {
    let step = prompt.step.to_be_bytes();
    let parts = [visit.browser.as_bytes(), prompt.id.as_bytes(), &step, body.as_bytes()];
    visit.app.seal.sign("first factor", &parts)
}
