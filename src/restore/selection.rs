//! Which entries of a snapshot are restored: patterns and the set of changed paths.
//!
//! The same question is asked of an entry of the destination that the snapshot does not have, before
//! it is deleted: what is not selected is not touched.

use super::request::{PathPredicate, Request};
use crate::source::Filter;

/// The filters of a request. Paths are absolute paths of the snapshot.
#[derive(Clone, Copy)]
pub(super) struct Selection<'a> {
    include: Option<&'a Filter>,
    exclude: Option<&'a Filter>,
    changed_only: Option<&'a PathPredicate<'a>>,
    gone_only: Option<&'a PathPredicate<'a>>,
}

impl<'a> Selection<'a> {
    /// The filters of `request`.
    pub fn new(request: &'a Request<'_>) -> Self {
        Self {
            include: request.include.as_ref(),
            exclude: request.exclude.as_ref(),
            changed_only: request.changed_only,
            gone_only: request.gone_only,
        }
    }

    /// Whether the entry is left out with everything below it.
    pub fn is_excluded(&self, path: &[u8], is_directory: bool) -> bool {
        self.exclude.is_some_and(|filter| filter.is_excluded(path, is_directory))
    }

    /// Whether the patterns to include take the entry in, by itself; what lies below it is then in
    /// too.
    pub fn is_included(&self, path: &[u8], is_directory: bool) -> bool {
        // A filter says of what matches that it is excluded; here that is what is asked for.
        self.include.is_none_or(|filter| filter.is_excluded(path, is_directory))
    }

    /// As [`Selection::is_included`], of the folder `path` or any above it.
    pub fn is_included_from_above(&self, path: &[u8]) -> bool {
        let ends = (1..path.len()).filter(|at| path[*at] == b'/').chain([path.len()]);
        self.include.is_none() || ends.into_iter().any(|end| end > 0 && self.is_included(&path[..end], true))
    }

    /// Why nothing of what is asked for by its `path` is restored, if so: the patterns may mean it, or a folder above
    /// it. In a folder there may be more to include or that changed, so of one only what is excluded is left out.
    pub fn leaves_out(&self, path: &[u8], is_directory: bool) -> Option<&'static str> {
        let mut ends = (1..=path.len()).filter(|end| matches!(path.get(*end), None | Some(b'/')));
        if ends.clone().any(|end| self.is_excluded(&path[..end], is_directory || end < path.len())) {
            Some("a pattern to exclude matches it, or a folder above it")
        } else if is_directory {
            None
        } else if !ends.any(|end| self.is_included(&path[..end], end < path.len())) {
            Some("no pattern to include matches it, or a folder above it")
        } else if !self.is_changed(path) {
            Some("it is not among what changed")
        } else {
            None
        }
    }

    /// Whether the entry is among the changed ones, where only those are asked for.
    pub fn is_changed(&self, path: &[u8]) -> bool {
        self.changed_only.is_none_or(|is_changed| is_changed(path))
    }

    /// Whether what the snapshot does not have may be deleted, where only changed entries are asked for.
    pub fn is_gone(&self, path: &[u8]) -> bool {
        self.gone_only.map_or_else(|| self.is_changed(path), |is_gone| is_gone(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::What;

    fn filter(patterns: &[&str]) -> Option<Filter> {
        Some(Filter::new(&patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>()).unwrap())
    }

    #[test]
    fn a_folder_that_is_included_takes_everything_below_it_in() {
        let request = Request { include: filter(&["/home/*/photos"]), ..Request::new(What::Everything, "/r") };
        let selection = Selection::new(&request);
        assert!(selection.is_included(b"/home/a/photos", true));
        assert!(!selection.is_included(b"/home/a", true));
        assert!(selection.is_included_from_above(b"/home/a/photos/2020"));
        assert!(!selection.is_included_from_above(b"/home/a/mail"));
    }

    #[test]
    fn what_is_asked_for_by_its_path_is_left_out_where_the_filters_leave_it_out() {
        let none = || Request::new(What::Everything, "/r");
        let leaves_out =
            |request: &Request<'_>, path: &[u8], is_directory| Selection::new(request).leaves_out(path, is_directory).is_some();
        for pattern in ["n", "/s/n", "s", "/s/"] {
            let excluded = Request { exclude: filter(&[pattern]), ..none() };
            assert!(leaves_out(&excluded, b"/s/n", false), "{pattern}");
            let included = Request { include: filter(&[pattern]), ..none() };
            assert!(!leaves_out(&included, b"/s/n", false), "{pattern}");
        }
        // A pattern for folders means no file, and what is in a folder may still be meant.
        assert!(!leaves_out(&Request { exclude: filter(&["n/", "m"]), ..none() }, b"/s/n", false));
        assert!(leaves_out(&Request { include: filter(&["n/", "m"]), ..none() }, b"/s/n", false));
        assert!(!leaves_out(&Request { include: filter(&["m"]), ..none() }, b"/s", true));
        let is_changed = |path: &[u8]| path == b"/s/m";
        let changed = Request { changed_only: Some(&is_changed), ..none() };
        assert!(leaves_out(&changed, b"/s/n", false) && !leaves_out(&changed, b"/s/m", false) && !leaves_out(&changed, b"/s", true));
        assert!(!leaves_out(&none(), b"/s/n", false) && !leaves_out(&none(), b"", true));
    }

    #[test]
    fn without_filters_everything_is_selected() {
        let request = Request::new(What::Everything, "/r");
        let selection = Selection::new(&request);
        assert!(selection.is_included(b"/a", false) && selection.is_changed(b"/a"));
        assert!(!selection.is_excluded(b"/a", true) && selection.is_included_from_above(b"/"));
    }
}
