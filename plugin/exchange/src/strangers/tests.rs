//! How many questions about strange tokens an address may cause, and what is forgotten first.

use super::*;

const NOW: u64 = 1_780_272_000_000;

fn ask(strangers: &Strangers, source: &str, token: &str, now: u64) -> Result<(), Option<u64>> {
    let asked = strangers.ask(source, [token].into_iter(), now);
    asked.map_err(|refused| {
        assert_eq!(refused.rule, "rate.limited");
        refused.retry_after
    })
}

#[test]
fn an_address_that_fails_holds_up_its_own_strange_tokens_alone() {
    let strangers = Strangers::default();
    strangers.good(["Bearer good"].into_iter(), None, NOW);
    assert_eq!(ask(&strangers, "192.0.2.7:4711", "Bearer a", NOW), Ok(()));
    strangers.fails("192.0.2.7:4711", 2, NOW);
    for (source, token, later, expected) in [
        ("192.0.2.7:4712", "Bearer a", 1, Err(Some(2))),
        ("192.0.2.7", "Bearer a", 2, Err(Some(2))),
        ("192.0.2.7:4712", "Bearer good", 2, Ok(())),
        ("192.0.2.8:4712", "Bearer a", 2, Ok(())),
        ("[2001:db8::7]:1", "Bearer a", 2, Ok(())),
        // One question per moment is let through.
        ("192.0.2.7:4713", "Bearer new", MOMENT, Ok(())),
        ("192.0.2.7:4713", "Bearer new", MOMENT + 1, Err(Some(2))),
        ("192.0.2.7:4713", "Bearer new", 1_001, Ok(())),
        ("192.0.2.7:4713", "Bearer new", 1_002, Err(Some(1))),
        // The time that the service named is over.
        ("192.0.2.7:4713", "Bearer a", 2_000, Ok(())),
        ("192.0.2.7:4713", "Bearer a", 2_001, Ok(())),
    ] {
        let asked = ask(&strangers, source, token, NOW + later);
        assert_eq!(asked, expected, "{source} {token} after {later} ms");
    }
}

#[test]
fn a_token_that_was_good_long_ago_is_strange() {
    let strangers = Strangers::default();
    strangers.good(["Bearer good"].into_iter(), None, NOW);
    let later = NOW + LATELY;
    strangers.fails("192.0.2.7:1", 60, later);
    assert_eq!(
        ask(&strangers, "192.0.2.7:1", "Bearer good", later - 1),
        Ok(())
    );
    assert!(ask(&strangers, "192.0.2.7:1", "Bearer good", later).is_err());
}

#[test]
fn what_is_remembered_has_a_bound() {
    let strangers = Strangers::default();
    for n in 0..MOST + 10 {
        strangers.fails(&format!("192.0.2.{n}"), 1, NOW);
        strangers.good([format!("Bearer {n}").as_str()].into_iter(), None, NOW);
    }
    assert_eq!(lock(&strangers.failing).len(), MOST);
    assert_eq!(lock(&strangers.good).0.len(), MOST);
    strangers.fails("192.0.2.1", 60, NOW);
    assert!(ask(&strangers, "192.0.2.1", "Bearer a", NOW + 2_000).is_ok());
    assert!(ask(&strangers, "192.0.2.1", "Bearer a", NOW + 2_001).is_err());
    // Expired entries make room.
    strangers.fails("198.51.100.1", 1, NOW + 1_000);
    assert_eq!(lock(&strangers.failing).len(), 2);
}

const ADDRESS: &str = "192.0.2.7:1";

fn is_known(strangers: &Strangers, token: &str, now: u64) -> bool {
    ask(strangers, ADDRESS, token, now).is_ok()
}

/// These tokens were good at this time.
fn are_good(strangers: &Strangers, tokens: &[String], now: u64) {
    strangers.good(tokens.iter().map(String::as_str), None, now);
}

fn tokens(count: usize, kind: &str) -> Vec<String> {
    (0..count).map(|n| format!("Bearer {kind} {n}")).collect()
}

