//! Which token is looked up before the policy asks for it.

use super::*;

/// The tokens looked up before the policy says anything.
fn foreseen(client: &Client, foresees: bool) -> Vec<Key> {
    let (setup, script) = setup(client, &[]);
    let setup = match foresees {
        true => setup.foreseeing(),
        false => setup,
    };
    let request = client.request.clone();
    let mut exchange = Exchange::new(Arc::new(setup), request, NOW, ());
    match exchange.start() {
        Step::GetFacts(needed) => {
            assert!(needed.first);
            assert!(script.heard().is_empty(), "the policy was asked");
            let step = exchange.facts(Ok(client.found()));
            assert!(matches!(step, Step::Store(_)), "{step:?}");
            needed.keys
        }
        Step::Store(_) => Vec::new(),
        step => panic!("{step:?}"),
    }
}

#[test]
fn an_opaque_token_of_a_scim_request_is_foreseen() {
    let token = |text: &str| Some(text.to_owned());
    let bearer = |value: &str| vec![("authorization", value.as_bytes().to_vec())];
    let key = |value: &str| vec![("x-api-key", value.as_bytes().to_vec())];
    let both = |first: &str, second: &str| [bearer(first), key(second)].concat();
    let unreadable = |name: &'static str| vec![(name, vec![b'a', b' ', 0xff])];
    for (headers, expected) in [
        (bearer("Bearer opaque"), token("opaque")),
        (bearer("bearer opaque"), token("opaque")),
        (bearer("Basic opaque"), token("opaque")),
        (bearer("  Bearer   opaque  "), token("opaque")),
        (bearer("Bearer two words"), token("two words")),
        (bearer("Bearer a.b"), token("a.b")),
        (
            bearer("Bearer sat.ACC1.own.secret"),
            token("sat.ACC1.own.secret"),
        ),
        (bearer("Bearer a.b.c"), None),
        (bearer("Bearer .."), None),
        (bearer("opaque"), None),
        (bearer("Bearer"), None),
        (bearer("Bearer "), None),
        (bearer(""), None),
        (unreadable("authorization"), None),
        (key("opaque"), token("opaque")),
        (key(" opaque "), token("opaque")),
        (key("two words"), token("two words")),
        (key("a.b"), token("a.b")),
        (key("a.b.c"), None),
        (key("a.b.c.d"), token("a.b.c.d")),
        (key(""), None),
        (key("  "), None),
        (unreadable("x-api-key"), None),
        // The policy reads `authorization` first, and nothing else if there is one.
        (both("Bearer opaque", "key"), token("opaque")),
        (both("opaque", "key"), None),
        (both("Bearer a.b.c", "key"), None),
        (
            [key("key"), bearer("Bearer opaque")].concat(),
            token("opaque"),
        ),
        (
            [bearer("Bearer one"), bearer("Bearer two")].concat(),
            token("one"),
        ),
        (vec![("x-any", b"Bearer opaque".to_vec())], None),
        (
            vec![("proxy-authorization", b"Bearer opaque".to_vec())],
            None,
        ),
        (Vec::new(), None),
    ] {
        let mut client = Client::at(USERS);
        for (name, value) in &headers {
            client = client.with(name, value.clone());
        }
        let keys = expected.map(|token| token_key(&token));
        let keys: Vec<Key> = keys.into_iter().collect();
        assert_eq!(foreseen(&client, true), keys, "{headers:?}");
        assert_eq!(foreseen(&client, false), [], "{headers:?}");
    }
}

#[test]
fn nothing_is_foreseen_of_a_request_that_is_not_scim() {
    let client = |path| Client::at(path).bearing(OWN);
    assert_eq!(foreseen(&client(MANAGED), true), []);
    assert_eq!(foreseen(&client("/SCIM/ACC1/Users"), true), []);
    assert_eq!(foreseen(&client(USERS), true).len(), 1);
}
