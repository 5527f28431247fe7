//! Whatever is altered on the way is refused.

use placet_jose::{DecryptError, Encryption};
use proptest::prelude::*;

use super::kit::{PLAIN, Pair, join, pair, pairs, parts};

/// Every algorithm and every encryption, without all their combinations.
fn some_pairs() -> impl Iterator<Item = Pair> {
    pairs().enumerate().filter(|(at, _)| at % 5 == 0).map(|(_, (alg, enc))| pair(alg, enc))
}

/// What was altered behind the header is refused without a reason; in the header, also for what it now says.
fn assert_refused(pair: &Pair, token: &str, part: usize, what: &str) {
    let error = pair.decrypt(token).expect_err(what);
    assert!(part == 0 || error == DecryptError::Refused, "{what}: {error}");
}

#[test]
fn the_choice_has_every_algorithm_and_every_encryption() {
    let chosen: Vec<_> = some_pairs().collect();
    for (alg, enc) in pairs() {
        assert!(chosen.iter().any(|pair| pair.alg == alg) && chosen.iter().any(|pair| pair.enc == enc));
    }
}

#[test]
fn any_flipped_bit_is_refused() {
    for pair in some_pairs() {
        let whole = parts(&pair.encrypt(PLAIN));
        for part in 0..whole.len() {
            for bit in 0..whole[part].len() * 8 {
                // An operation with a private key of RSA takes long: a bit of each byte is enough.
                if pair.alg.name().starts_with("RSA") && bit % 8 != bit / 8 % 8 {
                    continue;
                }
                let mut altered = whole.clone();
                altered[part][bit / 8] ^= 1 << (bit % 8);
                let what = format!("{} {}: bit {bit} of part {part}", pair.alg, pair.enc);
                assert_refused(&pair, &join(&altered), part, &what);
            }
        }
    }
}

#[test]
fn any_shortened_lengthened_or_missing_part_is_refused() {
    for pair in some_pairs() {
        let token = pair.encrypt(PLAIN);
        let whole = parts(&token);
        for part in 0..whole.len() {
            let what = format!("{} {}: part {part}", pair.alg, pair.enc);
            for len in 0..whole[part].len() {
                let mut altered = whole.clone();
                altered[part].truncate(len);
                assert_refused(&pair, &join(&altered), part, &what);
                let mut altered = whole.clone();
                altered[part].drain(len..=len);
                assert_refused(&pair, &join(&altered), part, &what);
            }
            let mut altered = whole.clone();
            altered[part].push(0);
            assert_refused(&pair, &join(&altered), part, &what);
            let mut altered = whole.clone();
            altered.remove(part);
            assert_refused(&pair, &join(&altered), part, &what);
        }
        assert_refused(&pair, &format!("{token}."), 1, "a sixth part");
        assert_refused(&pair, &format!("{token}.AA"), 1, "a sixth part");
    }
}

#[test]
fn no_part_of_a_tag_is_enough() {
    for enc in Encryption::ALL {
        let pair = pair(placet_jose::Algorithm::Dir, enc);
        let whole = parts(&pair.encrypt(PLAIN));
        for len in 0..whole[4].len() {
            let mut altered = whole.clone();
            altered[4].truncate(len);
            assert_refused(&pair, &join(&altered), 4, &format!("{enc}: {len} bytes"));
        }
    }
}

#[test]
fn parts_of_two_tokens_do_not_make_a_third() {
    for pair in some_pairs() {
        let (one, other) = (parts(&pair.encrypt(PLAIN)), parts(&pair.encrypt(b"something else")));
        for part in (0..one.len()).filter(|part| one[*part] != other[*part]) {
            let mut mixed = one.clone();
            mixed[part].clone_from(&other[part]);
            assert_refused(&pair, &join(&mixed), part, &format!("{} {}: part {part}", pair.alg, pair.enc));
        }
    }
}

#[test]
fn a_token_is_refused_with_another_key() {
    for (alg, enc) in pairs().filter(|(alg, _)| !alg.name().starts_with("RSA")) {
        let answer = pair(alg, enc).decrypt(&pair(alg, enc).encrypt(PLAIN));
        assert_eq!(answer.unwrap_err(), DecryptError::Refused, "{alg} {enc}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_other_character_is_refused(
        chosen in prop::sample::select(pairs().filter(|(alg, _)| alg.is_symmetric()).collect::<Vec<_>>()),
        at in any::<prop::sample::Index>(),
        character in "[ -~]",
    ) {
        let pair = pair(chosen.0, chosen.1);
        let mut token = pair.encrypt(PLAIN);
        let at = at.index(token.len());
        prop_assume!(token[at..=at] != character);
        token.replace_range(at..=at, &character);
        prop_assert!(pair.decrypt(&token).is_err(), "{}", token);
    }
}
