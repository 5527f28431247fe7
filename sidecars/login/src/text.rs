//! The catalogue: every sentence of the pages, in every language.
//!
//! A language is a value of [`Text`]; a sentence that is missing is an error of the compiler. `{}` stands for the
//! one thing that a sentence speaks about.

mod account;
mod approve;
mod de;
mod en;
mod names;
mod times;

pub(crate) use self::{de::DE, en::EN};

use placet_sdk::interaction::AuthReason;

/// A sentence with a gap.
#[derive(Clone, Copy)]
pub(crate) struct About(&'static str);

impl About {
    /// The sentence about `what`.
    pub(crate) fn say(self, what: &str) -> String {
        self.0.replacen("{}", what, 1)
    }
}

/// All sentences of one language.
pub(crate) struct Text {
    /// Language tag.
    pub(crate) tag: &'static str,
    /// The account page.
    pub(crate) account: &'static account::Account,
    /// The page for requests that wait.
    pub(crate) approve: &'static approve::Approve,
    pub(crate) sign_in: &'static str,
    pub(crate) sign_in_to: About,
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
    pub(crate) remember_me: &'static str,
    pub(crate) cancel: &'static str,
    pub(crate) bad_credentials: &'static str,
    pub(crate) wait: &'static str,
    pub(crate) no_account: &'static str,
    pub(crate) create_account: &'static str,
    pub(crate) other_account: &'static str,
    pub(crate) reason_again: &'static str,
    pub(crate) reason_expired: &'static str,
    pub(crate) reason_step_up: &'static str,
    pub(crate) reason_mismatch: &'static str,
    pub(crate) reason_insufficient: &'static str,
    pub(crate) unmet_title: &'static str,
    pub(crate) unmet: &'static str,
    pub(crate) unmet_yours: &'static str,
    pub(crate) totp_title: &'static str,
    pub(crate) totp_lead: &'static str,
    pub(crate) totp_label: &'static str,
    pub(crate) totp_wrong: &'static str,
    pub(crate) totp_used: &'static str,
    pub(crate) totp_setup_wrong: &'static str,
    pub(crate) setup_title: &'static str,
    pub(crate) setup_lead: &'static str,
    pub(crate) setup_scan: &'static str,
    pub(crate) setup_qr: &'static str,
    pub(crate) setup_here: &'static str,
    pub(crate) setup_type: &'static str,
    pub(crate) setup_code: &'static str,
    pub(crate) setup_done: &'static str,
    pub(crate) go_back: &'static str,
    pub(crate) go_back_to: About,
    pub(crate) choose_account: &'static str,
    pub(crate) choose_account_for: About,
    pub(crate) signup_for: About,
    pub(crate) signup_username: &'static str,
    pub(crate) full_name: &'static str,
    pub(crate) email: &'static str,
    pub(crate) new_password: &'static str,
    pub(crate) password_again: &'static str,
    pub(crate) password_rule: &'static str,
    pub(crate) username_rule: &'static str,
    pub(crate) have_account: &'static str,
    pub(crate) username_invalid: &'static str,
    pub(crate) username_taken: &'static str,
    pub(crate) name_missing: &'static str,
    pub(crate) email_invalid: &'static str,
    pub(crate) email_taken: &'static str,
    pub(crate) password_short: &'static str,
    pub(crate) password_long: &'static str,
    pub(crate) passwords_differ: &'static str,
    pub(crate) check_input: &'static str,
    pub(crate) consent_title: About,
    pub(crate) consent_lead: About,
    pub(crate) signed_in_as: About,
    pub(crate) already_allowed: &'static str,
    pub(crate) always_part: &'static str,
    pub(crate) needed: &'static str,
    pub(crate) shares: &'static str,
    pub(crate) shares_exactly: &'static str,
    pub(crate) claims_title: &'static str,
    pub(crate) details_title: &'static str,
    pub(crate) details_used_at: &'static str,
    pub(crate) remember_decision: &'static str,
    pub(crate) remember_hint: &'static str,
    pub(crate) remember_hint_once: &'static str,
    pub(crate) nothing_remembered: &'static str,
    pub(crate) asked_each_time: &'static str,
    pub(crate) allow: &'static str,
    pub(crate) deny: &'static str,
    pub(crate) binding_message: &'static str,
    pub(crate) consent_expired: &'static str,
    pub(crate) consent_native: &'static str,
    pub(crate) privacy: &'static str,
    pub(crate) terms: &'static str,
    pub(crate) links_of: About,
    pub(crate) logout_title: &'static str,
    pub(crate) logout_lead: &'static str,
    pub(crate) logout_asked: About,
    pub(crate) logout_scope: &'static str,
    pub(crate) logout_client: About,
    pub(crate) logout_client_hint: &'static str,
    pub(crate) logout_session: &'static str,
    pub(crate) logout_session_hint: &'static str,
    pub(crate) logout_subject: &'static str,
    pub(crate) logout_subject_hint: &'static str,
    pub(crate) logout_confirm: &'static str,
    pub(crate) logout_cancel: &'static str,
    pub(crate) code_title: &'static str,
    pub(crate) code_lead: &'static str,
    pub(crate) code_label: &'static str,
    pub(crate) code_wrong: About,
    pub(crate) code_wrong_last: &'static str,
    pub(crate) go_on: &'static str,
    pub(crate) device_title: About,
    pub(crate) device_lead: &'static str,
    pub(crate) device_compare: &'static str,
    pub(crate) device_address: &'static str,
    pub(crate) device_agent: &'static str,
    pub(crate) device_time: &'static str,
    pub(crate) device_scopes: &'static str,
    pub(crate) device_yes: &'static str,
    pub(crate) device_no: &'static str,
    pub(crate) warn_network: &'static str,
    pub(crate) warn_prefilled: &'static str,
    pub(crate) warn_old: &'static str,
    pub(crate) warn_other: &'static str,
    pub(crate) confirm_title: &'static str,
    pub(crate) custom_title: &'static str,
    pub(crate) custom_lead: &'static str,
    pub(crate) accept: &'static str,
    pub(crate) decline: &'static str,
    pub(crate) done_title: &'static str,
    pub(crate) done_device: &'static str,
    pub(crate) refused_title: &'static str,
    pub(crate) refused_device: &'static str,
    pub(crate) signed_out: &'static str,
    pub(crate) signed_out_lead: &'static str,
    pub(crate) close_page: &'static str,
    pub(crate) sending: &'static str,
    pub(crate) sending_lead: &'static str,
    pub(crate) error_title: &'static str,
    pub(crate) error_lead: &'static str,
    pub(crate) error_code: &'static str,
    pub(crate) expired_title: &'static str,
    pub(crate) expired: &'static str,
    pub(crate) start_again: &'static str,
    pub(crate) unknown_title: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) nothing_title: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) stale_title: &'static str,
    pub(crate) stale: &'static str,
    pub(crate) bad_form: &'static str,
    pub(crate) too_many_title: &'static str,
    pub(crate) busy_title: &'static str,
    pub(crate) busy: &'static str,
    pub(crate) try_again: &'static str,
    pub(crate) fault_title: &'static str,
    pub(crate) fault: &'static str,
    pub(crate) not_found_title: &'static str,
    pub(crate) not_found: &'static str,
    pub(crate) yes: &'static str,
    pub(crate) no: &'static str,
}

