//! Help is documentation: `docs/cli.md` is what the program says of itself, so neither can change
//! without the other.
//!
//! `UPDATE=1 cargo test --test integration help` writes the document anew.

use std::fmt::Write;

use clap::Command;

const HEAD: &str = "# The command line\n\nWritten by a test from what `repo --help` says; see `tests/cli_help.rs`.\n";

fn write_command(text: &mut String, command: &mut Command, name: &str) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    write!(text, "\n## {name}\n\n```text\n{}\n```\n", help.join("\n")).unwrap();
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for below in names.iter().filter(|name| *name != "help") {
        let command = command.find_subcommand_mut(below).unwrap();
        write_command(text, command, &format!("{name} {below}"));
    }
}

#[test]
fn the_document_of_the_command_line_is_what_the_program_says() {
    let mut command = strongroom::cli::command();
    command.build();
    let mut text = HEAD.to_owned();
    write_command(&mut text, &mut command, "repo");
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
