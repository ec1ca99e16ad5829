//! Every key that a configuration may have, where it stands, and what it means. The guide has the same table; a test
//! compares them.

/// A key of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The table, as the guide names it; empty for the top.
    pub table: &'static str,
    /// The key.
    pub name: &'static str,
    /// What its value is.
    pub form: &'static str,
}

const fn key(table: &'static str, name: &'static str, form: &'static str) -> Key {
    Key { table, name, form }
}

const TEXT: &str = "text";
const TEXTS: &str = "list of texts";
const PATHS: &str = "list of paths";
const TRUTH: &str = "true or false";
const CALENDAR: &str = "calendar expression";
const LENGTH: &str = "length of time";
const SHARE: &str = "share";
const TABLE: &str = "table";

/// All keys, table by table.
pub const KEYS: &[Key] = &[
    key("", "version", "1"),
    key("", "repository", "path"),
    key("", "password", TABLE),
    key("", "defaults", TABLE),
    key("", "job", "tables by name"),
    key("", "prune", TABLE),
    key("", "check", TABLE),
    key("", "drill", TABLE),
    key("", "notify", "list of tables"),
    key("", "media", "tables by name"),
    key("", "copy", "tables by name"),
    key("password", "file", "path"),
    key("password", "command", TEXTS),
    key("password", "key_file", "path"),
    key("job", "source", PATHS),
    key("job", "exclude", TEXTS),
    key("job", "exclude_caches", TRUTH),
    key("job", "exclude_larger_than", "size"),
    key("job", "exclude_if_present", TEXTS),
    key("job", "one_file_system", TRUTH),
    key("job", "require", PATHS),
    key("job", "schedule", CALENDAR),
    key("job", "full", CALENDAR),
    key("job", "differential", CALENDAR),
    key("job", "keep", TABLE),
    key("job", "protect", LENGTH),
    key("job", "priority", "`low` or `normal`"),
    key("job", "after", TEXTS),
    key("job", "guard", TABLE),
    key("job", "database", "list of tables"),
    key("job", "hook", "list of tables"),
    key("job", "tags", TEXTS),
    key("job", "host", TEXT),
    key("keep", "last", "number or `all`"),
    key("keep", "hourly", "number or `all`"),
    key("keep", "daily", "number or `all`"),
    key("keep", "weekly", "number or `all`"),
    key("keep", "monthly", "number or `all`"),
    key("keep", "yearly", "number or `all`"),
    key("keep", "within", LENGTH),
    key("keep", "tags", TEXTS),
    key("guard", "lost_files", SHARE),
    key("guard", "rewritten", SHARE),
    key("guard", "database", SHARE),
    key("database", "type", "`firebird`, `sqlite`, `postgresql`, `mariadb`, `command`"),
    key("database", "name", TEXT),
    key("database", "address", TEXT),
    key("database", "path", "path"),
    key("database", "login", TABLE),
    key("database", "method", TEXT),
    key("database", "logical", CALENDAR),
    key("database", "floor", "size or share"),
    key("database", "assert", "list of tables"),
    key("database", "run", "list of texts, or a list of such lists"),
    key("database", "shell", TEXT),
    key("database", "file", TEXT),
    key("database", "timeout", LENGTH),
    key("database", "user", TEXT),
    key("database", "alarm", LENGTH),
    key("database", "scratch", "path"),
    key("login", "user", TEXT),
    key("login", "file", "path"),
    key("login", "command", TEXTS),
    key("assert", "query", TEXT),
    key("assert", "of_last", SHARE),
    key("assert", "at_least", "number"),
    key("assert", "newer_than", LENGTH),
    key("hook", "when", "`before`, `after`, `failed`, `finally`"),
    key("hook", "run", TEXTS),
    key("hook", "shell", TEXT),
    key("hook", "timeout", LENGTH),
    key("hook", "on_failure", "`error`, `warn`, `ignore`"),
    key("prune", "schedule", CALENDAR),
    key("check", "daily", SHARE),
    key("check", "schedule", CALENDAR),
    key("drill", "schedule", CALENDAR),
    key("drill", "sample", TABLE),
    key("drill", "scratch", "path"),
    key("drill", "rehearse", CALENDAR),
    key("sample", "newest", "number"),
    key("sample", "random", "number"),
    key("sample", "databases", "number or `all`"),
    key("notify", "on", TEXTS),
    key("notify", "command", TEXTS),
    key("notify", "webhook", "address"),
    key("notify", "ping", "address"),
    key("notify", "mail", TEXT),
    key("notify", "from", TEXT),
    key("notify", "smtp", "address"),
    key("notify", "login", TABLE),
    key("notify", "paths", TRUTH),
    key("media", "disks", TEXTS),
    key("media", "write", TEXTS),
    key("copy", "to", "location"),
    key("copy", "schedule", CALENDAR),
    key("copy", "jobs", TEXTS),
    key("defaults", "keep", TABLE),
    key("defaults", "protect", LENGTH),
    key("defaults", "priority", "`low` or `normal`"),
    key("defaults", "after", TEXTS),
    key("defaults", "guard", TABLE),
    key("defaults", "exclude", TEXTS),
    key("defaults", "exclude_caches", TRUTH),
    key("defaults", "exclude_larger_than", "size"),
    key("defaults", "exclude_if_present", TEXTS),
    key("defaults", "one_file_system", TRUTH),
];

/// The keys of a table.
pub(super) fn keys_of(table: &'static str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(move |key| key.table == table).map(|key| key.name)
}

/// The tables that know the key `name`.
pub(super) fn tables_of(name: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(move |key| key.name == name).map(|key| key.table)
}
