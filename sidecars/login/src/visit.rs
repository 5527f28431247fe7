//! One request of a browser.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use http::HeaderMap;
use placet_sdk::{grant::Object, interaction::Prompt};

use crate::{app::App, csrf, device, failure::Failure, form::Form, language, random, text::Text};

/// A request, and what it says about the browser.
pub(crate) struct Visit {
    pub(crate) app: Arc<App>,
    pub(crate) query: String,
    /// The browser's cookie; a fresh one if it had none.
    pub(crate) browser: String,
    /// Whether the cookie is to be set.
    pub(crate) is_new: bool,
    /// What the limits count by.
    pub(crate) address: String,
    /// Whether another site made the browser send this.
    pub(crate) is_cross_site: bool,
    is_form: bool,
    /// What kind of browser it is, in words.
    pub(crate) device: Option<String>,
    headers: HeaderMap,
}

impl Visit {
    /// Reads what matters from the request.
    pub(crate) fn new(app: Arc<App>, headers: &HeaderMap, query: String, peer: Option<SocketAddr>) -> Self {
        let text = |name: http::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
        let cookie = csrf::read_cookie(headers, app.secure);
        let media_type = text(http::header::CONTENT_TYPE).and_then(|v| v.split(';').next()).map(str::trim);
        Self {
            query,
            is_new: cookie.is_none(),
            browser: cookie.unwrap_or_else(random::token),
            address: address(headers, peer, &app.trusted_proxies),
            is_cross_site: headers.get("sec-fetch-site").is_some_and(|v| v == "cross-site"),
            is_form: media_type.is_some_and(|m| m.eq_ignore_ascii_case("application/x-www-form-urlencoded")),
            device: text(http::header::USER_AGENT).and_then(device::describe),
            headers: headers.clone(),
            app,
        }
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        csrf::cookie(&self.headers, name)
    }

    /// The form that it posts.
    ///
    /// # Errors
    ///
    /// [`Failure::Malformed`] for a body of another type, or one that is no form.
    pub(crate) fn form(&self, body: &[u8]) -> Result<Form, Failure> {
        Form::parse(body).ok().filter(|_| self.is_form).ok_or(Failure::Malformed)
    }

    /// What a session is to remember of the browser that began it, for the account page of its user.
    pub(crate) fn mark_of(&self, sub: &str) -> Object {
        let mut known = Object::new();
        known.insert("address".to_owned(), self.address.clone().into());
        known.insert("browser".to_owned(), self.browser_of(sub).into());
        known.extend(self.device.clone().map(|device| ("device".to_owned(), device.into())));
        known
    }

    /// How sessions of a user know this browser again; it opens nothing, and differs for each user.
    pub(crate) fn browser_of(&self, sub: &str) -> String {
        self.app.seal.sign("browser of a session", &[self.browser.as_bytes(), sub.as_bytes()])
    }

    /// The language of the answer.
    pub(crate) fn text(&self, prompt: Option<&Prompt>) -> &'static Text {
        let locales = prompt.map(|prompt| prompt.ui.locales.as_slice()).unwrap_or_default();
        let accepted = self.headers.get(http::header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
        language::choose(locales, accepted)
    }
}

/// The address of the browser; of an IPv6 address the network, since one customer has many.
fn address(headers: &HeaderMap, peer: Option<SocketAddr>, trusted: &[IpAddr]) -> String {
    let Some(peer) = peer.map(|peer| peer.ip().to_canonical()) else {
        return "unknown".to_owned();
    };
    let mut seen = peer;
    if trusted.contains(&peer) {
        let hops = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
        let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
        // The list grows to the right: the last one that is no proxy of ours is the one our proxy saw.
        for hop in hops.into_iter().rev() {
            let Ok(hop) = hop.parse::<IpAddr>() else { break };
            seen = hop.to_canonical();
            if !trusted.contains(&seen) {
                break;
            }
        }
    }
    match seen {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &str, trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        let trusted: Vec<IpAddr> = trusted.iter().map(|t| t.parse().unwrap()).collect();
        address(&headers, Some(SocketAddr::new(peer.parse().unwrap(), 1)), &trusted)
    }

    #[test]
    fn strangers_cannot_choose_their_address() {
        assert_eq!(seen("203.0.113.9", "192.0.2.1", &[]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", "192.0.2.1, 203.0.113.9", &["10.0.0.1"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", "203.0.113.9, 10.0.0.2", &["10.0.0.1", "10.0.0.2"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", "nonsense", &["10.0.0.1"]), "10.0.0.1");
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        assert_eq!(seen("2001:db8:1:2:3:4:5:6", "", &[]), "2001:db8:1:2::/64");
        assert_eq!(seen("::ffff:203.0.113.9", "", &[]), "203.0.113.9");
    }
}
