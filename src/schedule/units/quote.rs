//! Names and paths within files of others: what would mean something there is written so that it means itself.

use std::fmt::Write;

/// An argument of `ExecStart=`, where `%` begins a specifier, `$` a variable and a space a new argument.
pub(super) fn systemd_argument(text: &str) -> String {
    systemd_word(text).replace('$', "$$")
}

/// A word of a setting that is a list, where `$` is nothing special.
pub(super) fn systemd_word(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "/._-+=:@,%".contains(c));
    if is_plain { escaped } else { format!("\"{escaped}\"") }
}

/// A whole line of a setting.
pub(super) fn systemd_line(text: &str) -> String {
    text.replace('%', "%%")
}

/// A name within the name of a unit; what may not stand there is written as `systemd-escape` does.
pub(super) fn unit_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => name.push(byte.into()),
            // A string takes whatever is written to it.
            _ => _ = write!(name, "\\x{byte:02x}"),
        }
    }
    name
}

/// A word for `sh`, in a line of cron, where `%` would end the line.
pub(super) fn cron_word(text: &str) -> String {
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c));
    let word = if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) };
    word.replace('%', "\\%")
}

/// Text in XML.
pub(super) fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// An argument on a command line of Windows.
pub(super) fn windows_argument(text: &str) -> String {
    if !text.is_empty() && !text.contains([' ', '\t', '"']) {
        return text.to_owned();
    }
    // Backslashes count only before a quote.
    let mut quoted = String::from("\"");
    let mut slashes = 0;
    for c in text.chars() {
        if c == '"' {
            quoted.push_str(&"\\".repeat(slashes + 1));
        }
        slashes = if c == '\\' { slashes + 1 } else { 0 };
        quoted.push(c);
    }
    quoted.push_str(&"\\".repeat(slashes));
    quoted.push('"');
    quoted
}
