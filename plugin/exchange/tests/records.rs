//! What the ownership record becomes: the records that are stored before a request is sent, and those that
//! each answer settles (docs/ownership.md). The tables are in `tests/records`.
//!
//! A field that a record in a table leaves out is null, false or empty, and its account is `ACC1`. A record
//! `like` a user or group is what was recorded of it at first, with the given fields instead. SCIM bodies are
//! written without their `schemas`.

#[path = "../../core/tests/fixtures/mod.rs"]
mod fixtures;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fixtures::{PERMISSIONS, TOKEN, guard, table};
use scimguard_core::facts::{GroupRowKey, RowId, Table, UserRowKey};
use scimguard_core::history::{Answers, Decided, RequestDocument, UpstreamDocument};
use scimguard_core::message::{AnswerHandling, ResponseBody};
use scimguard_core::record::Record;
use scimguard_core::{Guard, Reject, Request, Response};
use scimguard_exchange::history::{Driver, Played, Stuck};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value, json};

const ACCOUNT: &str = "ACC1";

/// An operator's token for SCIM.
const OPERATOR: &str = "pat.ACC1.adm1.s3cret";

/// Milliseconds since 1970.
const NOW: u64 = 9_000;

/// A file of tables.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    #[serde(rename = "suite")]
    _name: String,
    policy: Value,
    /// The record that every row starts with.
    recorded: Vec<Value>,
    rows: Vec<Row>,
}

/// A request, and what becomes of the record.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    /// Instead of the file's.
    policy: Option<Value>,
    /// In addition to the file's.
    #[serde(default)]
    recorded: Vec<Value>,
    request: Asked,
    /// The answer to a read before the request is sent.
    read: Option<Value>,
    /// The records stored before the request is sent.
    before: Vec<Value>,
    /// The records stored after an answer, by its name. Without any, the answer is not read.
    after: BTreeMap<String, Settled>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The caller of a SCIM route, whose path starts below the account. Without one, the request is an
    /// administrator's to the application's own API.
    by: Option<Caller>,
    method: String,
    path: String,
    body: Option<Value>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Caller {
    Okta,
    Operator,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settled {
    /// Without one, the backend did not answer.
    answer: Option<Value>,
    records: Vec<Value>,
}

// === impl Row ===

impl Row {
    /// What differs from the table.
    fn differences(&self, suite: &Suite, of_suite: &Guard) -> Vec<String> {
        let own = self
            .policy
            .as_ref()
            .map(|policy| guard(&policy.to_string()));
        let guard = own.as_ref().unwrap_or(of_suite);
        let start = self.start(suite);
        let request = self.request.document(guard);
        let answer = |given: &Value| self.request.answer(given);
        let reads: Vec<Value> = self.read.iter().map(answer).collect();

        let said = |records: &[Value]| -> Vec<Value> {
            records.iter().map(|given| full(given, &start)).collect()
        };
        let before = match sent(guard, &request, &reads, &start) {
            Ok(before) => before,
            Err(instead) => return vec![format!("it is not sent: {instead}")],
        };
        let mut differences = Vec::from_iter(compare("before", &said(&self.before), &before));
        if self.after.is_empty() && is_read(guard, &request, &start) {
            differences.push("its answer is read".to_owned());
        }
        for (name, settled) in &self.after {
            let last = settled.answer.as_ref().map_or(Value::Null, answer);
            let answers = [reads.as_slice(), &[last]].concat();
            let (all, _) = play(guard, &request, &answers, &start);
            let after = all.strip_prefix(before.as_slice()).unwrap_or(&all);
            differences.extend(compare(name, &said(&settled.records), after));
        }
        differences
    }

    fn start(&self, suite: &Suite) -> Table {
        let mut start = table(json!({
            "tokens": [{"token": OPERATOR, "account": ACCOUNT, "principal": "adm"}],
            "principals": [{"account": ACCOUNT, "id": "adm", "permissions": PERMISSIONS}],
        }));
        for given in suite.recorded.iter().chain(&self.recorded) {
            start.apply(&record(given, &start));
        }
        start
    }
}

/// The records that are stored before the request is sent, after these reads.
fn sent(
    guard: &Guard,
    request: &Request,
    reads: &[Value],
    start: &Table,
) -> Result<Vec<Value>, String> {
    match play(guard, request, reads, start) {
        (records, Err(Stuck::Another { .. })) => Ok(records),
        (_, Err(Stuck::Trapped(why))) => Err(why),
        (_, Ok(played)) => Err(match played.stops.last() {
            Some(Decided::Reject(Reject {
                rule,
                response:
                    Response {
                        body: ResponseBody::Bytes(body),
                        ..
                    },
                ..
            })) => format!("{rule}: {}", String::from_utf8_lossy(body)),
            other => format!("{other:?}"),
        }),
    }
}

/// Whether the guard reads the answer, instead of passing it on.
fn is_read(guard: &Guard, request: &Request, start: &Table) -> bool {
    let decided = Driver::new(guard).decide(request, &mut start.clone(), NOW);
    !matches!(decided, Ok(Decided::Forward(forward)) if forward.answer == AnswerHandling::Pass)
}

/// The records that are stored, and how the exchange ends, if the backend gives only these answers.
fn play(
    guard: &Guard,
    request: &Request,
    answers: &[Value],
    start: &Table,
) -> (Vec<Value>, Result<Played, Stuck>) {
    let answers: UpstreamDocument<IgnoredAny> = read(&json!(answers));
    let (answers, _) = answers.into_answers().expect("answers of a backend");
    let answers = match answers {
        Answers::Awaited => Answers::Each(Vec::new()),
        given => given,
    };
    let mut driver = Driver::new(guard);
    let end = driver.play(request, &answers, &mut start.clone(), NOW);
    (driver.journal().records.iter().map(shown).collect(), end)
}

// === impl Asked ===

impl Asked {
    fn document(&self, guard: &Guard) -> Request {
        let (base, headers) = match self.by {
            None => (String::new(), json!({"content-type": "application/json"})),
            Some(caller) => {
                let token = match caller {
                    Caller::Okta => TOKEN,
                    Caller::Operator => OPERATOR,
                };
                let base = guard.settings().scim_base.replace("{account}", ACCOUNT);
                let headers = json!({
                    "authorization": format!("Bearer {token}"),
                    "content-type": "application/scim+json",
                });
                (base, headers)
            }
        };
        let mut document = json!({
            "method": self.method,
            "path": format!("{base}{}", self.path),
            "headers": headers,
        });
        if let Some(body) = &self.body {
            document["body"] = match self.method.as_str() {
                "PATCH" => with_schema(body, "urn:ietf:params:scim:api:messages:2.0:PatchOp"),
                _ => self.resource(body),
            };
        }
        let document: RequestDocument = read(&document);
        document.into_request().expect("a request")
    }

    /// An answer, whose body is a resource with its schema.
    fn answer(&self, given: &Value) -> Value {
        let mut answer = given.clone();
        if let Some(body) = answer.get_mut("body") {
            *body = self.resource(body);
        }
        answer
    }

    fn resource(&self, body: &Value) -> Value {
        match self.by {
            None => body.clone(),
            Some(_) if self.path.starts_with("/Users") => {
                with_schema(body, "urn:ietf:params:scim:schemas:core:2.0:User")
            }
            Some(_) => with_schema(body, "urn:ietf:params:scim:schemas:core:2.0:Group"),
        }
    }
}

fn with_schema(body: &Value, schema: &str) -> Value {
    let mut body = body.clone();
    body["schemas"] = json!([schema]);
    body
}

// === records ===

/// A record without the fields that are null, false or empty.
fn shown(record: &Record) -> Value {
    bare(serde_json::to_value(record).expect("a record is JSON"))
}

fn bare(mut record: Value) -> Value {
    let fields = record.as_object_mut().expect("a record is an object");
    fields.retain(|name, value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) if name == "account" => text != ACCOUNT,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    });
    record
}

