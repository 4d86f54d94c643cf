//! The scheme and host that the policy sees, by which clients know the guard.

use super::*;

/// Answers with the scheme and host that it got.
pub(super) fn told() -> Script {
    Script::new().evaluate(|request, _| {
        let value = |name: &str| {
            let found = request.headers.iter().filter(|(own, _)| own == name);
            let values: Vec<_> = found
                .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
                .collect();
            values.join("+")
        };
        let told = format!("{}://{}", value("x-forwarded-proto"), value("host"));
        let mut response = response(418);
        response.headers = vec![("x-told".to_owned(), told.into_bytes())];
        Ok(Verdict::Reject(Reject {
            rule: "test.told".to_owned(),
            response,
            changes: Vec::new(),
            account: None,
            verified_token: None,
        }))
    })
}

#[tokio::test]
async fn the_configuration_or_a_trusted_proxy_says_how_clients_know_the_guard() {
    const PUBLIC: &str = "public_url = \"https://guard.example.com\"\n";
    const TRUSTED: &str = "trusted_proxies = [\"127.0.0.0/8\"]\n";
    const FORWARDED: &str = "x-forwarded-proto: https\r\nx-forwarded-host: outer.example.com\r\n";
    const STANDARD: &str = "forwarded: proto=https;host=outer.example.com\r\n";
    let backend = Backend::ok().await;
    for (keys, headers, expected) in [
        ("", "", "://g"),
        ("", FORWARDED, "://g"),
        ("", STANDARD, "://g"),
        (TRUSTED, "", "://g"),
        (TRUSTED, FORWARDED, "https://outer.example.com"),
        (TRUSTED, STANDARD, "https://outer.example.com"),
        (PUBLIC, FORWARDED, "https://guard.example.com"),
        (PUBLIC, "", "https://guard.example.com"),
        (
            &format!("{PUBLIC}{TRUSTED}"),
            STANDARD,
            "https://guard.example.com",
        ),
    ] {
        let guard = Guard::configured(told(), &backend, keys).await;
        let request =
            format!("GET {BASE}/Users HTTP/1.1\r\nhost: g\r\n{headers}connection: close\r\n\r\n");
        let answer = guard.raw(&request).await;
        assert!(
            answer.contains(&format!("x-told: {expected}\r\n")),
            "{keys:?} {headers:?}: {answer}"
        );
    }
}
