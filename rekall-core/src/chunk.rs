//! Splitting a text into pieces that a model can read whole.

use std::ops::Range;

/// One piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it stands, in bytes of the text.
    pub bytes: Range<usize>,
    /// Where it stands, in characters (Unicode scalar values) of the text.
    pub chars: Range<usize>,
}

/// Splits `text` into pieces of at most `max_tokens` tokens, as `count_tokens` counts them.
///
/// A border is put, in this order of preference, after an empty line, a line, a sentence, a word;
/// a single word over the limit is halved between characters. Pieces follow each other, cover the whole
/// text but for white space around borders, and are about as long as the limit allows. A text that fits is
/// one piece. Cost: each part of the text is counted a few times.
///
/// ```
/// # use rekall_core::split_into_chunks;
/// let words = |text: &str| text.split_whitespace().count();
/// let text = "One two three. Four five.\nSix seven eight nine.";
/// let pieces = split_into_chunks(text, 5, words);
/// let texts: Vec<&str> = pieces.iter().map(|piece| &text[piece.bytes.clone()]).collect();
/// assert_eq!(texts, ["One two three. Four five.", "Six seven eight nine."]);
/// ```
pub fn split_into_chunks(
    text: &str,
    max_tokens: usize,
    mut count_tokens: impl FnMut(&str) -> usize,
) -> Vec<Chunk> {
    let max_tokens = max_tokens.max(1);
    let mut pieces = Vec::new();
    split(text, 0..text.len(), Level::Paragraph, max_tokens, &mut count_tokens, &mut pieces);
    with_char_positions(text, pieces)
}

/// What a text is cut at, from the best border to the worst.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Paragraph,
    Line,
    Sentence,
    Word,
    Half,
}

impl Level {
    fn next(self) -> Self {
        match self {
            Self::Paragraph => Self::Line,
            Self::Line => Self::Sentence,
            Self::Sentence => Self::Word,
            Self::Word | Self::Half => Self::Half,
        }
    }
}

fn split(
    text: &str,
    range: Range<usize>,
    level: Level,
    max_tokens: usize,
    count: &mut dyn FnMut(&str) -> usize,
    pieces: &mut Vec<Range<usize>>,
) {
    let range = trimmed(text, range);
    if range.is_empty() {
        return;
    }
    if count(&text[range.clone()]) <= max_tokens {
        pieces.push(range);
        return;
    }
    let parts = parts(&text[range.clone()], range.start, level);
    if parts.len() == 1 {
        if level == Level::Half {
            // One character over the limit: nothing left to cut.
            pieces.push(range);
        } else {
            split(text, range, level.next(), max_tokens, count, pieces);
        }
        return;
    }
    if level == Level::Half {
        for half in parts {
            split(text, half, level, max_tokens, count, pieces);
        }
        return;
    }
    // Token counts are nearly additive: a running sum finds the border, the next call counts exactly.
    let mut start = range.start;
    let mut end = start;
    let mut sum = 0;
    for part in parts {
        let tokens = count(text[part.clone()].trim());
        if end > start && tokens.saturating_add(sum) > max_tokens {
            split(text, start..end, level.next(), max_tokens, count, pieces);
            start = part.start;
            sum = 0;
        }
        sum = tokens.saturating_add(sum);
        end = part.end;
    }
    split(text, start..end, level.next(), max_tokens, count, pieces);
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    let end = start + slice.trim().len();
    start..end
}

/// Cuts `slice`, which starts at byte `offset`, after every border of this level.
fn parts(slice: &str, offset: usize, level: Level) -> Vec<Range<usize>> {
    if level == Level::Half {
        let middle = (slice.len() / 2..slice.len()).find(|&at| at > 0 && slice.is_char_boundary(at));
        return match middle {
            Some(middle) => vec![offset..offset + middle, offset + middle..offset + slice.len()],
            None => std::iter::once(offset..offset + slice.len()).collect(),
        };
    }
    let mut parts = Vec::new();
    let mut start = 0;
    let mut before = '\0';
    for (at, character) in slice.char_indices() {
        let border = match level {
            Level::Paragraph => before == '\n' && character == '\n',
            Level::Line => before == '\n',
            Level::Sentence => {
                character.is_whitespace() && matches!(before, '.' | '!' | '?' | '…' | ';')
                    || matches!(before, '。' | '！' | '？')
            }
            Level::Word => character.is_whitespace() && !before.is_whitespace(),
            Level::Half => false,
        };
        if border && at > start {
            parts.push(offset + start..offset + at);
            start = at;
        }
        before = character;
    }
    parts.push(offset + start..offset + slice.len());
    parts
}

fn with_char_positions(text: &str, pieces: Vec<Range<usize>>) -> Vec<Chunk> {
    let mut chars = 0;
    let mut bytes = 0;
    pieces
        .into_iter()
        .map(|piece| {
            chars += text[bytes..piece.start].chars().count();
            let first = chars;
            chars += text[piece.clone()].chars().count();
            bytes = piece.end;
            Chunk { bytes: piece, chars: first..chars }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn texts(text: &str, max: usize) -> Vec<&str> {
        split_into_chunks(text, max, words).into_iter().map(|chunk| &text[chunk.bytes]).collect()
    }

    #[test]
    fn a_text_that_fits_is_one_piece() {
        assert_eq!(texts("  One. Two. ", 5), ["One. Two."]);
        assert!(texts(" \n ", 5).is_empty());
    }

    #[test]
    fn the_best_border_is_taken() {
        assert_eq!(texts("a b\n\nc d\ne f", 4), ["a b", "c d\ne f"]);
        assert_eq!(texts("a b c. d e f", 4), ["a b c.", "d e f"]);
        assert_eq!(texts("a b c d e", 2), ["a b", "c d", "e"]);
    }

    #[test]
    fn a_word_over_the_limit_is_halved_between_characters() {
        let letters = |text: &str| text.chars().count();
        let text = "héééé";
        let pieces = split_into_chunks(text, 2, letters);
        let cut: Vec<&str> = pieces.iter().map(|chunk| &text[chunk.bytes.clone()]).collect();
        assert_eq!(cut, ["hé", "é", "éé"]);
        assert_eq!(pieces[2].chars, 3..5);
    }

    proptest! {
        #[test]
        fn nothing_but_white_space_is_left_out(text in "[a-zé.!\n 。]{0,200}", max in 1_usize..9) {
            let pieces = split_into_chunks(&text, max, words);
            let joined: String = pieces.iter().map(|chunk| &text[chunk.bytes.clone()]).collect();
            let strip = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(strip(&joined), strip(&text));
            let mut last = 0;
            for chunk in &pieces {
                prop_assert!(words(&text[chunk.bytes.clone()]) <= max);
                prop_assert!(chunk.bytes.start >= last);
                last = chunk.bytes.end;
                let by_chars: String = text.chars().skip(chunk.chars.start).take(chunk.chars.len()).collect();
                prop_assert_eq!(&by_chars, &text[chunk.bytes.clone()]);
            }
        }
    }
}
