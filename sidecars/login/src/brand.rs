//! How the pages look: name, logo and accent colour of the operator.

use std::{fs, io, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("../assets/style.css");

/// Backgrounds that text in the accent colour stands on, in `assets/style.css`.
const LIGHT_PAPER: Colour = Colour([255, 255, 255]);
const DARK_PAPER: Colour = Colour([0x1b, 0x1f, 0x27]);

/// Contrast of WCAG level AA.
const CONTRAST: f64 = 4.5;

/// A colour of the sRGB space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl std::str::FromStr for Colour {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii());
        let part = |at: usize| digits.and_then(|d| u8::from_str_radix(&d[at..at + 2], 16).ok());
        match (part(0), part(2), part(4)) {
            (Some(red), Some(green), Some(blue)) => Ok(Self([red, green, blue])),
            _ => Err("a colour is written as `#rrggbb`"),
        }
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Colour {
    const BLACK: Self = Self([0, 0, 0]);
    const WHITE: Self = Self([255, 255, 255]);

    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// This colour with `parts` of 20 parts of another in it.
    fn mixed(self, other: Self, parts: u8) -> Self {
        let mix = |a: u8, b: u8| {
            let sum = u16::from(a) * u16::from(20 - parts) + u16::from(b) * u16::from(parts);
            u8::try_from(sum / 20).unwrap_or(u8::MAX)
        };
        let (a, b) = (self.0, other.0);
        Self([mix(a[0], b[0]), mix(a[1], b[1]), mix(a[2], b[2])])
    }

    /// The nearest colour towards `pole` that is readable on `paper`.
    fn readable(self, paper: Self, pole: Self) -> Self {
        (0..=20)
            .map(|parts| self.mixed(pole, parts))
            .find(|colour| colour.contrast(paper) >= CONTRAST)
            .unwrap_or(pole)
    }

    /// Black or white, whichever is easier to read on this colour.
    fn ink(self) -> Self {
        if self.contrast(Self::WHITE) >= CONTRAST { Self::WHITE } else { Self::BLACK }
    }
}

/// A file that is served as it is.
#[derive(Clone)]
pub(crate) struct Asset {
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Name, logo and style.
pub(crate) struct Brand {
    /// The operator's name.
    pub(crate) name: String,
    /// The operator's logo.
    pub(crate) logo: Option<Asset>,
    /// The style sheet.
    pub(crate) style: String,
    /// Its path, with a digest of its content.
    pub(crate) style_href: String,
    /// The small picture that browsers show in tabs.
    pub(crate) icon: String,
}

impl Brand {
    /// Loads the logo and colours the style sheet.
    pub(crate) fn new(name: String, logo: Option<&Path>, accent: Colour) -> io::Result<Self> {
        let logo = logo.map(load_logo).transpose()?;
        let style = format!("{}{STYLE}", palette(accent));
        let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(&style)[..9]);
        let ink = accent.ink();
        let icon = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" height=\"32\" \
             rx=\"9\" fill=\"{accent}\"/><path d=\"M9.5 16.8l4.4 4.4 8.8-9.6\" fill=\"none\" stroke=\"{ink}\" \
             stroke-width=\"3.2\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/></svg>"
        );
        Ok(Self { name, logo, style, style_href: format!("/assets/style.css?v={digest}"), icon })
    }
}

fn palette(accent: Colour) -> String {
    let light = accent.readable(LIGHT_PAPER, Colour::BLACK);
    let dark = accent.readable(DARK_PAPER, Colour::WHITE);
    format!(
        ":root{{--accent:{accent};--on-accent:{};--link:{light}}}\n\
         @media (prefers-color-scheme:dark){{:root{{--link:{dark}}}}}\n",
        accent.ink()
    )
}

fn load_logo(path: &Path) -> io::Result<Asset> {
    let media_type = match path.extension().and_then(|e| e.to_str()) {
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("jpg" | "jpeg") => "image/jpeg",
        _ => {
            let kinds = "a logo is a file that ends in .svg, .png, .webp or .jpg";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, kinds));
        }
    };
    Ok(Asset { media_type, bytes: fs::read(path)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accent_is_readable_as_text_and_as_a_button() {
        for accent in ["#000000", "#ffffff", "#ffd400", "#3b5bdb", "#0a7d5a", "#ff8fa3", "#777777"] {
            let accent: Colour = accent.parse().unwrap();
            assert!(accent.readable(LIGHT_PAPER, Colour::BLACK).contrast(LIGHT_PAPER) >= CONTRAST);
            assert!(accent.readable(DARK_PAPER, Colour::WHITE).contrast(DARK_PAPER) >= CONTRAST);
            assert!(accent.contrast(accent.ink()) >= CONTRAST, "{accent}");
        }
    }

    #[test]
    fn a_colour_that_is_not_one_is_refused() {
        for bad in ["red", "#fff", "#12345g", "#ffffff;}", "#é2345"] {
            assert!(bad.parse::<Colour>().is_err(), "{bad}");
        }
    }

    #[test]
    fn another_accent_has_another_address() {
        let one = Brand::new("A".to_owned(), None, "#3b5bdb".parse().unwrap()).unwrap();
        let two = Brand::new("A".to_owned(), None, "#0a7d5a".parse().unwrap()).unwrap();
        assert_ne!(one.style_href, two.style_href);
    }
}
