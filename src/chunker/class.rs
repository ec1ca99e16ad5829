//! The class of a file, recognised by its first bytes.

/// So many first bytes are enough to recognise any class.
pub const HEAD_BYTES: usize = 32;

/// How a file is cut and gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Compressed or written once: pictures, films, archives.
    Media,
    /// Files of pages that are rewritten in place: SQLite, Firebird.
    Database,
    /// Everything else.
    General,
}

impl Class {
    /// All classes, in the order of their numbers in the settings.
    pub const ALL: [Class; 3] = [Class::Media, Class::Database, Class::General];

    /// The number of the class in the settings.
    pub fn number(self) -> usize {
        match self {
            Class::Media => 0,
            Class::Database => 1,
            Class::General => 2,
        }
    }
}

/// First bytes of formats that are compressed or written once.
pub const MEDIA: [&[u8]; 22] = [
    b"\xff\xd8\xff",       // JPEG
    b"\x89PNG\r\n\x1a\n",  // PNG
    b"GIF8",               // GIF
    b"II*\0",              // TIFF, little-endian, and raw formats built on it
    b"MM\0*",              // TIFF, big-endian
    b"II+\0",              // BigTIFF
    b"MM\0+",              // BigTIFF
    b"\0\0\0\x0cjP  ",     // JPEG 2000
    b"\0\0\0\x0cJXL ",     // JPEG XL
    b"\x1aE\xdf\xa3",      // Matroska, WebM
    b"OggS",               // Ogg
    b"fLaC",               // FLAC
    b"ID3",                // MP3 with a tag
    b"PK\x03\x04",         // ZIP and what is built on it
    b"\x1f\x8b\x08",       // gzip
    b"\xfd7zXZ\0",         // xz
    b"\x28\xb5\x2f\xfd",   // Zstandard
    b"BZh",                // bzip2
    b"7z\xbc\xaf\x27\x1c", // 7z
    b"Rar!\x1a\x07",       // RAR
    b"\x04\x22\x4d\x18",   // LZ4
    b"%PDF-",              // PDF
];

/// The class of a file that begins with `head`: its first [`HEAD_BYTES`], or all of it.
pub fn recognise(head: &[u8]) -> Class {
    if head.starts_with(b"SQLite format 3\0") || is_firebird(head) {
        Class::Database
    } else if MEDIA.iter().any(|magic| head.starts_with(magic)) || is_container_of_media(head) {
        Class::Media
    } else {
        Class::General
    }
}

/// ISO media files name their brand after a length (`....ftyp`), RIFF files their form.
fn is_container_of_media(head: &[u8]) -> bool {
    head.get(4..8) == Some(b"ftyp") || (head.starts_with(b"RIFF") && matches!(head.get(8..12), Some(b"WEBP" | b"AVI ")))
}

/// A Firebird database begins with a header page (type 1) that holds the page size at 16 and at 18
/// the version of the on-disk structure with bit 15 set; InterBase leaves that bit clear.
fn is_firebird(head: &[u8]) -> bool {
    let u16_at = |at: usize| head.get(at..at + 2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    let (Some(page_bytes), Some(version)) = (u16_at(16), u16_at(18)) else { return false };
    head[0] == 1 && page_bytes.is_power_of_two() && (4096..=32768).contains(&page_bytes) && version & 0x8000 != 0 && version & 0x7fff >= 10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firebird(page_bytes: u16, version: u16) -> Vec<u8> {
        let mut head = vec![0; HEAD_BYTES];
        head[0] = 1;
        head[16..18].copy_from_slice(&page_bytes.to_le_bytes());
        head[18..20].copy_from_slice(&version.to_le_bytes());
        head
    }

    #[test]
    fn databases_are_recognised_by_their_header_page() {
        assert_eq!(recognise(b"SQLite format 3\0\x10\0"), Class::Database);
        for page_bytes in [4096, 8192, 16384, 32768] {
            assert_eq!(recognise(&firebird(page_bytes, 0x8000 | 12)), Class::Database);
        }
    }

    #[test]
    fn what_only_looks_like_a_firebird_header_is_general() {
        for head in [firebird(8191, 0x800c), firebird(2048, 0x800c), firebird(8192, 12), firebird(8192, 0x8009)] {
            assert_eq!(recognise(&head), Class::General);
        }
        assert_eq!(recognise(&firebird(8192, 0x800c)[..19]), Class::General);
    }

    #[test]
    fn media_is_recognised_and_text_is_not() {
        assert_eq!(recognise(b"\xff\xd8\xff\xe0"), Class::Media);
        assert_eq!(recognise(b"\0\0\0\x18ftypheic"), Class::Media);
        assert_eq!(recognise(b"RIFF....WEBP"), Class::Media);
        assert_eq!(recognise(b"RIFF....WAVE"), Class::General);
        assert_eq!(recognise(b"hello"), Class::General);
        assert_eq!(recognise(b""), Class::General);
    }
}
