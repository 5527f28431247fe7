//! Claims and scope values in human words.

/// Name, scope it belongs to, English, German.
const CLAIMS: [(&str, &str, &str, &str); 20] = [
    ("sub", "openid", "your account identifier", "Ihre Kontokennung"),
    ("name", "profile", "your full name", "Ihr vollständiger Name"),
    ("given_name", "profile", "your first name", "Ihr Vorname"),
    ("family_name", "profile", "your last name", "Ihr Nachname"),
    ("middle_name", "profile", "your middle name", "Ihr zweiter Vorname"),
    ("nickname", "profile", "your nickname", "Ihr Spitzname"),
    ("preferred_username", "profile", "your username", "Ihr Benutzername"),
    ("profile", "profile", "the address of your profile page", "die Adresse Ihrer Profilseite"),
    ("picture", "profile", "your picture", "Ihr Bild"),
    ("website", "profile", "your website", "Ihre Website"),
    ("gender", "profile", "your gender", "Ihr Geschlecht"),
    ("birthdate", "profile", "your date of birth", "Ihr Geburtsdatum"),
    ("zoneinfo", "profile", "your time zone", "Ihre Zeitzone"),
    ("locale", "profile", "your language and region", "Ihre Sprache und Region"),
    (
        "updated_at",
        "profile",
        "when your details last changed",
        "wann sich Ihre Angaben zuletzt geändert haben",
    ),
    ("email", "email", "your email address", "Ihre E-Mail-Adresse"),
    (
        "email_verified",
        "email",
        "whether your email address is confirmed",
        "ob Ihre E-Mail-Adresse bestätigt ist",
    ),
    ("phone_number", "phone", "your phone number", "Ihre Telefonnummer"),
    (
        "phone_number_verified",
        "phone",
        "whether your phone number is confirmed",
        "ob Ihre Telefonnummer bestätigt ist",
    ),
    ("address", "address", "your postal address", "Ihre Postanschrift"),
];

/// A claim in words.
pub(super) fn claim(name: &str, language: &str) -> Option<&'static str> {
    let (.., english, german) = CLAIMS.iter().find(|(known, ..)| *known == name)?;
    Some(if language == "de" { german } else { english })
}

/// The scope that a claim belongs to.
pub(super) fn scope_of(name: &str) -> Option<&'static str> {
    CLAIMS.iter().find(|(known, ..)| *known == name).map(|(_, scope, ..)| *scope)
}

/// Title and description of a standard scope value.
pub(super) fn scope(value: &str, language: &str) -> Option<(&'static str, &'static str)> {
    let (english, german) = match value {
        "openid" => (
            ("Recognise you", "Know that it is you when you sign in"),
            ("Sie wiedererkennen", "Wissen, dass Sie es sind, wenn Sie sich anmelden"),
        ),
        "profile" => (
            ("See your profile", "Your name, picture and similar details"),
            ("Ihr Profil sehen", "Ihr Name, Ihr Bild und ähnliche Angaben"),
        ),
        "email" => (
            ("See your email address", "And whether it is confirmed"),
            ("Ihre E-Mail-Adresse sehen", "Und ob sie bestätigt ist"),
        ),
        "phone" => (
            ("See your phone number", "And whether it is confirmed"),
            ("Ihre Telefonnummer sehen", "Und ob sie bestätigt ist"),
        ),
        "address" => (
            ("See your postal address", "Street, place and country"),
            ("Ihre Postanschrift sehen", "Straße, Ort und Land"),
        ),
        "offline_access" => (
            (
                "Keep access while you are away",
                "It works without you signing in again, until you withdraw it",
            ),
            (
                "Zugriff behalten, auch wenn Sie nicht da sind",
                "Er gilt ohne erneute Anmeldung, bis Sie ihn widerrufen",
            ),
        ),
        _ => return None,
    };
    Some(if language == "de" { german } else { english })
}

#[cfg(test)]
mod tests {
    use super::super::{DE, EN, scope_of_claim};

    #[test]
    fn claims_are_named_in_the_language_of_the_page() {
        assert_eq!(EN.claim("phone_number"), "your phone number");
        assert_eq!(DE.claim("phone_number"), "Ihre Telefonnummer");
        assert_eq!(EN.claim("name#ja"), "your full name (ja)");
        assert_eq!(EN.claim("shoe_size"), "shoe size");
    }

    #[test]
    fn a_claim_knows_its_scope_also_with_a_language_tag() {
        assert_eq!(scope_of_claim("given_name#de"), Some("profile"));
        assert_eq!(scope_of_claim("shoe_size"), None);
    }
}
