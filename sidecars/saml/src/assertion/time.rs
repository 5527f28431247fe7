//! Instants of SAML.

use placet_sdk::Instant;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A point in time as SAML writes it: in UTC, ending in `Z`, perhaps with fractions of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(OffsetDateTime);

impl Time {
    /// Reads one (SAML core section 1.3.3).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !text.ends_with('Z') || !text.contains('T') || text.len() > 40 {
            return None;
        }
        OffsetDateTime::parse(text, &Rfc3339).ok().map(Self)
    }

    /// The last whole second that is not after it: for the end of a period.
    pub(crate) fn floor(self) -> Instant {
        Instant(self.0.unix_timestamp())
    }

    /// The first whole second that is not before it: for the beginning of a period.
    pub(crate) fn ceil(self) -> Instant {
        Instant(self.0.unix_timestamp() + i64::from(self.0.nanosecond() > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_second_shorten_a_period_at_both_ends() {
        let time = Time::parse("2026-11-23T10:05:00.250Z").unwrap();
        assert_eq!((time.floor().0, time.ceil().0), (1_795_428_300, 1_795_428_301));
        let whole = Time::parse("2026-11-23T10:05:00Z").unwrap();
        assert_eq!(whole.floor(), whole.ceil());
    }

    #[test]
    fn an_instant_without_a_zone_or_with_another_one_is_not_read() {
        for bad in
            ["2026-11-23T10:05:00", "2026-11-23T10:05:00+00:00", "2026-11-23 10:05:00Z", "10:05Z", "", "Z"]
        {
            assert_eq!(Time::parse(bad), None, "{bad}");
        }
    }
}
