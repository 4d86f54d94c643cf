//! Answers of the application's permission service about a principal.

use super::scripted::Scripted;
use super::{ACCOUNT, configured, pass, seconds};
use crate::tokens::permissions::{Lookup, Permissions, Rights};

async fn service(server: &Scripted, more: &str) -> Permissions {
    Permissions::new(&configured(&format!(
        "url = \"{}/accounts/{{account}}/principals/{{principal}}\"\ncache = \"30s\"\n{more}",
        server.url
    )))
    .unwrap()
}

fn rights(active: bool, permissions: &[&str]) -> Lookup {
    Lookup::Found(Rights {
        active,
        permissions: permissions.iter().map(ToString::to_string).collect(),
    })
}

#[tokio::test]
async fn it_tells_a_list_or_says_whether_the_principal_is_active() {
    let server = Scripted::answering(200, r#"["a", "b"]"#).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credential");
    std::fs::write(&file, "hush\n").unwrap();
    let credential = format!("[credential]\nfile = {:?}", file.display().to_string());
    let permissions = service(&server, &credential).await;
    assert_eq!(
        permissions.of(ACCOUNT, "svc/x").await,
        rights(true, &["a", "b"])
    );
    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/accounts/ACC1/principals/svc%2Fx");
    assert_eq!(asked.headers["authorization"], "Bearer hush");

    // A rotated credential is used at once.
    std::fs::write(&file, "hush-hush\n").unwrap();
    server.now(200, r#"{"active": false, "permissions": [], "name": "x"}"#);
    assert_eq!(permissions.of(ACCOUNT, "other").await, rights(false, &[]));
    assert_eq!(
        server.asked()[1].headers["authorization"],
        "Bearer hush-hush"
    );
}

#[tokio::test]
async fn an_answer_holds_for_a_while_in_its_own_account() {
    let server = Scripted::answering(200, r#"["a"]"#).await;
    let permissions = service(&server, "").await;
    for _ in 0..3 {
        assert_eq!(permissions.of(ACCOUNT, "svc").await, rights(true, &["a"]));
    }
    assert_eq!(server.count(), 1);
    server.now(404, "");
    assert_eq!(permissions.of("ACC2", "svc").await, Lookup::Missing);
    assert_eq!(permissions.of(ACCOUNT, "svc").await, rights(true, &["a"]));
    pass(seconds(31)).await;
    assert_eq!(permissions.of(ACCOUNT, "svc").await, Lookup::Missing);
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn anything_else_tells_nothing() {
    for (status, body) in [
        (500, r#"["a"]"#),
        (302, r#"["a"]"#),
        (403, r#"["a"]"#),
        (200, r#"{"permissions": ["a"]}"#),
        (200, r#"{"active": "true", "permissions": ["a"]}"#),
        (
            200,
            r#"{"active": true, "active": false, "permissions": ["a"]}"#,
        ),
        (200, r#"["a", 1]"#),
        (200, "a"),
    ] {
        let server = Scripted::answering(status, body).await;
        let permissions = service(&server, "").await;
        let told = permissions.of(ACCOUNT, "svc").await;
        assert_eq!(told, Lookup::Unavailable, "{status} {body}");
        server.now(200, r#"["a"]"#);
        assert_eq!(permissions.of(ACCOUNT, "svc").await, rights(true, &["a"]));
        assert_eq!(server.count(), 2);
    }
}

#[tokio::test]
async fn a_step_in_the_path_is_nobody() {
    let server = Scripted::answering(200, r#"["a"]"#).await;
    let permissions = service(&server, "").await;
    for (account, principal) in [(ACCOUNT, ".."), ("..", "svc"), (ACCOUNT, "")] {
        assert_eq!(permissions.of(account, principal).await, Lookup::Missing);
    }
    assert_eq!(server.count(), 0);
}
