//! The table of cron: a file of ours for the system, some lines of ours in the table of a user.

use std::path::{Path, PathBuf};

use super::{Where, place};
use crate::children::Program;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Silent;
use crate::schedule::units::{Installation, MARK, ScheduledJob, Scope, UnitFile, cron_lines, cron_without_ours, due_name};

/// Where the table of the system lies, which is a folder.
const SYSTEM_FOLDER: &str = "/etc/cron.d";

/// Our file for this configuration; it has the mark of a unit.
fn file(installation: &Installation, jobs: &[ScheduledJob]) -> UnitFile {
    let head = format!("{MARK}\n# strongroom-config: {}\n", installation.config.display());
    // cron takes no names with a point.
    UnitFile { name: due_name(installation), text: head + &cron_lines(installation, jobs) }
}

/// The folder of the file, where it is one.
fn folder(place: &Where) -> Option<PathBuf> {
    place.into.clone().or_else(|| (place.scope() == Scope::System).then(|| Path::new(SYSTEM_FOLDER).to_owned()))
}

/// Writes the lines, and returns where.
///
/// # Errors
/// `Exists` when something else has the name, `Invalid` when cron refuses them.
pub fn install(place: &Where, installation: &Installation, jobs: &[ScheduledJob]) -> Result<String> {
    let Some(folder) = folder(place) else {
        let lines = cron_lines(installation, jobs);
        let table = others(installation)?;
        let line_end = if table.is_empty() || table.ends_with('\n') { "" } else { "\n" };
        write(&format!("{table}{line_end}{lines}"))?;
        return Ok("the table of cron of this user".to_owned());
    };
    let file = file(installation, jobs);
    place::check(&folder, std::slice::from_ref(&file), installation)?;
    place::make_folder(&folder)?;
    place::put(&folder, &file)?;
    Ok(format!("{:?}", folder.join(&file.name)))
}

/// Removes the lines; false where there were none.
///
/// # Errors
/// Those of the file system and of `crontab`.
pub fn remove(place: &Where, installation: &Installation) -> Result<bool> {
    let Some(folder) = folder(place) else {
        let Some(table) = table()? else { return Ok(false) };
        let others = others(installation)?;
        let is_changed = others != table;
        if is_changed && others.trim().is_empty() {
            Program::new("crontab").arg("-r").run(&Silent)?.check()?;
        } else if is_changed {
            write(&others)?;
        }
        return Ok(is_changed);
    };
    let name = due_name(installation);
    let ours = place::ours(&folder, installation)?;
    let ours: Vec<PathBuf> = ours.into_iter().filter(|path| path.file_name().is_some_and(|found| *found == *name)).collect();
    ours.iter().try_for_each(|path| place::remove(path))?;
    Ok(!ours.is_empty())
}

/// Whether the lines are there as they would be written; none where there are no lines.
///
/// # Errors
/// Those of the file system.
pub fn is_current(place: &Where, installation: &Installation, jobs: &[ScheduledJob]) -> Result<Option<bool>> {
    let Some(folder) = folder(place) else {
        let Some(table) = table()? else { return Ok(None) };
        let is_ours = cron_without_ours(&table, installation).is_none_or(|others| others != table);
        return Ok(is_ours.then(|| table.contains(&cron_lines(installation, jobs))));
    };
    let file = file(installation, jobs);
    Ok(match place::look(&folder.join(&file.name), &file.text, installation)? {
        place::Found::Same => Some(true),
        place::Found::Ours => Some(false),
        _ => None,
    })
}

/// The table of this user; none where there is none, or no cron.
fn table() -> Result<Option<String>> {
    match Program::new("crontab").arg("-l").run(&Silent) {
        Err(error) if error.is_not_found() => Ok(None),
        // A user who has none is told so by exit code 1.
        ended => Ok(ended.map(|ended| ended.status.success().then(|| ended.text()))?),
    }
}

fn others(installation: &Installation) -> Result<String> {
    let table = table()?.unwrap_or_default();
    cron_without_ours(&table, installation).ok_or_else(|| {
        let message = "our lines in the table of cron begin and do not end; nothing was changed";
        Error::new(ErrorKind::Changed, message).with_hint("take them out with `crontab -e`")
    })
}

fn write(table: &str) -> Result<()> {
    Program::new("crontab").arg("-").input(table).run(&Silent)?.check().map(|_| ())
}
