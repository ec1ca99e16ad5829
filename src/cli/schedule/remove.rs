//! `repo schedule remove`.

use serde::Serialize;

use super::{Where, crontab, place, systemctl};
use crate::cli::exit::Status;
use crate::cli::global::Global;
use crate::cli::output::Output;
use crate::error::Result;
use crate::schedule::units::Installation;

/// Remove the timers and the lines of cron of a configuration
///
/// It goes by what was written, not by the configuration, which may be gone. Nothing of others is removed.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    place: Where,
}

#[derive(Serialize)]
struct Removed {
    removed: Vec<String>,
}

/// Removes.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let installation = args.place.installation(global)?;
    let mut removed = units(&args.place, &installation)?;
    if crontab::remove(&args.place, &installation)? {
        removed.push("the lines of cron".to_owned());
    }
    output.report(|output| {
        if output.is_json {
            return output.json(&Removed { removed });
        }
        if removed.is_empty() {
            return output.say("nothing was scheduled");
        }
        removed.iter().try_for_each(|what| output.say(format_args!("removed {what}")))
    })?;
    Ok(Status::Good)
}

/// Removes all units of a configuration, and says which.
///
/// # Errors
/// Those of the file system.
pub fn units(place: &Where, installation: &Installation) -> Result<Vec<String>> {
    let folder = place.unit_folder()?;
    let ours = place::ours(&folder, installation)?;
    if ours.is_empty() {
        return Ok(Vec::new());
    }
    if place.into.is_none() {
        systemctl::forget(installation.scope, &folder, &ours);
    }
    ours.iter().try_for_each(|path| place::remove(path))?;
    if place.into.is_none() {
        systemctl::call(installation.scope, &["daemon-reload"], &[]);
    }
    Ok(ours.iter().map(|path| path.display().to_string()).collect())
}
