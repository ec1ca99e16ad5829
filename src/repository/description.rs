//! `repository.json`: what a repository says of itself in plain text.
//!
//! Its exact bytes are bound into every key slot and into the sealed settings, so that nobody can
//! turn an encrypted repository into a plain one, or hide that it needs a later version.

use serde::{Deserialize, Serialize};

use super::layout;
use crate::crypto::{Algorithm, random_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::id::RepositoryId;
use crate::storage::Storage;

/// The format number of new repositories; this version reads and writes all up to it. Number 0 was the
/// format before it was frozen: the same bytes but for the number, which stays what it is.
pub const FORMAT: u32 = 1;
/// The description is never longer.
const BYTES_MAX: u64 = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct Text {
    about: String,
    format: u32,
    id: String,
    encryption: String,
    required_features: Vec<String>,
}

/// The description of a repository.
#[derive(Clone, Debug)]
pub struct Description {
    /// The repository.
    pub id: RepositoryId,
    /// Its cipher.
    pub algorithm: Algorithm,
    /// BLAKE3 of the exact bytes of the file.
    pub hash: [u8; 32],
}

impl Description {
    /// A description for a new repository, and its bytes.
    ///
    /// # Errors
    /// `Other` when the operating system has no random numbers.
    pub fn new(algorithm: Algorithm) -> Result<(Self, Vec<u8>)> {
        Self::of(RepositoryId(random_bytes()?), algorithm, FORMAT)
    }

    /// The description of the repository `id` of the number `format`, and its bytes, the same each time:
    /// a file that is lost can be made again from what every sealed object says of its repository.
    ///
    /// # Errors
    /// `Other` when it cannot be written as JSON.
    pub fn of(id: RepositoryId, algorithm: Algorithm, format: u32) -> Result<(Self, Vec<u8>)> {
        let text = Text {
            about: "strongroom backup repository; its format is described in docs/format.md of the program".to_owned(),
            format,
            id: id.to_string(),
            encryption: algorithm.name().to_owned(),
            required_features: Vec::new(),
        };
        let mut bytes =
            serde_json::to_vec_pretty(&text).map_err(|error| Error::new(ErrorKind::Other, "cannot write JSON").with_source(error))?;
        bytes.push(b'\n');
        Ok((Self { id, algorithm, hash: *blake3::hash(&bytes).as_bytes() }, bytes))
    }

    /// Reads the description.
    ///
    /// # Errors
    /// `NoRepository` when there is none, `Damaged` where it is missing beside what it describes; `Unsupported` when the repository needs a later version;
    /// `Damaged`.
    pub fn read(storage: &dyn Storage) -> Result<Self> {
        let bytes = storage
            .read(layout::DESCRIPTION, BYTES_MAX)
            .map_err(|error| if error.is_not_found() { layout::no_repository(storage) } else { error })?;
        Self::decode(&bytes).map_err(|error| match error.kind() {
            ErrorKind::Damaged => error.with_hint(layout::DESCRIPTION_HINT),
            _ => error,
        })
    }

    /// Decodes the bytes of the file.
    ///
    /// # Errors
    /// As [`Description::read`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let damaged = |error| Error::damaged(layout::DESCRIPTION, "it is not the JSON of a repository").with_source(error);
        // The number is read first and alone: a later format may have other fields.
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(damaged)?;
        if let Some(format) = value.get("format").and_then(serde_json::Value::as_u64).filter(|format| *format > u64::from(FORMAT)) {
            let message = format!("the repository has format {format}, this version knows formats up to {FORMAT}");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let text: Text = serde_json::from_value(value).map_err(damaged)?;
        if let Some(feature) = text.required_features.first() {
            let message = format!("the repository needs the feature `{}`, which this version does not know", feature.escape_debug());
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let id = RepositoryId::parse(&text.id).map_err(|_| Error::damaged(layout::DESCRIPTION, "its id is not an id"))?;
        Ok(Self { id, algorithm: Algorithm::from_name(&text.encryption)?, hash: *blake3::hash(bytes).as_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_format_or_feature_is_unsupported_and_garbage_is_damage() {
        let (description, bytes) = Description::new(Algorithm::None).unwrap();
        assert_eq!(Description::decode(&bytes).unwrap().id, description.id);
        let text = String::from_utf8(bytes).unwrap();
        let kind = |text: String| Description::decode(text.as_bytes()).unwrap_err().kind();
        let older = text.replace("\"format\": 1", "\"format\": 0");
        assert_eq!(Description::decode(older.as_bytes()).unwrap().id, description.id);
        assert_eq!(kind(text.replace("\"format\": 1", "\"format\": 2")), ErrorKind::Unsupported);
        assert_eq!(kind("{\"format\": 2}".to_owned()), ErrorKind::Unsupported);
        assert_eq!(kind(text.replace("[]", "[\"x\"]")), ErrorKind::Unsupported);
        assert_eq!(kind(text.replace("none", "rot13")), ErrorKind::Unsupported);
        assert_eq!(kind(text.replace("\"id\"", "\"di\"")), ErrorKind::Damaged);
        assert_eq!(kind(String::new()), ErrorKind::Damaged);
    }
}
