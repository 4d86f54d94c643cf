//! Tokens, ownership and intents are the same whether a request comes through Envoy or through the
//! guard.

use anyhow::ensure;
use serde_json::json;

use crate::two_ways::{ACCOUNT, TwoWays, Wish, administrator, group_path, in_account, user_path};

/// How often an administrator and Okta want one group at the same moment.
const RACES: usize = 12;

#[tokio::test]
async fn envoy_and_the_guard_are_one_guard() -> anyhow::Result<()> {
    let mut scene = TwoWays::new(Wish {
        keys: "lease_timeout = \"2s\"\n",
        ..Wish::default()
    })
    .await?;
    scene.guard.start().await?;
    what_okta_pushes_one_way_is_closed_both_ways(&scene).await?;
    an_edit_one_way_waits_for_oktas_push_the_other_way(&scene).await?;
    whoever_comes_first_has_the_group(&scene).await?;
    envoy_counts_and_tells_no_secret(&scene).await?;
    a_revoked_token_is_revoked_both_ways(&scene).await
}

async fn what_okta_pushes_one_way_is_closed_both_ways(scene: &TwoWays) -> anyhow::Result<()> {
    for (position, (okta_s, other)) in scene.ways().into_iter().enumerate() {
        let okta = scene.okta(&okta_s);
        let ann = okta
            .create_user(&format!("ann{position}"), "Ann", "Lee")
            .await?;
        let bob = okta
            .create_user(&format!("bob{position}"), "Bob", "Ray")
            .await?;
        let group = okta
            .push_group(&format!("team-{position}"), &[&ann])
            .await?;
        // Okta may come the other way the next time.
        let okta = scene.okta(&other);
        okta.swap_members(&group, &ann, &bob).await?;
        okta.has_members(&group, &[&bob]).await?;
        okta.rename_group(&group, &format!("crew-{position}"))
            .await?;
        let member = in_account(&format!("/gateway/ng/api/user-groups/{group}/member/{bob}"));
        for url in [&okta_s, &other] {
            let administrator = administrator(url);
            for (path, rule) in [
                (&group_path(&group), "okta-only.group-delete"),
                (&user_path(&bob), "okta-only.user-delete"),
                (&member, "okta-only.group-membership"),
            ] {
                let answer = administrator.send("DELETE", path, None).await?;
                answer.refused(rule)?;
            }
        }
    }
    Ok(())
}

async fn an_edit_one_way_waits_for_oktas_push_the_other_way(scene: &TwoWays) -> anyhow::Result<()> {
    for (position, (okta_s, other)) in scene.ways().into_iter().enumerate() {
        let okta = scene.okta(&okta_s);
        let administrator = administrator(&other);
        let name = format!("held-{position}");
        let push = pushed(&name);
        scene.held.hold();
        let scim = okta.scim.clone();
        let push = tokio::spawn(async move { scim.send("POST", "/Groups", Some(&push)).await });
        scene.held.until_held().await?;
        // The application has the group, and nobody knows.
        let groups = in_account("/gateway/ng/api/user-groups");
        administrator
            .send("POST", &groups, Some(&native(&name)))
            .await?
            .refused("facts.unavailable")?;
        scene.held.release();
        let group = push.await??.status(201)?.id()?;
        administrator
            .send("DELETE", &group_path(&group), None)
            .await?
            .refused("okta-only.group-delete")?;
    }
    Ok(())
}

/// The application gives the second group of a name another id. Whose the first is, nobody knows before.
async fn whoever_comes_first_has_the_group(scene: &TwoWays) -> anyhow::Result<()> {
    let groups = in_account("/gateway/ng/api/user-groups");
    for race in 0..RACES {
        let (okta_s, other) = scene.ways()[race % 2].clone();
        let (scim, administrator) = (scene.okta(&okta_s).scim, administrator(&other));
        let name = format!("race-{race}");
        let (push, create) = (pushed(&name), native(&name));
        let (pushed, created) = tokio::join!(
            scim.send("POST", "/Groups", Some(&push)),
            administrator.send("POST", &groups, Some(&create)),
        );
        let pushed = pushed?.status(201)?.id()?;
        let created = created?;
        let native = created.body["data"]["identifier"].as_str();
        ensure!(
            native != Some(&*pushed) && (native.is_some() || created.status == 409),
            "{pushed} is Okta's: {created:?}"
        );
        for url in [&other, &okta_s] {
            let answer = crate::two_ways::administrator(url)
                .send("DELETE", &group_path(&pushed), None)
                .await?;
            answer.refused("okta-only.group-delete")?;
        }
        if let Some(native) = native {
            let path = group_path(native);
            administrator.send("DELETE", &path, None).await?.done()?;
        }
    }
    Ok(())
}

async fn a_revoked_token_is_revoked_both_ways(scene: &TwoWays) -> anyhow::Result<()> {
    let listed = scene.guard.told(&["token", "list"]).await?;
    let id = listed[0]["id"].as_str().unwrap_or_default().to_owned();
    let revoked = ["--account", ACCOUNT, "--id", &id];
    scene.guard.command(&["token", "revoke"], &revoked).await?;
    for (url, _) in scene.ways() {
        let answer = scene.okta(&url).scim.get("/Users").await?;
        answer.refused("token.revoked")?;
    }
    Ok(())
}

/// Envoy gathers the times of its workers every five seconds.
async fn envoy_counts_and_tells_no_secret(scene: &TwoWays) -> anyhow::Result<()> {
    let counted = |name: &'static str| scene.envoy.count(name);
    for name in [
        "wasmcustom.scimguard.forwarded",
        "wasmcustom.scimguard.refused.okta-only_group-delete",
        "wasmcustom.scimguard.refused.okta-only_group-membership",
    ] {
        ensure!(counted(name).await? > 0, "{name}");
    }
    scene
        .until("times are told", async || {
            let told = scene.envoy.stats("decision_microseconds").await?;
            let median = &told[0]["histograms"]["computed_quantiles"][0]["values"][2]["cumulative"];
            Ok(median
                .as_f64()
                .is_some_and(|microseconds| microseconds > 0.0))
        })
        .await?;
    let all = format!("{:?}", scene.envoy.stats("scimguard").await?);
    let secret = scene.token.rsplit('.').next().unwrap_or_default();
    for text in [all, scene.envoy.logged()] {
        ensure!(!secret.is_empty() && !text.contains(secret), "{text}");
    }
    Ok(())
}

fn pushed(name: &str) -> serde_json::Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name,
        "members": [],
    })
}

fn native(name: &str) -> serde_json::Value {
    json!({"identifier": name.replace('-', "_"), "name": name, "users": []})
}
