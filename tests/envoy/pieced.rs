//! Bodies in many pieces, on every way that HTTP has for them and over HTTP/2 on both sides: the same,
//! byte for byte, as natively; so are bodies and answers beyond what Envoy buffers, and beyond the
//! policy's limits.

use anyhow::{Context as _, ensure};
use scimguard_core::history::Answers;
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::{BackendOutcome, Body, Guard};
use scimguard_tests::envoy::{Envoy, TestBed, plugin};
use scimguard_tests::fixtures::harness;
use serde_json::{Value, json};

use crate::compared::run;
use crate::peers::Peers;
use crate::suites::{self, Case};
use crate::ways::Way;

const WAYS: [Way; 7] = [
    Way::Whole,
    Way::Continue,
    Way::Chunks {
        size: 11,
        trailers: false,
    },
    Way::Chunks {
        size: 4096,
        trailers: true,
    },
    Way::Frames {
        size: 7,
        trailers: false,
    },
    Way::Frames {
        size: 1000,
        trailers: true,
    },
    Way::Frames {
        size: 1 << 20,
        trailers: false,
    },
];

/// The suite of the cases made here.
const LARGE: &str = "large";

/// Millions of bytes in pieces of seven take minutes, and are no other case than thousands.
const SMALLEST_OF_LARGE: usize = 1000;

/// What an application may answer at most, so that an answer can be beyond it.
const ANSWER_BYTES: usize = 4 << 20;

#[tokio::test]
async fn bodies_in_pieces_are_the_same_byte_for_byte() -> anyhow::Result<()> {
    let peers = Peers::start().await?;
    let mut differences = Vec::new();
    let simple = harness();
    // Envoy buffers 1 MiB, and the policy takes as much.
    through(&peers, false, None, &simple, &mut differences).await?;
    let large = json!({
        "version": 1,
        "preset": "harness",
        "scim": {"limits": {"body_bytes": 2 << 20, "answer_bytes": ANSWER_BYTES}},
        // So that facts are asked for before a body is passed on unread.
        "management": {"authenticate": true},
    });
    peers.state().pieces = Some(1000);
    through(&peers, true, Some(8 << 20), &large, &mut differences).await?;
    ensure!(
        differences.is_empty(),
        "{}:\n{}",
        differences.len(),
        differences.join("\n")
    );
    Ok(())
}

async fn through(
    peers: &Peers,
    http2: bool,
    buffers: Option<u32>,
    policy: &Value,
    differences: &mut Vec<String>,
) -> anyhow::Result<()> {
    let mut cases: Vec<Case> = suites::cases()?
        .into_iter()
        .filter(|case| case.suite.starts_with("okta/"))
        .collect();
    let answers = buffers.unwrap_or(1 << 20);
    let large = large(&cases, usize::try_from(answers)?)?;
    cases.extend(large);
    let guard =
        Guard::configure(&policy.to_string()).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    let bed = TestBed {
        secret: None,
        http2,
        buffers,
        ..TestBed::new(peers.application, peers.facts)
    };
    let envoy = Envoy::start(&bed, &[plugin(policy, false)]).await?;
    for way in WAYS {
        for case in &cases {
            if case.suite == LARGE && way.pieces() < SMALLEST_OF_LARGE {
                continue;
            }
            let came = run(case, way, &guard, peers, |_| envoy.listeners[0]).await;
            if let Err(error) = came {
                differences.push(format!(
                    "{}: {}: HTTP/2 behind: {http2}: {way:?}\n  {}",
                    case.suite,
                    case.name,
                    shortened(&format!("{error:#}"))
                ));
            }
        }
    }
    Ok(())
}

/// The beginning and the end of a long text.
fn shortened(text: &str) -> String {
    const EACH: usize = 1500;
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= 2 * EACH {
        return text.to_owned();
    }
    let (first, last) = (&characters[..EACH], &characters[characters.len() - EACH..]);
    let [first, last]: [String; 2] = [first, last].map(|part| part.iter().collect());
    format!("{first} … {last}")
}

/// A user whose request or answer is large. Envoy passes no answer on that is larger than it buffers.
fn large(cases: &[Case], largest_answer: usize) -> anyhow::Result<Vec<Case>> {
    let create = of(cases, "POST", "/Users")?;
    let list = of(cases, "GET", "/Users?")?;
    let mut large = Vec::new();
    for bytes in [100_000, 900_000, 1 << 20, 3 << 20] {
        let mut case = copy(create, format!("a body of more than {bytes} bytes"));
        let request = &mut case.steps[0].request;
        let Body::Bytes(body) = &request.body else {
            anyhow::bail!("no body");
        };
        let mut body: Value = serde_json::from_slice(body)?;
        body["displayName"] = json!("A".repeat(bytes / 2));
        body["locale"] = json!("x".repeat(bytes - bytes / 2));
        request.body = Body::Bytes(body.to_string().into_bytes());
        large.push(case);
    }
    for bytes in [100_000, 1_500_000] {
        let mut case = copy(create, format!("a body of {bytes} bytes that nobody reads"));
        let step = &mut case.steps[0];
        step.request.path = "/gateway/ng/api/projects?accountIdentifier=ACC1".to_owned();
        step.request.body = Body::Bytes(vec![b'P'; bytes]);
        step.answers = answered(&json!({"status": "SUCCESS"}));
        large.push(case);
    }
    for bytes in [1000, 900_000, 3 << 20, ANSWER_BYTES] {
        if bytes > largest_answer {
            continue;
        }
        let mut case = copy(list, format!("an answer of more than {bytes} bytes"));
        let one = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": "u-big",
            "userName": "big@example.com",
            "displayName": "B".repeat(bytes),
            "active": true,
        });
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": 1,
            "startIndex": 1,
            "itemsPerPage": 1,
            "Resources": [one],
        });
        case.steps[0].answers = answered(&body);
        large.push(case);
    }
    Ok(large)
}

fn answered(body: &Value) -> Answers {
    Answers::Same(BackendOutcome::Answered(BackendAnswer {
        status: 200,
        headers: vec![("content-type".to_owned(), b"application/scim+json".to_vec())],
        body: AnswerBody::Bytes(body.to_string().into_bytes()),
    }))
}

/// The first case of one such request.
fn of<'a>(cases: &'a [Case], method: &str, path: &str) -> anyhow::Result<&'a Case> {
    let found = cases.iter().find(|case| match &case.steps[..] {
        [step] => step.request.method == method && step.request.path.contains(path),
        _ => false,
    });
    found.with_context(|| format!("no case of {method} {path}"))
}

fn copy(case: &Case, name: String) -> Case {
    Case {
        suite: LARGE.to_owned(),
        name,
        ..case.clone()
    }
}
