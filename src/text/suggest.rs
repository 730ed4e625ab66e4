//! Finds the known name that is nearest to a misspelt one.

/// The longest name that is compared, in bytes. The time to compare grows with its square, and nobody types longer
/// names.
const LONGEST: usize = 64;
/// The most names with which a misspelt one is compared.
const MOST: usize = 10_000;

/// The candidate nearest to `wanted`, if it is near enough to be a slip: at most a third of its letters, and at most
/// three, differ, or they differ only in case and separators.
pub(crate) fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    closest(wanted, candidates, 0)
}

/// Works as [`nearest`], for ids of tasks: of two letters one may differ, if only one id is that near.
pub(crate) fn nearest_id<'a>(wanted: &str, ids: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    closest(wanted, ids, 1)
}

/// The nearest candidate. `least` is the allowed distance of names with two letters, if no other candidate is as near.
fn closest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>, least: usize) -> Option<&'a str> {
    if wanted.len() > LONGEST {
        return None;
    }
    let folded = fold(wanted);
    let limit = (folded.len() / 3).min(3);
    let is_short = folded.len() == 2;
    let limit = if is_short { least } else { limit };
    let mut found: Option<(usize, &str)> = None;
    let mut is_tied = false;
    for candidate in candidates.into_iter().take(MOST) {
        if candidate == wanted || candidate.len() > LONGEST {
            continue;
        }
        let distance = distance(&folded, &fold(candidate), limit);
        if distance > limit {
            continue;
        }
        match found {
            Some((least, _)) if least < distance => {}
            Some((least, _)) if least == distance => is_tied = true,
            _ => (found, is_tied) = (Some((distance, candidate)), false),
        }
    }
    found.filter(|(distance, _)| !is_tied || !is_short || *distance == 0).map(|(_, candidate)| candidate)
}

/// Advice that names the nearest candidate, for the `help` of an error.
pub(crate) fn did_you_mean<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(wanted, candidates).map(|name| format!("did you mean `{name}`?"))
}

fn fold(name: &str) -> Vec<char> {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).map(|c| c.to_ascii_lowercase()).collect()
}

/// The edit distance, where swapping two neighbours counts as one edit. A distance above `limit` is `limit + 1`.
fn distance(left: &[char], right: &[char], limit: usize) -> usize {
    if left.len().abs_diff(right.len()) > limit {
        return limit + 1;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous_left = None;
    for (row, &a) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut previous_right = None;
        for (column, &b) in right.iter().enumerate() {
            let at = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut cost = (at(&last, column) + usize::from(a != b))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            if previous_left == Some(b) && previous_right == Some(a) && column > 0 {
                cost = cost.min(at(&before_last, column - 1) + 1);
            }
            current.push(cost);
            previous_right = Some(b);
        }
        previous_left = Some(a);
        // The distance cannot get smaller from here.
        if current.iter().all(|cost| *cost > limit) && last.iter().all(|cost| *cost > limit) {
            return limit + 1;
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_leaves_strangers() {
        let names = ["backup_db", "upload", "notify"];
        assert_eq!(nearest("bakcup_db", names), Some("backup_db"));
        assert_eq!(nearest("backupDb", names), Some("backup_db"));
        assert_eq!(nearest("uplaod", names), Some("upload"));
        assert_eq!(nearest("ghost", names), None);
        assert_eq!(nearest("", names), None);
        // A name with two letters is near to none if one of them differs.
        assert_eq!((nearest("q", ["a"]), nearest("xs", ["rs"])), (None, None));
        assert_eq!((nearest_id("aa", ["a", "other"]), nearest_id("aa", ["a", "ab"])), (Some("a"), None));
        assert_eq!((nearest_id("q", ["a"]), nearest_id("a1", ["b2"])), (None, None));
        let long = "x".repeat(LONGEST);
        assert_eq!(nearest(&long, [&*format!("{long}y"), &long[1..]]), Some(&long[1..]));
        assert_eq!(nearest(&format!("{long}y"), [&*long]), None);
        assert_eq!((nearest("x_s", ["xs"]), nearest("abc", ["abd"])), (Some("xs"), Some("abd")));
    }
}
