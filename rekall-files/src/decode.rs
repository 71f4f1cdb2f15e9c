//! From bytes to text, whatever wrote them.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::SkipReason;

/// More control characters than one in so many bytes, and it is no text.
const BYTES_PER_CONTROL: usize = 50;

/// A text and how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decoded {
    /// The text, without a byte order mark; its lines end in `\n`.
    pub text: String,
    /// The encoding's name in the WHATWG's standard: `UTF-8`, `UTF-16LE`, `windows-1252` (which contains
    /// Latin-1), `Shift_JIS` and so on.
    pub encoding: &'static str,
    /// Bytes that do not belong to the encoding. In UTF-8 they are read as windows-1252, in UTF-16 they are
    /// replaced with U+FFFD.
    pub stray_bytes: usize,
}

/// Decodes a file's content. Line ends `\r\n` and `\r` become `\n`, so that a text is the same whatever system
/// wrote it.
///
/// A byte order mark decides. Without one, valid UTF-8 is UTF-8, and so is a text of which at least half of what
/// is not ASCII is. Zero bytes at every other place mean UTF-16. Everything else is guessed by the frequency of
/// letters, as browsers do: a short text can be taken for another language's encoding.
///
/// # Errors
///
/// [`SkipReason::Binary`] or [`SkipReason::UnknownEncoding`].
///
/// ```
/// let decoded = rekall_files::decode(b"\xEF\xBB\xBF# Caf\xC3\xA9\r\n")?;
/// assert_eq!((decoded.text.as_str(), decoded.encoding), ("# Café\n", "UTF-8"));
///
/// let decoded = rekall_files::decode(b"D\xE9j\xE0 vu \xE0 l'\xE9t\xE9")?;
/// assert_eq!((decoded.text.as_str(), decoded.encoding), ("Déjà vu à l'été", "windows-1252"));
/// # Ok::<(), rekall_files::SkipReason>(())
/// ```
pub fn decode(bytes: &[u8]) -> Result<Decoded, SkipReason> {
    if bytes.starts_with(&[0xFF, 0xFE, 0, 0]) || bytes.starts_with(&[0, 0, 0xFE, 0xFF]) {
        return Err(SkipReason::UnknownEncoding { guess: "UTF-32" });
    }
    let marked = Encoding::for_bom(bytes);
    let bytes = marked.map_or(bytes, |(_, length)| &bytes[length..]);
    let encoding = marked.map(|(encoding, _)| encoding).or_else(|| utf_16_by_zeros(bytes));
    let (text, encoding, stray_bytes) = match encoding {
        Some(encoding) if encoding != UTF_8 => utf_16(bytes, encoding),
        _ if bytes.contains(&0) => return Err(SkipReason::Binary),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), UTF_8, 0),
            Err(_) => mostly_utf_8(bytes).map_or_else(|| guessed(bytes), Ok)?,
        },
    };
    if is_binary(&text) {
        return Err(SkipReason::Binary);
    }
    Ok(Decoded { text: unix_line_ends(text), encoding: encoding.name(), stray_bytes })
}

fn is_binary(text: &str) -> bool {
    let control = |byte: &u8| {
        (*byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x08 | 0x0C | 0x1B)) || *byte == 0x7F
    };
    let controls = text.bytes().filter(control).count();
    text.contains('\0') || controls * BYTES_PER_CONTROL > text.len()
}

/// Text in UTF-16 is mostly of one half of the code, and then one byte of each pair is often zero, the other never.
fn utf_16_by_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let zeros = |first: usize| bytes.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    // A few in a short text are no sign of it, but stray.
    let pairs = bytes.len() / 2;
    let enough = pairs.div_ceil(4).max(pairs.min(8));
    match (zeros(0), zeros(1)) {
        _ if bytes.len() < 2 || !bytes.len().is_multiple_of(2) => None,
        (0, low) if low >= enough => Some(UTF_16LE),
        (high, 0) if high >= enough => Some(UTF_16BE),
        _ => None,
    }
}

fn utf_16(bytes: &[u8], encoding: &'static Encoding) -> (String, &'static Encoding, usize) {
    let (text, replaced) = encoding.decode_without_bom_handling(bytes);
    // Half of a pair of surrogates is two bytes.
    let stray_bytes = if replaced { 2 * text.matches('\u{FFFD}').count() } else { 0 };
    (text.into_owned(), encoding, stray_bytes)
}

/// UTF-8 into which a program wrote something else.
fn mostly_utf_8(bytes: &[u8]) -> Option<(String, &'static Encoding, usize)> {
    let chunks = || bytes.utf8_chunks();
    let stray_bytes: usize = chunks().map(|chunk| chunk.invalid().len()).sum();
    let beyond_ascii: usize =
        chunks().map(|chunk| chunk.valid().chars().filter(|character| !character.is_ascii()).count()).sum();
    if beyond_ascii < stray_bytes {
        return None;
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in chunks() {
        text.push_str(chunk.valid());
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    Some((text, UTF_8, stray_bytes))
}

fn guessed(bytes: &[u8]) -> Result<(String, &'static Encoding, usize), SkipReason> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok((text.into_owned(), encoding, 0)),
        None => Err(SkipReason::UnknownEncoding { guess: encoding.name() }),
    }
}

fn unix_line_ends(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}