#[test]
fn a_token_is_no_stranger_for_ten_minutes() {
    for (age, known) in [
        (0, true),
        (1_600, true),
        (60_010, true),
        (599_999, true),
        (600_000, false),
        (600_001, false),
    ] {
        let strangers = Strangers::default();
        are_good(&strangers, &tokens(1, "good"), NOW);
        strangers.fails(ADDRESS, 60, NOW + age);
        let known_then = is_known(&strangers, "Bearer good 0", NOW + age);
        assert_eq!(known_then, known, "after {age} ms");
    }
}

#[test]
fn one_good_credential_among_several_is_enough() {
    for (carried, asked) in [
        (&["Bearer bad", "Bearer good 0"][..], true),
        (&["Bearer good 0", "Bearer bad"][..], true),
        (&["Bearer bad", "Bearer worse"][..], false),
        (&[][..], false),
    ] {
        let strangers = Strangers::default();
        are_good(&strangers, &tokens(1, "good"), NOW);
        strangers.fails(ADDRESS, 60, NOW);
        let answer = strangers.ask(ADDRESS, carried.iter().copied(), NOW);
        assert_eq!(answer.is_ok(), asked, "{carried:?}");
    }
}

#[test]
fn tokens_that_were_good_long_ago_are_forgotten_before_those_that_were_good_lately() {
    for (old, recent, age) in [
        (MOST, 1, LATELY),
        (MOST, 1, LATELY + 1),
        (MOST / 2, MOST, LATELY),
        (MOST / 2, MOST, 2 * LATELY),
        (1, MOST, LATELY),
    ] {
        let case = format!("{old} old and {recent} recent, {age} ms later");
        let strangers = Strangers::default();
        are_good(&strangers, &tokens(old, "old"), NOW);
        let (later, recent) = (NOW + age, tokens(recent, "recent"));
        are_good(&strangers, &recent, later);
        strangers.fails(ADDRESS, 60, later);
        let known = |token: &String| is_known(&strangers, token, later);
        assert!(recent.iter().all(known), "{case}");
        assert!(!tokens(old, "old").iter().any(known), "{case}");
    }
}

#[test]
fn nothing_is_forgotten_while_there_is_room() {
    let strangers = Strangers::default();
    are_good(&strangers, &tokens(1, "old"), NOW);
    let later = NOW + LATELY;
    are_good(&strangers, &tokens(MOST - 1, "recent"), later);
    // A request that came before the others asks after them.
    let earlier = later - 1;
    strangers.fails(ADDRESS, 60, earlier);
    assert!(is_known(&strangers, "Bearer old 0", earlier));
    are_good(&strangers, &tokens(1, "last"), later);
    assert!(!is_known(&strangers, "Bearer old 0", earlier));
}

#[test]
fn an_address_that_fails_is_remembered_as_long_as_the_service_said_last() {
    for (first, second, after, waits) in [
        (1, 60, 1_000, true),
        (60, 1, 1_000, false),
        (60, 1, 999, true),
        (0, 0, 0, false),
        (u64::MAX, u64::MAX, 1_000_000, true),
    ] {
        let strangers = Strangers::default();
        strangers.fails(ADDRESS, first, NOW);
        strangers.fails(ADDRESS, second, NOW);
        let now = NOW + after;
        let asked = [(); 2].map(|()| is_known(&strangers, "Bearer a", now));
        assert_eq!(
            asked[1], !waits,
            "{first} s, then {second} s, after {after} ms"
        );
    }
}

#[test]
fn too_many_failing_addresses_make_room_only_when_their_time_is_over() {
    for (after, remembered) in [(999, false), (1_000, true), (1_001, true)] {
        let strangers = Strangers::default();
        for n in 0..MOST {
            strangers.fails(&format!("198.51.100.{n}"), 1, NOW);
        }
        let now = NOW + after;
        strangers.fails(ADDRESS, 60, now);
        assert_eq!(
            !is_known(&strangers, "Bearer a", now),
            remembered,
            "after {after} ms"
        );
    }
}

#[test]
fn an_address_is_the_same_from_every_port() {
    for (source, expected) in [
        ("192.0.2.7:4711", "192.0.2.7"),
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:db8::7]:4711", "[2001:db8::7]"),
        ("[2001:db8::7]", "[2001:db8::7]"),
        ("2001:db8::7", "2001:db8::7"),
        ("/var/run/envoy.sock", "/var/run/envoy.sock"),
        ("", ""),
    ] {
        assert_eq!(address(source), expected);
    }
}
