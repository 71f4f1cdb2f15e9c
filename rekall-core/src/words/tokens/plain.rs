//! Words of plain English text, which most of a text is even in French, read without a look at each character.

use std::ops::ControlFlow;

use super::TokenKind;
use super::emit::Emitter;
use super::reader::Reader;
use super::term::MAX_TERM_BYTES;

const OTHER: u8 = 0;
const SPACE: u8 = 1;
/// What may make a word of more than its letters: an identifier, or a name with a sign.
const SIGN: u8 = 2;
const BEYOND_ASCII: u8 = 4;
const SMALL: u8 = 8;
const CAPITAL: u8 = 16;
const DIGIT: u8 = 32;
const WORD: u8 = SMALL | CAPITAL | DIGIT;

/// What each byte is.
static CLASSES: [u8; 256] = {
    let mut classes = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'\t'..=b'\r' | b' ' => SPACE,
            b'-' | b'_' | b'\'' | b'+' | b'#' | b'@' | b'$' | b'.' => SIGN,
            b'a'..=b'z' => SMALL,
            b'A'..=b'Z' => CAPITAL,
            b'0'..=b'9' => DIGIT,
            0x80.. => BEYOND_ASCII,
            _ => OTHER,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

impl Emitter<'_> {
    /// Reads on as long as words are plain. Stops before the first that is not.
    pub(super) fn plain_words(&mut self, reader: &mut Reader<'_, '_>) -> ControlFlow<()> {
        if !reader.is_level() {
            return ControlFlow::Continue(());
        }
        let bytes = reader.text.as_bytes();
        let mut small = [0; MAX_TERM_BYTES];
        while let Some(&byte) = bytes.get(reader.at) {
            let start = reader.at;
            match class(byte) {
                BEYOND_ASCII => break,
                SPACE | SIGN | OTHER => {
                    // What follows may be a mark on it.
                    if bytes.get(start + 1).is_some_and(|next| class(*next) == BEYOND_ASCII) {
                        break;
                    }
                    self.separator(char::from(byte), start);
                    reader.at += 1;
                }
                _ => {
                    let Some(length) = plain_word(&bytes[start..], &mut small) else { break };
                    let is_marked = |sign: char| sign.is_ascii() && class(sign as u8) == SIGN;
                    if is_marked(self.before.characters[0]) {
                        break;
                    }
                    let Ok(word) = std::str::from_utf8(&small[..length]) else { break };
                    self.next_position();
                    reader.at += length;
                    self.text(word, word, start..start + length, TokenKind::Word)?;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// The length of the word that the bytes begin with, where it is plain, and itself as small letters.
fn plain_word(bytes: &[u8], small: &mut [u8; MAX_TERM_BYTES]) -> Option<usize> {
    let mut all = 0;
    let mut after_first = 0;
    let mut length = 0;
    let mut end = OTHER;
    for &byte in bytes {
        end = class(byte);
        if end & WORD == 0 {
            break;
        }
        // Of a digit the bit is set.
        *small.get_mut(length)? = byte | 0x20;
        after_first = if length > 0 { after_first | end } else { 0 };
        all |= end;
        length += 1;
    }
    if length == bytes.len() {
        end = OTHER;
    }
    let goes_on = end == BEYOND_ASCII
        // A full stop at the end is one, and so is that before a word, which does not ask here.
        || end == SIGN && bytes[length] != b'.';
    let has_hump = after_first & CAPITAL != 0 && all & SMALL != 0;
    let may_be_version = small[0] == b'v' && all & DIGIT != 0;
    (!goes_on && !has_hump && !may_be_version).then_some(length)
}
