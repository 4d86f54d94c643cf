//! What a policy may have stored.

use std::slice::from_ref;

use scimguard_exchange::{Refused, account_of_key, account_of_record};

use super::every::{every_key, every_record};
use super::*;

const OTHERS_RECORD: &str = "it records something of another account than the request's";

/// The records in every place where a policy gives some, of a request for this account.
fn keeps(client: &Client, account: Option<&str>, records: &[Record]) -> Vec<Vec<Says>> {
    let mut claim = Claim::new(account, None);
    let sends = Forward {
        answer: AnswerHandling::Observe,
        ..claim.clone().forward(&client.request)
    };
    let respond = Respond {
        records: records.to_vec(),
        ..respond()
    };
    claim.records = records.to_vec();
    let mut places = claim.everywhere(&client.request);
    places.push(vec![
        Verdict::Forward(sends).into(),
        Outcome::Respond(respond).into(),
    ]);
    places
}

#[track_caller]
fn assert_unkept(client: &Client, account: Option<&str>, records: &[Record]) {
    for says in keeps(client, account, records) {
        assert_lie(client, &says, OTHERS_RECORD, &says);
    }
}

#[track_caller]
fn assert_kept(client: &Client, account: Option<&str>, records: &[Record]) {
    for says in keeps(client, account, records) {
        let end = assert_true(client, &says, &says);
        assert_eq!(end.stored, records, "{says:?}");
    }
}

#[test]
fn nothing_of_another_account_is_recorded() {
    for path in [USERS, MANAGED] {
        let client = Client::at(path);
        for (own, others) in every_record("ACC1").into_iter().zip(every_record("ACC2")) {
            let account = Some("ACC1");
            assert_unkept(&client, account, from_ref(&others));
            assert_unkept(&client, account, &[own.clone(), others.clone()]);
            assert_unkept(&client, account, &[others, own.clone()]);
            assert_kept(&client, account, &[own]);
        }
        assert_unkept(&client, Some("ACC1"), &every_record(""));
        assert_kept(&client, Some("ACC1"), &every_record("ACC1"));
    }
}

#[test]
fn the_account_of_records_is_the_paths_or_else_the_decisions() {
    let unnamed = Client::at(MANAGED);
    assert_unkept(&unnamed, None, &every_record("ACC1"));
    assert_kept(&unnamed, None, &every_record(""));
    let scim = Client::at(USERS);
    assert_unkept(&scim, None, &every_record(""));
    assert_kept(&scim, None, &every_record("ACC1"));
}

#[test]
fn an_account_counts_for_the_records_of_later_parts() {
    let client = Client::at(MANAGED);
    for account in ["ACC1", "ACC2"] {
        let first = Claim::new(Some("ACC1"), None).proceed();
        let then = Proceed {
            records: every_record(account),
            ..Claim::default().proceed()
        };
        let says = [
            Verdict::Proceed(first).into(),
            Outcome::Proceed(then).into(),
        ];
        match account {
            "ACC1" => {
                let end = assert_true(&client, &says, account);
                assert_eq!(end.stored, every_record("ACC1"));
            }
            _ => assert_lie(&client, &says, OTHERS_RECORD, account),
        }
    }
}

/// What a policy says of a request of which nobody will know the outcome.
fn of_no_outcome(account: &str) -> [(Outcome, usize); 4] {
    let client = Client::at(USERS);
    let mut claim = Claim::new(None, None);
    claim.records = every_record(account);
    let records = every_record(account);
    let many = records.len();
    [
        (
            Outcome::Respond(Respond {
                records,
                ..respond()
            }),
            many,
        ),
        (Outcome::Proceed(claim.clone().proceed()), many),
        (Outcome::Forward(claim.forward(&client.request)), 0),
        (need_keys(&every_key(account, OWN)).into(), 0),
    ]
}

#[test]
fn a_lie_about_a_request_without_an_answer_is_not_recorded_either() {
    let client = Client::at(USERS);
    let sends = Forward {
        answer: AnswerHandling::Observe,
        ..Claim::default().forward(&client.request)
    };
    for account in ["ACC1", "ACC2"] {
        for (outcome, many) in of_no_outcome(account) {
            let expected = if account == "ACC1" { many } else { 0 };
            let sent = || {
                let forward = Says::from(Verdict::Forward(sends.clone()));
                let (mut exchange, _) = begin(&client, &[forward, Says::from(outcome.clone())]);
                assert!(matches!(exchange.start(), Step::Store(_)));
                assert!(matches!(exchange.stored(Ok(())), Step::Send(_)));
                exchange
            };
            let gone = sent().abandoned();
            let refused = sent().undelivered(&Refused::no_answer()).final_report;
            for report in [gone, refused] {
                let records = report.map(|report| report.records).unwrap_or_default();
                assert_eq!(records.len(), expected, "{account}: {outcome:?}");
            }
        }
    }
}

#[test]
fn every_key_except_a_tokens_and_every_record_has_its_account() {
    for account in ["ACC1", "ACC2", ""] {
        let keys = every_key(account, OWN);
        let accounts: Vec<_> = keys.iter().map(account_of_key).collect();
        assert_eq!(accounts[0], None);
        assert!(accounts[1..].iter().all(|it| *it == Some(account)));
        let records = every_record(account);
        assert!(records.iter().all(|it| account_of_record(it) == account));
    }
}