impl Text {
    /// Why the user has to sign in, where it needs saying.
    pub(crate) fn reason(&self, reasons: &[AuthReason]) -> Option<&'static str> {
        use AuthReason as R;
        let sentence = |reason: &AuthReason| match reason {
            R::AnswerInsufficient => Some((0, self.reason_insufficient)),
            R::SubjectMismatch => Some((1, self.reason_mismatch)),
            R::AcrInsufficient | R::AmrInsufficient | R::PolicyStepUp => Some((2, self.reason_step_up)),
            R::MaxAgeExceeded | R::PromptLogin => Some((3, self.reason_again)),
            R::SessionIdle | R::SessionExpired => Some((4, self.reason_expired)),
            R::NoSession | R::PromptSelectAccount | R::PromptCreate => None,
        };
        reasons.iter().filter_map(sentence).min_by_key(|(rank, _)| *rank).map(|(_, text)| text)
    }

    /// A claim in human words; names that no catalogue knows are shown as they are.
    pub(crate) fn claim(&self, name: &str) -> String {
        let (base, tag) = name.split_once('#').unwrap_or((name, ""));
        let words = names::claim(base, self.tag).map_or_else(|| base.replace('_', " "), str::to_owned);
        if tag.is_empty() { words } else { format!("{words} ({tag})") }
    }

    /// Title and description of a standard scope value.
    pub(crate) fn scope(&self, value: &str) -> Option<(&'static str, &'static str)> {
        names::scope(value, self.tag)
    }
}

/// The catalogue for a language tag; only its first subtag counts.
pub(crate) fn in_language(tag: &str) -> Option<&'static Text> {
    let language = tag.split(['-', '_']).next().unwrap_or_default();
    [&EN, &DE].into_iter().find(|text| text.tag.eq_ignore_ascii_case(language))
}

/// The standard scope that a claim belongs to (OpenID Connect Core section 5.4).
pub(crate) fn scope_of_claim(name: &str) -> Option<&'static str> {
    names::scope_of(name.split('#').next().unwrap_or_default())
}
