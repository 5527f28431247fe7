//! Whatever is done to a good assertion: it is refused, or it says what its issuer signed. Nothing panics.

use placet_saml::Verifier;
use placet_sdk::decision::Saml2BearerSection;

use crate::draft::{Draft, NOW, asked, verifier};

const NOISE: &[u8] = b"<>/=\"'&;#x:samlAssertionID \n![]-?\xff\x00";

/// A sequence that only looks random, so that a failure can be seen again.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

fn never_another(verifier: &Verifier, document: &[u8], original: &Saml2BearerSection) {
    if let Ok(facts) = verifier.verify(&asked(document), NOW) {
        assert_eq!(&facts, original, "taken: {}", String::from_utf8_lossy(document));
    }
}

#[test]
fn flipped_bits_never_say_something_else() {
    let document = Draft::new().signed().into_bytes();
    let verifier = verifier();
    let original = verifier.verify(&asked(&document), NOW).unwrap();
    let mut sequence = Sequence(7522);
    for _ in 0..1500 {
        let mut changed = document.clone();
        let at = sequence.below(changed.len());
        changed[at] ^= 1 << sequence.below(8);
        never_another(&verifier, &changed, &original);
    }
}

#[test]
fn pieces_that_are_cut_doubled_or_swapped_never_say_something_else() {
    let document = Draft::new().signed().into_bytes();
    let verifier = verifier();
    let original = verifier.verify(&asked(&document), NOW).unwrap();
    let mut sequence = Sequence(4648);
    for round in 0..600 {
        let mut changed = document.clone();
        let (a, b) = (sequence.below(changed.len()), sequence.below(changed.len()));
        let (from, to) = (a.min(b), a.max(b));
        match round % 3 {
            0 => drop(changed.drain(from..to)),
            1 => {
                let piece = changed[from..to].to_vec();
                changed.splice(from..from, piece);
            }
            _ => changed.swap(from, to),
        }
        never_another(&verifier, &changed, &original);
    }
}

#[test]
fn markup_put_in_anywhere_never_says_something_else() {
    let document = Draft::new().signed();
    let verifier = verifier();
    let original = verifier.verify(&asked(document.as_bytes()), NOW).unwrap();
    let mut sequence = Sequence(2012);
    let pieces = [
        "<!---->",
        "&#x41;",
        "&amp;",
        "<x/>",
        "<saml:NameID>root</saml:NameID>",
        " ",
        "\r",
        "'",
        "\"",
        "<![CDATA[]]>",
        " ID=\"_b07b804c\"",
        "xmlns=\"\"",
        " xmlns:saml=\"urn:x\"",
        "]]>",
        "&#xD;",
        "<?x?>",
    ];
    for _ in 0..800 {
        let mut changed = document.clone();
        let mut at = sequence.below(changed.len());
        while !changed.is_char_boundary(at) {
            at -= 1;
        }
        changed.insert_str(at, pieces[sequence.below(pieces.len())]);
        never_another(&verifier, changed.as_bytes(), &original);
    }
}

#[test]
fn noise_is_refused() {
    let verifier = verifier();
    let mut sequence = Sequence(1);
    for _ in 0..500 {
        let length = sequence.below(400);
        let noise: Vec<u8> = (0..length).map(|_| NOISE[sequence.below(NOISE.len())]).collect();
        assert!(verifier.verify(&asked(&noise), NOW).is_err());
    }
}
