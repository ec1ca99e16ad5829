//! The file as a whole.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::database::read_password;
use super::defaults::Defaults;
use super::hook::read_notice;
use super::job::{read_job, read_tables};
use crate::config::mistakes::{Finding, Mistakes, place};
use crate::config::plan::{Check, Config, Drill};
use crate::config::section::{Reading, Section, number};
use crate::config::trust::check_trust;
use crate::config::values::{Count, read_percent};
use crate::error::{Error, ErrorKind, Result};

/// The version of the language that this program reads.
const VERSION: u64 = 1;
/// A configuration is never longer.
const BYTES_MAX: u64 = 1 << 20;

/// Reads the configuration in `file`, which nobody else may be able to write to where it runs programs.
///
/// # Errors
/// `Invalid` with all mistakes; `Denied` where others may write to it; those of the file.
pub fn load(file: &Path) -> Result<Config> {
    let shown = || format!("the configuration \"{}\"", file.display());
    let failed = |error| Error::io("cannot read", shown(), error);
    let metadata = std::fs::metadata(file).map_err(failed)?;
    if !metadata.is_file() || metadata.len() > BYTES_MAX {
        return Err(Error::new(ErrorKind::Invalid, format!("{} is no file of a configuration", shown())));
    }
    let text = std::fs::read(file).map_err(failed)?;
    let text = String::from_utf8(text).map_err(|_| Error::new(ErrorKind::Invalid, format!("{} is no text in UTF-8", shown())))?;
    let config = read(file, &text).map_err(Mistakes::into_error)?;
    check_trust(file, &metadata, config.has_commands)?;
    Ok(config)
}

/// Reads the `text` of a configuration that stands in `file`.
///
/// # Errors
/// All mistakes.
pub fn read(file: &Path, text: &str) -> std::result::Result<Config, Mistakes> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let reading = Reading { mistakes: Finding::default(), places: RefCell::default(), has_commands: Cell::new(false) };
    for error in &errors {
        // Where the grammar is broken the rest means little.
        reading.mistakes.add(error.span().unwrap_or(0..0), error.message().to_owned());
    }
    if !errors.is_empty() {
        return Err(reading.mistakes.finish(file, text));
    }
    let top = Section::new(&reading, table.get_ref(), 0..0, "", "");
    let mut config = read_top(&top);
    top.finish();
    config.has_commands = reading.has_commands.get();
    config.lines = reading.places.borrow().iter().map(|(path, at)| (path.clone(), place(text, *at).0)).collect();
    (config.file, config.text) = (file.to_owned(), text.to_owned());
    if reading.mistakes.is_empty() { Ok(config) } else { Err(reading.mistakes.finish(file, text)) }
}

fn read_top(top: &Section<'_>) -> Config {
    check_version(top);
    let repository = top.word("repository").map(PathBuf::from);
    if repository.as_deref().is_some_and(|path| !path.is_absolute() && !path.to_string_lossy().contains("://")) {
        top.mistake_of("repository", "`repository` is no absolute path; begin with `/`");
    }
    let password = top.section("password", "password").and_then(|section| read_password(&section, true));
    let defaults = top.section("defaults", "defaults").map(|section| Defaults::read(&section)).unwrap_or_default();
    let mut jobs = Vec::new();
    for (_, section) in read_tables(top, "job", "job") {
        jobs.push(read_job(&section, &defaults, repository.as_deref()));
    }
    if !top.has("job") {
        top.mistake("there is no job; begin one with `[job.NAME]`");
    }
    let (check, drill) = (read_check(top), top.section("drill", "drill").map(|section| read_drill(&section)));
    let prune = top.section("prune", "prune").and_then(|section| {
        let schedule = section.schedule("schedule");
        section.finish();
        schedule
    });
    let notices = top.sections("notify", "notify").iter().filter_map(read_notice).collect();
    let later_tables = check_later(top, &jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>());
    Config { repository, password, jobs, prune, check, drill, notices, later_tables, ..Config::default() }
}

/// The version stands first, so that a program that does not know it says so before anything else.
fn check_version(top: &Section<'_>) {
    let Some(value) = top.value("version") else {
        top.mistake(format!("`version = {VERSION}` must stand first"));
        return;
    };
    match number(value.value) {
        Some(VERSION) => {}
        Some(other) => {
            top.mistake_at(value.span.clone(), format!("version {other} is not known to this program, which reads version {VERSION}"))
        }
        None => top.mistake_at(value.span.clone(), format!("`version` is {VERSION}, without quotes")),
    }
    if top
        .names()
        .iter()
        .map(|(_, span)| span.start)
        .min()
        .is_some_and(|first| top.names().iter().any(|(name, span)| name == "version" && span.start != first))
    {
        top.mistake_at(value.span, "`version` must stand before everything else");
    }
}

fn read_check(top: &Section<'_>) -> Check {
    let mut check = Check::default();
    let Some(section) = top.section("check", "check") else { return check };
    if let Some(percent) = section.parsed("daily", read_percent) {
        check.daily_percent = percent;
    }
    check.schedule = section.schedule("schedule");
    section.finish();
    check
}

fn read_drill(section: &Section<'_>) -> Drill {
    let mut drill = Drill { schedule: section.schedule("schedule"), scratch: section.path("scratch"), ..Drill::default() };
    drill.rehearse = section.schedule("rehearse");
    if let Some(sample) = section.section("sample", "sample") {
        drill.newest = sample.number("newest").unwrap_or(drill.newest);
        drill.random = sample.number("random").unwrap_or(drill.random);
        drill.databases = super::defaults::count(&sample, "databases").unwrap_or(Count::All);
        sample.finish();
    }
    section.finish();
    drill
}

/// Disks and copies: their keys are looked at, and what they say is done by a later version. The tables that there are.
fn check_later(top: &Section<'_>, jobs: &[&str]) -> Vec<String> {
    let mut tables = Vec::new();
    let check_jobs = |section: &Section<'_>, key: &str| {
        for name in section.texts(key).into_iter().flatten().filter(|name| !jobs.contains(&name.as_str())) {
            section.mistake_of(key, format!("there is no job `{name}`"));
        }
    };
    for (name, section) in read_tables(top, "media", "media") {
        tables.push(format!("media.{name}"));
        section.texts("disks");
        check_jobs(&section, "write");
        section.finish();
    }
    for (name, section) in read_tables(top, "copy", "copy") {
        tables.push(format!("copy.{name}"));
        section.word("to");
        section.schedule("schedule");
        check_jobs(&section, "jobs");
        section.finish();
    }
    tables
}
