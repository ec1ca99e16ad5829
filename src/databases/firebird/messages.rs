//! What gbak and gfix say of their work. Their exit codes are no verdict: gfix ends well over damaged records, and gbak
//! over indices that it could not build.

/// Rows of one table, as gbak counted them.
pub type Rows = Vec<(String, u64)>;

/// The rows of each table that gbak says it has written or restored. It counts up for long tables; the last number is
/// that of the table.
pub fn rows_of(messages: &str) -> Rows {
    let mut rows: Rows = Vec::new();
    for line in messages.lines() {
        let line = line.strip_prefix("gbak:").unwrap_or(line).trim();
        let table = line.strip_prefix("writing data for table ").or_else(|| line.strip_prefix("restoring data for table "));
        if let Some(table) = table {
            rows.push((table.trim().trim_matches('"').to_owned(), 0));
        } else if let Some(count) = line.strip_suffix(" records written").or_else(|| line.strip_suffix(" records restored"))
            && let (Ok(count), Some(last)) = (count.trim().parse(), rows.last_mut())
        {
            last.1 = count;
        }
    }
    rows
}

/// Rows as facts of an account: all, and of each table.
pub fn row_facts(rows: &Rows) -> Vec<(String, String)> {
    let all: u64 = rows.iter().map(|(_, count)| count).sum();
    let each = rows.iter().map(|(table, count)| (format!("rows of {table}"), count.to_string()));
    [("rows".to_owned(), all.to_string()), ("tables".to_owned(), rows.len().to_string())].into_iter().chain(each).collect()
}

/// Rows that facts tell of; none for facts of another kind.
pub fn rows_in_facts(facts: &[(String, String)]) -> Option<Rows> {
    facts.iter().any(|(name, _)| name == "rows").then(|| {
        let of_table = |(name, count): &(String, String)| Some((name.strip_prefix("rows of ")?.to_owned(), count.parse().ok()?));
        facts.iter().filter_map(of_table).collect()
    })
}

/// What gbak says went wrong though it may end well.
pub fn complaints_of_gbak(messages: &str) -> Vec<String> {
    let words = ["ERROR", "failed to activate", "not online", "without active indices", "WARNING"];
    messages.lines().filter(|line| words.iter().any(|word| line.contains(word))).take(20).map(|line| line.trim().to_owned()).collect()
}

/// What gfix found, line by line: `Number of record level errors : 20`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validation {
    /// Lines of errors, with more than none of them.
    pub errors: Vec<String>,
    /// Lines of warnings, which a sound file has too: record versions that nobody needs any more.
    pub warnings: Vec<String>,
    /// Anything else that it said.
    pub others: Vec<String>,
}

/// Reads what gfix says.
pub fn validation_of(messages: &str) -> Validation {
    let mut found = Validation::default();
    for line in messages.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|line| !line.is_empty()) {
        let count = line.rsplit_once(':').and_then(|(name, count)| Some((name, count.trim().parse::<u64>().ok()?)));
        match count {
            Some((_, 0)) => {}
            Some((name, _)) if name.contains("warnings") => found.warnings.push(line),
            Some((name, _)) if name.contains("errors") => found.errors.push(line),
            _ if line.starts_with("Summary of validation errors") => {}
            _ => found.others.push(line),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_the_last_number_of_each_table_and_come_back_from_facts() {
        let messages = "gbak:    writing data for table BIG\ngbak:    20000 records written\ngbak:   23456 records written\n\
            gbak:    writing data for table EMPTY\ngbak:0 records written\ngbak:closing file, committing, and finishing\n";
        let rows = rows_of(messages);
        assert_eq!(rows, [("BIG".to_owned(), 23_456), ("EMPTY".to_owned(), 0)]);
        let facts = row_facts(&rows);
        assert_eq!(facts[0], ("rows".to_owned(), "23456".to_owned()));
        assert_eq!(rows_in_facts(&facts), Some(rows));
        assert_eq!(rows_in_facts(&[("guid".to_owned(), "ab".to_owned())]), None);
        assert_eq!(rows_of("gbak:restoring data for table ACCOUNT\ngbak:   3000 records restored\n"), [("ACCOUNT".to_owned(), 3000)]);
    }

    #[test]
    fn errors_of_a_validation_are_told_from_warnings_whatever_the_exit_code_is() {
        let text = "Summary of validation errors\n\n\tNumber of record level errors\t: 20\n\tNumber of database page warnings : 1\n\
            \tNumber of index page errors\t: 0\n";
        let found = validation_of(text);
        assert_eq!(found.errors, ["Number of record level errors : 20"]);
        assert_eq!(found.warnings, ["Number of database page warnings : 1"]);
        assert!(found.others.is_empty());
        assert_eq!(validation_of(""), Validation::default());
        assert_eq!(validation_of("database file appears corrupt (/a.fdb)\n-wrong page type").others.len(), 2);
    }

    #[test]
    fn what_gbak_only_mentions_is_a_complaint() {
        let said = "gbak:activating and creating deferred index I\ngbak: ERROR:index \"I\" failed to activate because:\n\
            gbak:Database is not online due to failure to activate one or more indices.\n";
        assert_eq!(complaints_of_gbak(said).len(), 2);
        assert!(complaints_of_gbak("gbak:adjusting the ONLINE and FORCED WRITES flags\n").is_empty());
    }
}
