//! Finds the word that was probably meant.

/// The known word that the given one resembles most, if any is close.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let most = match word.chars().count() {
        0..4 => 1,
        4..9 => 2,
        _ => LONGEST_DISTANCE,
    };
    let scored = known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate));
    let (least, candidate) = scored.min_by_key(|(distance, _)| *distance)?;
    (least <= most).then(|| candidate.to_owned())
}

/// Enough for `remote_group_id` instead of `remote_group`.
const LONGEST_DISTANCE: usize = 3;

/// How many letters must be inserted, deleted or replaced (Levenshtein).
///
/// Words that differ too much in length are not compared, so that a long text costs nothing.
fn distance(one: &str, other: &str) -> usize {
    if one.len().abs_diff(other.len()) > 4 * LONGEST_DISTANCE {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut left = index + 1;
        let mut diagonal = index;
        for (cell, other_letter) in row.iter_mut().skip(1).zip(other.chars()) {
            let replaced = diagonal + usize::from(letter != other_letter);
            diagonal = *cell;
            left = replaced.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_letters() {
        let cases = [
            ("", "", 0),
            ("", "abc", 3),
            ("mtu", "mut", 2),
            ("kitten", "sitting", 3),
        ];
        for (one, other, expected) in cases {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn only_a_close_word_is_suggested() {
        let known = ["name", "mac_address", "fixed_ips"];
        let suggest = |word| nearest(word, known.iter().copied());
        assert_eq!(suggest("mac_adress").as_deref(), Some("mac_address"));
        assert_eq!(suggest("nmae").as_deref(), Some("name"));
        assert_eq!(suggest("nam").as_deref(), Some("name"));
        assert_eq!(suggest("colour"), None);
    }
}
