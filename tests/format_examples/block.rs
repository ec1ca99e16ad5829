//! A block of the document: bytes by field, each with its offset and what it is.

use strongroom::id::to_hex;

/// One named example.
pub struct Block {
    pub name: &'static str,
    pub text: String,
}

/// Collects the fields of an example in order.
pub struct Fields {
    lines: String,
    offset: usize,
}

impl Fields {
    pub fn new() -> Self {
        Self { lines: String::new(), offset: 0 }
    }

    /// Adds a field; its bytes are shown sixteen a line.
    pub fn add(&mut self, label: &str, bytes: &[u8]) -> &mut Self {
        let mut rows: Vec<&[u8]> = bytes.chunks(16).collect();
        if rows.is_empty() {
            rows.push(&[]);
        }
        for (n, row) in rows.iter().enumerate() {
            let hex: Vec<String> = row.iter().map(|byte| to_hex(&[*byte])).collect();
            let label = if n == 0 { label } else { "" };
            let line = format!("{:04x}  {:<47}  {label}", self.offset, hex.join(" "));
            self.lines.push_str(line.trim_end());
            self.lines.push('\n');
            self.offset += row.len();
        }
        self
    }

    /// Splits `bytes` into fields of these lengths; they must be all of it.
    pub fn split(&mut self, bytes: &[u8], fields: &[(&str, usize)]) -> &mut Self {
        let mut rest = bytes;
        for (label, length) in fields {
            let (field, after) = rest.split_at(*length);
            self.add(label, field);
            rest = after;
        }
        assert!(rest.is_empty(), "{} bytes are not explained: {}", rest.len(), to_hex(rest));
        self
    }

    /// The example `name` of these fields.
    pub fn block(&self, name: &'static str) -> Block {
        Block { name, text: self.lines.clone() }
    }
}

/// An example that is text.
pub fn text_block(name: &'static str, text: String) -> Block {
    Block { name, text }
}

/// The names of all blocks of `document`.
pub fn names(document: &str) -> Vec<&str> {
    document.lines().filter(|line| line.starts_with("```")).filter_map(|line| line.split_once(" name=")).map(|(_, name)| name).collect()
}

/// `document` with the content of one block replaced.
pub fn replace(document: &str, block: &Block) -> String {
    let mark = format!(" name={}\n", block.name);
    let (before, rest) = document.split_once(&mark).unwrap_or_else(|| panic!("docs/format.md has no block {}", block.name));
    let end = if rest.starts_with("```") { 0 } else { rest.find("\n```").expect("every block ends") + 1 };
    format!("{before}{mark}{}{}", block.text, &rest[end..])
}
