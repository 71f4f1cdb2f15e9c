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
    fitting_after(text, budget, "")
}

/// The same of a text that gets `before` in front of each line.
pub(crate) fn fitting_after(text: &str, budget: usize, before: &str) -> usize {
    let before: usize = before.chars().map(quarters).sum();
    let mut left = budget.saturating_mul(4);
    let mut is_first = true;
    let over = text.char_indices().find(|(_, character)| {
        let cost = quarters(*character) + if is_first { before } else { 0 };
        is_first = *character == '\n';
        let fits = cost <= left;
        left = left.saturating_sub(cost);
        !fits
    });
    let Some((end, _)) = over else { return text.len() };
    let last_blank = text[..end].rfind(char::is_whitespace);
    // A long run without a blank (a URL, Chinese) is cut where the budget ends.
    last_blank.filter(|blank| end - blank < 40 && *blank > 0).unwrap_or(end)
}

/// What the mark of a cut costs: a blank and three points.
const MARK: usize = 2;

/// The text, or its beginning with a mark of the cut. Costs at most `budget`, or the mark.
pub(crate) fn cut(text: &str, budget: usize) -> String {
    if fitting(text, budget) == text.len() {
        return text.to_owned();
    }
    let end = fitting(text, budget.saturating_sub(MARK));
    format!("{} …", text[..end].trim_end())
}

/// The same with the end of the text: of a path it tells more.
pub(crate) fn cut_front(text: &str, budget: usize) -> String {
    if fitting(text, budget) == text.len() {
        return text.to_owned();
    }
    let mut left = budget.saturating_sub(MARK) * 4;
    let fit = text.char_indices().rev().take_while(|(_, character)| {
        let cost = quarters(*character);
        let fits = cost <= left;
        left = left.saturating_sub(cost);
        fits
    });
    let start = fit.last().map_or(text.len(), |(at, _)| at);
    format!("… {}", text[start..].trim_start())
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
                for cut in [cut(text, budget), cut_front(text, budget)] {
                    assert!(estimate(&cut) <= budget.max(MARK) && cut.contains('…'), "{cut}: {budget}");
                }
            }
            assert_eq!(
                (cut(text, estimate(text)), cut_front(text, estimate(text))),
                (text.into(), text.into())
            );
        }
        assert_eq!(cut("the build fails on Tuesdays", 6), "the build fails …");
        assert_eq!(cut("数据库连接失败", 5), "数据库 …");
        assert_eq!(cut_front("/home/me/notes/guide.md:12", 6), "… guide.md:12");
    }

    #[test]
    fn what_stands_before_each_line_is_counted() {
        let text = "a\n".repeat(300);
        for budget in [1, 2, 7, 50, 200] {
            let end = fitting_after(&text, budget, "  ");
            let lines: String = text[..end].lines().map(|line| format!("  {line}\n")).collect();
            assert!(end > 0 && estimate(&lines) <= budget + 1, "{budget}: {end}");
        }
        assert_eq!(fitting_after("", 0, "  "), 0);
    }
}
