//! What `SNAP[:PATH]` means on the command line, and which snapshots a list is about.

use std::collections::HashSet;
use std::ffi::OsStr;

use jiff::tz::TimeZone;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::message;
use super::snapshot::SnapshotKind;
use super::text::shell_word;
use super::times;
use crate::browse::{self, Located, Place, SnapshotFilter, is_at_or_below};
use crate::catalog::{Listing, Summary};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::manifest::Manifest;
use crate::platform::names;
use crate::repository::{Among, ChunkReader, Repository, check_known, find_newest_first, is_future, is_moment};
use crate::units::{PathText, Timestamp};

/// How help texts explain a snapshot.
pub const SNAPSHOT_HELP: &str = "The beginning of an id (4 digits or more), `latest`, `latest~2` (two before it), `latest@SERIES`, or a time: \
     `2026-11-24`, `yesterday`, `tuesday 18:00`, `3d`, each the newest up to then";

/// A snapshot, and a path in it where one was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The snapshot.
    pub id: SnapshotId,
    /// The absolute path in the snapshot that is meant by what stands behind the colon. It is there.
    pub path: Option<Vec<u8>>,
}

/// `latest~2@SERIES` as `latest@SERIES` and 2: how many of those that have a path are passed over. Other names stay as
/// they are.
fn split_back(name: &[u8]) -> (Vec<u8>, usize) {
    let plain = (name.to_vec(), 0);
    let Some(rest) = name.strip_prefix(b"latest~") else { return plain };
    let digits = rest.iter().take_while(|digit| digit.is_ascii_digit()).count();
    let number = std::str::from_utf8(&rest[..digits]).ok().and_then(|number| number.parse::<usize>().ok());
    match number {
        Some(back) if back > 0 && matches!(rest.get(digits), None | Some(b'@')) => ([b"latest", &rest[digits..]].concat(), back),
        _ => plain,
    }
}

impl Selected {
    /// The place in `manifest`, which is that of this snapshot.
    ///
    /// # Errors
    /// None that are expected: the path was found before.
    pub fn place<'m>(&self, manifest: &'m Manifest) -> Result<Place<'m>> {
        match &self.path {
            Some(path) => Place::at(manifest, path),
            None => Ok(Place::whole(manifest)),
        }
    }
}

/// What the names of snapshots in one command are looked up in.
pub struct Chooser<'a> {
    global: &'a Global,
    repository: &'a Repository,
    listing: &'a Listing,
    now: Timestamp,
    /// Those that the options leave; none where all are.
    wanted: Option<HashSet<SnapshotId>>,
}

