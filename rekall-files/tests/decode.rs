//! Texts as other programs wrote them.
#![allow(clippy::unwrap_used)]

use encoding_rs::{BIG5, EUC_KR, GBK, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};
use proptest::prelude::*;
use rekall_files::decode;

fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

fn decoded(bytes: &[u8]) -> (String, &'static str, usize) {
    let decoded = decode(bytes).unwrap();
    (decoded.text, decoded.encoding, decoded.stray_bytes)
}

fn reason(bytes: &[u8]) -> &'static str {
    decode(bytes).unwrap_err().code()
}

const JAPANESE: &str = "# 会議の議事録\n\n来週の火曜日に新しい計画について話し合います。\n";
const FRENCH: &str = "# Été\n\nNous avons déjeuné près du café, où la forêt était déjà dorée.\n";

#[test]
fn byte_order_marks_decide() {
    let le = utf_16(&format!("\u{FEFF}{JAPANESE}"), u16::to_le_bytes);
    assert_eq!(decoded(&le), (JAPANESE.to_owned(), "UTF-16LE", 0));
    let be = utf_16(&format!("\u{FEFF}{FRENCH}"), u16::to_be_bytes);
    assert_eq!(decoded(&be), (FRENCH.to_owned(), "UTF-16BE", 0));
    assert_eq!(decoded(format!("\u{FEFF}{FRENCH}").as_bytes()), (FRENCH.to_owned(), "UTF-8", 0));
    assert_eq!(reason(&[0xFF, 0xFE, 0, 0, b'a', 0, 0, 0]), "unknown_encoding");
}

#[test]
fn utf_16_is_known_without_a_mark_where_its_zeros_show_it() {
    assert_eq!(decoded(&utf_16(FRENCH, u16::to_le_bytes)), (FRENCH.to_owned(), "UTF-16LE", 0));
    assert_eq!(decoded(&utf_16(FRENCH, u16::to_be_bytes)), (FRENCH.to_owned(), "UTF-16BE", 0));
}

#[test]
fn half_a_pair_in_utf_16_is_replaced_and_counted() {
    let mut bytes = utf_16("\u{FEFF}ab", u16::to_le_bytes);
    bytes.extend(0xD800_u16.to_le_bytes());
    bytes.extend(utf_16("c", u16::to_le_bytes));
    assert_eq!(decoded(&bytes), ("ab\u{FFFD}c".to_owned(), "UTF-16LE", 2));
}

#[test]
fn legacy_encodings_are_guessed() {
    let russian = "# План\n\nНа следующей неделе мы обсудим новую редакцию руководства.\n";
    let chinese = "# 会议记录\n\n下周二我们将讨论新的计划，请大家提前准备好材料。\n";
    let korean = "# 회의록\n\n다음 주 화요일에 새로운 계획에 대해 이야기합니다.\n";
    let traditional = "# 會議記錄\n\n下週二我們將討論新的計畫，請大家提前準備好資料。\n";
    for (text, encoding) in [
        (FRENCH, WINDOWS_1252),
        (JAPANESE, SHIFT_JIS),
        (russian, WINDOWS_1251),
        (chinese, GBK),
        (korean, EUC_KR),
        (traditional, BIG5),
    ] {
        let bytes = encoding.encode(text).0;
        assert_eq!(decoded(&bytes), (text.to_owned(), encoding.name(), 0));
    }
}

#[test]
fn one_latin_1_byte_after_ascii_is_latin_1() {
    assert_eq!(decoded(b"# Plan\nship\n\xE9"), ("# Plan\nship\né".to_owned(), "windows-1252", 0));
}

#[test]
fn one_latin_1_byte_does_not_spoil_utf_8() {
    let mut bytes = FRENCH.as_bytes().to_vec();
    bytes.extend(b"r\xE9sum\xE9\n");
    assert_eq!(decoded(&bytes), (format!("{FRENCH}résumé\n"), "UTF-8", 2));
}

#[test]
fn binary_is_no_text() {
    assert_eq!(reason(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "binary");
    assert_eq!(reason(b"text\0text"), "binary");
    // A few zeros in a short text are no UTF-16.
    assert_eq!(reason(b"ok\n\0"), "binary");
    assert_eq!(reason(b"# Mood\nokk\n\0\xFF\0\xFE"), "binary");
    assert_eq!(reason(&[1, 2, 3, 4, 5, 6, 7]), "binary");
    assert_eq!(reason(b"%PDF-1.7\n\x01\x02\x03\x04 stream \x05\x06\x07"), "binary");
    // A terminal's colors and a form feed are text.
    assert_eq!(decoded(b"\x1b[1mbold\x1b[0m\x0cpage").0, "\u{1b}[1mbold\u{1b}[0m\u{c}page");
}

#[test]
fn line_ends_become_one_form() {
    assert_eq!(decoded(b"a\r\nb\rc\n\r\n").0, "a\nb\nc\n\n");
    assert_eq!(decoded(b"").0, "");
}

proptest! {
    #[test]
    fn utf_8_is_what_it_says(text in "[^\\p{Cc}]{0,80}") {
        prop_assert_eq!(decode(text.as_bytes()).unwrap().text, text.strip_prefix('\u{FEFF}').unwrap_or(&text));
    }

    #[test]
    fn any_bytes_are_text_or_a_reason(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(decoded) = decode(&bytes) {
            prop_assert!(!decoded.text.contains(['\0', '\r']));
        }
    }

    #[test]
    fn stray_bytes_hide_no_text(
        words in proptest::collection::vec("[a-z]{1,6}é", 1..20),
        stray in 0x80..=0xFF_u8,
        place in any::<prop::sample::Index>(),
    ) {
        let mut bytes = words.join(" ").into_bytes();
        let at = place.index(words.len());
        let at = words[..at].iter().map(|word| word.len() + 1).sum::<usize>();
        bytes.splice(at..at, [stray, b' ']);
        let decoded = decode(&bytes).unwrap();
        prop_assert_eq!((decoded.encoding, decoded.stray_bytes), ("UTF-8", 1));
        for word in &words {
            prop_assert!(decoded.text.contains(word.as_str()));
        }
    }
}
