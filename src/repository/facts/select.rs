//! Which snapshot is meant: the beginning of an id, `latest`, `latest~2`, or a moment such as `yesterday`;
//! the last two also of one series, as in `latest@SERIES`.

use std::cmp::Reverse;

use jiff::tz::TimeZone;

use super::moment::parse_moment;
use crate::catalog::{Listing, Summary, series_key};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ID_PREFIX_MIN, SnapshotId};
use crate::repository::Repository;
use crate::retention::CLOCK_SKEW_SECONDS_MAX;
use crate::units::Timestamp;

/// Where a choice is made: at which time, and among which snapshots.
pub struct Among<'a> {
    /// The time now.
    pub now: Timestamp,
    /// The local time zone. It is asked for moments alone: to find that of the system, every folder of the time
    /// zone database is read.
    pub zone: &'a dyn Fn() -> TimeZone,
    /// The snapshots that may be meant; none when all may.
    pub wanted: Option<&'a dyn Fn(&SnapshotId) -> bool>,
}

impl Among<'_> {
    fn has(&self, id: &SnapshotId) -> bool {
        self.wanted.is_none_or(|wanted| wanted(id))
    }
}

/// `9999d` are 27 years.
const DAYS_CHARACTERS_MAX: usize = 5;

/// What a name says besides an id.
enum Point {
    /// The newest but so many.
    Latest(usize),
    /// The newest that is not later.
    Moment(Timestamp),
}

impl Repository {
    /// As [`Repository::select_among`], of all snapshots and in the time zone of the system.
    ///
    /// # Errors
    /// As [`Repository::select_among`].
    pub fn select(&self, listing: &Listing, text: &str, now: Timestamp) -> Result<SnapshotId> {
        self.select_among(listing, text, &Among { now, zone: &TimeZone::system, wanted: None })
    }

    /// The snapshot that `text` means among `listing`. `latest` and moments go by the times of the snapshots, and
    /// none of them is one that lies in the future.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Invalid` when the text is not clear; `Damaged` when the one that is meant may be
    /// one that cannot be read.
    pub fn select_among(&self, listing: &Listing, text: &str, among: &Among<'_>) -> Result<SnapshotId> {
        let (name, series) = match text.split_once('@') {
            Some((name, series)) => (name, Some(series)),
            None => (text, None),
        };
        let back = match parse_point(name, among)? {
            Some(Point::Moment(_)) if series.is_none() && is_id_of_any(listing, name) => {
                let message = format!("`{name}` is a time and the beginning of an id; write more of the id, or `{name} ago`");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            Some(Point::Moment(moment)) => return choose(listing, text, series, among, Some(moment), 0),
            Some(Point::Latest(back)) => back,
            None => return find_id(listing, text, among),
        };
        choose(listing, text, series, among, None, back)
    }
}

/// The newest but `back` of the snapshots of `series` that are not later than `moment`.
fn choose(
    listing: &Listing,
    text: &str,
    series: Option<&str>,
    among: &Among<'_>,
    moment: Option<Timestamp>,
    back: usize,
) -> Result<SnapshotId> {
    let (past, future) = sort_newest_first(listing, series, among);
    let (last, is_past) = (past.last().copied(), |summary: &&Summary| moment.is_none_or(|moment| summary.time <= moment));
    let found = past.into_iter().filter(is_past).nth(back);
    check_known(listing, text, found)?;
    found.map(|summary| summary.id).ok_or_else(|| {
        let of = series.map(|series| format!(" of series `{}`", series.escape_debug())).unwrap_or_default();
        let but = match future {
            0 => String::new(),
            future => format!(", but for {future} whose time is in the future: set the clock, or name one by its id"),
        };
        let missing = match (moment, last, back) {
            (Some(_), Some(oldest), _) => {
                format!("no snapshot{of} is as old as `{}`; the oldest is {}", text.escape_debug(), oldest.id.short())
            }
            (_, _, 0) => format!("there is no snapshot{of}"),
            _ => format!("there are not {} snapshots{of}", back.saturating_add(1)),
        };
        Error::new(ErrorKind::NotFound, missing + &but)
    })
}

/// Refuses a choice that a snapshot which cannot be read may contradict.
///
/// # Errors
/// `Damaged`.
pub fn check_known(listing: &Listing, text: &str, found: Option<&Summary>) -> Result<()> {
    let Some(doubtful) = listing.unreadable().iter().find(|id| found.is_none_or(|found| !is_older(listing, id, found))) else {
        return Ok(());
    };
    let message = format!(
        "snapshot {} cannot be read, and `{}` may mean it; name another one by its id, see `repo snapshots`",
        doubtful.short(),
        text.escape_debug()
    );
    Err(Error::new(ErrorKind::Damaged, message))
}

/// The snapshots of a series, or of all, the newest first by their times, and how many more lie in the future.
fn sort_newest_first<'l>(listing: &'l Listing, series: Option<&str>, among: &Among<'_>) -> (Vec<&'l Summary>, usize) {
    let key = series.map(|series| series_key(series).into_owned());
    let (future, mut past): (Vec<&Summary>, Vec<&Summary>) = listing
        .summaries()
        .iter()
        .filter(|summary| key.as_ref().is_none_or(|key| *key == summary.series) && among.has(&summary.id))
        .partition(|summary| is_future(summary, among.now));
    past.sort_by_key(|summary| Reverse((summary.time, summary.order())));
    (past, future.len())
}

