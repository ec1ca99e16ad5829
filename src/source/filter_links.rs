//! A pattern that is written as a path through a symbolic link means what the link leads to.
//!
//! People write the path that they know: `/home/me/cloud/cache`, though `cloud` is a link and the walk
//! meets the folder under another name. So the folders at the beginning of an absolute pattern, up to
//! the first wildcard, are resolved as the kernel would resolve them.

use std::path::PathBuf;

use crate::platform::names;

/// The pattern with the folders of its beginning resolved; none when that changes nothing.
///
/// The last name is that of the entry that is meant and stays: `/a/link` leaves out the link. With a
/// slash behind it it is a folder, and resolved.
pub(super) fn resolve_pattern(pattern: &str) -> Option<String> {
    let (mark, path) = pattern.strip_prefix('!').map_or(("", pattern), |path| ("!", path));
    let path = path.strip_prefix('/')?;
    let (path, end) = path.strip_suffix('/').map_or((path, ""), |path| (path, "/"));
    let parts: Vec<&str> = path.split('/').collect();
    let folders_max = if end.is_empty() { parts.len() - 1 } else { parts.len() };
    let folders: Vec<Vec<u8>> = parts[..folders_max].iter().map_while(|part| literal(part)).collect();
    // What is not there, or may not be looked at, is left as it is written.
    (1..=folders.len())
        .rev()
        .find_map(|count| {
            let given: PathBuf =
                std::iter::once(names::to_path(b"/")).chain(folders[..count].iter().map(|part| names::to_path(part))).collect();
            let resolved = given.canonicalize().ok()?;
            Some((count, resolved != given, resolved))
        })
        .filter(|(_, differs, _)| *differs)
        .and_then(|(count, _, resolved)| {
            let rest = parts[count..].iter().flat_map(|part| ["/", part]).collect::<String>();
            let resolved = resolved.to_str().map(globset::escape)?;
            let resolved = resolved.trim_end_matches('/');
            Some(format!("{mark}{resolved}{rest}{end}")).filter(|pattern| !pattern.trim_matches(['!', '/']).is_empty())
        })
}

/// The name that a part of a pattern stands for; none when it has a wildcard.
fn literal(part: &str) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(part.len());
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'*' | b'?' | b'[' | b'{' => return None,
            b'\\' => name.push(bytes.next()?),
            byte => name.push(byte),
        }
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_a_pattern_are_followed_through_links_and_its_last_name_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real [1]/sub")).unwrap();
        std::os::unix::fs::symlink("real [1]", root.join("a*b")).unwrap();
        let root = root.to_str().unwrap();
        let resolved = |rest: &str| resolve_pattern(&format!("{root}/{rest}")).map(|found| found[root.len()..].to_owned());
        assert_eq!(resolved("a\\*b/x").as_deref(), Some("/real [[]1[]]/x"));
        assert_eq!(resolved("a\\*b/sub/*.o").as_deref(), Some("/real [[]1[]]/sub/*.o"));
        assert_eq!(resolved("a\\*b/none/**/y").as_deref(), Some("/real [[]1[]]/none/**/y"));
        assert_eq!(resolved("a\\*b/").as_deref(), Some("/real [[]1[]]/"));
        assert_eq!(resolve_pattern(&format!("!{root}/a\\*b/x")).unwrap(), format!("!{root}/real [[]1[]]/x"));
        for unchanged in ["a\\*b", "real \\[1\\]/x", "a*b/x", "none/x"] {
            assert_eq!(resolved(unchanged), None, "{unchanged}");
        }
        for unchanged in ["*.o", "a/b", "/", "!", "/*"] {
            assert_eq!(resolve_pattern(unchanged), None, "{unchanged}");
        }
    }
}
