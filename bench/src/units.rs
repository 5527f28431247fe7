//! What is counted, as it is shown.

#[expect(clippy::cast_precision_loss, reason = "times are far below 2^52")]
pub(crate) fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52")]
pub(crate) fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
