//! Words that other programs have for what this one does, and what to type instead.

/// What to type instead of `word`.
pub fn find(word: &str) -> Option<&'static str> {
    let instead = match word {
        "backup" | "save" | "create" | "put" => "`repo snapshot PATH` saves files; `repo snapshot` alone saves the same ones again",
        "list" | "log" | "archives" => "`repo snapshots` lists the snapshots, `repo ls` what is in one",
        "extract" | "recover" | "get" => "`repo restore SNAP[:PATH] DEST` brings files back",
        "dump" | "print" => "`repo cat SNAP:PATH` writes one file to standard output",
        "mount" => "a snapshot cannot be mounted yet; `repo ls`, `repo find` and `repo cat` look into it, `repo restore` brings files back",
        "unlock" | "break-lock" => "no lock outlives the program that holds it, so there is nothing to unlock",
        "verify" | "fsck" | "validate" => "`repo check` finds damage, with --read-data in all of the data",
        "gc" | "compact" | "cleanup" | "clean" | "expire" => "`repo prune` applies rules such as --keep-daily 7, and frees space",
        "delete" | "remove" | "rm" | "drop" => "`repo forget SNAP` forgets a snapshot; `repo prune` frees its space",
        "undelete" | "undo" => "`repo unforget ID` takes a forget back until the next prune",
        "passwd" | "password" => "`repo key change` changes the password",
        "info" | "size" | "du" => "`repo stats` says what the repository holds and takes",
        "rebuild-index" | "repair-index" | "recreate" => "`repo repair` makes what is damaged again from what is there",
        "pin" | "hold" | "protect" => "`repo tag SNAP --pin` keeps a snapshot; `repo settings protect 7d` protects all for a time",
        "versions" => "`repo history PATH` lists the versions of a file",
        _ => return None,
    };
    Some(instead)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn what_is_pointed_to_are_commands_and_what_points_is_none() {
        let command = super::super::Cli::command();
        let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        for word in ["backup", "list", "mount", "unlock", "gc", "delete"] {
            let instead = find(word).unwrap();
            assert!(!names.contains(&word), "{word}");
            for named in instead.split("`repo ").skip(1) {
                let name = named.split([' ', '`']).next().unwrap();
                assert!(names.contains(&name), "{instead}");
            }
        }
        assert_eq!(find("snapshot"), None);
    }
}
