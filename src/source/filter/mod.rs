//! What a snapshot leaves out.
//!
//! Patterns are written as in a `.gitignore` and looked at in order; the last one that matches
//! decides. Paths are matched as absolute paths, byte by byte:
//!
//! - `*` and `?` match any bytes but `/` (`?` one byte); `[a-z]`, `[!a-z]` and `{a,b}` work; a
//!   backslash takes the next character as it is; upper and lower case differ.
//! - A pattern without `/`, such as `*.tmp`, matches a name at any depth.
//! - A pattern that begins with `/` is an absolute path: `/home/*/.cache`.
//! - Any other pattern matches the end of a path at any depth: `build/*.o`. (In a `.gitignore` it
//!   would be anchored at the file's folder, which there is none of here.)
//! - `**` between slashes matches any number of folders; `/**` at the end everything below, but not
//!   the folder itself.
//! - A `/` at the end restricts a pattern to folders.
//! - A path that leads through a symbolic link means what it leads to, see [`Filter::following_links`].
//! - A leading `!` takes an entry in again that an earlier pattern left out. A folder that is left
//!   out is not entered, so nothing below it can be taken in again: use `/folder/*` for that.
//!
//! A pattern is taken to the letter, `#` and spaces included; comments exist in files of patterns
//! only (see [`read_exclude_file`]). A pattern that can never match is refused, since whoever wrote
//! it believes that it does.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

use super::file::SourceFile;
use super::filter_links::resolve_pattern;
use super::folder::Folder;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{AsHandle, EntryType, Failure, content, look, names, open};
use crate::units::PathText;

/// The file that marks a folder as a cache, and how it begins (<https://bford.info/cachedir/>).
const CACHE_TAG_NAME: &[u8] = b"CACHEDIR.TAG";
const CACHE_TAG_SIGNATURE: &[u8; 43] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// The patterns of a run, compiled.
#[derive(Clone, Debug)]
pub struct Filter {
    set: GlobSet,
    rules: Vec<Rule>,
    patterns: Vec<String>,
    /// For each pattern what it means too, where links were followed.
    followed: Vec<Option<String>>,
    /// For each pattern whether it has matched anything that was asked for.
    has_matched: Arc<[AtomicBool]>,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    takes_in: bool,
    folders_only: bool,
    /// The number of its pattern.
    pattern: usize,
    /// An absolute path with `/**` at its end.
    is_all_below: bool,
}

impl Filter {
    /// Compiles patterns, in order.
    ///
    /// # Errors
    /// `Invalid`, naming the pattern, when one cannot be understood or can never match.
    pub fn new(excludes: &[String]) -> Result<Self> {
        Self::compile(excludes, vec![None; excludes.len()], |_| None)
    }

    /// As [`Filter::new`]; what is written as a path through a symbolic link, as links are now, means
    /// what the link leads to as well.
    ///
    /// # Errors
    /// As [`Filter::new`].
    pub fn following_links(excludes: &[String]) -> Result<Self> {
        Self::compile(excludes, excludes.iter().map(|pattern| resolve_pattern(pattern)).collect(), |_| None)
    }

    /// As [`Filter::following_links`], with what links meant on another day too: `followed` is what
    /// [`Filter::followed`] said then of the same patterns.
    ///
    /// # Errors
    /// As [`Filter::new`].
    pub fn following_links_of(excludes: &[String], followed: Vec<Option<String>>) -> Result<Self> {
        Self::compile(excludes, followed, resolve_pattern)
    }

    /// For each pattern what it means too, because links were followed.
    pub fn followed(&self) -> &[Option<String>] {
        &self.followed
    }

    fn compile(excludes: &[String], followed: Vec<Option<String>>, resolve: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut set = GlobSetBuilder::new();
        let mut rules = Vec::with_capacity(excludes.len());
        for (at, pattern) in excludes.iter().enumerate() {
            let resolved = resolve(pattern);
            for pattern in std::iter::once(pattern).chain(followed.get(at).into_iter().flatten()).chain(&resolved) {
                let (glob, rule) = translate(pattern, at)?;
                let compiled = GlobBuilder::new(&glob).literal_separator(true).backslash_escape(true).empty_alternates(true).build();
                set.add(compiled.map_err(|error| invalid(pattern, error.kind()))?);
                rules.push(rule);
            }
        }
        let set = set.build().map_err(|error| {
            let what = if excludes.len() == 1 { excludes[0].as_str() } else { "one of the patterns" };
            invalid(what, error.kind())
        })?;
        let has_matched = excludes.iter().map(|_| AtomicBool::new(false)).collect();
        Ok(Self { set, rules, patterns: excludes.to_vec(), followed, has_matched })
    }

    /// The patterns as they were given.
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// The patterns that have matched nothing that this filter was asked for, in order.
    pub fn unmatched(&self) -> Vec<&str> {
        let unmatched = self.patterns.iter().zip(self.has_matched.iter()).filter(|(_, has_matched)| !has_matched.load(Ordering::Relaxed));
        unmatched.map(|(pattern, _)| pattern.as_str()).collect()
    }

    /// The numbers of the patterns that match the entry at the absolute `path`, whichever of them decides.
    pub fn matching(&self, path: &[u8], is_directory: bool) -> Vec<usize> {
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let mut matches = self.set.matches(names::to_path(path));
        matches.retain(|at| is_directory || !self.rules[*at].folders_only);
        matches
    }

    /// True when there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the entry at the absolute `path` is left out. Folders above it are not looked at: who
    /// walks does not enter what is left out.
    pub fn is_excluded(&self, path: &[u8], is_directory: bool) -> bool {
        self.deciding(path, is_directory, &[]).is_some_and(|at| !self.rules[at].takes_in)
    }

