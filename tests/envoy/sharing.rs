//! Tokens, ownership and intents are the same whether a request comes through Envoy or through the
//! guard.

use anyhow::ensure;
use scimguard_tests::client::Client;
use scimguard_tests::deployment::administrator;
use scimguard_tests::fixtures::{GROUP, group_path, in_account, user_path};
use serde_json::json;

use crate::two_ways::{TwoWays, Wish};

/// How often an administrator and Okta want one group at the same moment.
const RACES: usize = 12;

#[tokio::test]
async fn envoy_and_the_guard_are_one_guard() -> anyhow::Result<()> {
    let mut bed = TwoWays::new(Wish {
        keys: "lease_timeout = \"2s\"\n",
        ..Wish::default()
    })
    .await?;
    bed.guard.start().await?;
    what_okta_pushes_one_way_is_closed_both_ways(&bed).await?;
    an_edit_one_way_waits_for_oktas_push_the_other_way(&bed).await?;
    whoever_comes_first_has_the_group(&bed).await?;
    envoy_counts_and_tells_no_secret(&bed).await?;
    a_revoked_token_is_revoked_both_ways(&bed).await
}

async fn what_okta_pushes_one_way_is_closed_both_ways(bed: &TwoWays) -> anyhow::Result<()> {
    for (position, (okta_s, other)) in bed.ways().into_iter().enumerate() {
        let okta = bed.okta(&okta_s);
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
        let okta = bed.okta(&other);
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
                let answer = administrator.delete(path).await?;
                answer.refused(rule)?;
            }
        }
    }
    Ok(())
}

async fn an_edit_one_way_waits_for_oktas_push_the_other_way(bed: &TwoWays) -> anyhow::Result<()> {
    for (position, (okta_s, other)) in bed.ways().into_iter().enumerate() {
        let okta = bed.okta(&okta_s);
        let administrator = administrator(&other);
        let name = format!("held-{position}");
        let push = pushed(&name);
        bed.held.hold();
        let scim = okta.scim.clone();
        let push = tokio::spawn(async move { scim.post("/Groups", &push).await });
        bed.held.until_held().await?;
        // The application has the group, and nobody knows.
        let groups = in_account("/gateway/ng/api/user-groups");
        administrator
            .post(&groups, &native(&name))
            .await?
            .refused("facts.unavailable")?;
        bed.held.release();
        let group = push.await??.status(201)?.id()?;
        administrator
            .delete(&group_path(&group))
            .await?
            .refused("okta-only.group-delete")?;
    }
    Ok(())
}

/// The application gives the second group of a name another id. Whose the first is, nobody knows before.
async fn whoever_comes_first_has_the_group(bed: &TwoWays) -> anyhow::Result<()> {
    let groups = in_account("/gateway/ng/api/user-groups");
    for race in 0..RACES {
        let (okta_s, other) = bed.ways()[race % 2].clone();
        let (scim, administrator) = (bed.okta(&okta_s).scim, administrator(&other));
        let name = format!("race-{race}");
        let (push, create) = (pushed(&name), native(&name));
        let (pushed, created) = tokio::join!(
            scim.post("/Groups", &push),
            administrator.post(&groups, &create),
        );
        let pushed = pushed?.status(201)?.id()?;
        let created = created?;
        let native = created.body["data"]["identifier"].as_str();
        ensure!(
            native != Some(&*pushed) && (native.is_some() || created.status == 409),
            "{pushed} is Okta's: {created:?}"
        );
        for url in [&other, &okta_s] {
            let other = Client::new(url).delete(&group_path(&pushed)).await?;
            other.refused("okta-only.group-delete")?;
        }
        if let Some(native) = native {
            let path = group_path(native);
            administrator.delete(&path).await?.done()?;
        }
    }
    Ok(())
}

async fn a_revoked_token_is_revoked_both_ways(bed: &TwoWays) -> anyhow::Result<()> {
    bed.guard.revoke_token().await?;
    for (url, _) in bed.ways() {
        let answer = bed.okta(&url).scim.get("/Users").await?;
        answer.refused("token.revoked")?;
    }
    Ok(())
}

/// Envoy gathers the times of its workers every five seconds.
async fn envoy_counts_and_tells_no_secret(bed: &TwoWays) -> anyhow::Result<()> {
    let counted = |name: &'static str| bed.envoy.count(name);
    for name in [
        "wasmcustom.scimguard.forwarded",
        "wasmcustom.scimguard.refused.okta-only_group-delete",
        "wasmcustom.scimguard.refused.okta-only_group-membership",
    ] {
        ensure!(counted(name).await? > 0, "{name}");
    }
    bed.until("times are told", async || {
        let told = bed.envoy.stats("decision_microseconds").await?;
        let median = &told[0]["histograms"]["computed_quantiles"][0]["values"][2]["cumulative"];
        Ok(median
            .as_f64()
            .is_some_and(|microseconds| microseconds > 0.0))
    })
    .await?;
    let all = format!("{:?}", bed.envoy.stats("scimguard").await?);
    let secret = bed.token.rsplit('.').next().unwrap_or_default();
    for text in [all, bed.envoy.logged()] {
        ensure!(!secret.is_empty() && !text.contains(secret), "{text}");
    }
    Ok(())
}

fn pushed(name: &str) -> serde_json::Value {
    json!({"schemas": [GROUP], "displayName": name, "members": []})
}

fn native(name: &str) -> serde_json::Value {
    json!({"identifier": name.replace('-', "_"), "name": name, "users": []})
}