impl<'a> Chooser<'a> {
    /// Chooses among the snapshots of `listing` that `narrow` leaves.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn new(global: &'a Global, repository: &'a Repository, listing: &'a Listing, narrow: Narrow) -> Result<Self> {
        let filter = SnapshotFilter::from(narrow);
        let wanted = if filter.wants_all() {
            None
        } else {
            let found = browse::filter_snapshots(repository, listing, &filter, &Bar::hidden(global))?;
            Some(found.iter().map(|summary| summary.id).collect())
        };
        Ok(Self { global, repository, listing, now: Timestamp::now(), wanted })
    }

    /// The snapshot that `name` means.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Damaged`.
    pub fn snapshot(&self, name: &str) -> Result<SnapshotId> {
        self.warn_of_future(name.as_bytes());
        let id = self.select(name.as_bytes())?;
        self.tell_choice(name.as_bytes(), &id);
        Ok(id)
    }

    /// The snapshots of a list of names, each once.
    ///
    /// # Errors
    /// As [`Chooser::snapshot`]; then none of them is meant.
    pub fn snapshots(&self, names: &[String]) -> Result<Vec<SnapshotId>> {
        let mut ids = Vec::new();
        for name in names {
            let id = self.snapshot(name)?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// What `SNAP` or `SNAP:PATH` means. Of `latest:PATH` it is the newest snapshot that has the path, of a time and a path the
    /// newest up to then that was asked to save it.
    ///
    /// # Errors
    /// `NotFound` also when the snapshot has no such path: the message says which has it. `Invalid`, `Damaged`.
    pub fn place(&self, reader: &ChunkReader, argument: &OsStr) -> Result<Selected> {
        let bytes = names::to_bytes(argument);
        self.warn_of_future(bytes);
        let (name, path) = self.split(bytes)?;
        let Some(path) = path else {
            let id = self.select(name)?;
            self.tell_choice(name, &id);
            return Ok(Selected { id, path: None });
        };
        let current = std::env::current_dir().ok().map(names::into_bytes);
        let (asked, back) = split_back(name);
        let newest_first = match std::str::from_utf8(&asked) {
            Ok(name) => self.among(|among| find_newest_first(self.listing, name, among))?,
            Err(_) => None,
        };
        let Some(newest_first) = newest_first else {
            let id = self.select(name)?;
            let manifest = self.repository.objects().read_manifest(&id)?;
            let found = browse::locate(reader, &manifest, path, current.as_deref())?;
            let Some(found) = found else { return Err(self.not_there(reader, &id, path, current.as_deref())) };
            self.tell_choice(name, &id);
            return Ok(Selected { id, path: Some(found) });
        };
        let first = newest_first.first().map(|summary| summary.id);
        // At a moment the path was there or not; `latest` is the newest that has it.
        let is_time = self.is_time(name);
        let bar = Bar::hidden(self.global);
        let mut rest = newest_first.as_slice();
        let mut found = browse::locate_first(reader, rest.iter().copied(), path, current.as_deref(), is_time, &bar)?;
        // `~2` counts the snapshots that have the path: two before the newest of them.
        for _ in 0..back {
            let Some(Located { summary, path: Some(_) }) = &found else { break };
            let id = summary.id;
            let behind = rest.iter().position(|summary| summary.id == id).map_or(rest.len(), |at| at + 1);
            rest = &rest[behind..];
            found = browse::locate_first(reader, rest.iter().copied(), path, current.as_deref(), is_time, &bar)?;
        }
        if back > 0 {
            // One that cannot be read may have it too.
            check_known(self.listing, &PathText(name).to_string(), found.as_ref().map(|found| found.summary))?;
        }
        self.tell_path(path, current.as_deref(), found.as_ref());
        match (found, first) {
            (Some(Located { summary, path: None }), _) => Err(self.not_there(reader, &summary.id, path, current.as_deref())),
            (Some(Located { summary, path: found }), first) => {
                self.tell_choice(name, &summary.id);
                if !is_time && back == 0 && first != Some(summary.id) {
                    message::note(format_args!("the newest snapshot that has it: {}", describe(summary)));
                }
                Ok(Selected { id: summary.id, path: found })
            }
            (None, Some(_)) => {
                let which = match back {
                    0 => "no snapshot".to_owned(),
                    back => format!("no snapshot {back} before the newest that has it"),
                };
                let narrowed = self.wanted.is_some() || asked.contains(&b'@');
                let among = if narrowed { " among those that were asked for" } else { "" };
                Err(Error::new(ErrorKind::NotFound, format!("{which}{among} has {}", PathText(path))))
            }
            // With the message that says why there is none.
            (None, None) => self.select(name).map(|id| Selected { id, path: None }),
        }
    }

    /// As [`Chooser::place`]; where no path is given, `otherwise` is meant.
    ///
    /// # Errors
    /// As [`Chooser::place`].
    pub fn place_or(&self, reader: &ChunkReader, argument: &OsStr, otherwise: &[u8]) -> Result<Selected> {
        let (name, path) = self.split(names::to_bytes(argument))?;
        match path {
            Some(_) => self.place(reader, argument),
            None => self.place(reader, names::to_path(&[name, b":", otherwise].concat()).as_os_str()),
        }
    }

    /// The name, and the path behind the colon that ends it. Names of series and times have colons in them
    /// too: of `latest@SERIES:PATH` the longest series that exists is meant, and of a time the longest.
    fn split<'b>(&self, bytes: &'b [u8]) -> Result<(&'b [u8], Option<&'b [u8]>)> {
        let colons: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b':').collect();
        let Some(first) = colons.first() else { return Ok((bytes, None)) };
        let at = |colon: &usize| (&bytes[..*colon], Some(&bytes[*colon + 1..]).filter(|path| !path.is_empty()));
        let mut tried = std::iter::once((bytes, None)).chain(colons.iter().rev().map(at));
        if !bytes[..*first].contains(&b'@') {
            return Ok(tried.find(|(name, _)| self.is_time(name)).unwrap_or_else(|| at(first)));
        }
        // Whether a series exists is asked of what can be read: what cannot be may be of any.
        let mut damage = None;
        for (name, path) in tried {
            match self.select(name) {
                Err(error) if error.kind() == ErrorKind::Damaged => damage = damage.or(Some(error)),
                Err(_) => {}
                Ok(_) => return Ok((name, path)),
            }
        }
        damage.map_or_else(|| Ok(at(first)), Err)
    }

    fn select(&self, name: &[u8]) -> Result<SnapshotId> {
        let name =
            std::str::from_utf8(name).map_err(|_| Error::new(ErrorKind::Invalid, format!("`{}` names no snapshot", PathText(name))))?;
        self.among(|among| self.repository.select_among(self.listing, name, among))
    }

    fn among<T>(&self, ask: impl FnOnce(&Among<'_>) -> T) -> T {
        let is_wanted = |id: &SnapshotId| self.wanted.as_ref().is_none_or(|wanted| wanted.contains(id));
        ask(&Among { now: self.now, zone: &TimeZone::system, wanted: self.wanted.as_ref().map(|_| &is_wanted as &dyn Fn(&_) -> _) })
    }

    /// The error for a path that a snapshot lacks, with the newest snapshot that has it.
    fn not_there(&self, reader: &ChunkReader, id: &SnapshotId, path: &[u8], current: Option<&[u8]>) -> Error {
        let message = format!("snapshot {} has no {}", id.short(), PathText(path));
        let newest_first = self.among(|among| find_newest_first(self.listing, "latest", among)).ok().flatten().unwrap_or_default();
        let seen = browse::locate_first(reader, newest_first.into_iter(), path, current, false, &Bar::hidden(self.global));
        let message = match seen {
            Ok(Some(Located { summary, path: Some(path) })) => {
                let command = format!("repo restore {}:{} DEST", summary.id.short(), shell_word(&PathText(&path).to_string()));
                format!("{message}; last seen in {}: {command}", describe(summary))
            }
            _ => message,
        };
        Error::new(ErrorKind::NotFound, message)
    }

    /// Says which snapshot a time means.
    fn tell_choice(&self, name: &[u8], id: &SnapshotId) {
        if let Some(summary) = self.listing.get(id).filter(|_| self.is_time(name)) {
            message::note(format_args!("`{}` is {}", PathText(name), describe(summary)));
        }
    }

    /// Says what is meant by a path that lies neither where it was typed nor below the current folder.
    fn tell_path(&self, path: &[u8], current: Option<&[u8]>, found: Option<&Located<'_>>) {
        if let Some(whole) = found.and_then(|found| found.path.as_deref())
            && path.first() != Some(&b'/')
            && !current.is_some_and(|current| is_at_or_below(whole, current.strip_suffix(b"/").unwrap_or(current)))
        {
            message::note(format_args!("`{}` is {}", PathText(path), PathText(whole)));
        }
    }

    fn is_time(&self, name: &[u8]) -> bool {
        std::str::from_utf8(name).is_ok_and(|name| self.among(|among| is_moment(name, among)))
    }

    /// Says that `latest` passes over snapshots: either their clock was wrong, or the one of this machine is.
    fn warn_of_future(&self, name: &[u8]) {
        let future = self.listing.summaries().iter().filter(|summary| is_future(summary, self.now)).count();
        if future > 0 && name.starts_with(b"latest") {
            message::warn(format_args!(
                "{future} snapshots have a time in the future, and none of them is taken for the latest; is the clock right?"
            ));
        }
    }
}

