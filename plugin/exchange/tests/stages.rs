//! Counts calls of the policy in an exchange, and checks that no stage runs twice in a pass.

#[path = "../../core/tests/fixtures/mod.rs"]
mod fixtures;

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;

use fixtures::{BASE, TOKEN, guard, request};
use scimguard_core::facts::Table;
use scimguard_core::history::Answers;
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::{BackendOutcome, Body, Guard, Outcome, Settings, Stage, Verdict};
use scimguard_exchange::history::Driver;
use scimguard_interface::{Given, Observed, Pass, Policy};
use serde_json::{Value, json};

const NOW: u64 = 1_780_000_000_000;

/// The calls and the stages of a pass, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Taken {
    calls: u32,
    stages: Vec<Stage>,
}

/// The policy, with a count of everything its passes do.
struct Counted {
    guard: Guard,
    passes: Rc<RefCell<Vec<Taken>>>,
}

struct CountedPass {
    pass: scimguard_core::Pass,
    index: usize,
    passes: Rc<RefCell<Vec<Taken>>>,
}

impl Policy for Counted {
    type Fault = Infallible;
    type Pass = CountedPass;

    fn settings(&self) -> &Settings {
        self.guard.settings()
    }

    fn pass(&self) -> Result<CountedPass, Infallible> {
        let mut passes = self.passes.borrow_mut();
        passes.push(Taken::default());
        Ok(CountedPass {
            pass: self.guard.pass(),
            index: passes.len() - 1,
            passes: Rc::clone(&self.passes),
        })
    }
}

impl CountedPass {
    fn count<T>(&mut self, gives: T) -> T {
        let taken = &mut self.passes.borrow_mut()[self.index];
        taken.calls += 1;
        taken.stages.clone_from(&self.pass.effort().stages);
        gives
    }
}

impl Pass for CountedPass {
    type Fault = Infallible;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Infallible> {
        let verdict = Pass::evaluate(&mut self.pass, given);
        self.count(verdict)
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Infallible> {
        let verdict = Pass::resume_evaluate(&mut self.pass, given);
        self.count(verdict)
    }

    fn observe(
        &mut self,
        observed: &Arc<Observed>,
        given: Given<'_>,
    ) -> Result<Outcome, Infallible> {
        let outcome = Pass::observe(&mut self.pass, observed, given);
        self.count(outcome)
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Infallible> {
        let outcome = Pass::resume_observe(&mut self.pass, given);
        self.count(outcome)
    }
}

fn table() -> Table {
    let user = |id: &str| json!({"account": "ACC1", "id": id, "userName": format!("{id}@example.com"), "managed_by": "okta"});
    fixtures::table(json!({
        "users": [user("u1"), user("u2")],
        "groups": [{"account": "ACC1", "id": "web_team", "displayName": "web-team", "managed_by": "okta"}],
    }))
}

fn answered(status: u16, body: &Value) -> BackendOutcome {
    BackendOutcome::Answered(BackendAnswer {
        status,
        headers: Vec::new(),
        body: match body {
            Value::Null => AnswerBody::None,
            body => AnswerBody::Bytes(body.to_string().into_bytes()),
        },
    })
}

/// The calls and stages of a request's passes, with these answers of the backend.
fn taken(method: &str, path: &str, body: &Value, answers: &[BackendOutcome]) -> Vec<Taken> {
    let passes = Rc::default();
    let mut driver = Driver::new(Counted {
        guard: guard(""),
        passes: Rc::clone(&passes),
    });
    let body = match body {
        Value::Null => Body::None,
        body => Body::Bytes(body.to_string().into_bytes()),
    };
    let request = request(method, &format!("{BASE}{path}"), TOKEN, body);
    let answers = Answers::Each(answers.to_vec());
    let played = driver
        .play(&request, &answers, &mut table(), NOW)
        .unwrap_or_else(|stuck| panic!("{stuck}"));
    let status = played.response.map(|response| response.status);
    assert!(status.is_some_and(|status| status < 300), "{status:?}");
    let passes = passes.borrow();
    passes.clone()
}

fn pass(calls: u32, stages: &[Stage]) -> Taken {
    Taken {
        calls,
        stages: stages.to_vec(),
    }
}

#[test]
fn a_read_is_a_decision_and_a_judged_answer() {
    let user = json!({"id": "u1", "userName": "u1@example.com"});
    let answers = [answered(200, &user)];
    assert_eq!(
        taken("GET", "/Users/u1", &Value::Null, &answers),
        [
            // The policy asks for the token.
            pass(
                2,
                &[Stage::Route, Stage::Token, Stage::Permit, Stage::Write]
            ),
            pass(1, &[]),
        ]
    );
}

#[test]
fn a_patch_of_a_group_runs_each_stage_once() {
    let members = json!([{"value": "u1"}, {"value": "u2"}]);
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "members", "value": members}],
    });
    let answers = [answered(204, &Value::Null)];
    // The policy asks for the token, the body and the facts of the group.
    assert_eq!(
        taken("PATCH", "/Groups/web_team", &patch, &answers),
        [pass(4, &Stage::ALL), pass(1, &[])]
    );
}

#[test]
fn each_operation_of_a_bulk_request_runs_each_stage_once() {
    let user = |name: &str| {
        json!({"method": "POST", "path": "/Users", "bulkId": name, "data": {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("{name}@example.com"),
            "emails": [{"value": format!("{name}@example.com"), "primary": true}],
        }})
    };
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [user("ann"), user("bob")],
    });
    let created = |id: &str, name: &str| {
        let name = format!("{name}@example.com");
        answered(201, &json!({"id": id, "userName": name}))
    };
    let answers = [created("u8", "ann"), created("u9", "bob")];
    let passes = taken("POST", "/Bulk", &bulk, &answers);
    let envelope = [Stage::Route, Stage::Token, Stage::Parse];
    let stages: Vec<_> = passes.iter().map(|pass| pass.stages.as_slice()).collect();
    assert_eq!(
        stages,
        [&envelope[..], &Stage::ALL, &[], &Stage::ALL, &[]],
        "{passes:?}"
    );
}
