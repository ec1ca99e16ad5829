//! What a file is, by its first bytes.

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Nothing.
    Empty,
    /// A JPEG picture.
    Jpeg,
    /// A PNG picture.
    Png,
    /// A TIFF picture, or a raw picture of a camera that looks like one.
    Tiff,
    /// A ZIP archive: office documents and books are some too.
    Zip,
    /// A PDF document.
    Pdf,
    /// A SQLite database.
    Sqlite,
    /// Text in UTF-8, as far as its beginning tells.
    Text,
    /// None of these.
    Unknown,
}

const MAGIC: [(&[u8], Form); 8] = [
    (b"\xff\xd8\xff", Form::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Form::Png),
    (b"II*\0", Form::Tiff),
    (b"MM\0*", Form::Tiff),
    (b"PK\x03\x04", Form::Zip),
    (b"PK\x05\x06", Form::Zip),
    (b"%PDF-", Form::Pdf),
    (b"SQLite format 3\0", Form::Sqlite),
];

impl Form {
    /// The form of a file that begins with `head`.
    pub fn of(head: &[u8]) -> Self {
        if head.is_empty() {
            return Self::Empty;
        }
        if let Some((_, form)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
            return *form;
        }
        // A letter may be cut at the end.
        let text = match std::str::from_utf8(head) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
        };
        if text && !head.contains(&0) { Self::Text } else { Self::Unknown }
    }

    /// The code of it, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Tiff => "tiff",
            Self::Zip => "zip",
            Self::Pdf => "pdf",
            Self::Sqlite => "sqlite",
            Self::Text => "text",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is opened in memory.
    pub(super) fn needs_whole(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Tiff | Self::Pdf | Self::Text)
    }
}
