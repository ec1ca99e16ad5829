//! Which folders and files a run walks, from the paths that it was given.
//!
//! A source that is a symbolic link stands for what it leads to, whether a slash stands behind it or
//! not: a link alone is hardly what somebody wants to save. What it leads to is saved under its own
//! path, so that it restores where it was. The link is followed anew by each run.
//!
//! A source within another is saved with it, and always saved: the walk of the outer one goes to it
//! through folders that filters, `--one-file-system` or missing rights would keep it out of.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::paths::{join, split_path};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::check_name;
use crate::platform::names;
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::units::PathText;

/// So many sources that lie within others are named one by one: lists that are made by `find` are full of them.
const WITHIN_TOLD_MAX: usize = 10;

/// What a run walks.
#[derive(Default)]
pub(super) struct Sources {
    /// Sorted; none lies within another.
    pub roots: Vec<Source>,
    /// The sources within them.
    pub inner: InnerSources,
    /// What stands in the name of the series: the paths as they were given, without those that lie
    /// within others.
    pub names: Vec<Vec<u8>>,
}

/// A source that is walked.
pub(super) struct Source {
    pub path: Vec<u8>,
    /// Other paths of the same: as it was given, and without any link. Filters may be written with each.
    pub other_names: Vec<Vec<u8>>,
}

/// Sources within others, and the way to them.
#[derive(Default)]
pub(super) struct InnerSources {
    named: BTreeSet<Vec<u8>>,
    /// Folder to the names in it that lead to such sources.
    ways: HashMap<Vec<u8>, BTreeSet<Vec<u8>>>,
}

impl InnerSources {
    /// True when there are none, as nearly always.
    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Whether `path` was named as a source.
    pub(super) fn is_named(&self, path: &[u8]) -> bool {
        self.named.contains(path)
    }

    /// The names in `folder` that are such sources or lead to them.
    pub(super) fn ways_in(&self, folder: &[u8]) -> Option<&BTreeSet<Vec<u8>>> {
        if self.is_empty() { None } else { self.ways.get(folder) }
    }

    /// Those within `root`, sorted.
    pub(super) fn within(&self, root: &[u8]) -> Vec<Vec<u8>> {
        let begin = join(root, b"");
        self.named.range(begin.clone()..).take_while(|path| path.starts_with(&begin)).cloned().collect()
    }

    fn add(&mut self, root: &[u8], path: Vec<u8>) {
        let mut at: &[u8] = &path;
        while at != root {
            let (above, name) = split_path(at);
            self.ways.entry(above.to_vec()).or_default().insert(name.to_vec());
            at = above;
        }
        self.named.insert(path);
    }
}

/// Finds what the absolute `paths` stand for.
///
/// # Errors
/// `Invalid` when there is none, or one is not absolute and plain.
pub(super) fn find_sources(paths: &[Vec<u8>], progress: &dyn Progress) -> Result<Sources> {
    let mut given = paths.iter().map(|path| plain(path)).collect::<Result<Vec<_>>>()?;
    given.sort();
    given.dedup();
    let mut within = Vec::new();
    let mut followed: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(given.len());
    for path in &given {
        let target = if is_link(path) { resolved(path) } else { None };
        if let Some(target) = &target {
            report(progress, path, format!("it is a symbolic link; {} is saved", PathText(target)));
        }
        followed.push((path.clone(), target.unwrap_or_else(|| path.clone())));
    }
    let all: HashSet<Vec<u8>> = followed.iter().map(|(_, path)| path.clone()).collect();
    let mut found: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for (given, mut path) in followed {
        if outer_paths(&path).any(|outer| all.contains(outer) && has_link_between(outer, &path))
            && let Some(target) = resolved(&path)
        {
            report(progress, &given, format!("it lies behind a symbolic link; {} is saved", PathText(&target)));
            path = target;
        }
        let names = found.entry(path.clone()).or_default();
        if given != path {
            names.push(given);
        }
    }
    let mut sources = Sources { names: outermost(&given), ..Sources::default() };
    let all: HashSet<Vec<u8>> = found.keys().cloned().collect();
    for (path, mut other_names) in found {
        match outer_paths(&path).filter(|outer| all.contains(*outer)).last() {
            Some(root) => {
                sources.inner.add(root, path.clone());
                within.push((path.clone(), root.to_vec()));
            }
            None => {
                other_names.extend(resolved(&path).filter(|real| *real != path));
                sources.roots.push(Source { path, other_names });
            }
        }
    }
    tell_within(&within, progress);
    if sources.roots.is_empty() { Err(Error::new(ErrorKind::Invalid, "there is no path to save")) } else { Ok(sources) }
}

/// The path without a slash at its end.
fn plain(path: &[u8]) -> Result<Vec<u8>> {
    let trimmed = if path.len() > 1 { path.strip_suffix(b"/").unwrap_or(path) } else { path };
    let is_plain = trimmed == b"/"
        || trimmed.strip_prefix(b"/").is_some_and(|rest| rest.split(|byte| *byte == b'/').all(|part| check_name(part).is_ok()));
    if !is_plain {
        return Err(Error::new(ErrorKind::Invalid, format!("{} is not an absolute path", PathText(path))));
    }
    Ok(trimmed.to_vec())
}

/// The sorted paths without those that lie within others.
fn outermost(sorted: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let all: HashSet<&[u8]> = sorted.iter().map(Vec::as_slice).collect();
    sorted.iter().filter(|path| !outer_paths(path).any(|outer| all.contains(outer))).cloned().collect()
}

