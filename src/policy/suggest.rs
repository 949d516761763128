//! "Did you mean": the nearest of the names that would have been right.

/// The name nearest to `wrong`, if one is near enough to be what was meant.
pub(crate) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    names
        .into_iter()
        .map(|name| (distance(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count().min(wrong.chars().count()) / 4)
        .min()
        .map(|(_, name)| name)
}

/// "did you mean `x`?", or the names there are.
pub(crate) fn hint(wrong: &str, names: &[&str]) -> String {
    match nearest(wrong, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known here: {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}

/// Insertions, deletions, exchanges and swaps of neighbours from one to the other (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    // A key of a megabyte is no typing mistake, and the table below would be a terabyte.
    const LONGEST: usize = 128;
    let from: Vec<char> = from.chars().take(LONGEST).collect();
    let to: Vec<char> = to.chars().take(LONGEST).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let exchange = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = exchange.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant_and_nothing_else() {
        let names = ["retention", "partition", "indexes", "premake"];
        assert_eq!(nearest("retension", names), Some("retention"));
        assert_eq!(nearest("parition", names), Some("partition"));
        assert_eq!(nearest("PREMAKE", names), Some("premake"));
        assert_eq!(nearest("permake", names), Some("premake"));
        assert_eq!(nearest("compression", names), None);
        assert_eq!(nearest("x", names), None);
    }
}
