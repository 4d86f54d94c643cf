//! An operator's edit and the provider's at the same moment, many times: whichever comes first, what
//! reaches the application is allowed at the moment when it does.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use scimguard_tests::acts::{Operation, managed, patch, scim, whole_user};
use scimguard_tests::fixtures::GROUP;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::scenario::Scenario;

/// How often each race is run.
const ROUNDS: usize = 25;

/// By how much one may be late at the start.
const HEAD_START: Duration = Duration::from_millis(12);

const SEED: u64 = 6;

/// Two edits of which the operator's is forbidden if it comes second.
struct Race {
    name: &'static str,
    /// Of the operator, before each round.
    before: Vec<Operation>,
    provider: Operation,
    operator: Operation,
    /// Of the provider, after each round.
    after: Vec<Operation>,
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_first_nothing_forbidden_passes() -> anyhow::Result<()> {
    let mut scenario = Scenario::assemble(SEED, false).await?;
    let mut random = StdRng::seed_from_u64(SEED);
    for race in races(&mut scenario).await? {
        let (mut first, mut second) = (0, 0);
        for _ in 0..ROUNDS {
            match run(&scenario, &race, &mut random)
                .await
                .context(race.name)?
            {
                Place::First => first += 1,
                Place::Second => second += 1,
            }
            let fair = scenario.proxy.saw_nothing_forbidden().await;
            fair.context(race.name)?;
        }
        ensure!(
            first > 0 && second > 0,
            "{}: the operator came first {first} times and second {second} times",
            race.name
        );
    }
    Ok(())
}

/// The operator's.
enum Place {
    First,
    Second,
}

async fn run(scenario: &Scenario, race: &Race, random: &mut StdRng) -> anyhow::Result<Place> {
    for operation in &race.before {
        scenario.operator.send(operation).await?.done()?;
    }
    let (lead, lag) = (
        HEAD_START.mul_f64(random.random()),
        HEAD_START.mul_f64(random.random()),
    );
    let provider = async {
        sleep(lead).await;
        scenario.provider.send(&race.provider).await?.done()
    };
    let operator = async {
        sleep(lag).await;
        scenario.operator.send(&race.operator).await
    };
    let (provider, operator) = tokio::join!(provider, operator);
    provider?;
    let place = match operator?.rule.as_deref() {
        None => Place::First,
        Some(_) => Place::Second,
    };
    for operation in &race.after {
        scenario.provider.send(operation).await?.done()?;
    }
    Ok(place)
}

async fn races(scenario: &mut Scenario) -> anyhow::Result<Vec<Race>> {
    let mut ids = Vec::new();
    for mail in ["ann@example.com", "bob@example.com"] {
        let create = scim("POST", "/Users".into(), whole_user(mail, "As Pushed", true));
        ids.push(scenario.provider.send(&create).await?.status(201)?.id()?);
    }
    let [ann, bob] = &ids[..] else {
        anyhow::bail!("two users, not {ids:?}");
    };
    let push = json!({"schemas": [GROUP], "displayName": "pushed", "members": [{"value": bob}]});
    let push = scim("POST", "/Groups".into(), push);
    let pushed = scenario.provider.send(&push).await?.status(201)?.id()?;
    let native = json!({"identifier": "local", "name": "local", "users": []});
    let native = managed("POST", "/ng/api/user-groups".into(), native);
    scenario.operator.send(&native).await?.done()?;

    let group = format!("/Groups/{pushed}");
    let edit = |operation: Value| patch(group.clone(), json!([operation]));
    let add = edit(json!({"op": "add", "path": "members", "value": [{"value": ann}]}));
    let remove = format!("members[value eq \"{ann}\"]");
    let remove = edit(json!({"op": "remove", "path": remove}));
    let rename = |name: &str| edit(json!({"op": "replace", "value": {"displayName": name}}));
    let activate = |active: bool| {
        let operation = json!({"op": "replace", "value": {"active": active}});
        patch(format!("/Users/{ann}"), json!([operation]))
    };
    let profile = |name: &str| {
        let body = json!({"uuid": ann, "name": name, "email": "ann@example.com"});
        managed("PUT", format!("/ng/api/user/{ann}"), body)
    };
    let as_pushed = json!({
        "identifier": pushed, "name": "pushed", "users": [bob], "externallyManaged": true,
    });
    let as_pushed = managed("PUT", "/ng/api/user-groups".into(), as_pushed);
    let member = format!("/ng/api/user-groups/local/member/{ann}");
    let local = |users: Vec<&String>| {
        let body = json!({"identifier": "local", "name": "local", "users": users});
        managed("PUT", "/ng/api/user-groups".into(), body)
    };
    let another = json!({"schemas": [GROUP], "displayName": "new", "members": [{"value": ann}]});
    Ok(vec![
        Race {
            name: "the provider pushes a group with a user, an operator changes the profile",
            before: vec![profile("As Pushed")],
            provider: scim("POST", "/Groups".into(), another),
            operator: profile("As Edited"),
            after: vec![scim("DELETE", "/Groups/new".into(), Value::Null)],
        },
        Race {
            name: "the provider puts a user into a group, an operator changes the profile",
            before: vec![profile("As Pushed")],
            provider: add.clone(),
            operator: profile("As Edited"),
            after: vec![remove.clone()],
        },
        Race {
            name: "the provider puts a user into a group, an operator into another",
            before: vec![managed("DELETE", member.clone(), Value::Null)],
            provider: add.clone(),
            operator: managed("PUT", member, Value::Null),
            after: vec![remove.clone()],
        },
        Race {
            name: "the provider puts a user into a group, an operator leaves the user out of another",
            before: vec![local(vec![ann])],
            provider: add.clone(),
            operator: local(Vec::new()),
            after: vec![remove.clone()],
        },
        Race {
            name: "the provider adds a member, an operator writes the group as it was",
            before: vec![],
            provider: add,
            operator: as_pushed.clone(),
            after: vec![remove],
        },
        Race {
            name: "the provider renames a group, an operator writes it as it was",
            before: vec![],
            provider: rename("renamed"),
            operator: as_pushed,
            after: vec![rename("pushed")],
        },
        Race {
            name: "the provider deactivates a user, an operator changes the profile",
            before: vec![profile("As Pushed")],
            provider: activate(false),
            operator: profile("As Edited"),
            after: vec![activate(true)],
        },
    ])
}