/// The folders above `path`, the nearest first. Each path looks for its own: lists of a hundred thousand paths exist.
pub(super) fn outer_paths(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(path), |at| if *at == b"/" { None } else { Some(split_path(at).0) }).skip(1)
}

/// Says which sources are saved with others: each, where they are few.
fn tell_within(within: &[(Vec<u8>, Vec<u8>)], progress: &dyn Progress) {
    for (path, root) in within.iter().take(WITHIN_TOLD_MAX) {
        report(progress, path, format!("it lies within {} and is saved with it", PathText(root)));
    }
    if within.len() > WITHIN_TOLD_MAX {
        report(progress, b"", format!("and {} more paths lie within others and are saved with these", within.len() - WITHIN_TOLD_MAX));
    }
}

fn is_link(path: &[u8]) -> bool {
    names::to_path(path).symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}

/// Whether a folder between `outer` and `path`, which lies within it, is a link: the walk of `outer`
/// would not come by.
fn has_link_between(outer: &[u8], path: &[u8]) -> bool {
    let mut at = outer.to_vec();
    let below = if outer == b"/" { &path[1..] } else { &path[outer.len() + 1..] };
    below.split(|byte| *byte == b'/').any(|name| {
        at = join(&at, name);
        is_link(&at)
    })
}

/// The path without any link; none when it leads nowhere.
fn resolved(path: &[u8]) -> Option<Vec<u8>> {
    names::to_path(path).canonicalize().ok().map(names::into_bytes)
}

fn report(progress: &dyn Progress, path: &[u8], message: String) {
    progress.report(Finding::new(FindingKind::Note(Topic::Source), path, message));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn find(paths: &[&str]) -> Result<Sources> {
        let paths: Vec<Vec<u8>> = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        find_sources(&paths, &Silent)
    }

    fn roots(paths: &[&str]) -> Vec<String> {
        find(paths).unwrap().roots.into_iter().map(|root| String::from_utf8(root.path).unwrap()).collect()
    }

    #[test]
    fn sources_within_others_are_saved_once() {
        assert_eq!(roots(&["/b", "/a/b/c", "/a/b/", "/a/bc"]), ["/a/b", "/a/bc", "/b"]);
        assert_eq!(roots(&["/", "/a"]), ["/"]);
        let found = find(&["/b", "/a/b/c/d", "/a/b/", "/"]).unwrap();
        assert!(found.inner.is_named(b"/a/b/c/d") && !found.inner.is_named(b"/a/b/c"));
        let ways = |folder: &[u8]| found.inner.ways_in(folder).map(|names| names.iter().cloned().collect::<Vec<_>>());
        assert_eq!(ways(b"/"), Some(vec![b"a".to_vec(), b"b".to_vec()]));
        assert_eq!(ways(b"/a/b"), Some(vec![b"c".to_vec()]));
        assert_eq!(ways(b"/a/b/c/d"), None);
        assert_eq!(found.inner.within(b"/a"), [b"/a/b".to_vec(), b"/a/b/c/d".to_vec()]);
    }

    #[test]
    fn of_many_sources_within_others_a_few_are_named_and_the_rest_is_counted() {
        let paths: Vec<Vec<u8>> = (0..30).map(|n| format!("/a/{n}").into_bytes()).chain([b"/a".to_vec()]).collect();
        let told = crate::progress::Collected::default();
        assert_eq!(find_sources(&paths, &told).unwrap().roots.len(), 1);
        let told = told.take();
        assert_eq!(told.len(), WITHIN_TOLD_MAX + 1);
        assert_eq!(told[WITHIN_TOLD_MAX].message, "and 20 more paths lie within others and are saved with these");
    }

    #[test]
    fn paths_that_are_not_plain_are_refused() {
        for path in ["a", "/a/../b", "/a//b", "", "/a/./b"] {
            assert_eq!(find(&[path]).err().unwrap().kind(), ErrorKind::Invalid, "{path}");
        }
        assert!(find(&[]).is_err());
    }

    #[test]
    fn links_are_followed_also_those_on_the_way_from_one_source_to_another() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let at = |name: &str| root.join(name).to_str().unwrap().to_owned();
        std::fs::create_dir_all(at("home/me")).unwrap();
        std::fs::create_dir_all(at("disk/photos/2020")).unwrap();
        std::os::unix::fs::symlink(at("disk/photos"), at("home/photos")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("home/dead")).unwrap();
        assert_eq!(roots(&[&at("home/photos")]), [at("disk/photos")]);
        assert_eq!(roots(&[&at("home/photos/2020")]), [at("home/photos/2020")]);
        assert_eq!(roots(&[&at("home"), &at("home/photos/2020")]), [at("disk/photos/2020"), at("home")]);
        assert_eq!(roots(&[&at("home/photos"), &at("disk/photos")]), [at("disk/photos")]);
        assert_eq!(roots(&[&at("home/dead")]), [at("home/dead")]);
        let found = find(&[&at("home/photos")]).unwrap();
        assert_eq!((&found.names, &found.roots[0].other_names), (&vec![at("home/photos").into()], &vec![at("home/photos").into()]));
        let found = find(&[&at("home/photos/2020")]).unwrap();
        assert_eq!(found.roots[0].other_names, [at("disk/photos/2020").into_bytes()]);
    }
}
