//! `repo settings`: what can be changed about a repository at any time.

use clap::Subcommand;
use serde::Serialize;

use super::decided;
use super::exit::Status;
use super::global::{Global, warn_of_missing};
use super::output::Output;
use super::times;
use crate::annotate::{Annotation, Settings, read_settings};
use crate::error::Result;
use crate::progress::Silent;
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
struct SettingsLine {
    protect_seconds: u64,
    protect_seconds_now: u64,
}

/// Changes what is asked for, and prints the settings as they are then.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let is_changed = args.change.is_some();
    let repository = match args.change {
        None => global.open()?,
        Some(Change::Protect { time }) => {
            let annotator = decided::begin(global)?;
            warn_of_missing(annotator.catalogued());
            annotator.write(&Annotation::Protect { seconds: time }, &Silent)?;
            annotator.finish()
        }
    };
    if is_changed && output.is_quiet && !output.is_json {
        return Ok(Status::Good);
    }
    let Settings { protect_seconds, protect_seconds_now, lowered_from } = read_settings(&repository, Timestamp::now)?;
    output.report(|output| {
        if output.is_json {
            return output.json(&SettingsLine { protect_seconds, protect_seconds_now });
        }
        output.line(format_args!("protect  {}", times::length(protect_seconds)))?;
        match lowered_from {
            Some(from) => {
                let held = times::length(protect_seconds_now);
                output.line(format_args!("         {held} holds until {}, because it was set before", times::local(from)))
            }
            None => Ok(()),
        }
    })?;
    Ok(Status::Good)
}
