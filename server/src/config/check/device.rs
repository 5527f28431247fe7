//! Devices without a browser.

use url::Url;

use crate::config::Config;

/// How long a device may wait between two requests, in seconds.
const INTERVALS: std::ops::RangeInclusive<u32> = 1..=60;
/// How long user codes may live, in seconds: they are short, and those that live long can be guessed.
const LIFETIMES: std::ops::RangeInclusive<u32> = 60..=1_800;

impl Config {
    pub(super) fn check_device(&self, wrong: &mut Vec<String>) {
        if !INTERVALS.contains(&self.device.interval) {
            wrong.push("device.interval must be 1 to 60 seconds".to_owned());
        }
        if !LIFETIMES.contains(&self.lifetimes.device_code) {
            wrong.push(
                "lifetimes.device_code must be 60 to 1800 seconds: codes that live longer can be guessed"
                    .to_owned(),
            );
        }
        let limits = [
            ("user_codes", self.limits.user_codes),
            ("user_codes_per_address", self.limits.user_codes_per_address),
            ("user_codes_in_all", self.limits.user_codes_in_all),
        ];
        for (name, limit) in limits {
            if limit == 0 {
                wrong.push(format!("limits.{name} must not be 0: user codes are short enough to be guessed"));
            }
        }
        if let Some(uri) = &self.device.verification_uri
            && !self.is_address_for_people(uri)
        {
            wrong.push(format!(
                "device.verification_uri `{uri}` must be an https URL without fragment and without `user_code`"
            ));
        }
    }

    fn is_address_for_people(&self, uri: &str) -> bool {
        let Ok(url) = Url::parse(uri) else { return false };
        let secure = url.scheme() == "https" || (self.development && url.scheme() == "http");
        secure && url.fragment().is_none() && !url.query_pairs().any(|(name, _)| name == "user_code")
    }
}
