//! Every command of the guides works as it stands, in the order of the page.

use std::fs;

use crate::cli_config::by_config;
use crate::cli_place::Place;

/// The lines of code of a page that are commands, and its piece of a configuration.
fn commands(page: &str) -> (Vec<&str>, String) {
    let (mut commands, mut config, mut is_config) = (Vec::new(), String::new(), false);
    for line in page.lines() {
        match line {
            "```toml" => is_config = true,
            "```" => is_config = false,
            line if is_config => config.extend([line, "\n"]),
            line => commands.extend(line.strip_prefix("    repo ")),
        }
    }
    (commands, config)
}

/// The words of a command, as a shell takes them.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut is_quoted) = (vec![String::new()], false);
    for letter in command.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            letter => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Runs the commands of a page in a place where its folders are, with `prepare` for what only a person could do.
fn follow(name: &str, folder: &str, codes: &[(&str, i32)], prepare: impl Fn(&Place, &str)) {
    let page = fs::read_to_string(format!("{}/docs/guide/{name}.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let place = Place::new();
    let root = place.text("");
    let root = root.trim_end_matches('/');
    for made in ["srv", "mnt/backup", "etc/repo"] {
        fs::create_dir_all(place.path(made)).unwrap();
    }
    fs::rename(place.path("source"), place.path(&format!("srv/{folder}"))).unwrap();
    fs::write(place.path("etc/repo/password"), "correct horse battery\n").unwrap();
    std::process::Command::new("chmod").args(["600", &place.text("etc/repo/password")]).status().unwrap();
    let here = |text: &str| ["/srv", "/mnt", "/etc"].iter().fold(text.to_owned(), |text, top| text.replace(top, &format!("{root}{top}")));
    let (commands, config) = commands(&page);
    let head = format!("version = 1\nrepository = \"{root}/mnt/backup/r\"\npassword = {{ file = \"{root}/etc/repo/password\" }}\n");
    fs::write(place.path("repo.toml"), format!("{head}{}", here(&config))).unwrap();
    prepare(&place, &here(&config));
    assert!(commands.len() >= 3, "{name}");
    for command in commands {
        let (command, file) = command.split_once(" > ").map_or((command, None), |(command, file)| (command, Some(here(file))));
        let words = words(&here(command));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let code = codes.iter().find(|(begin, _)| command.starts_with(begin)).map_or(0, |(_, code)| *code);
        if command.starts_with("schedule install") {
            // Nobody's own scheduler is changed by a test.
            let units = place.text("units");
            by_config(&place, &["schedule", "install", "--user", "--into", &units]).expect(0);
            continue;
        }
        let ran = by_config(&place, &words).expect(code);
        if let Some(file) = file {
            fs::write(&file, ran.stdout).unwrap();
            prepare(&place, &here(&config));
        }
    }
}

#[test]
fn the_guide_of_a_shop_with_a_database_works() {
    // The database is a file of SQLite here: that of Firebird needs a server, and has tests of its own.
    follow("a-shop-with-a-database", "shop", &[], |place, _| {
        let example = place.path("etc/repo/repo.toml");
        let Ok(text) = fs::read_to_string(&example) else { return };
        let file = place.path("srv/shop/store.db");
        let _ = rusqlite::Connection::open(&file).unwrap().execute_batch("create table if not exists t (a)");
        let database = format!("[[job.shop.database]]\ntype = \"sqlite\"\nname = \"store\"\npath = {file:?}\n[check]");
        fs::write(place.path("repo.toml"), text.replace("[check]", &database)).unwrap();
    });
}

#[test]
fn the_guide_of_pictures_that_grow_works() {
    follow("pictures-that-grow", "pictures", &[("ls latest", 0)], |place, _| {
        fs::write(place.path("srv/pictures/first.jpg"), "picture").unwrap();
        by_config(place, &["init"]);
    });
}

#[test]
fn the_guide_of_a_plan_works() {
    follow("a-plan-of-backups", "office", &[], |place, _| drop(by_config(place, &["init"])));
}

#[test]
fn the_guide_of_an_update_works() {
    follow("before-an-update", "shop", &[], |place, _| {
        let text = fs::read_to_string(place.path("repo.toml")).unwrap();
        let job = format!("[job.shop]\nsource = [{:?}]\n", place.path("srv/shop"));
        fs::write(place.path("repo.toml"), text + &job).unwrap();
        by_config(place, &["init"]);
    });
}