    /// The patterns that leave out everything below a folder of `path`, such as `/a/**` for `/a/b`. Who
    /// names `/a/b` as a source does not mean them: see [`Filter::is_any_excluded`].
    pub fn covering(&self, path: &[u8]) -> Vec<usize> {
        let matches = self.set.matches(names::to_path(path.strip_prefix(b"/").unwrap_or(path)));
        matches.into_iter().filter(|at| self.rules[*at].is_all_below).collect()
    }

    /// Whether an entry is left out that is known by several absolute paths: the last pattern that
    /// matches any of them, and is not one of `without`, decides.
    pub fn is_any_excluded<'p>(&self, paths: impl IntoIterator<Item = &'p [u8]>, is_directory: bool, without: &[usize]) -> bool {
        let deciding = paths.into_iter().filter_map(|path| self.deciding(path, is_directory, without)).max();
        deciding.is_some_and(|at| !self.rules[at].takes_in)
    }

    /// The last pattern that matches.
    fn deciding(&self, path: &[u8], is_directory: bool, without: &[usize]) -> Option<usize> {
        if self.rules.is_empty() {
            return None;
        }
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let path = names::to_path(path);
        let candidate = Candidate::new(&*path);
        let mut matches = self.set.matches_candidate(&candidate);
        matches.retain(|at| is_directory || !self.rules[*at].folders_only);
        for at in &matches {
            let has_matched = &self.has_matched[self.rules[*at].pattern];
            // Written once: all threads read it.
            if !has_matched.load(Ordering::Relaxed) {
                has_matched.store(true, Ordering::Relaxed);
            }
        }
        matches.into_iter().rev().find(|at| !without.contains(at))
    }
}

fn invalid(pattern: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Invalid, format!("the pattern `{}` is not valid: {why}", pattern.escape_debug()))
}

/// The glob over paths without their first `/` that a pattern stands for, which is the one `at` this place.
fn translate(pattern: &str, at: usize) -> Result<(String, Rule)> {
    let (takes_in, rest) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
    let (is_absolute, rest) = rest.strip_prefix('/').map_or((false, rest), |rest| (true, rest));
    let (folders_only, rest) = rest.strip_suffix('/').map_or((false, rest), |rest| (true, rest));
    if rest.is_empty() {
        return Err(invalid(pattern, "it names nothing"));
    }
    if rest.contains('\0') || rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(invalid(pattern, "no path has such a part, so it never matches"));
    }
    let mut glob = String::with_capacity(rest.len() + 5);
    if !is_absolute && rest != "**" && !rest.starts_with("**/") {
        glob.push_str("**/");
    }
    glob.push_str(rest);
    // `a/**` means what is in the folder; the plain glob would mean the folder as well.
    let is_all_below = glob.ends_with("/**");
    if is_all_below {
        glob.push_str("/*");
    }
    Ok((glob, Rule { takes_in, folders_only, pattern: at, is_all_below: is_all_below && is_absolute }))
}

/// Reads a file of patterns, one a line. Empty lines and lines that begin with `#` are skipped
/// (write `\#` for a pattern that begins so); spaces at the end of a line are dropped unless a
/// backslash stands before them.
///
/// # Errors
/// `NotFound`, `Denied`; `Invalid` when the file is not UTF-8.
pub fn read_exclude_file(path: &Path) -> Result<Vec<String>> {
    let shown = names::to_bytes(&path);
    let bytes = std::fs::read(path).map_err(|error| Error::io("cannot read the patterns in", PathText(shown), error))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        Error::new(ErrorKind::Invalid, format!("line {line} of {} is not UTF-8; write `?` for each other byte", PathText(shown)))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text.lines().filter(|line| !line.starts_with('#')).map(trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn trim_end(line: &str) -> &str {
    let trimmed = line.trim_end_matches([' ', '\t', '\r']);
    let escapes = trimmed.bytes().rev().take_while(|byte| *byte == b'\\').count();
    // An odd backslash keeps the one character after it.
    if escapes % 2 == 1 { &line[..(trimmed.len() + 1).min(line.len())] } else { trimmed }
}

/// Whether the folder says of itself that it is a cache: it has a regular file `CACHEDIR.TAG` that
/// begins with the signature. What cannot be read marks nothing.
pub fn has_cache_tag(folder: &Folder) -> bool {
    let Ok(stat) = folder.stat(CACHE_TAG_NAME) else { return false };
    let Ok(file) = SourceFile::open(folder, CACHE_TAG_NAME, &stat) else { return false };
    let mut head = [0; CACHE_TAG_SIGNATURE.len()];
    file.read_at(0, &mut head).is_ok_and(|bytes| bytes == head.len()) && head == *CACHE_TAG_SIGNATURE
}

/// Whether an open folder of which nothing may be lost has an entry of this name; one that cannot be looked at may.
pub fn may_have_entry(folder: impl AsHandle, name: &[u8]) -> bool {
    !matches!(look::at_entry(folder, name), Err(Failure::NOT_FOUND))
}

/// As [`has_cache_tag`], of an open folder of which nothing may be lost: one that cannot be looked at may have it.
pub fn may_have_cache_tag(folder: impl AsHandle) -> bool {
    match look::at_entry(&folder, CACHE_TAG_NAME) {
        Err(Failure::NOT_FOUND) => return false,
        Ok(found) if found.entry_type != EntryType::File => return false,
        _ => {}
    }
    let mut head = [0; CACHE_TAG_SIGNATURE.len()];
    let read = open::file_itself(folder, CACHE_TAG_NAME).and_then(|file| content::read_at(&file, &mut head, 0));
    read.map_or_else(|failure| failure != Failure::NOT_FOUND, |bytes| bytes == head.len() && head == *CACHE_TAG_SIGNATURE)
}

#[cfg(test)]
mod tests;
