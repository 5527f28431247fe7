//! What a user types to connect a device (RFC 8628 section 6.1).

use std::fmt;

use crate::id::Secret;

/// Letters that are hard to mistake for each other and spell no words (RFC 8628 section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of a code: 20^8 are about 34.5 bits.
const LENGTH: usize = 8;
/// What is longer is no code, however it is grouped.
const LONGEST: usize = 64;
/// Bytes from here on would make some letters likelier than others.
const FAIR: u8 = 240;

/// A user code.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode([u8; LENGTH]);

impl UserCode {
    /// The code that random bytes make; none if too few of them can be used. 32 bytes are nearly always enough.
    pub fn from_random(bytes: &[u8]) -> Option<Self> {
        let mut letters = bytes
            .iter()
            .filter(|byte| **byte < FAIR)
            .filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()));
        let mut code = [0; LENGTH];
        for place in &mut code {
            *place = *letters.next()?;
        }
        Some(Self(code))
    }

    /// The code that somebody typed, in upper or lower case, with any spaces and punctuation between its letters; none if
    /// it cannot be one.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > LONGEST {
            return None;
        }
        let mut letters = typed.chars().filter(|character| character.is_alphanumeric());
        let mut code = [0; LENGTH];
        for place in &mut code {
            let letter = u8::try_from(letters.next()?.to_ascii_uppercase()).ok()?;
            *place = LETTERS.contains(&letter).then_some(letter)?;
        }
        letters.next().is_none().then_some(Self(code))
    }

    /// What is remembered of it: however it was typed, it is the same.
    pub fn to_secret(&self) -> Secret {
        Secret::new(String::from_utf8_lossy(&self.0).into_owned())
    }
}

/// As it is shown: in two groups.
impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = String::from_utf8_lossy(&self.0);
        let (first, second) = letters.split_at(LENGTH / 2);
        write!(f, "{first}-{second}")
    }
}

/// Whoever reads it can approve a device.
impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        let code = UserCode::parse("WDJB-MJHT").unwrap();
        assert_eq!(code.to_string(), "WDJB-MJHT");
        for typed in
            ["wdjbmjht", "WDJBMJHT", " wdjb mjht ", "W.D.J.B/M_J_H_T", "wdjb\u{2011}mjht", "WdJb—MjHt"]
        {
            assert_eq!(UserCode::parse(typed), Some(code.clone()), "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_none() {
        let long = format!("WDJB{}MJHT", "-".repeat(64));
        for typed in
            ["", "-", "WDJB-MJH", "WDJB-MJHTB", "WDJB-MJHA", "WDJB-MJH0", "WDJB-MJHТ", "ＷDJB-MJHT", &long]
        {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_code_is_not_printed_by_accident() {
        let code = UserCode::parse("WDJB-MJHT").unwrap();
        assert!(!format!("{code:?} {:?}", code.to_secret()).contains("WDJB"));
    }

    #[test]
    fn every_letter_comes_from_as_many_bytes() {
        let mut counts = std::collections::BTreeMap::new();
        for byte in 0..=u8::MAX {
            match UserCode::from_random(&[byte; LENGTH]) {
                Some(code) => *counts.entry(code.to_string()).or_insert(0) += 1,
                None => assert!(byte >= FAIR),
            }
        }
        assert_eq!(counts.len(), LETTERS.len());
        assert!(counts.values().all(|count| *count == 12), "{counts:?}");
    }

    proptest! {
        #[test]
        fn what_was_made_is_read(bytes in any::<[u8; 32]>()) {
            if let Some(code) = UserCode::from_random(&bytes) {
                prop_assert_eq!(UserCode::parse(&code.to_string()), Some(code.clone()));
                prop_assert_eq!(UserCode::parse(&code.to_string().to_lowercase()), Some(code));
            }
        }

        #[test]
        fn what_is_between_the_letters_and_their_case_make_no_difference(
            letters in "[BCDFGHJKLMNPQRSTVWXZ]{8}",
            between in prop::collection::vec("[ .,;:_/+\u{2010}-\u{2015}-]{0,2}", 9),
            lower in any::<[bool; 8]>(),
        ) {
            let mut typed = between[0].clone();
            for (at, letter) in letters.chars().enumerate() {
                typed.push(if lower[at] { letter.to_ascii_lowercase() } else { letter });
                typed.push_str(&between[at + 1]);
            }
            prop_assert_eq!(UserCode::parse(&typed), UserCode::parse(&letters));
            prop_assert_eq!(UserCode::parse(&letters).unwrap().to_string().replace('-', ""), letters);
        }

        #[test]
        fn another_letter_is_another_code(letters in "[BCDFGHJKLMNPQRSTVWXZ]{8}", at in 0..8_usize, other in "[A-Z0-9]") {
            let mut altered = letters.clone();
            altered.replace_range(at..=at, &other);
            let same = UserCode::parse(&altered) == UserCode::parse(&letters);
            prop_assert_eq!(same, altered == letters);
        }

        #[test]
        fn nothing_that_is_typed_panics(typed in any::<String>()) {
            let _ = UserCode::parse(&typed);
        }
    }
}
