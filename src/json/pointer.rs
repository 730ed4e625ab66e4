//! JSON pointers (RFC 6901).

use crate::text::replaced;
use serde_json::Value;

/// The pointer `path` with one more key, which is escaped as RFC 6901 requires.
pub fn child_path(path: &str, key: &str) -> String {
    let mut out = String::with_capacity(path.len() + key.len() + 1);
    out.push_str(path);
    out.push('/');
    for character in key.chars() {
        match character {
            '~' => out.push_str("~0"),
            '/' => out.push_str("~1"),
            other => out.push(other),
        }
    }
    out
}

/// The value at a path below another one. The keys must need no escaping.
pub(crate) fn below<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.trim_start_matches('/').split('/').try_fold(value, |value, key| value.get(key))
}

/// The keys of a pointer, the outermost first.
pub(super) fn keys(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split('/').skip(1).map(|key| replaced(&replaced(key, "~1", "/"), "~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_escape_slash_and_tilde() {
        let path = child_path("/tasks", "a/b~c");
        assert_eq!(path, "/tasks/a~1b~0c");
        assert_eq!(keys(&path).collect::<Vec<_>>(), ["tasks", "a/b~c"]);
    }
}
