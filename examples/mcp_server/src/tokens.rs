//! Keeping answers short: what a text costs in a model's context, and texts cut to what they may cost.

/// About how many tokens a text is for a language model. Tokenizers differ; this errs on the side of too many: four
/// small letters or blanks are a token, two digits, capitals, marks or accented letters, one character of any other
/// script.
pub(crate) fn estimate(text: &str) -> usize {
    text.chars().map(quarters).sum::<usize>().div_ceil(4)
}

/// Quarters of a token.
fn quarters(character: char) -> usize {
    match character {
        'a'..='z' | ' ' => 1,
        '\0'..='\u{2ff}' => 2,
        '\u{300}'..='\u{ffff}' => 4,
        _ => 8,
    }
}

/// The longest beginning of a text that costs at most `budget`, in bytes. Ends at a word where one ends nearby.
pub(crate) fn fitting(text: &str, budget: usize) -> usize {
    let mut left = budget * 4;
    let over = text.char_indices().find(|(_, character)| {
        let cost = quarters(*character);
        let fits = cost <= left;
        left = left.saturating_sub(cost);
        !fits
    });
    let Some((end, _)) = over else { return text.len() };
    let last_blank = text[..end].rfind(char::is_whitespace);
    // A long run without a blank (a URL, Chinese) is cut where the budget ends.
    last_blank.filter(|blank| end - blank < 40 && *blank > 0).unwrap_or(end)
}

/// The text, or its beginning with a mark of the cut.
pub(crate) fn cut(text: &str, budget: usize) -> String {
    match fitting(text, budget) {
        whole if whole == text.len() => text.to_owned(),
        end => format!("{} …", text[..end].trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_fits_and_nothing_is_cut_that_does() {
        let texts = [
            "",
            "a",
            "the build fails on Tuesdays",
            "Été à la plage, déjà",
            "数据库连接失败",
            "🦀🦀🦀",
            "aaaa\n\n\nbbbb",
        ];
        for text in texts {
            assert_eq!(fitting(text, estimate(text)), text.len(), "{text}");
            for budget in 0..estimate(text) {
                let end = fitting(text, budget);
                assert!(end < text.len() && estimate(&text[..end]) <= budget, "{text}: {budget}");
            }
        }
        assert_eq!(cut("the build fails on Tuesdays", 4), "the build fails …");
        assert_eq!(cut("数据库连接失败", 3), "数据库 …");
    }
}
