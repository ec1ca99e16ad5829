use super::*;

/// The next times after each other, by `step`.
fn times(text: &str, from: &str, zone_name: &str, count: usize) -> Vec<String> {
    let (calendar, zone) = (calendar(text), zone(zone_name));
    let next = |time: &Timestamp| calendar.next_window(*time, &zone);
    std::iter::successors(next(&utc(from)), next).take(count).map(|time| shown(Some(time))).collect()
}

#[test]
fn a_time_that_does_not_exist_in_the_night_of_the_change_does_not_happen() {
    let found = times("02:30", "2026-03-28T00:00:00Z", "Europe/Berlin", 2);
    assert_eq!(found, ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]);
    let found = times("*:0/30", "2026-03-29T00:10:00Z", "Europe/Berlin", 3);
    assert_eq!(found, ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]);
    // 30 December 2011 did not exist in Samoa.
    let found = times("12:00", "2011-12-29T00:00:00Z", "Pacific/Apia", 2);
    assert_eq!(found, ["2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z"]);
}

#[test]
fn a_time_that_exists_twice_in_the_night_of_the_change_is_one_window() {
    let found = times("02:30", "2026-10-24T12:00:00Z", "Europe/Berlin", 2);
    assert_eq!(found, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    let found = times("*:0/30", "2026-10-25T00:10:00Z", "Europe/Berlin", 3);
    assert_eq!(found, ["2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z", "2026-10-25T02:30:00Z"]);
}

#[test]
fn windows_are_the_same_from_within_the_repeated_hour_while_systemd_names_times_of_it() {
    let (calendar, berlin) = (calendar("*:0/30"), zone("Europe/Berlin"));
    // 02:15 for the second time.
    let time = utc("2026-10-25T01:15:00Z");
    assert_eq!(shown(calendar.next_after(time, &berlin)), "2026-10-25T01:30:00Z");
    assert_eq!(shown(calendar.next_window(time, &berlin)), "2026-10-25T02:00:00Z");
    assert_eq!(shown(calendar.last_before(time, &berlin)), "2026-10-25T00:30:00Z");
    assert_eq!(shown(calendar.last_before(utc("2026-10-25T00:15:00Z"), &berlin)), "2026-10-25T00:00:00Z");
}

#[test]
fn what_was_last_lies_before_the_gap_when_asked_from_just_behind_it() {
    let (calendar, berlin) = (calendar("*:40"), zone("Europe/Berlin"));
    assert_eq!(shown(calendar.last_before(utc("2026-03-29T01:10:00Z"), &berlin)), "2026-03-29T00:40:00Z");
    let apia = zone("Pacific/Apia");
    assert_eq!(shown(calendar.last_before(utc("2011-12-30T10:10:00Z"), &apia)), "2011-12-30T09:40:00Z");
}

#[test]
fn the_zone_of_the_expression_counts_before_that_of_the_caller() {
    let time = utc("2026-07-01T00:00:00Z");
    for zone_name in ["UTC", "Asia/Tokyo"] {
        assert_eq!(shown(calendar("12:00 Europe/Berlin").next_after(time, &zone(zone_name))), "2026-07-01T10:00:00Z");
    }
    assert_eq!(shown(calendar("12:00").next_after(time, &zone("Asia/Tokyo"))), "2026-07-01T03:00:00Z");
}

#[test]
fn days_are_counted_from_the_end_of_each_month() {
    let found = times("Mon *-05~07/1", "2026-01-01T00:00:00Z", "UTC", 2);
    assert_eq!(found, ["2026-05-25T00:00:00Z", "2027-05-31T00:00:00Z"]);
    let found = times("*-02~1", "2027-01-01T00:00:00Z", "UTC", 2);
    assert_eq!(found, ["2027-02-28T00:00:00Z", "2028-02-29T00:00:00Z"]);
}

#[test]
fn what_never_comes_is_none_and_not_a_search_without_end() {
    let utc_zone = zone("UTC");
    for text in ["*-02-30", "2020-01-01", "Mon 2026-12-01", "@0"] {
        assert_eq!(calendar(text).next_after(utc("2026-01-01T00:00:00Z"), &utc_zone), None, "{text}");
    }
    assert_eq!(calendar("*-02-30").last_before(utc("2026-01-01T00:00:00Z"), &utc_zone), None);
    assert_eq!(shown(calendar("@0").last_before(utc("2026-01-01T00:00:00Z"), &utc_zone)), "1970-01-01T00:00:00Z");
    assert_eq!(calendar("daily").last_before(utc("1969-06-01T00:00:00Z"), &utc_zone), None);
    assert_eq!(shown(calendar("daily").next_after(utc("1960-01-01T00:00:00Z"), &utc_zone)), "1970-01-01T00:00:00Z");
}

#[test]
fn a_window_is_not_after_itself_and_not_before_itself() {
    let (calendar, utc_zone) = (calendar("daily"), zone("UTC"));
    let midnight = utc("2026-06-02T00:00:00Z");
    assert_eq!(shown(calendar.next_after(midnight, &utc_zone)), "2026-06-03T00:00:00Z");
    assert_eq!(shown(calendar.last_before(midnight, &utc_zone)), "2026-06-01T00:00:00Z");
    let just_before = Timestamp::new(midnight.seconds - 1, 999_999_999);
    assert_eq!(calendar.next_after(just_before, &utc_zone), Some(midnight));
    let just_after = Timestamp::new(midnight.seconds, 1);
    assert_eq!(calendar.last_before(just_after, &utc_zone), Some(midnight));
}
