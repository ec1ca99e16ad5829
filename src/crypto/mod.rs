//! Keys, hashes under keys, and authenticated encryption. Knows nothing of compression or storage.
//!
//! Secrets are independent random words; every sealed object draws a salt and derives its own keys,
//! so no nonce is ever counted across objects. The nonce of a sealed part is a keyed hash of what is
//! sealed: it cannot repeat over different bytes, even when a machine is cloned in the middle of a
//! run. Secrets are wiped from memory when dropped and never printed.

mod algorithm;
mod identify;
mod kdf;
mod seal;
mod secret;

pub use algorithm::Algorithm;
pub use identify::Identify;
pub use kdf::{Argon2Cost, MEMORY_KIB_MAX};
pub use seal::{Associated, ObjectKey, Purpose, random_bytes};
pub use secret::Secret;
