//! Every limit of an exchange holds at its boundary: a body, a gateway's buffer, rounds, and passes.

use scimguard_core::message::{AnswerHandling, ForwardBody, Need};
use scimguard_core::{BackendOutcome, Body, Forward, Outcome, Proceed, Verdict};
use scimguard_exchange::{Answer, Exchange, Outgoing, Setup, Step};

use crate::script::facts::{found, user_key};
use crate::script::says::{answered, forward, need, need_body, proceed, request, respond};
use crate::script::steps::{
    begun, begun_with, ended, needed, past_facts, past_store, sent, stored,
};
use crate::script::{ACCOUNT, PATH, Says, Script};

/// The gateway's buffer in these tests.
const ROOM: u64 = 10;

fn bytes(size: usize) -> Vec<u8> {
    vec![b'b'; size]
}

fn is_trapped(answer: &Answer) -> bool {
    answer.rule.as_deref() == Some("plugin.trapped")
}

#[test]
fn a_body_is_read_once_and_no_further_than_the_policy_and_its_settings_allow() {
    for (received, wished, read) in [
        (Body::Unread, Some(999), Some(999)),
        (Body::Unread, Some(1_000), Some(1_000)),
        (Body::Unread, Some(1_001), Some(1_000)),
        (Body::Unread, None, None),
        (Body::None, Some(999), None),
        (Body::Bytes(bytes(1)), Some(999), None),
        (Body::OverLimit, Some(999), None),
    ] {
        let asks = Need {
            body_limit: wished,
            ..need(&["u1"])
        };
        let case = format!("{received:?}, of which {wished:?} bytes are wished");
        let script = Script::new(vec![Verdict::Need(asks).into()]);
        let (mut exchange, step) = begun(script, request(received));
        let step = match read {
            Some(limit) => {
                assert!(
                    matches!(step, Step::ReadBody(most) if most == limit),
                    "{case}: {step:?}"
                );
                exchange.body(Body::Bytes(bytes(1)))
            }
            None => step,
        };
        assert_eq!(needed(step).keys, [user_key("u1")], "{case}");
    }
}

#[test]
fn a_policy_that_needs_only_the_body_gets_it_without_any_facts() {
    let script = Script::new(vec![
        Verdict::Need(need_body(5, &[])).into(),
        Verdict::Forward(forward()).into(),
    ]);
    let (mut exchange, step) = begun(script.clone(), request(Body::Unread));
    assert!(matches!(step, Step::ReadBody(5)), "{step:?}");
    let step = exchange.body(Body::OverLimit);
    assert!(matches!(step, Step::Store(_)), "{step:?}");
    assert_eq!(script.heard()[1].body, Body::OverLimit);
    assert_eq!(exchange.request().body, Body::OverLimit);
    assert_eq!(exchange.request().path, PATH);
}

/// Whether a request with this body is sent by a gateway with this buffer.
fn is_sent(room: Option<u64>, received: Body, body: ForwardBody, in_parts: bool) -> bool {
    let sends = Forward { body, ..forward() };
    let says = match in_parts {
        true => vec![
            Verdict::Proceed(proceed()).into(),
            Outcome::Forward(sends).into(),
        ],
        false => vec![Verdict::Forward(sends).into()],
    };
    let setup = Setup::new(Script::new(says), false);
    if let Some(room) = room {
        setup.set_room(room);
    }
    let (mut exchange, step) = begun_with(setup, request(received));
    let step = match in_parts {
        true => past_store(&mut exchange, step),
        false => step,
    };
    match step {
        Step::Store(_) | Step::Send(_) => true,
        step => {
            let answer = ended(step);
            assert_eq!(answer.rule.as_deref(), Some("body.too-large"));
            assert_eq!(answer.response.status, 413);
            false
        }
    }
}

#[test]
fn a_body_passes_through_the_gateways_buffer_if_it_fits_or_is_not_the_clients_request() {
    let read = |size| Body::Bytes(bytes(size));
    let whole = |size| ForwardBody::Bytes(bytes(size));
    let as_received = || ForwardBody::AsReceived;
    for (room, received, body, in_parts, expected) in [
        (Some(ROOM), Body::Unread, whole(9), false, true),
        (Some(ROOM), Body::Unread, whole(10), false, true),
        (Some(ROOM), Body::Unread, whole(11), false, false),
        (Some(ROOM), read(9), as_received(), false, true),
        (Some(ROOM), read(10), as_received(), false, true),
        (Some(ROOM), read(11), as_received(), false, false),
        (Some(ROOM), read(11), ForwardBody::None, false, true),
        (Some(ROOM), Body::Unread, as_received(), false, true),
        (Some(0), Body::Unread, whole(1), false, false),
        (Some(1), Body::Unread, whole(1), false, true),
        // Such a request is the gateway's own, not the client's through its buffer.
        (Some(ROOM), Body::Unread, whole(9), true, true),
        (Some(ROOM), Body::Unread, whole(11), true, true),
        // A gateway that has not said how large its buffer is may have a larger one.
        (None, Body::Unread, whole(9_000), false, true),
    ] {
        let case = format!("{room:?}, {received:?}, {body:?}, in parts: {in_parts}");
        assert_eq!(is_sent(room, received, body, in_parts), expected, "{case}");
    }
}

