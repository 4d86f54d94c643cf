//! Whatever list of operations comes: it is judged at least as strictly as each of its operations alone,
//! nothing that is forwarded changes what the ownership table denies the actor, and the record afterwards
//! is what the application has. The application is a reference of RFC 7644, the table is the model.

mod application;
mod drive;
#[path = "../../../core/tests/fixtures/mod.rs"]
mod fixtures;
mod management;
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "other suites need the rest"
)]
#[path = "../../../../tests/src/model/mod.rs"]
mod model;
mod operations;
mod patch;
mod presets;
mod trial;
mod whole;
mod world;

use application::outcome;
use model::{Active, Actor};
use presets::PRESETS;
use proptest::prelude::*;
use scimguard_core::Response;
use scimguard_core::message::ResponseBody;
use serde_json::{Value, json};
use trial::{Call, Trial, patch_call, protects};

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![Just(Actor::Provisioner), Just(Actor::Operator)]
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(700))]

    #[test]
    fn a_list_is_judged_at_least_as_strictly_as_its_operations(
        preset in 0..PRESETS.len(),
        account in world::account(),
        actor in actor(),
        shows in any::<bool>(),
        (path, operations) in operations::patch(5),
    ) {
        let trial = Trial { preset: &PRESETS[preset], account: &account, actor, on_routes: false, shows };
        // DESIGN.md: a change of a deactivated user that reactivates, or deactivates again, is the
        // provider's to make.
        let message = json!({"Operations": operations});
        let says = trial::said(&message) != Active::Kept;
        let decides = actor == Actor::Provisioner && says;
        // DECISIONS.md: an external id that all operations agree on tells whose e-mail it is.
        let returns = trial.returned(&message).is_some();
        let excused = |rule: &str| match rule {
            "user.deactivated" => decides,
            "ownership.user-name" => returns,
            _ => false,
        };
        let alone: Vec<String> = operations
            .iter()
            .filter_map(|operation| trial.refusal(&patch_call(&path, std::slice::from_ref(operation))))
            .collect();
        if let Some(rule) = alone.iter().find(|rule| protects(rule) && !excused(rule)) {
            let together = trial.refusal(&patch_call(&path, &operations)).unwrap_or_default();
            // A fault of another operation's form is found earlier.
            let is_refused = protects(&together) || alone.contains(&together);
            prop_assert!(is_refused, "{rule} refuses one, and all together: {together:?}");
        }
    }

    #[test]
    fn a_patch_changes_what_the_actor_may_change_and_is_recorded(
        preset in 0..PRESETS.len(),
        account in world::account(),
        actor in actor(),
        shows in any::<bool>(),
        (path, operations) in operations::patch(5),
    ) {
        let trial = Trial { preset: &PRESETS[preset], account: &account, actor, on_routes: false, shows };
        trial.check(&patch_call(&path, &operations))?;
    }

    #[test]
    fn a_whole_resource_changes_what_the_actor_may_change_and_is_recorded(
        preset in 0..PRESETS.len(),
        account in world::account(),
        actor in actor(),
        shows in any::<bool>(),
        call in whole::call(),
    ) {
        let trial = Trial { preset: &PRESETS[preset], account: &account, actor, on_routes: false, shows };
        trial.check(&call)?;
    }

    #[test]
    fn a_request_on_a_route_changes_what_operators_may_change_and_is_recorded(
        preset in 0..2_usize,
        account in world::account(),
        call in management::call(),
    ) {
        let preset = &PRESETS[preset];
        let trial = Trial { preset, account: &account, actor: Actor::Operator, on_routes: true, shows: false };
        trial.check(&call)?;
    }

    #[test]
    fn a_request_on_a_route_is_judged_at_least_as_strictly_as_its_parts(
        preset in 0..2_usize,
        account in world::account(),
        call in management::call(),
    ) {
        let preset = &PRESETS[preset];
        let trial = Trial { preset, account: &account, actor: Actor::Operator, on_routes: true, shows: false };
        for part in management::parts(&call, &trial.application()) {
            if let Some(rule) = trial.refusal(&part).filter(|rule| protects(rule)) {
                let whole = trial.refusal(&call);
                prop_assert!(whole.as_deref().is_some_and(protects), "{rule} refuses {part:?}, and {whole:?} all");
            }
        }
    }

    #[test]
    fn a_bulk_request_is_judged_as_its_operations_in_their_order(
        preset in 0..PRESETS.len(),
        account in world::account(),
        actor in actor(),
        shows in any::<bool>(),
        calls in prop::collection::vec(call(), 1..5),
    ) {
        let trial = Trial { preset: &PRESETS[preset], account: &account, actor, on_routes: false, shows };
        let (mut application, mut table) = (trial.application(), account.table());
        let apart: Vec<u16> = calls
            .iter()
            .map(|call| {
                let sent = trial.send(call, &mut table, |sent| outcome(trial.answer(&mut application, sent)));
                sent.response.status
            })
            .collect();
        let (mut also, mut recorded) = (trial.application(), account.table());
        let driven = trial.send(&bulk(&calls), &mut recorded, |sent| outcome(trial.answer(&mut also, sent)));
        prop_assert_eq!(statuses(&driven.response), apart);
        prop_assert_eq!(also, application);
        prop_assert_eq!(recorded.ownership(), table.ownership());
    }
}

/// A PATCH, or a request with a whole resource.
fn call() -> impl Strategy<Value = Call> {
    let patch = operations::patch(2);
    let patch = patch.prop_map(|(path, operations)| patch_call(&path, &operations));
    prop_oneof![patch, whole::call()]
}

/// All requests in one.
fn bulk(calls: &[Call]) -> Call {
    let operations = calls
        .iter()
        .enumerate()
        .map(|(index, (method, path, body))| {
            let mut operation =
                json!({"method": method, "path": path, "bulkId": index.to_string()});
            if !body.is_null() {
                operation["data"] = body.clone();
            }
            operation
        });
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations.collect::<Vec<_>>(),
    });
    ("POST", "/Bulk".to_owned(), body)
}

/// The status of each operation of a Bulk response.
fn statuses(response: &Response) -> Vec<u16> {
    let ResponseBody::Bytes(bytes) = &response.body else {
        return Vec::new();
    };
    let body: Value = serde_json::from_slice(bytes).expect("JSON");
    let operations = body["Operations"].as_array().into_iter().flatten();
    let statuses = operations.filter_map(|operation| operation["status"].as_str()?.parse().ok());
    statuses.collect()
}
