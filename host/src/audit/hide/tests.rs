//! No secret is shown, anywhere in a request.

use super::*;

fn shown(headers: &[(&str, &str)], body: &str) -> String {
    let names = Names::new();
    let headers: Headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    let hidden = Hidden::of(&headers, &names);
    hidden.body(body.as_bytes()).expect("a JSON text")
}

#[test]
fn secrets_are_hidden_wherever_a_message_has_them() {
    for body in [
        r#"{"password": "hush-hush"}"#,
        r#"{"PassWord": "hush-hush", "userName": "ann"}"#,
        r#"{"urn:ietf:params:scim:schemas:core:2.0:User:password": "hush-hush"}"#,
        r#"{"password": {"value": ["hush-hush"]}}"#,
        r#"{"Operations": [{"op": "replace", "path": "password", "value": "hush-hush"}]}"#,
        r#"{"Operations": [{"op": "add", "Path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "Value": "hush-hush"}]}"#,
        r#"{"Operations": [{"op": "add", "value": {"password": "hush-hush"}}]}"#,
        r#"{"Operations": [{"op": "remove", "path": "x[password eq \"hush-hush\"]"}]}"#,
        r#"{"Operations": [{"op": "remove", "path": "x[password eq \"a\\\"hush-hush"}]}"#,
        r#"{"Operations": [{"method": "POST", "data": {"password": "hush-hush"}}]}"#,
        r#"{"schemas": [], "filter": "password eq \"hush-hush\""}"#,
        r#"{"client_secret": "hush-hush", "apiKey": "hush-hush", "accessToken": "hush-hush"}"#,
        r#"{"attributes": [{"name": "password", "value": "hush-hush"}]}"#,
        r#"{"title": "sat.ACC1.t1.s3cret-hush-hush"}"#,
        r#"{"title": "it ends in s3cret-hush-hush"}"#,
        r#"{"s3cret-hush-hush": 1}"#,
    ] {
        let shown = shown(
            &[("authorization", "Bearer sat.ACC1.t1.s3cret-hush-hush")],
            body,
        );
        assert!(!shown.contains("hush"), "{body} is shown as {shown}");
        assert!(!shown.contains("s3cret"), "{body} is shown as {shown}");
    }
    let plain = r#"{"userName":"ann@example.com","n":1.50,"emails":[{"type":"work","value":"a"}]}"#;
    assert_eq!(shown(&[], plain), plain);
    let names = Names::new();
    assert_eq!(
        Hidden::of(&Vec::new(), &names).body(b"{\"password\": \"x"),
        None
    );
}

#[test]
fn a_credential_is_replaced_by_one_of_its_form() {
    let names = Names::new();
    let jwt = format!(
        "{}.{}.c2ln-hush",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#),
        URL_SAFE_NO_PAD.encode(r#"{"iss":"https://id","email":"hush"}"#)
    );
    #[rustfmt::skip]
    let cases = [
        ("authorization", "Bearer sat.A.b.hush", format!("Bearer {TOKEN}")),
        ("authorization", "Basic aHVzaDpodXNo", format!("Basic {TOKEN}")),
        ("authorization", "Bearer hush hush", format!("Bearer {VALUE}")),
        ("authorization", "Bearer", TOKEN.to_owned()),
        ("x-api-key", "sat.A.b.hush", TOKEN.to_owned()),
        ("cookie", "session=hush; a=b", VALUE.to_owned()),
        ("x-anything", "hush", VALUE.to_owned()),
        ("content-type", "application/json", "application/json".to_owned()),
        ("authorization", "", VALUE.to_owned()),
    ];
    for (name, value, expected) in cases {
        let headers: Headers = vec![(name.to_owned(), value.as_bytes().to_vec())];
        let hidden = Hidden::of(&headers, &names);
        assert_eq!(hidden.header(name, value.as_bytes()), expected, "{value}");
    }
    let stand_in = stand_in(&jwt);
    let payload = stand_in.split('.').nth(1).expect("three parts");
    let claims = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    assert_eq!(claims, br#"{"iss":"https://id"}"#);
    assert!(stand_in.starts_with(&jwt[..20]) && !stand_in.contains("hush"));
}

#[test]
fn a_query_shows_what_scim_asks_for() {
    let names = Names::new();
    let hidden = Hidden::of(&Vec::new(), &names);
    for (target, expected) in [
        ("/Users?filter=userName%20eq%20%22a%22&count=1", None),
        (
            "/Users?filter=password%20eq%20%22hush%22",
            Some("/Users?filter=********"),
        ),
        (
            "/Users?access_token=hush&startIndex=1",
            Some("/Users?access_token=********&startIndex=1"),
        ),
        ("/Users?x", None),
        ("/Users", None),
    ] {
        assert_eq!(hidden.target(target), expected.unwrap_or(target));
    }
}
