//! What `find` looks for: a name or a path, as a glob or as a part of it.

use std::borrow::Cow;

use globset::{GlobBuilder, GlobMatcher};

use crate::error::{Error, ErrorKind, Result};
use crate::platform::names;

/// A pattern. One with a slash is compared with whole paths, any other with names.
#[derive(Clone, Debug)]
pub struct Pattern {
    wanted: Wanted,
    on_paths: bool,
    ignore_case: bool,
}

#[derive(Clone, Debug)]
enum Wanted {
    Glob(GlobMatcher),
    Part(Vec<u8>),
}

impl Pattern {
    /// Reads a pattern. With `*`, `?`, `[` or `{` it is a glob that has to fit the whole name or path:
    /// `*` and `?` match any bytes but `/` (`?` one byte), `**` any number of folders, and one with a slash inside but
    /// none at its start fits at any depth. Without, it is a part of the name or path.
    /// `ignore_case` takes upper and lower case as equal.
    ///
    /// # Errors
    /// `Invalid` when it is empty or no glob.
    pub fn new(text: &str, ignore_case: bool) -> Result<Self> {
        let invalid = |why: &str| Error::new(ErrorKind::Invalid, format!("`{}` is not a pattern: {why}", text.escape_debug()));
        if text.is_empty() {
            return Err(invalid("it is empty"));
        }
        let on_paths = text.contains('/');
        if !text.contains(['*', '?', '[', '{']) {
            let part = if ignore_case { fold(text.as_bytes()) } else { text.as_bytes().to_vec() };
            return Ok(Self { wanted: Wanted::Part(part), on_paths, ignore_case });
        }
        let anchored = if on_paths && !text.starts_with('/') { format!("**/{text}") } else { text.to_owned() };
        // globset ignores the case of ASCII only, so both sides are brought to lower case instead.
        let anchored = if ignore_case { lower(&anchored) } else { anchored };
        let glob = GlobBuilder::new(&anchored).literal_separator(true).backslash_escape(true).build();
        let glob = glob.map_err(|error| invalid(&error.kind().to_string()))?;
        Ok(Self { wanted: Wanted::Glob(glob.compile_matcher()), on_paths, ignore_case })
    }

    /// Whether whole paths are compared, so that where a folder lies matters.
    pub fn is_on_paths(&self) -> bool {
        self.on_paths
    }

    /// Whether the entry at `path` fits.
    pub fn fits(&self, path: &[u8]) -> bool {
        let name = || path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let subject = if self.on_paths { path } else { name() };
        let folded = if self.ignore_case { Cow::Owned(fold(subject)) } else { Cow::Borrowed(subject) };
        match &self.wanted {
            Wanted::Glob(glob) => glob.is_match(names::to_path(&folded)),
            Wanted::Part(part) => contains(&folded, part),
        }
    }
}

fn contains(subject: &[u8], part: &[u8]) -> bool {
    subject.windows(part.len()).any(|window| window == part)
}

/// Lower case; bytes that are not UTF-8 become replacement characters, so that only `*` fits them.
fn fold(bytes: &[u8]) -> Vec<u8> {
    lower(&String::from_utf8_lossy(bytes)).into_bytes()
}

/// Lower case, each character for itself: `str::to_lowercase` writes a Greek sigma otherwise at the
/// end of a word, and a part of a word ends elsewhere than the word.
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &[u8]) -> bool {
        Pattern::new(pattern, false).unwrap().fits(path)
    }

    #[test]
    fn a_word_is_a_part_of_the_name_and_a_glob_is_all_of_it() {
        assert!(fits("port", b"/home/report.txt") && !fits("home", b"/home/report.txt"));
        assert!(fits("*.txt", b"/home/report.txt") && !fits("rep*", b"/home/a-report.txt"));
        assert!(fits("*.t?t", b"/home/\xff\n.txt"));
    }

    #[test]
    fn a_slash_makes_it_a_pattern_of_paths() {
        assert!(fits("me/re", b"/home/report.txt") && fits("home/*.txt", b"/x/home/report.txt"));
        assert!(fits("/home/**/*.txt", b"/home/a/b/c.txt") && !fits("/home/*.txt", b"/home/a/c.txt"));
        assert!(!fits("/b/*.txt", b"/a/b/c.txt"));
    }

    #[test]
    fn case_is_ignored_where_asked_for() {
        for pattern in ["ÄPFEL", "*ÄPFEL*"] {
            assert!(Pattern::new(pattern, true).unwrap().fits("/obst/äpfel.txt".as_bytes()), "{pattern}");
            assert!(!Pattern::new(pattern, false).unwrap().fits("/obst/äpfel.txt".as_bytes()));
        }
    }

    /// Found by the fuzz target `find_pattern`: the part lost its fit when case was ignored.
    #[test]
    fn a_part_of_a_word_fits_though_it_ends_in_a_greek_sigma() {
        for (pattern, path) in [("ΑΣ", "/ΑΣΒ"), ("ασ", "/ΑΣ"), ("*ας", "/ΑΣ"), ("ας", "/ασβ")] {
            assert!(Pattern::new(pattern, true).unwrap().fits(path.as_bytes()), "{pattern} in {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["", "[a", "{a"] {
            assert_eq!(Pattern::new(pattern, false).unwrap_err().kind(), ErrorKind::Invalid);
        }
    }
}
