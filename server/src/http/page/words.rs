//! What the server's own pages say, in the languages that it knows. What errors say in detail is for developers, and English.

use http::{HeaderMap, header};

/// The sentences of one language. `{}` stands for the name of an application.
pub(in crate::http) struct Words {
    /// Language tag.
    pub(super) tag: &'static str,
    pub(super) error_title: &'static str,
    /// The server is in trouble.
    pub(super) error_server: &'static str,
    /// An application made a request that cannot be answered.
    pub(super) error_request: &'static str,
    /// A browser came back that cannot go on.
    pub(super) error_return: &'static str,
    pub(super) start_again: &'static str,
    pub(super) error: &'static str,
    pub(super) details: &'static str,
    pub(super) reference: &'static str,
    pub(super) go_on: &'static str,
    pub(super) one_moment: &'static str,
    pub(super) sent_back: &'static str,
    pub(super) signed_out: &'static str,
    pub(super) still_signed_in: &'static str,
    pub(super) nothing_changed: &'static str,
    pub(super) close: &'static str,
    pub(super) others_are_told: &'static str,
    pub(super) go_on_now: &'static str,
    pub(super) signing_out: &'static str,
    pub(super) back_to_device: &'static str,
    pub(super) the_device: &'static str,
    pub(super) connected: &'static str,
    pub(super) device_goes_on: &'static str,
    pub(super) not_connected_title: &'static str,
    pub(super) not_connected: &'static str,
    pub(super) device_got_nothing: &'static str,
}

/// The language of a page: of those that the request names (`ui_locales`), else of those that the browser accepts.
pub(in crate::http) fn words(locales: &[String], headers: &HeaderMap) -> &'static Words {
    locales.iter().find_map(|tag| in_language(tag)).or_else(|| accepted(headers)).unwrap_or(&EN)
}

/// Only the first subtag counts.
fn in_language(tag: &str) -> Option<&'static Words> {
    let language = tag.split('-').next().unwrap_or_default();
    [&EN, &DE].into_iter().find(|words| words.tag.eq_ignore_ascii_case(language))
}

/// The best of the languages that a browser accepts (RFC 9110 section 12.5.4).
fn accepted(headers: &HeaderMap) -> Option<&'static Words> {
    let values = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let mut best: Option<(f32, &'static Words)> = None;
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let Some(words) = parts.next().and_then(in_language) else { continue };
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight = weight.map_or(1.0, |text| text.parse().unwrap_or(0.0));
        // Of equal weights the first one counts.
        if weight > best.map_or(0.0, |(weight, _)| weight) {
            best = Some((weight, words));
        }
    }
    best.map(|(_, words)| words)
}

static EN: Words = Words {
    tag: "en",
    error_title: "Request cannot be processed",
    error_server: "This server cannot answer right now. Nothing was changed. Please try again in a moment.",
    error_request: "The application that sent you here made a request that this server cannot answer. Nothing was \
                    changed. You can go back and try again, or tell the people who run the application.",
    error_return: "Your sign-in could not be completed, and nothing was changed. Go back to the application and start \
                   again. If you did not start this yourself, you can simply close this window.",
    start_again: "Start again at the application",
    error: "Error",
    details: "Details",
    reference: "Reference",
    go_on: "Continue",
    one_moment: "One moment",
    sent_back: "You are being sent back to the application.",
    signed_out: "You are signed out",
    still_signed_in: "You are still signed in",
    nothing_changed: "Nothing was changed. You can close this window.",
    close: "You can close this window.",
    others_are_told: "The other applications are being told. You are sent back in a moment.",
    go_on_now: "Continue now",
    signing_out: "Signing out",
    back_to_device: "You can go back to your device",
    the_device: "The device",
    connected: "{} is connected",
    device_goes_on: "You can go back to your device now: it goes on by itself within a few seconds. You can close this \
                     window.",
    not_connected_title: "The device is not connected",
    not_connected: "{} is not connected",
    device_got_nothing: "The device was refused, and got nothing. You can close this window.",
};

static DE: Words = Words {
    tag: "de",
    error_title: "Die Anfrage kann nicht bearbeitet werden",
    error_server: "Dieser Server kann gerade nicht antworten. Es wurde nichts geändert. Bitte versuchen Sie es gleich noch \
                   einmal.",
    error_request: "Die Anwendung, von der Sie kommen, hat eine Anfrage gestellt, die dieser Server nicht beantworten kann. \
                    Es wurde nichts geändert. Sie können zurückgehen und es noch einmal versuchen, oder den Betreibern \
                    der Anwendung Bescheid geben.",
    error_return: "Ihre Anmeldung konnte nicht abgeschlossen werden, und es wurde nichts geändert. Gehen Sie zurück zur \
                   Anwendung und beginnen Sie noch einmal. Wenn Sie das nicht selbst begonnen haben, können Sie dieses \
                   Fenster einfach schließen.",
    start_again: "Bei der Anwendung neu beginnen",
    error: "Fehler",
    details: "Einzelheiten",
    reference: "Kennung",
    go_on: "Weiter",
    one_moment: "Einen Moment",
    sent_back: "Sie werden zur Anwendung zurückgebracht.",
    signed_out: "Sie sind abgemeldet",
    still_signed_in: "Sie sind noch angemeldet",
    nothing_changed: "Es wurde nichts geändert. Sie können dieses Fenster schließen.",
    close: "Sie können dieses Fenster schließen.",
    others_are_told: "Die anderen Anwendungen erfahren davon. Sie werden gleich zurückgebracht.",
    go_on_now: "Jetzt weiter",
    signing_out: "Abmeldung",
    back_to_device: "Sie können zu Ihrem Gerät zurückgehen",
    the_device: "Das Gerät",
    connected: "{} ist verbunden",
    device_goes_on: "Sie können jetzt zu Ihrem Gerät zurückgehen: Es macht in wenigen Sekunden von selbst weiter. Dieses \
                     Fenster können Sie schließen.",
    not_connected_title: "Das Gerät ist nicht verbunden",
    not_connected: "{} ist nicht verbunden",
    device_got_nothing: "Das Gerät wurde abgewiesen und hat nichts bekommen. Sie können dieses Fenster schließen.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_speaks_as_the_request_asks_and_else_as_the_browser_does() {
        let tag = |locales: &[&str], accepted: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in accepted {
                headers.append(header::ACCEPT_LANGUAGE, value.parse().unwrap());
            }
            let locales: Vec<String> = locales.iter().map(|tag| (*tag).to_owned()).collect();
            words(&locales, &headers).tag
        };
        assert_eq!(tag(&[], &[]), "en");
        assert_eq!(tag(&[], &["de-CH, en;q=0.8"]), "de");
        assert_eq!(tag(&[], &["fr, en;q=0.5, DE;q=0.9"]), "de");
        assert_eq!(tag(&[], &["fr", "de;q=0.5"]), "de");
        assert_eq!(tag(&[], &["de;q=0"]), "en");
        assert_eq!(tag(&[], &["de;q=much, *"]), "en");
        assert_eq!(tag(&["fr", "de-AT"], &["en"]), "de");
        assert_eq!(tag(&["en"], &["de"]), "en");
    }
}
