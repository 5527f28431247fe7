//! Chooses the language of a page.

use crate::text::{self, Text};

/// By the request's `ui_locales`, then by the browser's `Accept-Language`, then English.
pub(crate) fn choose(locales: &[String], accept_language: Option<&str>) -> &'static Text {
    locales
        .iter()
        .find_map(|tag| text::in_language(tag))
        .or_else(|| accept_language.and_then(accepted))
        .unwrap_or(&text::EN)
}

fn accepted(header: &str) -> Option<&'static Text> {
    let mut ranges: Vec<(&str, f32)> = header.split(',').filter_map(range).collect();
    // The sort is stable: equal weights keep the browser's order.
    ranges.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranges.into_iter().find_map(|(tag, _)| text::in_language(tag))
}

fn range(part: &str) -> Option<(&str, f32)> {
    let mut pieces = part.split(';').map(str::trim);
    let tag = pieces.next().filter(|tag| !tag.is_empty())?;
    let weight = match pieces.find_map(|piece| piece.strip_prefix("q=")) {
        Some(text) => text.parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q))?,
        None => 1.0,
    };
    (weight > 0.0).then_some((tag, weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(locales: &[&str], accept: Option<&str>) -> &'static str {
        let locales: Vec<String> = locales.iter().map(|l| (*l).to_owned()).collect();
        choose(&locales, accept).tag
    }

    #[test]
    fn the_request_goes_before_the_browser() {
        assert_eq!(tag(&["de-CH"], Some("en")), "de");
        assert_eq!(tag(&["fr", "DE"], Some("en")), "de");
        assert_eq!(tag(&["fr"], Some("de")), "de");
    }

    #[test]
    fn the_browser_s_weights_count() {
        assert_eq!(tag(&[], Some("fr, en;q=0.4, de;q=0.8")), "de");
        assert_eq!(tag(&[], Some("de;q=0, en")), "en");
        assert_eq!(tag(&[], Some("de;q=x, *")), "en");
    }

    #[test]
    fn without_a_wish_pages_are_in_english() {
        assert_eq!(tag(&[], None), "en");
        assert_eq!(tag(&["deu-x"], Some("fr")), "en");
    }
}
