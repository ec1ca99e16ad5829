//! `repo settings`: what can be changed about a repository at any time.

use clap::Subcommand;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::exit::Status;
use super::global::Global;
use super::locks;
use super::output::Output;
use super::times;
use crate::error::Result;
use crate::manifest::SETTING;
use crate::repository::{Protection, Repository};
use crate::retention::check_clock;
use crate::units::Timestamp;

/// Show and change settings of the repository
///
/// Settings are kept in the repository and hold for every machine.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    change: Option<Change>,
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Protect snapshots from removal for a time after they are committed
    ///
    /// Neither rules nor `repo forget` make a prune remove a protected snapshot. A longer time holds at once; a shorter
    /// one, or `off`, takes effect only when the time before has gone by since the change.
    Protect {
        /// `7d`, `2w`, `36h` or `off`
        #[arg(value_name = "TIME", value_parser = times::parse_length)]
        time: u64,
    },
}

#[derive(Serialize)]
struct Settings {
    protect_seconds: u64,
    protect_seconds_now: u64,
}

/// Changes what is asked for, and prints the settings as they are then.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let is_changed = args.change.is_some();
    if let Some(Change::Protect { time }) = args.change {
        protect(&repository, global, time)?;
    }
    let facts = repository.read_facts()?;
    let (protection, now) = (facts.protection(), Timestamp::now());
    if is_changed && output.is_quiet && !output.is_json {
        return Ok(Status::Good);
    }
    output.report(|output| {
        let set = protection.set_seconds();
        if output.is_json {
            return output.json(&Settings { protect_seconds: set, protect_seconds_now: protection.seconds_at(now) });
        }
        output.line(format_args!("protect  {}", times::length(set)))?;
        match protection.lowered_from(now) {
            Some(from) => {
                let held = times::length(protection.seconds_at(now));
                output.line(format_args!("         {held} holds until {}, because it was set before", times::local(from)))
            }
            None => Ok(()),
        }
    })?;
    Ok(Status::Good)
}

/// Writes a record that says for how long. A clock that is behind would make a lower time hold too early.
fn protect(repository: &Repository, global: &Global, seconds: u64) -> Result<()> {
    let _lock = locks::take_shared(repository, global)?;
    let now = Timestamp::now();
    let listing = global.listing(repository)?;
    if let Some(newest) = listing.summaries().iter().max_by_key(|summary| (summary.committed_at, summary.id)) {
        check_clock(newest.committed_at, &newest.id, now, TimeZone::system)?;
    }
    repository.publish_pairs(vec![(SETTING, Protection::setting(seconds))], now)
}
