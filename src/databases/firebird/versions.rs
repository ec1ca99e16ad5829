//! Versions of Firebird that are known to lose or to break something that a backup leans on.
//!
//! A version with a known defect is named, not refused: whoever runs it has no other database today.

/// What is known to be wrong with a version as the server says it (`3.0.11`); nothing for most.
pub fn known_defects(version: &str) -> Vec<&'static str> {
    let mut parts = version.split('.').map_while(|part| part.trim().parse::<u32>().ok());
    let (Some(major), Some(minor)) = (parts.next(), parts.next()) else { return Vec::new() };
    let version = (major, minor, parts.next().unwrap_or(0));
    let is_between = |from: (u32, u32, u32), to: (u32, u32, u32)| (from..=to).contains(&version);
    let mut defects = Vec::new();
    if version < (2, 5, 0) {
        defects.push("it is older than anything this was tried with");
    }
    if version == (2, 5, 0) {
        defects.push("it can lose changes when a lock is released (Firebird #3827, mended in 2.5.1)");
    }
    if is_between((2, 5, 0), (2, 5, 8)) {
        defects.push("releasing a lock can stop the server (Firebird #6309, mended in 2.5.9)");
    }
    if is_between((4, 0, 0), (4, 0, 2)) {
        defects.push("two nbackups at once stop the server (Firebird #7281, mended in 4.0.3)");
    }
    if is_between((5, 0, 0), (5, 0, 3)) {
        defects.push("a lock under load can stop a Classic server (Firebird #8901, mended in 5.0.4)");
    }
    defects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_with_known_defects_are_named_and_others_are_not() {
        for (version, count) in
            [("2.1.7", 1), ("2.5.0", 2), ("2.5.8", 1), ("2.5.9", 0), ("3.0.11", 0), ("4.0.2", 1), ("5.0.3", 1), ("5.0.4", 0)]
        {
            assert_eq!(known_defects(version).len(), count, "{version}");
        }
        assert!(known_defects("").is_empty() && known_defects("unknown").is_empty());
    }
}
