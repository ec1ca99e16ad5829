use super::*;

#[test]
fn a_mistake_is_named_with_its_place() {
    for (text, at, what) in [
        ("", 0, "is expected"),
        ("Mon..Sat 25:30", 9, "the hour must be 0 to 23, not 25"),
        ("Mon..Sat 19:60", 12, "the minute must be 0 to 59, not 60"),
        ("19:30:61", 6, "the second must be 0 to 59, not 61"),
        ("Fri..Mon 19:30", 0, "ends before it begins"),
        ("Mon..Sut", 5, "`Sut` is neither a weekday nor a word such as `daily`"),
        ("everyday", 0, "neither a weekday nor a word"),
        ("19", 2, "`:` and the minute is expected, not the end"),
        ("*-13-01", 2, "the month must be 1 to 12, not 13"),
        ("*-02~29", 5, "the day must be 1 to 28, not 29"),
        ("*-*~3,28", 4, "must be at most 25, not 28"),
        ("10:00 Europe/Berlim", 6, "there is no time zone `Europe/Berlim`"),
        ("10:00 europe/berlin", 6, "the time zone is written `Europe/Berlin`"),
        ("*:0/0", 4, "a repetition of 0"),
        ("*:50/20", 5, "nothing is repeated"),
        ("22..2:00", 0, "ends before it begins"),
        ("10:00 ", 5, "not a space"),
        ("*:5,", 4, "a minute is expected, not the end"),
        ("10:00:5.", 8, "a fraction of a second is expected"),
        ("2026-1-1 1:99999999999999999999", 11, "the number is too great"),
        ("1969-01-01", 0, "the year must be 1970 to 2199, not 1969"),
        ("@99999999999", 1, "too far away"),
        ("Mon\u{202e}", 3, "expected, not `\\u{202e}`"),
    ] {
        let mistake = Calendar::read(text).expect_err(text);
        assert!(mistake.at == at && mistake.what.contains(what), "{text:?} gives {mistake:?}");
    }
}

#[test]
fn the_error_repeats_the_text_counts_columns_and_says_how_it_is_written() {
    let error = Calendar::parse("Mon..Sat 25:30").expect_err("there is no hour 25");
    let message = "`Mon..Sat 25:30` is no calendar expression: the hour must be 0 to 23, not 25, at column 10";
    assert_eq!(error.to_string(), message);
    assert_eq!(error.kind(), crate::ErrorKind::Invalid);
    assert!(matches!(error.hint(), crate::Hint::Instead(hint) if hint.contains("Mon..Sat 19:30")));
}

#[test]
fn a_text_without_end_is_refused_and_not_repeated_as_a_whole() {
    let error = Calendar::parse(&"1,".repeat(4000)).expect_err("it is too long");
    assert!(error.to_string().len() < 200, "{error}");
    let error = Calendar::parse(&format!("{}1:00", "1,".repeat(300))).expect_err("the list is too long");
    assert!(error.to_string().contains("the list of hours is too long"), "{error}");
}

#[test]
fn an_expression_is_printed_as_it_was_written() {
    assert_eq!(calendar("Mon,Thu 19:30 Europe/Berlin").to_string(), "Mon,Thu 19:30 Europe/Berlin");
}
