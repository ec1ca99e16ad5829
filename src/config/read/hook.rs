//! Hooks and notices.

use super::database::read_login;
use crate::config::hook::{Hook, Notice, OnFailure, Way, When};
use crate::config::nearest::nearest;
use crate::config::section::Section;
use crate::config::values::Length;

/// A hook has five minutes where nothing is said: one that hangs must not hold the evening up.
const TIMEOUT: Length = Length(300);
/// What somebody can be told of.
const OCCASIONS: [&str; 5] = ["failed", "suspect", "late", "recovered", "good"];

pub(super) fn read_hook(section: &Section<'_>) -> Option<Hook> {
    let when = section.choice("when", &When::NAMES);
    if !section.has("when") {
        section.mistake("a hook needs `when`: \"before\", \"after\", \"failed\" or \"finally\"");
    }
    let run = section.has("run").then(|| section.command("run")).flatten();
    let shell = section.word("shell").map(|line| vec!["sh".to_owned(), "-c".to_owned(), line]);
    if section.has("run") == section.has("shell") {
        section.mistake("a hook needs either `run`, a program and its arguments, or `shell`, a line for a shell");
    }
    section.has_commands();
    let timeout = section.length("timeout").unwrap_or(TIMEOUT);
    let on_failure = section.choice("on_failure", &OnFailure::NAMES).unwrap_or(OnFailure::Error);
    section.finish();
    Some(Hook { when: when?, run: run.or(shell)?, timeout, on_failure })
}

pub(super) fn read_notice(section: &Section<'_>) -> Option<Notice> {
    // An address that is asked for at every run notices by itself when nobody asks any more.
    let usual = if section.has("ping") { &OCCASIONS[..] } else { &OCCASIONS[..4] };
    let on = section.texts("on").unwrap_or_else(|| usual.iter().map(ToString::to_string).collect());
    if on.is_empty() {
        section.mistake("it does not say of what somebody is told: `on = [\"failed\", \"suspect\", \"late\", \"recovered\"]`");
    }
    for word in on.iter().filter(|word| !OCCASIONS.contains(&word.as_str())) {
        let meant = nearest(word, OCCASIONS).map(|word| format!("; `{word}`?")).unwrap_or_default();
        section.mistake_of("on", format!("`{word}` is none of {}{meant}", OCCASIONS.map(|word| format!("`{word}`")).join(", ")));
    }
    let ways = ["command", "webhook", "ping", "mail"];
    let given: Vec<&str> = ways.into_iter().filter(|way| section.has(way)).collect();
    if given.len() != 1 {
        section.mistake("somebody is told in one way: `command`, `webhook`, `ping` or `mail`");
    }
    let address = |name: &str| section.parsed(name, read_address);
    let command = section.has("command").then(|| section.command("command")).flatten().map(Way::Command);
    let way = command.or(address("webhook").map(Way::Webhook)).or(address("ping").map(Way::Ping));
    let (from, smtp) = (section.word("from"), section.word("smtp"));
    let login = section.section("login", "login").and_then(|login| read_login(&login));
    let mail = section.parsed("mail", |text| {
        let is_address = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        if is_address { Ok(text.to_owned()) } else { Err(format!("`{text}` is no address of mail")) }
    });
    let way = way.or(mail.map(|to| Way::Mail { to, from, smtp, login }));
    let has_paths = section.truth("paths").unwrap_or_default();
    section.finish();
    Some(Notice { on, way: way?, has_paths })
}

fn read_address(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.starts_with('/') => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is no address; begin with `https://`")),
    }
}
