//! What the walk does before it leaves a folder: it looks whether the folder is still what was listed.

use std::sync::Arc;

use super::state::{SourceWalk, closed};
use crate::error::Result;
use crate::progress::FindingKind;
use crate::snapshot::batch::tell_late;
use crate::snapshot::build::Event;
use crate::snapshot::failures::refuse_shortage;
use crate::snapshot::listed::{Late, ROUNDS_MAX};
use crate::snapshot::paths::join;
use crate::snapshot::tally::add;
use crate::source::FileType;

impl<'w, 's, 'scope, 'x> SourceWalk<'w, 's, 'scope, 'x>
where
    'w: 'scope,
    's: 'scope,
{
    /// Looks whether the folder changed since it was listed, and goes on with what has come; true when there
    /// is something. Its node keeps the times from before the listing, so to the next run it has changed.
    pub(super) fn take_late(&mut self) -> Result<bool> {
        let Some(level) = self.levels.last_mut() else { return Ok(false) };
        if level.is_closed_to_us {
            return Ok(false);
        }
        // It is open: the last entry was just asked for.
        let Some(listed) = level.listing.listed().map(Arc::clone) else { return Ok(false) };
        let folder = level.listing.folder(closed)?;
        level.has_moved |= listed.begin_to_leave();
        let looked = folder.stat_self().map(|stat| (stat.mtime, stat.ctime));
        let changed_at = looked.unwrap_or(level.changed_at);
        let is_doubtful = level.rounds == 0 && changed_at.0.max(changed_at.1) > self.doubtful_after;
        if changed_at == level.changed_at && !level.has_moved && !is_doubtful {
            return Ok(false);
        }
        (level.changed_at, level.has_moved) = (changed_at, false);
        level.rounds += 1;
        let is_in_time = level.rounds <= ROUNDS_MAX;
        let late = match listed.take_late(&folder) {
            Ok(late) => late,
            Err(error) => {
                refuse_shortage(&error)?;
                None
            }
        };
        let is_known = late.is_some();
        let may_take = |late: &Late| is_in_time && (listed.is_held() || late.is_last);
        let (taken, left): (Vec<Late>, Vec<Late>) = late.unwrap_or_default().into_iter().partition(may_take);
        let has_more = !taken.is_empty();
        level.listing.go_on(taken.into_iter().map(|late| late.name));
        if has_more {
            listed.stay();
        }
        let (rules, filter, unwanted) = (&level.rules, self.with.filter, self.with.unwanted);
        let is_missed = |late: &Late| {
            let path = join(&self.path, &late.name);
            let stat = folder.stat(&late.name);
            let is_left_out = |is_directory| rules.is_excluded(filter, &path, is_directory);
            // Under a name that was there before, what was there before is saved.
            late.is_new_name
                && match stat {
                    Ok(stat) if stat.is_file() && unwanted.is_too_large(stat.size) => false,
                    Ok(stat) => stat.file_type != FileType::Socket && !is_left_out(stat.is_directory()),
                    Err(error) => !error.is_not_found() && !is_left_out(true) && !is_left_out(false),
                }
        };
        let missed = left.into_iter().find(is_missed);
        if missed.is_some() || !is_known {
            level.is_incomplete = true;
            add(&self.with.tally.problems, 1);
            self.report(FindingKind::Changed, self.path.clone(), &tell_late(missed.as_ref().map(|late| late.name.as_slice())));
        }
        Ok(has_more)
    }

    pub(super) fn leave(&mut self) -> Result<()> {
        self.flush_batch()?;
        let Some(mut level) = self.levels.pop() else { return Ok(()) };
        self.ahead -= level.ahead.len();
        if let Some(error) = level.base.failure.take() {
            self.report_lost_base(&error);
        }
        // Of what is only passed through, nothing else was looked at, which its node says already.
        let mut unseen = if level.is_passed_through { Vec::new() } else { level.unseen };
        // What came late came out of order.
        unseen.sort();
        unseen.dedup();
        self.send(Event::Leave { is_incomplete: level.is_incomplete, unseen })
    }
}
