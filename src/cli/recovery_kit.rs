//! `repo recovery-kit`: one page for the day when the computer is gone.

use std::fmt::Write as _;
use std::path::PathBuf;

use qrcode::QrCode;
use qrcode::render::svg;

use super::exit::Status;
use super::global::Global;
use super::message;
use super::output::Output;
use super::password::Source;
use crate::crypto::Algorithm;
use crate::error::{Error, ErrorKind, Result};
use crate::id::to_hex;
use crate::repository::Description;
use crate::units::PathText;

/// Print one page for the day when this computer is gone
///
/// It says where the repository lies, what opens it, and what to type on a new computer. Print it, and keep it away from
/// this computer: with --secret it opens the repository.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Write a page to print, with a code for cameras
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Print the key file or the password too
    #[arg(long)]
    secret: bool,
}

/// What the kit says.
struct Kit {
    location: String,
    id: String,
    opened_by: String,
    /// The secret, and what to type to have it in a file again.
    secret: Option<(String, String)>,
    commands: Vec<(String, String)>,
}

/// Prints the kit.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let location = std::path::absolute(global.location()?).map_err(|error| Error::io("cannot find", "the repository", error))?;
    let storage = super::global::open_storage(&location)?;
    let description = Description::read(&*storage)?;
    let kit = write(&location, &description, global, args.secret)?;
    if args.secret {
        message::warn("who has this page can open the repository; print it, and keep no file of it");
    }
    match &args.html {
        Some(file) => std::fs::write(file, page(&kit)?).map_err(|error| Error::io("cannot write", file.display(), error))?,
        None => output.line(text(&kit))?,
    }
    Ok(Status::Good)
}

fn write(location: &std::path::Path, description: &Description, global: &Global, has_secret: bool) -> Result<Kit> {
    let source = global.source()?;
    let (opened_by, option, secret) = match (&source, description.algorithm) {
        (_, Algorithm::None) => ("nothing: it is not encrypted".to_owned(), String::new(), None),
        (Some(Source::KeyFile(path)), _) => {
            let key = super::password::read_key_file(path)?;
            let how = "xxd -r -p > key    (then paste the digits, Enter, Ctrl-D)".to_owned();
            ("a key file of 32 bytes".to_owned(), " --key-file key".to_owned(), Some((to_hex(&key), how)))
        }
        (Some(source), _) => {
            let password = source.clone().read_text()?;
            ("a password".to_owned(), String::new(), Some((password, "type it when it is asked for".to_owned())))
        }
        (None, _) => ("a password".to_owned(), String::new(), None),
    };
    let place = PathText(location.as_os_str().as_encoded_bytes()).to_string();
    let commands = [
        ("what was saved", format!("repo -r \"{place}\"{option} snapshots")),
        ("what is in it", format!("repo -r \"{place}\"{option} ls -R latest")),
        ("everything into a new folder", format!("repo -r \"{place}\"{option} restore latest rescued")),
        ("one folder", format!("repo -r \"{place}\"{option} restore \"latest:/the/folder\" rescued")),
    ];
    Ok(Kit {
        location: place,
        id: description.id.to_string(),
        opened_by,
        secret: secret.filter(|_| has_secret),
        commands: commands.map(|(what, command)| (what.to_owned(), command)).to_vec(),
    })
}

fn text(kit: &Kit) -> String {
    let mut text = format!("Recovery kit\n\nrepository   {}\nid           {}\nopened by    {}\n", kit.location, kit.id, kit.opened_by);
    // Writing into a text cannot fail.
    match &kit.secret {
        Some((secret, how)) => text.push_str(&format!("secret       {secret}\n             {how}\n")),
        None => text.push_str("secret       ______________________________ (write it here by hand, or give --secret)\n"),
    }
    text.push_str("\nOn a new computer, with the program `repo` and the disk of the repository (its folder may be elsewhere then):\n\n");
    for (what, command) in &kit.commands {
        let _ = writeln!(text, "{what}:\n    {command}");
    }
    text.trim_end().to_owned()
}

fn page(kit: &Kit) -> Result<String> {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let code = |text: &str| -> Result<String> {
        let code = QrCode::new(text).map_err(|error| Error::new(ErrorKind::Other, "the code cannot be drawn").with_source(error))?;
        Ok(code.render::<svg::Color<'_>>().min_dimensions(200, 200).build().replacen("<?xml version=\"1.0\" standalone=\"yes\"?>", "", 1))
    };
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Recovery kit</title>\n<style>body{font:16px/1.5 sans-serif;max-width:45em;margin:2em auto;padding:0 1em}code,pre{font:14px monospace;overflow-wrap:anywhere;white-space:pre-wrap}th{text-align:left;padding-right:1em}</style></head><body>\n<h1>Recovery kit</h1>\n<p>Keep this page away from the computer that it is for.</p>\n<table>\n",
    );
    for (name, value) in [("Repository", &kit.location), ("Id", &kit.id), ("Opened by", &kit.opened_by)] {
        let _ = writeln!(page, "<tr><th>{name}</th><td><code>{}</code></td></tr>", escape(value));
    }
    page.push_str("</table>\n");
    match &kit.secret {
        Some((secret, how)) => {
            let _ = writeln!(page, "<h2>Secret</h2>\n<p><code>{}</code><br>{}</p>\n{}", escape(secret), escape(how), code(secret)?);
        }
        None => page.push_str("<h2>Secret</h2>\n<p>Write it here by hand: ______________________________</p>\n"),
    }
    page.push_str("<h2>On a new computer</h2>\n<p>With the program <code>repo</code> and the disk of the repository, whose folder may be elsewhere then:</p>\n");
    for (what, command) in &kit.commands {
        let _ = writeln!(page, "<p>{}:</p>\n<pre>{}</pre>", escape(what), escape(command));
    }
    page.push_str("</body></html>\n");
    Ok(page)
}
