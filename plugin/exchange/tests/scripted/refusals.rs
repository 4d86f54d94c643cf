//! What the exchange refuses itself, in which words, and what an observer sees of an exchange.

use std::sync::Arc;

use scimguard_core::{Body, ErrorForm, Outcome, Verdict};
use scimguard_exchange::{Exchange, Incoming, Refused, Setup, Witness};
use scimguard_interface::Given;

use crate::script::facts::found;
use crate::script::says::{answered, forward, headers, need, proceed, reject, request};
use crate::script::steps::{ended, needed, sent, stored};
use crate::script::{PATH, Says, Script};

/// Keeps what it observes.
#[derive(Default)]
struct Observer(Vec<String>);

impl Witness for Observer {
    fn evaluates(&mut self, given: Given<'_>) {
        self.0.push(format!("evaluates at {}", given.now));
    }

    fn decided(&mut self, verdict: &Verdict) {
        let verdict = match verdict {
            Verdict::Need(_) => "need",
            Verdict::Forward(_) => "forward",
            Verdict::Reject(_) => "reject",
            Verdict::Proceed(_) => "proceed",
        };
        self.0.push(format!("decided: {verdict}"));
    }

    fn observed(&mut self, _: Given<'_>, begins: bool, _: &Outcome) {
        self.0.push(format!("observed, begins: {begins}"));
    }

    fn refused(&mut self, rule: &str) {
        self.0.push(format!("refused: {rule}"));
    }

    fn trapped(&mut self, why: &str) {
        self.0.push(format!("trapped: {why}"));
    }
}

#[test]
fn a_witness_sees_every_answer_of_the_policy_and_every_refusal_of_the_exchange() {
    let script = Script::new(vec![
        Verdict::Need(need(&["u1"])).into(),
        Verdict::Proceed(proceed()).into(),
        Outcome::Forward(forward()).into(),
        Says::Fails("it is broken"),
    ]);
    let setup = Arc::new(Setup::new(script, false));
    let mut exchange = Exchange::new(setup, request(Body::None), 0, Observer::default());
    let keys = needed(exchange.start()).keys;
    stored(exchange.facts(Ok(found(&keys, 2))));
    sent(exchange.stored(Ok(())));
    let answer = ended(exchange.answered(answered(1)));
    assert_eq!(answer.rule.as_deref(), Some("plugin.trapped"));
    exchange.witness().0.push("the end".to_owned());
    let expected = [
        "evaluates at 0",
        "decided: need",
        "evaluates at 2",
        "decided: proceed",
        "observed, begins: true",
        "trapped: it is broken",
        "refused: plugin.trapped",
        "the end",
    ];
    assert_eq!(exchange.into_witness().0, expected);
}

#[test]
fn a_request_that_two_parsers_could_read_differently_is_refused_before_the_policy_is_asked() {
    let same = "guard.example.com";
    for (method, path, authority, hosts, rule) in [
        ("GET", PATH, Some(same), &[][..], None),
        ("GET", PATH, None, &[same][..], None),
        ("GET", PATH, None, &[][..], None),
        ("GET", PATH, Some(same), &["GUARD.example.com"][..], None),
        ("TRACE", PATH, None, &[][..], Some("route.method")),
        ("GET", "*", None, &[][..], Some("route.unknown")),
        (
            "GET",
            PATH,
            Some("a"),
            &["b"][..],
            Some("route.ambiguous-path"),
        ),
        (
            "GET",
            PATH,
            None,
            &["a", "a"][..],
            Some("route.ambiguous-path"),
        ),
    ] {
        let case = format!("{method} {path} {authority:?} {hosts:?}");
        let script = Script::new(vec![Verdict::Reject(reject(403)).into()]);
        let hosts: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
        let incoming = Incoming {
            method: method.to_owned(),
            path: path.to_owned(),
            authority: authority.map(|it| it.as_bytes().to_vec()),
            headers: headers(&[&hosts[..], &[("x-request-id", "7")]].concat()),
        };
        let setup = Arc::new(Setup::new(script.clone(), false));
        let (exchange, step) = Exchange::begin(setup, incoming, 9);
        assert_eq!(script.heard().is_empty(), rule.is_some(), "{case}");
        assert_eq!(exchange.now(), 9);
        match rule {
            Some(_) => assert_eq!(ended(step).rule.as_deref(), rule, "{case}"),
            None => {
                let host = authority.or(hosts.first().map(|(_, host)| *host));
                let named = host.map(|host| ("host", host));
                let kept: Vec<_> = [("x-request-id", "7")].into_iter().chain(named).collect();
                assert_eq!(exchange.request().headers, headers(&kept), "{case}");
            }
        }
    }
}

#[test]
fn every_refusal_of_the_host_is_answered_by_its_rule_in_the_form_that_the_path_expects() {
    for (refused, rule, status, retry_after) in [
        (Refused::trapped(), "plugin.trapped", 500, None),
        (Refused::no_record(), "facts.unavailable", 503, Some("5")),
        (
            Refused::of_other_account(),
            "token.wrong-account",
            403,
            None,
        ),
        (Refused::too_large(7), "body.too-large", 413, None),
        (Refused::no_room(7), "body.too-large", 413, None),
        (Refused::too_slow(), "body.syntax", 400, None),
        (Refused::not_asked(7), "rate.limited", 429, Some("7")),
        (Refused::too_busy(), "facts.unavailable", 503, Some("5")),
        (Refused::no_answer(), "upstream.unavailable", 503, Some("5")),
        (Refused::upgrade(), "upstream.invalid", 502, None),
    ] {
        assert_eq!(refused.rule, rule);
        for form in [ErrorForm::Scim, ErrorForm::Problem] {
            let response = refused.response(form);
            assert_eq!(response.status, status, "{refused:?}");
            let header = |wanted: &str| {
                let mut values = response.headers.iter().filter(|(name, _)| name == wanted);
                let value = values
                    .next()
                    .map(|(_, value)| std::str::from_utf8(value).unwrap());
                assert!(values.next().is_none(), "{wanted} comes once");
                value
            };
            let content_type = match form {
                ErrorForm::Scim => "application/scim+json",
                ErrorForm::Problem => "application/problem+json",
            };
            assert_eq!(header("content-type"), Some(content_type), "{refused:?}");
            assert_eq!(header("scimguard-rule"), Some(rule), "{refused:?}");
            assert_eq!(header("retry-after"), retry_after, "{refused:?}");
        }
    }
    let unknown = Refused::new("no.rule", "").response(ErrorForm::Scim);
    assert_eq!((unknown.status, unknown.headers.len()), (500, 0));
    let later = Refused {
        retry_after: Some(60),
        ..Refused::no_record()
    };
    let headers = later.response(ErrorForm::Scim).headers;
    assert!(headers.contains(&("retry-after".to_owned(), b"60".to_vec())));
    assert!(!headers.contains(&("retry-after".to_owned(), b"5".to_vec())));
}
