//! How old a date or a time stamp is (OpenID Connect for Identity Assurance 1.0 section 5.5.2).

use serde_json::Value;
use time::{Date, Month, OffsetDateTime, format_description::well_known::Rfc3339};

/// Whether at most `most` seconds have passed at `now` since a value, reckoned from the last second that the value may
/// mean. False for what is no time, and if `most` is no age.
pub(super) fn is_at_most(most: &Value, value: Option<&Value>, now: i64) -> bool {
    let (Some(most), Some(text)) = (most.as_u64(), value.and_then(Value::as_str)) else { return false };
    last_second(text).is_some_and(|last| {
        let passed = now.saturating_sub(last);
        u64::try_from(passed).map_or(true, |passed| passed <= most)
    })
}

/// The last second of a time stamp or of a day (ISO 8601); days are those of UTC.
fn last_second(text: &str) -> Option<i64> {
    let Some((day, time)) = text.split_once('T') else {
        let end = date(text)?.with_hms(23, 59, 59).ok()?;
        return Some(end.assume_utc().unix_timestamp());
    };
    let zone = time.find(['Z', '+', '-'])?;
    // Seconds may be left out (Schema Definition 1.0 section 5.4).
    let seconds = if time[..zone].matches(':').count() == 1 { ":59" } else { "" };
    let full = format!("{day}T{}{seconds}{}", &time[..zone], &time[zone..]);
    OffsetDateTime::parse(&full, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let mut next = |digits: usize| {
        let part =
            parts.next().filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()));
        part.and_then(|part| part.parse::<u16>().ok())
    };
    let (year, month, day) = (next(4)?, next(2)?, next(2)?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()?;
    parts.next().is_none().then_some(date)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_second_that_a_value_may_mean_counts() {
        for (text, last) in [
            ("2026-11-23T10:05:00Z", 1_795_428_300),
            ("2026-11-23T11:05:00+01:00", 1_795_428_300),
            ("2026-11-23T10:05:00.75Z", 1_795_428_300),
            ("2026-11-23T10:04Z", 1_795_428_299),
            ("2026-11-23T05:04-05:00", 1_795_428_299),
            ("2026-11-22", 1_795_391_999),
        ] {
            assert_eq!(last_second(text), Some(last), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_has_no_age() {
        for text in [
            "",
            "yesterday",
            "2026",
            "2026-11",
            "2026-13-01",
            "2026-02-30",
            "2026-1-1",
            "+026-01-01",
            "2026-11-23-1",
            "2026-11-23T10:05:00",
            "2026-11-23T10:05",
            "2026-11-23T10Z",
            "2026-11-23TZ",
            "T10:05Z",
            "2026-11-23T25:00Z",
        ] {
            assert_eq!(last_second(text), None, "{text}");
            assert!(!is_at_most(&json!(u64::MAX), Some(&json!(text)), 0), "{text}");
        }
        for value in [None, Some(&json!(1_795_428_300)), Some(&Value::Null)] {
            assert!(!is_at_most(&json!(u64::MAX), value, 1_795_428_300), "{value:?}");
        }
    }

    #[test]
    fn what_is_yet_to_come_is_not_old() {
        assert!(is_at_most(&json!(0), Some(&json!("2026-11-23T10:05:01Z")), 1_795_428_300));
    }
}
