//! Help is documentation: `docs/cli.md` is what the program says of itself, so neither can change
//! without the other.
//!
//! `UPDATE=1 cargo test --test integration help` writes the document anew.

use std::fmt::Write;

use clap::Command;

const HEAD: &str = "# The command line

Written by a test from what `repo --help` says; see `tests/cli_help.rs`. Every command takes the
global options too; they stand here once.
";

/// The heading under which clap prints the options that every command takes.
const GLOBAL: &str = "Global options:";

/// The help of a command as lines, and the part of it from the heading of the global options to the
/// next empty line before something that is no option.
fn split_help(command: &mut Command) -> (Vec<String>, Vec<String>) {
    let help = command.render_long_help().to_string();
    let (mut own, mut global, mut is_global) = (Vec::new(), Vec::new(), false);
    for line in help.trim_end().lines().map(str::trim_end) {
        if !line.is_empty() && !line.starts_with(' ') {
            is_global = line == GLOBAL;
        }
        let part: &mut Vec<String> = if is_global { &mut global } else { &mut own };
        part.push(line.to_owned());
    }
    for part in [&mut own, &mut global] {
        while part.last().is_some_and(String::is_empty) {
            part.pop();
        }
    }
    (own, global)
}

fn write_section(text: &mut String, heading: &str, lines: &[String]) {
    write!(text, "\n## {heading}\n\n```text\n{}\n```\n", lines.join("\n")).unwrap();
}

fn write_command(text: &mut String, command: &mut Command, name: &str, expected: &[String]) {
    let (own, global) = split_help(command);
    assert_eq!(global, expected, "`{name}` takes the global options as `repo` does");
    write_section(text, name, &own);
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for below in names.iter().filter(|name| *name != "help") {
        let command = command.find_subcommand_mut(below).unwrap();
        write_command(text, command, &format!("{name} {below}"), expected);
    }
}

#[test]
fn the_document_of_the_command_line_is_what_the_program_says() {
    let mut command = strongroom::cli::command();
    command.build();
    let mut text = HEAD.to_owned();
    let (_, global) = split_help(&mut command);
    assert_eq!(global.first().map(String::as_str), Some(GLOBAL));
    write_section(&mut text, "Global options", &global[1..]);
    write_command(&mut text, &mut command, "repo", &global);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let document = std::fs::read_to_string(&path).unwrap_or_default();
    if document != text {
        let differs = document.lines().zip(text.lines()).find(|(old, new)| old != new);
        panic!("docs/cli.md differs from the help, first here: {differs:?}; UPDATE=1 writes it anew");
    }
}

#[test]
fn the_first_line_of_every_help_is_short_and_has_no_full_stop() {
    fn look(command: &Command) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(!about.is_empty() && about.len() <= 80 && !about.ends_with('.'), "{}: {about}", command.get_name());
        command.get_subcommands().for_each(look);
    }
    look(&strongroom::cli::command());
}

#[test]
fn the_definition_of_the_command_line_is_sound() {
    strongroom::cli::command().debug_assert();
}
