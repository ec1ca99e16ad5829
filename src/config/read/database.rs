//! Databases and logins.

use crate::config::database::{Assertion, Database, DatabaseKind, Login};
use crate::config::password::Password;
use crate::config::section::{Section, Value};
use crate::config::values::{Floor, read_share};
use crate::manifest::check_name;

/// The ways in which each kind is read, the usual one first.
const METHODS: [(DatabaseKind, &[&str]); 5] = [
    (DatabaseKind::Firebird, &["nbackup", "gbak"]),
    (DatabaseKind::Sqlite, &["pages"]),
    (DatabaseKind::Postgresql, &["dump", "base"]),
    (DatabaseKind::Mariadb, &["dump", "backup"]),
    (DatabaseKind::Command, &[]),
];

/// Reads where a password is. A repository may be opened by a key file too.
pub(super) fn read_password(section: &Section<'_>, may_be_key: bool) -> Option<Password> {
    let file = section.path("file").map(Password::File);
    let command = section.has("command").then(|| section.command("command")).flatten().map(Password::Command);
    let key_file = if may_be_key { section.path("key_file").map(Password::KeyFile) } else { None };
    let ways = ["file", "command", "key_file"].iter().filter(|name| section.has(name)).count();
    if may_be_key {
        section.finish();
    }
    if ways > 1 {
        section.mistake("one way to the password is enough: `file`, `command` or `key_file`");
    } else if ways == 0 && may_be_key {
        section.mistake("it does not say where the password is: `file`, `command` or `key_file`");
    }
    file.or(command).or(key_file)
}

pub(super) fn read_login(section: &Section<'_>) -> Option<Login> {
    let user = section.word("user");
    let password = read_password(section, false);
    section.finish();
    if !section.has("user") {
        section.mistake("a login needs a `user`");
    }
    Some(Login { user: user?, password })
}

pub(super) fn read_database(section: &Section<'_>) -> Option<Database> {
    let kind = section.choice("type", &DatabaseKind::NAMES);
    if !section.has("type") {
        section.mistake("a database needs a `type`: \"firebird\", \"sqlite\", \"postgresql\", \"mariadb\" or \"command\"");
    }
    let name = section.word("name");
    match &name {
        Some(name) if check_name(name.as_bytes()).is_err() => {
            section.mistake_of("name", format!("`{name}` cannot be the name of a folder"))
        }
        None if !section.has("name") => section.mistake("a database needs a `name`, which is that of its folder in a snapshot"),
        _ => {}
    }
    let database = Database {
        kind: kind.unwrap_or(DatabaseKind::Command),
        name: name.unwrap_or_default(),
        address: section.word("address"),
        path: section.path("path"),
        login: section.section("login", "login").and_then(|login| read_login(&login)),
        method: section.word("method"),
        logical: section.schedule("logical"),
        floor: section.parsed("floor", Floor::read),
        assertions: section.sections("assert", "assert").iter().filter_map(read_assertion).collect(),
        run: read_run(section),
        shell: section.word("shell").inspect(|_| section.has_commands()),
        file: section.word("file"),
        timeout: section.length("timeout"),
        user: section.word("user"),
        alarm: section.length("alarm"),
        scratch: section.path("scratch"),
    };
    section.finish();
    if let Some(kind) = kind {
        check_kind(section, kind, &database);
    }
    kind.filter(|_| !database.name.is_empty()).map(|_| database)
}

/// One command, or several of which each reads what the one before prints.
fn read_run(section: &Section<'_>) -> Vec<Vec<String>> {
    let Some(value) = section.value("run") else { return Vec::new() };
    section.has_commands();
    let several = value.value.as_array().is_some_and(|list| list.iter().all(|item| item.get_ref().is_array()) && !list.is_empty());
    let lists = if several {
        let items = value.value.as_array().into_iter().flat_map(|list| list.iter());
        items.filter_map(|item| section.texts_of("run", &Value { value: item.get_ref(), span: item.span() })).collect()
    } else {
        vec![section.texts_of("run", &value).unwrap_or_default()]
    };
    if lists.iter().any(|list: &Vec<String>| list.first().is_none_or(String::is_empty)) {
        section.mistake_of("run", "`run` needs a program: [\"program\", \"argument\"]");
    }
    lists
}

fn check_kind(section: &Section<'_>, kind: DatabaseKind, database: &Database) {
    let needs = |name: &str, what: &str| {
        if !section.has(name) {
            section.mistake(format!("a database of type \"{}\" needs `{name}`: {what}", kind.name()));
        }
    };
    match kind {
        DatabaseKind::Firebird => needs("address", "\"localhost:/path/of/the/file.fdb\""),
        DatabaseKind::Sqlite => needs("path", "the path of the file"),
        DatabaseKind::Postgresql | DatabaseKind::Mariadb => {}
        DatabaseKind::Command => {
            if section.has("run") == section.has("shell") {
                section.mistake(
                    "a database of type \"command\" needs either `run`, a program and its arguments, or `shell`, a line for a shell",
                );
            }
        }
    }
    if kind != DatabaseKind::Command {
        for name in ["run", "shell"].iter().filter(|name| section.has(name)) {
            section.mistake_of(name, format!("`{name}` is for databases of type \"command\""));
        }
    }
    let methods = METHODS.iter().find(|(of, _)| *of == kind).map_or(&[][..], |(_, methods)| methods);
    if let Some(method) = database.method.as_ref().filter(|method| !methods.contains(&method.as_str())) {
        let known = methods.iter().map(|method| format!("`{method}`")).collect::<Vec<_>>().join(", ");
        section.mistake_of("method", format!("`{method}` is no way to read a database of type \"{}\"; there are: {known}", kind.name()));
    }
    if let Some(file) = database.file.as_ref().filter(|file| check_name(file.as_bytes()).is_err()) {
        section.mistake_of("file", format!("`{file}` cannot be the name of a file"));
    }
}

fn read_assertion(section: &Section<'_>) -> Option<Assertion> {
    let query = section.word("query");
    let (of_last, at_least) = (section.parsed("of_last", read_share), section.number("at_least"));
    let newer_than = section.length("newer_than");
    section.finish();
    if !section.has("query") {
        section.mistake("it asks nothing; give it a `query` with one answer");
    } else if !["of_last", "at_least", "newer_than"].iter().any(|name| section.has(name)) {
        section.mistake("it does not say what the answer must be: `of_last`, `at_least` or `newer_than`");
    }
    Some(Assertion { query: query?, of_last, at_least, newer_than })
}