/// `4afd348a of Sunday 22 November 2026, 18:00`.
fn describe(summary: &Summary) -> String {
    format!("{} of {}", summary.id.short(), times::long(summary.time))
}

/// How a command ends that was asked about all snapshots: one that cannot be read is missing from the answer.
pub fn status_of(listing: &Listing) -> Status {
    if listing.unreadable().is_empty() { Status::Good } else { Status::Damage }
}

/// Among which snapshots one is meant.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which snapshots")]
pub struct Narrow {
    /// Only snapshots of this series (may be repeated)
    #[arg(long, value_name = "SERIES")]
    series: Vec<String>,

    /// Only snapshots of this machine (may be repeated)
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,

    /// Only snapshots with this tag (may be repeated: with all of them)
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,

    /// Only snapshots that saved this absolute path, or something above or below it (may be repeated)
    #[arg(long, value_name = "PATH")]
    path: Vec<std::ffi::OsString>,
}

impl Narrow {
    /// Whether a machine was named.
    pub fn names_host(&self) -> bool {
        !self.host.is_empty()
    }
}

/// Which snapshots are wanted.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Filters {
    #[command(flatten)]
    narrow: Narrow,

    /// Only snapshots of this kind (may be repeated)
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Vec<SnapshotKind>,

    /// Only the N newest of them
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

impl From<Narrow> for SnapshotFilter {
    fn from(narrow: Narrow) -> Self {
        SnapshotFilter {
            series: narrow.series,
            hosts: narrow.host,
            tags: narrow.tag,
            paths: narrow.path.iter().map(|path| names::to_bytes(path).to_vec()).collect(),
            ..SnapshotFilter::default()
        }
    }
}

impl From<Filters> for SnapshotFilter {
    fn from(filters: Filters) -> Self {
        let kinds = filters.kind.into_iter().map(SnapshotKind::kind).collect();
        SnapshotFilter { kinds, last: filters.last, ..SnapshotFilter::from(filters.narrow) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_the_shell_are_quoted_where_they_must_be() {
        assert_eq!(shell_word("/srv/photos"), "/srv/photos");
        assert_eq!(shell_word("/srv/it's here"), "'/srv/it'\\''s here'");
    }
}
