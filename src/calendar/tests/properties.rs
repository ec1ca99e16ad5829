use proptest::prelude::*;

use super::*;

const ZONES: [&str; 6] = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"];

/// A component: `*`, a number, a range or a repetition.
fn component(least: u32, most: u32) -> impl Strategy<Value = String> {
    let number = least..=most;
    prop_oneof![
        Just("*".to_owned()),
        number.clone().prop_map(|number| number.to_string()),
        (number.clone(), number.clone()).prop_map(|(a, b)| format!("{}..{}", a.min(b), a.max(b))),
        (least..=most / 2, 1..=most / 2).prop_map(|(first, step)| format!("{first}/{step}")),
        (number.clone(), number).prop_map(|(a, b)| format!("{a},{b}")),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    let weekdays = prop_oneof![Just(""), Just("Mon "), Just("Tue..Sat "), Just("Sun,Thu ")];
    let day = prop_oneof![
        component(1, 31).prop_map(|day| format!("-{day}")),
        (1..=28_u32, 1..=28_u32).prop_map(|(a, b)| format!("~{}..{}", a.min(b), a.max(b))),
        Just("-*".to_owned())
    ];
    let zone = prop_oneof![4 => Just(""), 1 => Just(" America/New_York")];
    (weekdays, component(1, 12), day, component(0, 23), component(0, 59), component(0, 59), zone)
        .prop_map(|(weekdays, month, day, hour, minute, second, zone)| format!("{weekdays}*-{month}{day} {hour}:{minute}:{second}{zone}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Whatever is asked, the next time is later, the last one earlier, and between a time and its next window is none.
    #[test]
    fn what_comes_next_is_later_and_nothing_lies_between(
        text in expression(), seconds in 0_i64..6_000_000_000, nanoseconds in 0_u32..1_000_000_000, zone_name in 0..ZONES.len(),
    ) {
        let (calendar, time, zone) = (calendar(&text), Timestamp::new(seconds, nanoseconds), zone(ZONES[zone_name]));
        if let Some(next) = calendar.next_after(time, &zone) {
            prop_assert!(next > time);
            prop_assert!(calendar.last_before(next, &zone).is_none_or(|last| last <= time));
        }
        if let Some(next) = calendar.next_window(time, &zone) {
            prop_assert!(next > time);
            prop_assert!(calendar.next_after(time, &zone).is_some_and(|after| after <= next));
            prop_assert!(calendar.last_before(next, &zone).is_none_or(|last| last <= time));
            let just_after = Timestamp::new(next.seconds, next.nanoseconds + 1);
            prop_assert_eq!(calendar.last_before(just_after, &zone), Some(next));
        }
        if let Some(last) = calendar.last_before(time, &zone) {
            prop_assert!(last < time);
            prop_assert!(calendar.next_window(last, &zone).is_none_or(|next| next >= time));
        }
    }

    /// The way through a calendar forward is the way back.
    #[test]
    fn windows_are_the_same_forward_and_backward(text in expression(), seconds in 1_000_000_000_i64..2_000_000_000, zone_name in 0..ZONES.len()) {
        let (calendar, zone) = (calendar(&text), zone(ZONES[zone_name]));
        let next = |time: &Timestamp| calendar.next_window(*time, &zone);
        let forward: Vec<Timestamp> = std::iter::successors(next(&Timestamp::new(seconds, 0)), next).take(20).collect();
        let Some(end) = forward.last() else { return Ok(()) };
        let last = |time: &Timestamp| calendar.last_before(*time, &zone);
        let mut backward: Vec<Timestamp> = std::iter::successors(Some(*end), last).take(forward.len()).collect();
        backward.reverse();
        prop_assert_eq!(forward, backward);
    }

    #[test]
    fn no_text_and_no_time_make_it_panic(text in "[MonTueSa*0-9.,/:~ @-]{0,24}", seconds: i64, nanoseconds: u32) {
        if let Ok(calendar) = Calendar::parse(&text) {
            let (time, zone) = (Timestamp::new(seconds, nanoseconds), zone("Europe/Berlin"));
            for found in [calendar.next_after(time, &zone), calendar.next_window(time, &zone)].into_iter().flatten() {
                prop_assert!(found > time);
            }
            calendar.last_before(time, &zone);
        }
    }

    #[test]
    fn any_text_is_read_or_refused_within_itself(text in "\\PC{0,40}") {
        if let Err(mistake) = Calendar::read(&text) {
            prop_assert!(mistake.at <= text.len());
        }
    }
}
