//! The order of the layers in `src/lib.rs`, held by looking at every import.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules in the order of `src/lib.rs`, with the number of their layer. Consecutive modules
/// under one heading are of one layer; equal headings that follow each other are not.
fn layers() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let (mut layers, mut layer) = (BTreeMap::new(), 0);
    for line in text.lines() {
        if line.starts_with("// layer:") {
            layer += 1;
        } else if let Some(name) = line.strip_prefix("pub mod ") {
            layers.insert(name.trim_end_matches(';').to_owned(), layer);
        }
    }
    layers
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")));
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            found.push(path);
        }
    }
}

/// The modules that the non-test part of a file names by `crate::NAME`.
fn imports(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let name = |rest: &str| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
    let mut names: Vec<String> = code.match_indices("crate::").map(|(at, path)| name(&code[at + path.len()..])).collect();
    for (at, group) in code.match_indices("crate::{") {
        let inner = code[at + group.len()..].split('}').next().unwrap_or_default();
        names.extend(inner.split(',').map(|part| name(part.trim())));
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn imports_run_downward_only() {
    let layers = layers();
    assert!(layers.len() > 15, "the headings of src/lib.rs were read");
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut upward = Vec::new();
    for file in files {
        let relative = file.strip_prefix(root().join("src")).unwrap();
        let module = relative.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let Some(own) = layers.get(&module) else { continue };
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            let Some(layer) = layers.get(&import) else { continue };
            if import != module && layer >= own {
                upward.push(format!("{} imports {import}", relative.display()));
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

/// Every page that is decoded is checked against what stands above it, because one room decodes them.
#[test]
fn pages_of_trees_and_lists_are_decoded_in_one_room() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut decoding = Vec::new();
    for file in files {
        let relative = file.strip_prefix(root().join("src")).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        // The formats are described in `manifest`; `snapshot` writes lists.
        let is_at_home = relative.starts_with("manifest") || relative.starts_with("trees");
        let reads = ["Page::Leaf", "Page::Inner", "PageRef", ": Page ", ": ListPage", "<Page>", "<ListPage>"];
        if !is_at_home && reads.iter().any(|read| text.contains(read)) {
            decoding.push(relative.display().to_string());
        }
    }
    assert!(decoding.is_empty(), "{decoding:?}");
}

/// Rooms in which circles are still allowed. Only ever shorter.
const ROOMS_WITH_CIRCLES: [&str; 2] = ["restore", "target"];

/// The code of a file: what is no comment and stands before its tests.
fn code_of(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// The names that stand behind `prefix`: one, or all of a group.
fn names_behind(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix).filter(|(at, _)| !code[..*at].ends_with("super::")) {
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(first_word(rest));
            continue;
        };
        let (mut depth, mut begin) = (0, 0);
        for (end, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    names.push(first_word(&group[begin..end]));
                    begin = end + 1;
                }
                _ => {}
            }
            if c == '}' && depth == 0 && begin == end + 1 {
                break;
            }
        }
    }
    names
}

/// What the files of a room import from each other. A folder in a room counts as one file, and is looked into as a room of
/// its own; what `mod.rs` says itself belongs to nobody, and what it hands on to the file that has it.
fn imports_within(room: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    sources(room, &mut files);
    let name = name_of(room).replace('/', "::");
    let relative: Vec<PathBuf> = files.iter().map(|file| file.strip_prefix(room).unwrap().to_owned()).collect();
    let unit = |path: &Path| path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
    let mut within: BTreeMap<String, BTreeSet<String>> = relative.iter().map(|path| (unit(path), BTreeSet::new())).collect();
    within.remove("mod");
    let mut handed_on = BTreeMap::new();
    for line in code_of(&room.join("mod.rs")).split(';') {
        let Some((_, path)) = line.split_once("use ") else { continue };
        let path = path.trim_start_matches("self::");
        if within.contains_key(&first_word(path)) {
            let words = path.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
            handed_on.extend(words.map(|word| (word.to_owned(), first_word(path))));
        }
    }
    for (file, path) in files.iter().zip(&relative).filter(|(_, path)| **path != *"mod.rs") {
        // How many times `super` is the room.
        let ups = path.iter().count() - usize::from(path.ends_with("mod.rs"));
        let code = code_of(file);
        let mut names = names_behind(&code, &"super::".repeat(ups));
        names.extend(names_behind(&code, &format!("crate::{name}::")));
        let own = unit(path);
        for name in names {
            let Some(of) = within.get_key_value(&name).map(|(name, _)| name).or(handed_on.get(&name)).filter(|of| **of != own) else {
                continue;
            };
            let of = of.clone();
            within.get_mut(&own).unwrap().insert(of);
        }
    }
    within
}

/// What is left when everything is taken away that imports nothing of the rest, or that nothing of it imports: circles,
/// and what lies between two.
fn circles(mut within: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let imported: BTreeSet<String> = within.values().flatten().cloned().collect();
        let before = within.len();
        within.retain(|unit, imports| !imports.is_empty() && imported.contains(unit));
        let left: BTreeSet<String> = within.keys().cloned().collect();
        within.values_mut().for_each(|imports| imports.retain(|import| left.contains(import)));
        if within.len() == before {
            return within;
        }
    }
}

