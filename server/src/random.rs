//! The only caller of the operating system's random source.

use std::cell::RefCell;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::id::Secret;

use crate::outcome::Fault;

/// A source of unpredictable bytes. Injected, so that tests can make it fail.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`, or reports that it cannot.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault>;
}

/// So many bytes are asked for at once: asking costs the generator as much for sixteen as for hundreds, and a request needs several
/// small pieces.
const STOCK: usize = 512;
/// What is longer than this is asked for by itself.
const PIECE: usize = 64;

/// Bytes that nobody has yet. What was given away is no longer here.
struct Stock {
    bytes: [u8; STOCK],
    left: usize,
}

thread_local! {
    static STOCKS: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; STOCK], left: 0 }) };
}

impl Stock {
    /// Moves the last bytes out; none if there are too few.
    fn take(&mut self, out: &mut [u8]) -> Option<()> {
        let rest = self.left.checked_sub(out.len())?;
        let taken = self.bytes.get_mut(rest..self.left)?;
        out.copy_from_slice(taken);
        taken.fill(0);
        self.left = rest;
        Some(())
    }
}

/// The operating system's generator, through OpenSSL.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        if bytes.len() > PIECE {
            return ask(bytes);
        }
        STOCKS.with_borrow_mut(|stock| {
            if stock.take(bytes).is_none() {
                stock.left = 0;
                ask(&mut stock.bytes)?;
                stock.left = STOCK;
                stock.take(bytes).ok_or_else(|| Fault::new("random source", "gave too little"))?;
            }
            Ok(())
        })
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that asks the random source")]
fn ask(bytes: &mut [u8]) -> Result<(), Fault> {
    openssl::rand::rand_bytes(bytes).map_err(|e| Fault::new("random source", e))
}

/// `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> Result<[u8; N], Fault> {
    let mut out = [0; N];
    random.fill(&mut out)?;
    Ok(out)
}

/// A random identifier with 128 bits behind its prefix: `ses_…`.
pub fn id(random: &dyn Random, prefix: &str) -> Result<String, Fault> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes::<16>(random)?)))
}

/// A random credential of 256 bits, base64url.
pub fn secret(random: &dyn Random) -> Result<Secret, Fault> {
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes::<32>(random)?)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_byte_is_given_twice() {
        let mut stock =
            Stock { bytes: std::array::from_fn(|place| u8::try_from(place % 251).unwrap()), left: STOCK };
        let (mut first, mut second) = ([0; 64], [0; 64]);
        stock.take(&mut first).unwrap();
        stock.take(&mut second).unwrap();
        assert!(first.iter().zip(&second).all(|(a, b)| a != b));
        assert_eq!(stock.left, STOCK - 128);
        assert!(stock.bytes[stock.left..].iter().all(|byte| *byte == 0), "what was given away is kept");
    }

    #[test]
    fn a_stock_that_is_too_small_gives_nothing() {
        let mut stock = Stock { bytes: [1; STOCK], left: 15 };
        let mut out = [0; 16];
        assert!(stock.take(&mut out).is_none());
        assert_eq!((out, stock.left), ([0; 16], 15));
    }

    #[test]
    fn pieces_of_every_size_differ_over_many_stocks_and_threads() {
        let many = || (0..2_000).map(|n| bytes_of(16 + n % 100)).collect::<Vec<_>>();
        let others = std::thread::spawn(many);
        let mut all = many();
        all.extend(others.join().unwrap());
        let whole = all.len();
        assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), whole);
    }

    fn bytes_of(size: usize) -> [u8; 16] {
        let mut out = vec![0; size];
        OsRandom.fill(&mut out).unwrap();
        assert!(out.iter().any(|byte| *byte != 0), "{size} bytes of nothing");
        out[..16].try_into().unwrap()
    }
}
