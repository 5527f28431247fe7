//! What a caller accepts (RFC 9110 section 12.5.1).

use http::{HeaderMap, header};

/// Whether a caller would rather have `wanted` than `usual`: it names `wanted`, and gives it at least the weight of
/// `usual`. What can only be meant by a wildcard is not asked for.
pub(super) fn prefers(headers: &HeaderMap, wanted: &str, usual: &str) -> bool {
    let mut weights = (0, None);
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        if name.eq_ignore_ascii_case(wanted) {
            weights.0 = weight;
        } else if name.eq_ignore_ascii_case(usual) {
            weights.1 = Some(weight);
        }
    }
    weights.0 > 0 && weights.1.is_none_or(|usual| weights.0 >= usual)
}

/// A weight, `0` to `1` with three decimals at most; anything else counts as nothing.
fn thousandths(text: &str) -> u16 {
    match text.split_at_checked(1) {
        Some(("1", _)) => 1000,
        Some(("0", rest)) => {
            let digits = rest.strip_prefix('.').unwrap_or_default();
            format!("{digits:0<3}").parse().ok().filter(|weight| *weight < 1000).unwrap_or(0)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT, value.parse().unwrap());
        }
        prefers(&headers, "application/x+jwt", "application/json")
    }

    #[test]
    fn a_type_has_to_be_named_and_to_weigh_as_much_as_the_usual_one() {
        for accepted in [
            &["application/x+jwt"][..],
            &["Application/X+JWT; q=0.5"],
            &["application/x+jwt, application/json"],
            &["application/json;q=0.9, application/x+jwt"],
            &["application/json;q=0.25", "application/x+jwt;q=0.3, */*"],
        ] {
            assert!(asked(accepted), "{accepted:?}");
        }
        for other in [
            &[][..],
            &["*/*"],
            &["application/*"],
            &["application/json"],
            &["application/x+jwt;q=0"],
            &["application/x+jwt;q=0.000"],
            &["application/x+jwt;q=x"],
            &["application/json, application/x+jwt;q=0.9"],
            &["application/x+jwtx"],
        ] {
            assert!(!asked(other), "{other:?}");
        }
    }
}
