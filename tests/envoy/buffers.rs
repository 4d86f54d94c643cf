//! Bodies and answers larger than what Envoy buffers: Envoy lives, and whoever sends too much is told
//! so with a rule.

use anyhow::{Context as _, ensure};
use scimguard_core::BackendOutcome;
use scimguard_core::facts::Table;
use scimguard_core::history::Answers;
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_tests::client::Client;
use scimguard_tests::envoy::{Envoy, TestBed, plugin};
use scimguard_tests::fixtures::harness;
use serde_json::json;

use crate::peers::Peers;

/// Sizes around every buffer.
const SIZES: [usize; 8] = [
    7_000, 12_000, 17_000, 30_000, 40_000, 200_000, 480_000, 1_000_000,
];

#[tokio::test]
async fn what_does_not_fit_into_envoys_buffer_is_refused_with_its_rule() -> anyhow::Result<()> {
    let policy = harness();
    for buffers in [Some(16 << 10), Some(32 << 10), None, Some(64 << 20)] {
        let peers = Peers::start().await?;
        {
            let mut state = peers.state();
            state.table = Table::default();
            state.answers = Answers::Same(BackendOutcome::Answered(BackendAnswer {
                status: 200,
                headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
                body: AnswerBody::Bytes(b"{}".to_vec()),
            }));
        }
        let bed = TestBed {
            secret: None,
            buffers,
            ..TestBed::new(peers.application, peers.facts)
        };
        let envoy = Envoy::start(&bed, &[plugin(&policy, false)]).await?;
        let client = Client::new(format!("http://{}", envoy.listeners[0]))
            .with("content-type", "application/json");
        let path = "/gateway/ng/api/user-groups?accountIdentifier=ACC1";
        let mut largest = 0;
        for size in SIZES {
            let group = json!({
                "identifier": "team", "name": "team", "users": [], "description": "x".repeat(size),
            });
            let log = || format!("{size} bytes at {buffers:?}: {}", envoy.logged());
            let answer = client.put(path, &group).await.with_context(log)?;
            match answer.status {
                200 => largest = size,
                _ => ensure!(
                    answer.status == 413 && answer.rule.as_deref() == Some("body.too-large"),
                    "{answer:?}: {}",
                    log()
                ),
            }
        }
        let expected = usize::try_from(buffers.unwrap_or(1 << 20))?;
        for size in SIZES.into_iter().filter(|size| size + 200 < expected) {
            ensure!(size <= largest, "{size} bytes fit into {expected}");
        }
    }
    Ok(())
}
