//! Jobs.

use std::path::Path;

use super::database::read_database;
use super::defaults::Defaults;
use super::hook::read_hook;
use crate::config::job::Job;
use crate::config::section::Section;

/// A longer name is known to a repository by its beginning and its hash only.
const NAME_BYTES_MAX: usize = 512;

/// The tables below the key `name`, each under a name that somebody gave, in the order of the file.
pub(super) fn read_tables<'t>(top: &Section<'t>, name: &str, table: &'static str) -> Vec<(String, Section<'t>)> {
    let Some(all) = top.section(name, table) else { return Vec::new() };
    let mut names = all.names();
    names.sort_by_key(|(_, span)| span.start);
    names.into_iter().filter_map(|(given, _)| Some((given.clone(), all.section(&given, table)?))).collect()
}

pub(super) fn read_job(section: &Section<'_>, defaults: &Defaults, repository: Option<&Path>) -> Job {
    let name = section.name().to_owned();
    check_name(section, &name);
    let common = Defaults::read_common(section).or(defaults);
    let job = Job {
        name,
        source: section.paths("source").unwrap_or_default(),
        exclude: common.exclude.unwrap_or_default(),
        exclude_caches: common.exclude_caches.unwrap_or_default(),
        exclude_larger_than: common.exclude_larger_than,
        exclude_if_present: common.exclude_if_present.unwrap_or_default(),
        one_file_system: common.one_file_system.unwrap_or_default(),
        require: section.paths("require").unwrap_or_default(),
        schedule: section.schedule("schedule"),
        full: section.schedule("full"),
        differential: section.schedule("differential"),
        keep: common.keep.unwrap_or_default(),
        protect: common.protect,
        is_low: common.is_low.unwrap_or_default(),
        after: common.after.unwrap_or_default(),
        guard: common.guard.unwrap_or_default(),
        databases: section.sections("database", "database").iter().filter_map(read_database).collect(),
        hooks: section.sections("hook", "hook").iter().filter_map(read_hook).collect(),
        tags: section.texts("tags").unwrap_or_default(),
        host: section.word("host"),
    };
    section.finish();
    check_job(section, &job, repository);
    job
}

fn check_name(section: &Section<'_>, name: &str) {
    if name.trim().is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        section.mistake(format!("`{}` cannot be the name of a job: it is the name of its series", name.escape_debug()));
    }
}

fn check_job(section: &Section<'_>, job: &Job, repository: Option<&Path>) {
    if job.source.is_empty() && job.databases.is_empty() && !section.has("source") && !section.has("database") {
        section.mistake(format!("job `{}` saves nothing; give it `source` or a `[[job.{0}.database]]`", job.name));
    }
    for (at, database) in job.databases.iter().enumerate() {
        if job.databases[..at].iter().any(|other| other.name == database.name) {
            section.mistake_of("database", format!("two databases of job `{}` are called `{}`", job.name, database.name));
        }
    }
    for (at, source) in job.source.iter().enumerate() {
        if job.source[..at].contains(source) {
            section.mistake_of("source", format!("`{}` stands there twice", source.display()));
        }
        if repository.is_some_and(|repository| source.starts_with(repository)) {
            section.mistake_of("source", format!("`{}` lies in the repository, which cannot save itself", source.display()));
        }
        if !job.databases.is_empty() && source == Path::new("/") {
            section.mistake_of("source", "`/` cannot be saved together with databases; name the folders below it".to_owned());
        }
    }
    let is_below = |path: &Path| job.source.iter().any(|source| path.starts_with(source));
    for path in job.require.iter().filter(|path| !is_below(path)) {
        section.mistake_of("require", format!("`{}` is required, and no source of job `{}` has it", path.display(), job.name));
    }
}
