//! A QR code as one path of an SVG: it needs no script, no picture of its own, and no other host.

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code, without which cameras do not find it.
const QUIET: usize = 4;

/// A drawn code.
pub(crate) struct Drawing {
    /// How many modules it is wide and high.
    pub(crate) size: usize,
    /// The dark modules, as the data of a path.
    pub(crate) path: String,
}

/// Draws a text; `None` if it is too long for a code.
pub(crate) fn draw(text: &str) -> Option<Drawing> {
    use std::fmt::Write as _;
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let modules = code.to_colors();
    let mut path = String::new();
    for (y, row) in modules.chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run[0] == Color::Dark {
                let (left, length) = (x + QUIET, run.len());
                let _ = write!(path, "M{left} {}h{length}v1h-{length}z", y + QUIET);
            }
            x += run.len();
        }
    }
    Some(Drawing { size: width + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_eyes_and_a_margin() {
        let drawing = draw("otpauth://totp/Placet:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        let right = drawing.size - QUIET - 7;
        for eye in ["M4 4h7v1h-7z".to_owned(), format!("M{right} 4h7v1h-7z"), format!("M4 {right}h7v1h-7z")] {
            assert!(drawing.path.contains(&eye), "{eye}");
        }
        assert!(draw(&"x".repeat(5000)).is_none());
    }
}
