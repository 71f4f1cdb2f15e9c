//! Where a text is cut: the borders that together cost least.

use super::units::{Border, Unit};

/// A cost of 1000 is that of an empty passage.
const UNIT_COST: u64 = 1000;

/// What it costs to leave a heading in the middle of a passage: less than a passage that is half empty.
const HEADING_INSIDE: u64 = 300;

/// What it costs to begin a passage at a border.
fn cost(border: Border) -> u64 {
    match border {
        Border::Heading => 0,
        Border::Paragraph => 60,
        Border::Line => 120,
        Border::Sentence => 400,
        Border::Word => 1500,
        Border::Announced => 2000,
        Border::Character => 3000,
    }
}

/// The units that passages begin with, so that none is longer than `longest`, unless it is a single unit.
///
/// Each passage costs what its border does, what it lacks to the full length, cubed, so that several have
/// about the same length, and something for each heading that it swallows; the cheapest sum is found by dynamic
/// programming. Two neighbors that fit into one passage cost more than that one, unless a heading stands
/// between them and they nearly fill it; so there are less than `2.5 * length / longest` passages. O(units x units in a passage).
pub(super) fn cut(units: &[Unit], longest: usize) -> Vec<usize> {
    // The least cost of the units before each, and where the last passage of them begins.
    let mut least: Vec<(u64, usize)> = vec![(0, 0)];
    for end in 1..=units.len() {
        let mut best = (u64::MAX, end - 1);
        let (mut weight, mut headings) = (0, 0);
        for start in (0..end).rev() {
            weight += units[start].weight;
            if weight > longest && start + 1 < end {
                break;
            }
            let border = if start == 0 { 0 } else { cost(units[start].border) };
            let sum = least[start].0 + border + lack(weight, longest) + headings * HEADING_INSIDE;
            if sum < best.0 {
                best = (sum, start);
            }
            headings += u64::from(units[start].border == Border::Heading);
        }
        least.push(best);
    }
    let mut starts = Vec::new();
    let mut end = units.len();
    while end > 0 {
        end = least[end].1;
        starts.push(end);
    }
    starts.reverse();
    starts
}

/// What a passage costs for being shorter than it could be.
fn lack(weight: usize, longest: usize) -> u64 {
    let missing = longest.saturating_sub(weight) as u64;
    let longest = longest.max(1) as u64;
    let share = missing * UNIT_COST / longest;
    share * share * share / (UNIT_COST * UNIT_COST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(units: &[(usize, Border)]) -> Vec<Unit> {
        units.iter().map(|&(weight, border)| Unit { start: 0, weight, border }).collect()
    }

    #[test]
    fn passages_are_about_as_long_as_each_other() {
        let lines = vec![(30, Border::Line); 4];
        assert_eq!(cut(&units(&lines), 100), [0, 2]);
        assert_eq!(cut(&units(&lines), 120), [0]);
        assert!(cut(&[], 100).is_empty());
    }

    #[test]
    fn the_better_border_wins_over_the_even_length() {
        use Border::{Heading, Line, Paragraph, Sentence};
        assert_eq!(cut(&units(&[(30, Line), (30, Sentence), (40, Paragraph), (40, Sentence)]), 100), [0, 2]);
        assert_eq!(cut(&units(&[(30, Line), (30, Line), (30, Heading), (30, Line)]), 100), [0, 2]);
        assert_eq!(cut(&units(&[(25, Line), (35, Heading), (30, Line), (30, Line)]), 100), [0, 1]);
        // A heading is not left behind at the end of a passage.
        assert_eq!(
            cut(&units(&[(50, Line), (10, Heading), (40, Border::Announced), (40, Line)]), 100),
            [0, 1]
        );
    }

    #[test]
    fn a_unit_that_is_too_long_stands_alone() {
        assert_eq!(
            cut(&units(&[(30, Border::Line), (300, Border::Line), (30, Border::Line)]), 100),
            [0, 1, 2]
        );
    }
}
