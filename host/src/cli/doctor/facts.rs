//! Checks that the facts service of a configuration can start, and whether it runs.

use std::net::SocketAddr;
use std::time::Duration;

use http::{StatusCode, Uri};
use tokio::net::TcpStream;

use super::findings::Findings;
use crate::causes::with_causes;
use crate::config::{Config, Facts, Gateway, Proof};
use crate::proxy::{Probe, check};

const ABOUT: &str = "facts";

const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Checks the gateways' secrets, and whether the service answers.
pub(super) async fn examine(config: &Config, findings: &mut Findings) {
    let Some(facts) = &config.facts else {
        return;
    };
    gateways(facts, findings);
    answers(facts, findings).await;
}

fn gateways(facts: &Facts, findings: &mut Findings) {
    let mut good = true;
    for gateway in &facts.gateways {
        let name = &gateway.name;
        match check::proof(gateway) {
            Ok(()) => findings.fine(ABOUT, format!("the gateway {name} has {}", has(gateway))),
            Err(error) => {
                good = false;
                findings.problem(
                    ABOUT,
                    format!("the gateway {name}: {}", with_causes(error.as_ref())),
                    "Give it its own secret of 32 or more characters, which this user can read; until \
                     then neither `serve` nor `facts` starts.",
                );
            }
        }
    }
    if let Some(error) = check::together(&facts.gateways).err().filter(|_| good) {
        findings.problem(
            ABOUT,
            with_causes(error.as_ref()),
            "With the same secret, the log and the accounts' limits cannot distinguish them.",
        );
    }
}

fn has(gateway: &Gateway) -> &'static str {
    match gateway.proof {
        Proof::Secret(_) => "a secret that can be read",
        Proof::Certificate(_) => "a certificate",
    }
}

/// Checks the service itself. With TLS only a connection is tried: verifying it is up to the gateways.
async fn answers(facts: &Facts, findings: &mut Findings) {
    let address = facts.listen;
    let asked = match facts.tls {
        Some(_) => connection(address).await.map(|()| None),
        None => health(address).await.map(Some),
    };
    match asked {
        Ok(Some(StatusCode::OK)) => findings.fine(ABOUT, format!("it answers at {address}")),
        Ok(Some(status)) => findings.problem(
            ABOUT,
            format!("{address} answered its health check with {status}"),
            "See its log, or something else is at this address.",
        ),
        Ok(None) => findings.fine(ABOUT, format!("{address} accepts connections")),
        Err(_) => findings.note(ABOUT, format!("nothing answers at {address}")),
    }
}

async fn health(address: SocketAddr) -> anyhow::Result<StatusCode> {
    let address = Uri::try_from(format!("http://{address}"))?;
    let reply = Probe::new(address, TIME_LIMIT)?
        .get("/healthz", None)
        .await?;
    Ok(reply.status)
}

/// Whether anything accepts connections at this address.
pub(super) async fn connection(address: SocketAddr) -> anyhow::Result<()> {
    tokio::time::timeout(TIME_LIMIT, TcpStream::connect(address)).await??;
    Ok(())
}
