//! The word that somebody meant who mistyped it.

/// The nearest of `known` to `word`, where one is near enough to be meant.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let word = plain(word);
    let far = word.chars().count().div_ceil(3).max(1);
    let mut near: Vec<(usize, &str)> = known.into_iter().map(|known| (distance(&word, &plain(known)), known)).collect();
    near.retain(|(distance, known)| *distance <= far && *distance < known.chars().count());
    near.into_iter().min().map(|(_, known)| known)
}

/// How many letters must be put in, taken out, replaced or exchanged with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (at, row) in rows.iter_mut().enumerate() {
        row[0] = at;
    }
    for (at, cell) in rows[0].iter_mut().enumerate() {
        *cell = at;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_near_are_found_and_others_are_not() {
        let known = ["source", "schedule", "exclude", "keep", "on"];
        for (word, meant) in
            [("sorce", "source"), ("Schedule", "schedule"), ("excldue", "exclude"), ("kepe", "keep"), ("sources", "source")]
        {
            assert_eq!(nearest(word, known), Some(meant), "{word}");
        }
        assert_eq!(nearest("retention", known), None);
        assert_eq!(nearest("x", known), None);
    }
}
