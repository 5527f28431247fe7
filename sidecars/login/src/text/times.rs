//! Moments in words.

use placet_sdk::Instant;

use super::About;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The words of one language.
pub(crate) struct Times {
    just_now: &'static str,
    /// One and many.
    minutes: [About; 2],
    hours: [About; 2],
    days: [About; 2],
    /// What follows the number of a day.
    after_day: &'static str,
    months: [&'static str; 12],
}

impl Times {
    /// How long ago something was, in seconds since 1970; the day, where that is long.
    pub(crate) fn ago(&self, at: Instant, now: i64) -> String {
        let say = |[one, many]: &[About; 2], count: i64| {
            (if count == 1 { one } else { many }).say(&count.to_string())
        };
        match now.saturating_sub(at.0) {
            ..=MINUTE => self.just_now.to_owned(),
            age @ ..HOUR => say(&self.minutes, age / MINUTE),
            age @ ..DAY => say(&self.hours, age / HOUR),
            age if age < 30 * DAY => say(&self.days, age / DAY),
            _ => self.day(at),
        }
    }

    /// The day of a moment, in UTC.
    pub(crate) fn day(&self, at: Instant) -> String {
        let text = at.to_string();
        let part = |from, to| text.get(from..to).and_then(|digits: &str| digits.parse::<usize>().ok());
        match (part(0, 4), part(5, 7), part(8, 10)) {
            (Some(year), Some(month @ 1..=12), Some(day)) => {
                format!("{day}{} {} {year}", self.after_day, self.months[month - 1])
            }
            _ => text,
        }
    }
}

/// English.
pub(super) static EN: Times = Times {
    just_now: "just now",
    minutes: [About("{} minute ago"), About("{} minutes ago")],
    hours: [About("{} hour ago"), About("{} hours ago")],
    days: [About("{} day ago"), About("{} days ago")],
    after_day: "",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
};

/// German.
pub(super) static DE: Times = Times {
    just_now: "gerade eben",
    minutes: [About("vor {} Minute"), About("vor {} Minuten")],
    hours: [About("vor {} Stunde"), About("vor {} Stunden")],
    days: [About("vor {} Tag"), About("vor {} Tagen")],
    after_day: ".",
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_by_their_distance_and_old_ones_by_their_day() {
        let now = 1_795_420_000;
        for (age, english, german) in [
            (-5, "just now", "gerade eben"),
            (60, "just now", "gerade eben"),
            (61, "1 minute ago", "vor 1 Minute"),
            (3_599, "59 minutes ago", "vor 59 Minuten"),
            (3_600, "1 hour ago", "vor 1 Stunde"),
            (86_400 + 5, "1 day ago", "vor 1 Tag"),
            (29 * 86_400, "29 days ago", "vor 29 Tagen"),
            (40 * 86_400, "14 October 2026", "14. Oktober 2026"),
        ] {
            let at = Instant(now - age);
            assert_eq!((EN.ago(at, now).as_str(), DE.ago(at, now).as_str()), (english, german), "{age}");
        }
        assert_eq!(EN.day(Instant(i64::MAX)), "31 December 9999");
    }
}