/// The path of a room below `src`.
fn name_of(room: &Path) -> &str {
    room.strip_prefix(root().join("src")).unwrap().to_str().unwrap()
}

/// The folders below `folder` that have a `mod.rs`, and are no tests.
fn rooms_below(folder: &Path, rooms: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            rooms.extend(path.join("mod.rs").exists().then(|| path.clone()));
            rooms_below(&path, rooms);
        }
    }
    rooms.sort();
}

#[test]
fn no_imports_run_in_circles_inside_rooms() {
    let (mut found, mut rooms, mut folders) = (Vec::new(), 0, Vec::new());
    rooms_below(&root().join("src"), &mut folders);
    for room in folders {
        let within = imports_within(&room);
        rooms += usize::from(within.values().any(|imports| !imports.is_empty()));
        let circles = circles(within);
        if !circles.is_empty() {
            found.push((name_of(&room).to_owned(), circles));
        }
    }
    assert!(rooms > 15, "imports inside rooms were read");
    let names: Vec<&str> = found.iter().map(|(room, _)| room.as_str()).collect();
    assert_eq!(names, ROOMS_WITH_CIRCLES, "{found:#?}");
}

/// What belongs to one operating system stands in one room, so that another system needs only that room again.
#[test]
fn only_platform_calls_the_system_by_its_own_names() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let is_elsewhere = |file: &PathBuf| {
        let relative = file.strip_prefix(root().join("src")).unwrap();
        !relative.starts_with("platform")
    };
    let names = ["rustix", "nix::", "std::os::", "libc::", "signal_hook"];
    let calls_the_system = |file: &PathBuf| names.iter().any(|name| code_of(file).contains(name));
    let (inside, outside): (Vec<_>, Vec<_>) = files.into_iter().filter(calls_the_system).partition(|file| !is_elsewhere(file));
    assert!(inside.len() > 10, "the names were looked for");
    assert!(outside.is_empty(), "{outside:?}");
}

#[test]
fn every_module_folder_stands_in_the_list_and_in_the_architecture_page() {
    let layers = layers();
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        if module == "lib" || module == "main" {
            continue;
        }
        assert!(layers.contains_key(module), "{module} stands in src/lib.rs");
        assert!(page.contains(&format!("`{module}`")), "{module} stands in docs/architecture.md");
    }
}

/// Every test that the documents name as holding something exists.
#[test]
fn tests_named_in_the_documents_exist() {
    let page = |name: &str| fs::read_to_string(root().join("docs").join(name)).unwrap();
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        all_sources(&root().join(folder), &mut files);
    }
    let code: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let architecture = page("architecture.md");
    let mut named: Vec<&str> = architecture.split("test: `").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    assert!(named.len() >= 8, "the page names its tests");
    let others = [page("testing.md"), page("guarantees.md")];
    // Names of tests are sentences: nothing else in these pages has four underscores.
    let in_marks = others.iter().flat_map(|page| page.split('`').skip(1).step_by(2));
    named.extend(in_marks.filter(|word| {
        word.matches('_').count() >= 4 && !word.contains(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_')
    }));
    assert!(named.len() > 80, "the pages name their tests");
    for name in named {
        assert!(code.contains(&format!("fn {name}(")), "there is no test {name}");
    }
}

fn all_sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all_sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// One rule for where things stand: a module with files of its own is a folder with `mod.rs`, and tests that are too long
/// for the end of a file are `tests.rs`, or `tests/`, in the folder of what they are about.
#[test]
fn a_module_is_a_file_or_a_folder_and_its_tests_stand_in_it() {
    let mut files = Vec::new();
    all_sources(&root().join("src"), &mut files);
    assert!(files.len() > 400, "all files were read");
    for file in files {
        assert!(!file.with_extension("").is_dir(), "{} has a folder beside it", file.display());
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(!name.ends_with("_tests.rs") && !name.ends_with("_test.rs"), "{}", file.display());
        assert!(!fs::read_to_string(&file).unwrap().contains("#[path ="), "{}", file.display());
    }
}

/// A file is read in one sitting.
#[test]
fn no_file_has_more_than_four_hundred_lines() {
    fn all(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                all(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut files = Vec::new();
    ["src", "tests", "benches", "fuzz/src", "fuzz/fuzz_targets"].iter().for_each(|folder| all(&root().join(folder), &mut files));
    assert!(files.len() > 400, "the files were found");
    let lines = |file: &PathBuf| fs::read_to_string(file).unwrap().lines().count();
    let long: Vec<_> = files.iter().map(|file| (file, lines(file))).filter(|(_, lines)| *lines > 400).collect();
    assert!(long.is_empty(), "{long:?}");
}