#[test]
fn a_setup_names_its_limits_and_the_buffer_that_every_gateway_has_until_it_learns_another() {
    let setup = Setup::new(Script::new(Vec::new()), true);
    assert_eq!((setup.body_limit(), setup.answer_limit()), (1_000, 2_000));
    assert!(setup.annotates());
    assert!(!Setup::new(Script::new(Vec::new()), false).annotates());
    assert_eq!(setup.room(), 8_192);
    for room in [0, 1, ROOM, 1 << 40] {
        setup.set_room(room);
        assert_eq!(setup.room(), room);
    }
    assert_eq!(setup.paths().account(PATH).as_deref(), Some(ACCOUNT));
}

/// Drives an exchange to its end, and returns the end with the number of passes before it.
fn driven(mut exchange: Exchange<Script>, mut step: Step) -> (Answer, u32) {
    for _ in 0..40 {
        step = match step {
            Step::GetFacts(needed) => exchange.facts(Ok(found(&needed.keys, 0))),
            Step::Store(_) => exchange.stored(Ok(())),
            Step::Send(_) => exchange.answered(answered(1)),
            Step::Respond(answer) => return (answer, exchange.passes()),
            Step::ReadBody(_) => panic!("{step:?}"),
        };
    }
    panic!("it does not end")
}

#[test]
fn each_pass_may_end_in_a_request_to_the_backend_or_a_next_part_as_often_as_the_settings_say() {
    let forwards = || Says::from(Outcome::Forward(forward()));
    let proceeds = || Says::from(Outcome::Proceed(proceed()));
    let responds = || Says::from(Outcome::Respond(respond()));
    for (more, expected) in [
        (vec![responds()], Some(1)),
        (vec![forwards(), responds()], Some(2)),
        (vec![forwards(), forwards(), responds()], Some(3)),
        (vec![proceeds(), forwards(), responds()], Some(3)),
        (vec![forwards(), forwards(), forwards()], None),
        (vec![proceeds(), proceeds(), proceeds()], None),
    ] {
        for first in [Verdict::Forward(forward()), Verdict::Proceed(proceed())] {
            let case = format!("{first:?}, then {more:?}");
            let says = [vec![first.into()], more.clone()].concat();
            let (exchange, step) = begun(Script::new(says), request(Body::None));
            let (answer, passes) = driven(exchange, step);
            assert_eq!(is_trapped(&answer), expected.is_none(), "{case}");
            if let Some(expected) = expected {
                assert_eq!(passes, expected, "{case}");
            }
        }
    }
}

#[test]
fn a_request_is_in_parts_from_its_second_pass_on() {
    let says = vec![
        Verdict::Need(need(&["u1"])).into(),
        Verdict::Forward(forward()).into(),
        Outcome::Forward(forward()).into(),
        Outcome::Proceed(proceed()).into(),
    ];
    let (mut exchange, step) = begun(Script::new(says), request(Body::None));
    let count = |exchange: &Exchange<Script>| (exchange.passes(), exchange.in_parts());
    let mut counted = vec![count(&exchange)];
    let step = past_facts(&mut exchange, step);
    counted.push(count(&exchange));
    sent(past_store(&mut exchange, step));
    sent(exchange.answered(answered(1)));
    counted.push(count(&exchange));
    stored(exchange.answered(answered(1)));
    counted.push(count(&exchange));
    assert_eq!(counted, [(0, false), (1, false), (2, true), (3, true)]);
}

