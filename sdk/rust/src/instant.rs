//! Points in time as the JSON contracts write them.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A point in time: whole seconds since 1970-01-01T00:00:00Z, written as an RFC 3339 string ending in `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// The instant `seconds` later (earlier when negative), without overflow.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp(self.0)
            .ok()
            .and_then(|t| t.format(&Rfc3339).ok())
            .unwrap_or_else(|| "9999-12-31T23:59:59Z".to_owned());
        f.write_str(&text)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(read(deserializer)?.unix_timestamp()))
    }
}

impl JsonSchema for Instant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?Z$",
            "description": "An RFC 3339 instant in UTC, ending in `Z`",
        })
    }
}

/// A point in time in milliseconds since 1970-01-01T00:00:00Z, written as an RFC 3339 string ending in `Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstantMillis(pub i64);

impl fmt::Display for InstantMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|t| t.format(&Rfc3339).ok())
            .unwrap_or_else(|| "9999-12-31T23:59:59Z".to_owned());
        f.write_str(&text)
    }
}

impl Serialize for InstantMillis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InstantMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parsed = read(deserializer)?;
        i64::try_from(parsed.unix_timestamp_nanos() / 1_000_000)
            .map(Self)
            .map_err(|_| D::Error::custom("an instant is out of range"))
    }
}

impl JsonSchema for InstantMillis {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Instant::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Instant::json_schema(generator)
    }
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
    const EXPECTED: &str = "an instant is an RFC 3339 string in UTC, ending in `Z`";
    let text = String::deserialize(deserializer)?;
    if !text.ends_with('Z') {
        return Err(D::Error::custom(EXPECTED));
    }
    let parsed = OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| D::Error::custom(EXPECTED))?;
    Ok(parsed.to_offset(UtcOffset::UTC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_and_read_back() {
        let at = Instant(1_795_428_300);
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(json, "\"2026-11-23T10:05:00Z\"");
        assert_eq!(serde_json::from_str::<Instant>(&json).unwrap(), at);
    }

    #[test]
    fn milliseconds_are_kept() {
        let at = InstantMillis(1_795_428_300_120);
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(json, "\"2026-11-23T10:05:00.12Z\"");
        assert_eq!(serde_json::from_str::<InstantMillis>(&json).unwrap(), at);
    }

    #[test]
    fn an_instant_with_an_offset_or_without_a_zone_is_refused() {
        for bad in ["\"2026-11-23T10:05:00+01:00\"", "\"2026-11-23T10:05:00\"", "\"tomorrow\"", "17"] {
            assert!(serde_json::from_str::<Instant>(bad).is_err(), "{bad}");
        }
    }
}
