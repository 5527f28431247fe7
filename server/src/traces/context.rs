//! The trace that a caller names (W3C Trace Context).

use http::HeaderMap;

/// The longest `tracestate` that is passed on; a longer one may be dropped (section 3.3.1.5).
const MAX_STATE: usize = 512;
/// The flag that says that something may be recorded (section 3.2.2.5.1). All others are zero where this version writes them.
const SAMPLED: u8 = 1;

/// What a caller says of its trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The id of the trace, in hexadecimal.
    pub trace: String,
    /// The id of the caller's span.
    pub span: String,
    /// Whether the caller may have recorded something of it.
    pub sampled: bool,
    /// What its tracing systems say of it (section 3.3): passed on as it is.
    pub state: Option<String>,
}

impl Remote {
    /// The trace that the caller names, if it names one as the specification has it.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").iter();
        let text = values.next()?.to_str().ok()?;
        if values.next().is_some() {
            return None;
        }
        let mut parts = text.split('-');
        let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hexadecimal = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let sized = version.len() == 2 && id.len() == 32 && parent.len() == 16 && flags.len() == 2;
        let zero = |part: &str| part.bytes().all(|b| b == b'0');
        let known = version == "00" && parts.next().is_none();
        let sound =
            sized && known && [id, parent, flags].into_iter().all(hexadecimal) && !zero(id) && !zero(parent);
        let flags = u8::from_str_radix(flags, 16).ok().filter(|_| sound)?;
        Some(Self {
            trace: id.to_owned(),
            span: parent.to_owned(),
            sampled: flags & SAMPLED != 0,
            state: state(headers),
        })
    }
}

/// All values of `tracestate` as one; none if there is none, or if it is not to be passed on.
fn state(headers: &HeaderMap) -> Option<String> {
    let values: Option<Vec<&str>> =
        headers.get_all("tracestate").iter().map(|value| value.to_str().ok()).collect();
    let joined = values?.join(",");
    let passes = !joined.trim().is_empty() && joined.len() <= MAX_STATE;
    passes.then_some(joined)
}
