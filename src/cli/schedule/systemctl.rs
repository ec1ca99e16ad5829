//! Telling systemd, where it runs; else saying what to type.

use std::path::{Path, PathBuf};

use crate::children::Program;
use crate::cli::message;
use crate::cli::text::shell_word;
use crate::progress::Silent;
use crate::schedule::units::Scope;

/// The names of the timers among units.
pub fn timers<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> Vec<String> {
    let is_timer = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "timer");
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    paths.into_iter().filter(is_timer).filter_map(name).collect()
}

/// Runs `systemctl` with these arguments. Where that does not work, the command is said.
pub fn call(scope: Scope, words: &[&str], units: &[String]) -> bool {
    let done = quietly(scope, words, units);
    if !done {
        let user = if scope == Scope::User { " --user" } else { "" };
        let units: String = units.iter().map(|unit| format!(" {}", shell_word(unit))).collect();
        message::hint(format_args!(
            "systemd does not answer here; where it runs, type `systemctl{user} {}{units}`; where it never does, there is --cron",
            words.join(" ")
        ));
    }
    done
}

/// The same where it does not matter whether it works.
pub fn quietly(scope: Scope, words: &[&str], units: &[String]) -> bool {
    let user = (scope == Scope::User).then_some("--user");
    let program = Program::new("systemctl").args(user).args(words).args(units);
    program.run(&Silent).is_ok_and(|ended| ended.status.success())
}

/// Takes timers of files that are about to be removed out of work.
pub fn forget(scope: Scope, folder: &Path, files: &[PathBuf]) {
    let timers = timers(files);
    // One that never was at work cannot be stopped, which is as well.
    if !timers.is_empty() && folder.is_dir() {
        quietly(scope, &["disable", "--now"], &timers);
        quietly(scope, &["clean", "--what=state"], &timers);
    }
}