/// What the table says of a record, in the same form.
fn full(given: &Value, start: &Table) -> Value {
    let mut fields = given.as_object().expect("a record is an object").clone();
    let Some(like) = fields.remove("like") else {
        return bare(given.clone());
    };
    let id = RowId::known(like.as_str().expect("an id"));
    let (users, groups) = (&start.rows().users, &start.rows().groups);
    let known = match fields["record"].as_str() {
        Some("user") => {
            let row = users.get(&UserRowKey::new(ACCOUNT, id));
            row.map(|row| Record::User(row.user.clone()))
        }
        _ => {
            let row = groups.get(&GroupRowKey::new(ACCOUNT, "", id));
            row.map(|row| Record::Group(row.group.clone()))
        }
    };
    let known = known.unwrap_or_else(|| panic!("{like} is not recorded at first"));
    bare(over(shown(&known), fields))
}

/// The record that a table describes.
fn record(given: &Value, start: &Table) -> Record {
    let given = full(given, start);
    let empty = json!({
        "account": ACCOUNT, "scope": "", "active": false, "members_known": false, "members": [],
        "present": false, "pending": false, "leaving": false, "in_managed_group": false,
    });
    let fields = given.as_object().cloned().unwrap_or_default();
    let record = read(&over(empty, fields));
    assert_eq!(shown(&record), given, "a record has no other fields");
    record
}

/// These fields instead of those.
fn over(mut record: Value, fields: Map<String, Value>) -> Value {
    let all = record.as_object_mut().expect("a record is an object");
    all.extend(fields);
    record
}

fn compare(place: &str, expected: &[Value], actual: &[Value]) -> Option<String> {
    let lines = |records: &[Value]| -> String {
        let lines = records.iter().map(|record| format!("\n    {record}"));
        lines.collect()
    };
    let (expected_lines, stored) = (lines(expected), lines(actual));
    (expected != actual).then(|| format!("{place}\n  expected:{expected_lines}\n  stored:{stored}"))
}

fn read<T: DeserializeOwned>(document: &Value) -> T {
    serde_json::from_str(&document.to_string())
        .unwrap_or_else(|error| panic!("{error}: {document}"))
}

fn suites() -> Vec<(PathBuf, Suite)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/records");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the tables")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    let suites = files.into_iter().map(|file| {
        let text = fs::read_to_string(&file).expect("a table");
        let suite = serde_json::from_str(&text);
        let suite = suite.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        (file, suite)
    });
    suites.collect()
}

#[test]
fn every_request_stores_what_its_row_says() {
    let mut differences = Vec::new();
    for (file, suite) in suites() {
        let name = file.file_name().unwrap_or_default().display().to_string();
        let guard = guard(&suite.policy.to_string());
        for row in &suite.rows {
            let found = row.differences(&suite, &guard).into_iter();
            let row = &row.name;
            differences.extend(found.map(|difference| format!("{name}: {row}: {difference}")));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
