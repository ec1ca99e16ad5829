//! Where a database is: at a server, or as a file of this machine.
//!
//! A server is asked by `host/port:path`. The tools read the file themselves for some of what they do, and believe that it
//! is on this machine only when the host is called `localhost`; so that is the name which this machine has for them.

use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};
use crate::platform::host_name;

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The server, where one is named.
    pub server: Option<Server>,
    /// The path on the machine of the server, or a name that the server knows it by.
    pub database: String,
}

/// A server of Firebird.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The name or number of its machine.
    pub host: String,
    /// Its port or the name of that, where it is not the usual one.
    pub port: Option<String>,
}

impl Address {
    /// Reads `host:path`, `host/port:path` or a path.
    ///
    /// # Errors
    /// `Invalid` where there is no path.
    pub fn parse(text: &str) -> Result<Self> {
        let end_of_host =
            if text.starts_with('[') { text.find("]:").map(|at| at + 1).or_else(|| text.find("]/").map(|at| at + 1)) } else { Some(0) };
        let colon = end_of_host.and_then(|end| text[end..].find(':').map(|at| at + end));
        // One letter before the colon is a disk.
        let (server, database) = match colon {
            Some(at) if at > 1 && !text.starts_with(['/', '\\', '.']) => (Some(Server::parse(&text[..at])), &text[at + 1..]),
            _ => (None, text),
        };
        let is_empty = database.is_empty() || server.as_ref().is_some_and(|server| server.host.is_empty());
        if is_empty || database.contains('\0') {
            return Err(Error::new(ErrorKind::Invalid, format!("{text:?} is no address of a Firebird database: it is host/port:path")));
        }
        Ok(Self { server, database: database.to_owned() })
    }

    /// The path of the file on this machine, where the address says it.
    pub fn path(&self) -> Option<PathBuf> {
        let path = PathBuf::from(&self.database);
        path.is_absolute().then_some(path)
    }

    /// Whether the file may be read here.
    pub fn is_of_this_machine(&self) -> bool {
        self.server.as_ref().is_none_or(Server::is_this_machine)
    }

    /// The address as tools take it that ask the server.
    pub fn text(&self) -> String {
        match &self.server {
            None => self.database.clone(),
            Some(server) => {
                let host = if server.is_this_machine() { "localhost" } else { &server.host };
                let port = server.port.as_ref().map(|port| format!("/{port}")).unwrap_or_default();
                format!("{host}{port}:{}", self.database)
            }
        }
    }
}

impl Server {
    fn parse(text: &str) -> Self {
        let from = text.find(']').unwrap_or(0);
        match text[from..].find('/') {
            Some(at) => {
                Self { host: text[..from + at].to_owned(), port: Some(text[from + at + 1..].to_owned()).filter(|port| !port.is_empty()) }
            }
            None => Self { host: text.to_owned(), port: None },
        }
    }

    fn is_this_machine(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        ["localhost", "127.0.0.1", "::1"].iter().any(|own| host.eq_ignore_ascii_case(own)) || host.eq_ignore_ascii_case(&host_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_tools_write_them() {
        for (text, server, database) in [
            ("localhost:/srv/a.fdb", Some(("localhost", None)), "/srv/a.fdb"),
            ("127.0.0.1/3051:/srv/a.fdb", Some(("127.0.0.1", Some("3051"))), "/srv/a.fdb"),
            ("[::1]/3051:/srv/a:b.fdb", Some(("[::1]", Some("3051"))), "/srv/a:b.fdb"),
            ("far:store", Some(("far", None)), "store"),
            ("/srv/a:b.fdb", None, "/srv/a:b.fdb"),
            ("C:\\data\\a.fdb", None, "C:\\data\\a.fdb"),
        ] {
            let address = Address::parse(text).unwrap();
            let found = address.server.as_ref().map(|server| (server.host.as_str(), server.port.as_deref()));
            assert_eq!((found, address.database.as_str()), (server, database), "{text}");
        }
        for text in ["", "localhost:", "a\0b"] {
            assert_eq!(Address::parse(text).unwrap_err().kind(), ErrorKind::Invalid, "{text:?}");
        }
    }

    #[test]
    fn this_machine_is_called_localhost_for_the_tools() {
        let address = |text: &str| Address::parse(text).unwrap();
        assert_eq!(address("127.0.0.1/3051:/a.fdb").text(), "localhost/3051:/a.fdb");
        assert_eq!(address(&format!("{}:/a.fdb", host_name())).text(), "localhost:/a.fdb");
        assert!(address("/a.fdb").is_of_this_machine());
        assert!(!address("far.example:/a.fdb").is_of_this_machine());
        assert_eq!(address("far.example:/a.fdb").text(), "far.example:/a.fdb");
    }
}
