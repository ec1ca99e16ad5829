//! Firebird with its own server: held while people work, killed at every step, restored and opened.
//!
//! Each test starts a server of its own in a temporary folder; the one of the system is never asked. Where Firebird is not
//! installed they say `skipped: needs firebird`.

mod evening;
mod held;
mod killed;
mod refused;
mod restored;
mod server;
