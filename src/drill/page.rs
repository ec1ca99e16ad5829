//! The certificate: a page to print that says what was shown, and what was not.

use std::fmt::Write;

use super::outcome::Outcome;
use crate::opening::Picture;
use crate::units::{ByteCount, PathText};

/// The certificate of a drill of `job` from the copy at `place`, done at `when`, in words; `share` is the share of all bytes
/// that were read again in twelve months, in hundredths, and `digest` that of the record in the ledger.
pub fn page(outcome: &Outcome, job: &str, place: &str, when: &str, share: Option<u64>, digest: &str) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Drill</title>\n<style>body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}th{text-align:left;padding-right:1em;vertical-align:top}img{margin:2px;max-height:120px}.bad{color:#a00}.good{color:#060}code{overflow-wrap:anywhere}</style></head><body>\n",
    );
    let (class, head) = if outcome.is_proved() { ("good", "Proved") } else { ("bad", "Not proved") };
    // Writing into a text cannot fail.
    let _ = writeln!(page, "<h1 class=\"{class}\">{head}: {} on {}</h1>\n<table>", escape(job), escape(when));
    let mut row = |name: &str, value: String| {
        let _ = writeln!(page, "<tr><th>{name}</th><td>{value}</td></tr>");
    };
    let same = if outcome.shared_disk { ", restored to the same disk, so that a restore elsewhere was not shown" } else { "" };
    row("Copy", format!("{}{same}", escape(place)));
    row("Snapshot", outcome.snapshot.to_string());
    row(
        "Restored",
        format!("{} of {} files, {} of {}", outcome.files, outcome.files_total, ByteCount(outcome.bytes), ByteCount(outcome.bytes_total)),
    );
    row("Databases", outcome.databases.to_string());
    row("Compared with live files", outcome.compared.to_string());
    for (form, count) in &outcome.forms {
        let mut said = format!("{} opened", count.opened);
        for (number, word) in [(count.not_known, "not known"), (count.broken, "broken")] {
            if number > 0 {
                let _ = write!(said, ", {number} {word}");
            }
        }
        row(form, said);
    }
    let speed = outcome.bytes.checked_mul(1000).and_then(|bytes| bytes.checked_div(outcome.restore_ms));
    row("Speed", speed.map_or_else(|| "–".to_owned(), |speed| format!("{} a second", ByteCount(speed))));
    row(
        "A full restore",
        outcome
            .full_seconds()
            .map_or_else(|| "too little was restored to say".to_owned(), |seconds| format!("about {} minutes", seconds.div_ceil(60))),
    );
    row("Read again in twelve months", share.map_or_else(|| "not known".to_owned(), |share| format!("{share}% of all bytes")));
    row("Seed", outcome.seed.to_string());
    row("Record", format!("<code>{}</code>", escape(digest)));
    page.push_str("</table>\n");
    let lines = outcome.failures.iter().map(|failure| {
        let earlier = failure.earlier.map_or_else(String::new, |id| format!("; snapshot {} has another version", id.short()));
        format!("{}: {}{earlier}", PathText(&failure.path), failure.reason)
    });
    let rot =
        outcome.rot_suspects.iter().map(|path| format!("{}: the live file has other bytes, though nobody changed it", PathText(path)));
    let lines: Vec<String> = lines.chain(rot).collect();
    if !lines.is_empty() {
        page.push_str("<h2 class=\"bad\">What does not come back as it should</h2>\n<ul>\n");
        for line in &lines {
            let _ = writeln!(page, "<li>{}</li>", escape(line));
        }
        page.push_str("</ul>\n");
    }
    if !outcome.pictures.is_empty() {
        page.push_str("<h2>Restored pictures</h2>\n<p>");
        for (path, picture) in &outcome.pictures {
            let _ = writeln!(
                page,
                "<img alt=\"{}\" src=\"data:image/png;base64,{}\">",
                escape(&PathText(path).to_string()),
                base64(&png(picture))
            );
        }
        page.push_str("</p>\n");
    }
    page.push_str("<p>A drill of this kind cannot show: that the computer can be replaced, that somebody at hand knows how, and that files which were not chosen open. A full restore on another machine, once a year, does.</p>\n</body></html>\n");
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn png(picture: &Picture) -> Vec<u8> {
    let mut bytes = Vec::new();
    let size = |side: usize| u32::try_from(side).unwrap_or_default();
    let mut encoder = png::Encoder::new(&mut bytes, size(picture.width), size(picture.height));
    encoder.set_color(png::ColorType::Rgb);
    // Into memory, of the right length: a page without a picture is a page all the same.
    let _ = encoder.write_header().and_then(|mut writer| writer.write_image_data(&picture.rgb));
    bytes
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * at) & 63) as usize];
            text.push(if at > group.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn bytes_are_written_as_others_read_them() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes), text);
        }
    }
}
