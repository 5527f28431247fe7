//! A television without a browser (RFC 8628): it shows a code, and asks the provider until somebody has answered.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use openidconnect::core::CoreDeviceAuthorizationResponse;
use qrcode::{Color, EcLevel, QrCode};
use tokio::time::Instant;

use crate::{
    ambient,
    app::{App, Browser},
    failure::Failure,
    provider::Tokens,
};

/// So many televisions may ask at once.
pub(crate) const MOST: usize = 32;
/// The white frame around a QR code, in modules.
const QUIET: usize = 4;

/// A television that was turned on.
#[derive(Clone)]
pub(crate) struct Tv {
    /// Which one of several, so that an answer for an earlier one is not taken for one of this.
    id: String,
    pub(crate) codes: Codes,
    pub(crate) shows: Picture,
}

/// What it shows.
#[derive(Clone)]
pub(crate) enum Picture {
    /// The code.
    Code,
    /// Whoever connected it.
    Program(Box<Tokens>),
    /// Why it is not connected.
    Trouble(Failure),
}

/// What leads people to it.
#[derive(Clone)]
pub(crate) struct Codes {
    pub(crate) user_code: String,
    /// Where the code is entered.
    pub(crate) address: String,
    /// The same with the code in it.
    pub(crate) link: Option<String>,
    pub(crate) qr: Option<Qr>,
    until: Instant,
}

/// A QR code as the path of an image.
#[derive(Clone)]
pub(crate) struct Qr {
    /// Modules of a side, with the frame.
    pub(crate) side: usize,
    pub(crate) path: String,
}

impl Codes {
    fn new(details: &CoreDeviceAuthorizationResponse) -> Self {
        let link = details.verification_uri_complete().map(|uri| uri.secret().clone());
        Self {
            user_code: details.user_code().secret().clone(),
            address: details.verification_uri().to_string(),
            qr: link.as_deref().and_then(Qr::of),
            link,
            until: Instant::now() + details.expires_in(),
        }
    }

    /// How long they are good, in whole minutes.
    pub(crate) fn minutes(&self) -> u64 {
        self.until.saturating_duration_since(Instant::now()).as_secs().div_ceil(60)
    }
}

impl Qr {
    fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (y, row) in code.to_colors().chunks(width).enumerate() {
            let mut x = 0;
            while x < width {
                let run = row[x..].iter().take_while(|module| **module == Color::Dark).count();
                if run > 0 {
                    let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
                }
                x += run.max(1);
            }
        }
        Some(Self { side: width + 2 * QUIET, path })
    }
}

impl App {
    /// Turns a television on; yields the browser's cookie.
    pub(crate) async fn turn_on(self: &Arc<Self>, cookie: Option<String>) -> Result<String, Failure> {
        let asking = Arc::clone(&self.asking).try_acquire_owned().map_err(|_| {
            Failure::Rejected("too_many_televisions", format!("{MOST} televisions wait already"))
        })?;
        let details = self.provider.device_codes().await?;
        let (cookie, tag) = self.at(cookie);
        let id = ambient::secret();
        let tv = Tv { id: id.clone(), codes: Codes::new(&details), shows: Picture::Code };
        self.televisions.put(tag.clone(), tv);
        let app = Arc::clone(self);
        tokio::spawn(async move {
            let shows = match app.provider.device_tokens(&details).await {
                Ok(tokens) => Picture::Program(Box::new(tokens)),
                Err(failure) => Picture::Trouble(failure),
            };
            app.televisions.with(&tag, |tv| {
                if tv.id == id {
                    tv.shows = shows;
                }
            });
            drop(asking);
        });
        Ok(cookie)
    }

    /// What the television of a browser shows.
    pub(crate) fn television(&self, cookie: Option<&str>) -> Option<Tv> {
        let tag = self.browsers.with(cookie?, |browser| browser.tag.clone())?;
        self.televisions.with(&tag, |tv| tv.clone())
    }

    /// The browser with this cookie, or a new one: its cookie and its tag.
    fn at(&self, cookie: Option<String>) -> (String, String) {
        let known = cookie.and_then(|cookie| {
            let tag = self.browsers.with(&cookie, |browser| browser.tag.clone())?;
            Some((cookie, tag))
        });
        known.unwrap_or_else(|| {
            let (cookie, browser) = (ambient::secret(), Browser::new());
            let tag = browser.tag.clone();
            self.browsers.put(cookie.clone(), browser);
            (cookie, tag)
        })
    }
}

/// How long a television is remembered that nobody looks at.
pub(crate) const FORGOTTEN: Duration = Duration::from_secs(1800);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_is_framed_and_holds_as_many_dark_modules_as_there_are() {
        let text = "https://as.example/device?user_code=WDJB-MJHT";
        let qr = Qr::of(text).expect("it fits");
        let code = QrCode::with_error_correction_level(text, EcLevel::M).expect("it fits");
        assert_eq!(qr.side, code.width() + 8);
        let runs = qr.path.split('h').skip(1).filter_map(|rest| rest.split_once('v'));
        let dark: usize = runs.map(|(run, _)| run.parse::<usize>().expect("a number")).sum();
        assert_eq!(dark, code.to_colors().iter().filter(|module| **module == Color::Dark).count());
        assert!(qr.path.starts_with("M4 4h7v1h-7z"), "the corner that readers look for: {}", qr.path);
    }
}
