//! Chooses the packs whose data is read, and remembers when each was.
//!
//! Packs that were not read for the longest time come first, and each run takes at least its share
//! of the bytes, so that as many runs as there are shares read everything. What is remembered lies in
//! the cache folder, because it is true of this copy of the repository, on this disk.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use super::request::Data;
use crate::error::{Error, Result};
use crate::id::PackId;
use crate::platform::private;
use crate::units::Timestamp;

/// A sample is one of so many shares: a check a day reads everything within a month.
const SHARES: u64 = 30;
const SECONDS_PER_DAY: i64 = 86_400;
/// The first line of the file; a file with another one is of another version and not read.
const HEAD: &str = "strongroom checked 1";
/// A file of more packs than anybody has is not read.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// When each pack was last read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Checked {
    /// Seconds since 1970.
    times: HashMap<PackId, i64>,
}

impl Checked {
    /// Reads the file; one that is missing or makes no sense is empty, which only means that packs
    /// are read again.
    pub fn load(path: &Path) -> Self {
        if fs::metadata(path).is_ok_and(|metadata| metadata.len() > FILE_BYTES_MAX) {
            return Self::default();
        }
        let text = fs::read_to_string(path).unwrap_or_default();
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Self::default();
        }
        let parse = |line: &str| {
            let (id, seconds) = line.split_once(' ')?;
            Some((PackId::parse(id).ok()?, seconds.parse().ok()?))
        };
        Self { times: lines.filter_map(parse).collect() }
    }

    /// Writes the file; it is there whole or not at all.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut entries: Vec<_> = self.times.iter().collect();
        entries.sort_unstable();
        let mut text = format!("{HEAD}\n");
        for (id, seconds) in entries {
            text.push_str(&format!("{id} {seconds}\n"));
        }
        // Two checks at once write two temporaries, and the later one wins.
        let temporary = path.with_extension(format!("{}.new", std::process::id()));
        let write = || -> std::io::Result<()> {
            let mut file = private::overwrite(&temporary)?;
            file.write_all(text.as_bytes())?;
            fs::rename(&temporary, path)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&temporary);
            Error::io("cannot write", path.display(), error)
        })
    }

    /// Remembers that these packs were whole at `now`, and forgets all that are not `known`.
    pub fn update(&mut self, whole: &[PackId], now: Timestamp, known: &[(PackId, u64)]) {
        self.times.extend(whole.iter().map(|id| (*id, now.seconds)));
        let known: std::collections::HashSet<&PackId> = known.iter().map(|(id, _)| id).collect();
        self.times.retain(|id, _| known.contains(id));
    }

    /// Forgets one pack, so that it is read again first.
    pub fn forget(&mut self, id: &PackId) {
        self.times.remove(id);
    }
}

/// The packs to read, with their lengths, in order of their ids.
pub(super) fn choose(packs: &[(PackId, u64)], checked: &Checked, data: Data, now: Timestamp) -> Vec<(PackId, u64)> {
    let total: u64 = packs.iter().map(|(_, bytes)| bytes).sum();
    let wanted = match data {
        Data::None => return Vec::new(),
        Data::All => return packs.to_vec(),
        Data::Sample => total.div_ceil(SHARES),
        Data::Percent(percent) => (total as f64 * percent / 100.0).ceil() as u64,
    };
    let now = now.seconds;
    // Without a memory every run begins somewhere else, so that even then days differ.
    let start = (now.div_euclid(SECONDS_PER_DAY).rem_euclid(SHARES as i64) as u64).wrapping_mul(u64::MAX / SHARES);
    let key = |id: &PackId| {
        // A time in the future is of a clock that was wrong; believing it would leave the pack out.
        let time = checked.times.get(id).copied().filter(|time| *time <= now);
        let place = u64::from_be_bytes(std::array::from_fn(|n| id.0[n])).wrapping_sub(start);
        (time, place, *id)
    };
    let mut oldest_first = packs.to_vec();
    oldest_first.sort_by_cached_key(|(id, _)| key(id));
    let mut sum = 0;
    let mut chosen: Vec<_> = oldest_first
        .into_iter()
        .take_while(|(_, bytes)| {
            let is_wanted = sum < wanted;
            sum += bytes;
            is_wanted
        })
        .collect();
    chosen.sort_unstable();
    chosen
}