/// The snapshot that `latest`, `latest@SERIES` or a moment means, and behind it all that it would mean if those before
/// it were not there; `None` when `text` is none of these.
///
/// # Errors
/// `Damaged` when the first may be one that cannot be read.
pub fn find_newest_first<'l>(listing: &'l Listing, text: &str, among: &Among<'_>) -> Result<Option<Vec<&'l Summary>>> {
    let (name, series) = match text.split_once('@') {
        Some((name, series)) => (name, Some(series)),
        None => (text, None),
    };
    let (mut past, _) = sort_newest_first(listing, series, among);
    match parse_point(name, among)? {
        // `latest~0` is the newest, whatever it has.
        Some(Point::Latest(_)) if name == "latest" => {}
        Some(Point::Moment(moment)) if series.is_some() || !is_id_of_any(listing, name) => past.retain(|summary| summary.time <= moment),
        _ => return Ok(None),
    }
    check_known(listing, text, past.first().copied())?;
    Ok(Some(past))
}

/// What `name` says besides an id; `None` when it can only be an id.
fn parse_point(name: &str, among: &Among<'_>) -> Result<Option<Point>> {
    let unclear = || Error::new(ErrorKind::Invalid, format!("`{}` names no snapshot", name.escape_debug()));
    if let Some(back) = name.strip_prefix("latest") {
        let back = match back.strip_prefix('~') {
            Some(number) if number.bytes().all(|digit| digit.is_ascii_digit()) => number.parse().map_err(|_| unclear())?,
            Some(_) => return Err(unclear()),
            None if back.is_empty() => 0,
            None => return Err(unclear()),
        };
        return Ok(Some(Point::Latest(back)));
    }
    let is_hex = !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    // Of what can be an id, only `365d` and the like are a time too. The ids that are printed are longer.
    if is_hex && (!name.ends_with('d') || name.len() > DAYS_CHARACTERS_MAX) {
        return Ok(None);
    }
    // Nor is a path. The zone is looked up for times alone.
    if name.contains('/') {
        return Ok(None);
    }
    let Ok(now) = jiff::Timestamp::new(among.now.seconds, 0) else { return Ok(None) };
    Ok(parse_moment(name, &now.to_zoned((among.zone)())).map(Point::Moment))
}

/// Whether `text` can only be a moment: at which of its colons a path begins is not known before.
pub fn is_moment(text: &str, among: &Among<'_>) -> bool {
    let name = text.split_once('@').map_or(text, |(name, _)| name);
    matches!(parse_point(name, among), Ok(Some(Point::Moment(_))))
}

fn is_id_of_any(listing: &Listing, name: &str) -> bool {
    let ids = listing.summaries().iter().map(|summary| &summary.id).chain(listing.unreadable());
    name.len() >= ID_PREFIX_MIN && ids.into_iter().any(|id| id.to_string().starts_with(name))
}

fn find_id(listing: &Listing, text: &str, among: &Among<'_>) -> Result<SnapshotId> {
    // Ids are printed in small letters; who copies them from elsewhere may have others.
    let id = listing.find_prefix(&text.to_ascii_lowercase())?.id;
    if among.has(&id) {
        return Ok(id);
    }
    Err(Error::new(ErrorKind::NotFound, format!("snapshot {} is not among those that were asked for", id.short())))
}

/// Whether a snapshot lies so far in the future that a clock must be wrong.
pub fn is_future(summary: &Summary, now: Timestamp) -> bool {
    summary.time > now.plus_seconds(CLOCK_SKEW_SECONDS_MAX)
}

/// Whether the snapshot `id`, of which nothing else is known, is surely older than `found`: a run that knew it
/// as the newest began before the time of that one.
pub fn is_older(listing: &Listing, id: &SnapshotId, found: &Summary) -> bool {
    listing.summaries().iter().any(|summary| summary.previous == Some(*id) && summary.started_at <= found.time)
}