#[test]
fn each_pass_has_all_its_rounds_again() {
    let asks = || need(&["u1"]);
    let rounds = Script::new(Vec::new()).settings.rounds;
    for (first, second, trapped) in [
        (rounds, rounds, false),
        (rounds + 1, 0, true),
        (rounds, rounds + 1, true),
    ] {
        let mut says = Vec::new();
        says.extend((0..first).map(|_| Says::from(Verdict::Need(asks()))));
        says.push(Verdict::Forward(forward()).into());
        says.extend((0..second).map(|_| Says::from(Outcome::Need(asks()))));
        says.push(Outcome::Respond(respond()).into());
        let (exchange, step) = begun(Script::new(says), request(Body::None));
        let (answer, _) = driven(exchange, step);
        assert_eq!(is_trapped(&answer), trapped, "{first}, then {second}");
    }
}

/// The weight of an exchange before it learns more, at each step of a request with these sizes.
fn weights(body: usize, continuation: usize, answer: usize, next: usize) -> Vec<usize> {
    let sends = Forward {
        continuation: bytes(continuation),
        answer: AnswerHandling::Observe,
        ..forward()
    };
    let goes_on = Proceed {
        continuation: bytes(next),
        ..proceed()
    };
    let says = vec![
        Verdict::Need(need_body(1_000, &[])).into(),
        Verdict::Need(need(&["u1"])).into(),
        Verdict::Forward(sends).into(),
        Outcome::Need(need(&["u1"])).into(),
        Outcome::Proceed(goes_on).into(),
        Outcome::Need(need(&["u1"])).into(),
    ];
    let (mut exchange, step) = begun(Script::new(says), request(Body::Unread));
    let mut weights = Vec::new();
    let mut weigh = |exchange: &Exchange<Script>| weights.push(exchange.weight());
    assert!(matches!(step, Step::ReadBody(_)), "{step:?}");
    weigh(&exchange);
    let step = exchange.body(Body::Bytes(bytes(body)));
    weigh(&exchange);
    let step = past_facts(&mut exchange, step);
    sent(past_store(&mut exchange, step));
    weigh(&exchange);
    let step = exchange.answered(answered(answer));
    weigh(&exchange);
    let step = past_facts(&mut exchange, step);
    stored(step);
    weigh(&exchange);
    needed(exchange.stored(Ok(())));
    weigh(&exchange);
    weights
}

#[test]
fn an_exchange_weighs_as_much_as_the_largest_part_of_what_the_policy_reads_next() {
    for (body, continuation, answer, next, expected) in [
        (7, 3, 2, 5, [0, 7, 7, 3, 5, 5]),
        (7, 9, 20, 5, [0, 7, 9, 20, 20, 5]),
        (7, 30, 20, 25, [0, 7, 30, 30, 30, 25]),
        (0, 0, 0, 0, [0; 6]),
    ] {
        let case = format!("{body}, {continuation}, {answer}, {next}");
        assert_eq!(
            weights(body, continuation, answer, next),
            expected,
            "{case}"
        );
    }
}

#[test]
fn a_part_that_follows_without_the_backend_is_told_so() {
    let script = Script::new(vec![
        Verdict::Proceed(proceed()).into(),
        Outcome::Respond(respond()).into(),
    ]);
    let (mut exchange, step) = begun(script.clone(), request(Body::None));
    let step = past_store(&mut exchange, step);
    assert_eq!(ended(step).response.status, 204);
    let observed = script.heard()[1].observed.clone();
    assert_eq!(observed, Some((b"next".to_vec(), BackendOutcome::NotAsked)));
}

#[test]
fn a_body_is_sent_as_the_policy_says_and_never_empty() {
    let read = |size| Body::Bytes(bytes(size));
    for (received, body, expected) in [
        (
            read(3),
            ForwardBody::Bytes(bytes(2)),
            Outgoing::Whole(bytes(2)),
        ),
        (
            Body::Unread,
            ForwardBody::Bytes(bytes(2)),
            Outgoing::Whole(bytes(2)),
        ),
        (read(3), ForwardBody::Bytes(Vec::new()), Outgoing::None),
        (Body::Unread, ForwardBody::Bytes(Vec::new()), Outgoing::None),
        (read(3), ForwardBody::AsReceived, Outgoing::Whole(bytes(3))),
        (Body::Unread, ForwardBody::AsReceived, Outgoing::AsItComes),
        (Body::None, ForwardBody::AsReceived, Outgoing::None),
        (read(3), ForwardBody::None, Outgoing::None),
        (Body::Unread, ForwardBody::None, Outgoing::None),
    ] {
        let case = format!("{received:?}, {body:?}");
        let sends = Forward { body, ..forward() };
        let script = Script::new(vec![Verdict::Forward(sends).into()]);
        let (mut exchange, step) = begun(script, request(received));
        let send = sent(past_store(&mut exchange, step));
        assert_eq!(send.body, expected, "{case}");
    }
}
