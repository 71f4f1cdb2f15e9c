//! Lines with their places.

/// Each line of a text without its `\n`, and the byte at which it begins.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut next = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = next;
        next += line.len();
        (start, line.strip_suffix('\n').unwrap_or(line))
    })
}
