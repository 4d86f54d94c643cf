//! Whether the facts service of a configuration can be started, and whether it runs.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use http::{StatusCode, Uri};
use tokio::net::TcpStream;

use super::findings::Findings;
use crate::cli::times;
use crate::clock::now;
use crate::config::{Config, Facts, Gateway, Proof, Tls};
use crate::proxy::{Probe, tried};

const ABOUT: &str = "facts";

const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A certificate that ends within this time is one to renew: two weeks, in milliseconds.
const SOON: u64 = 14 * 24 * 60 * 60 * 1000;

/// Looks at what gateways prove themselves with, at certificates, and asks the service.
pub(super) async fn examine(config: &Config, findings: &mut Findings) {
    let Some(facts) = &config.facts else {
        return;
    };
    gateways(facts, findings);
    if let Some(tls) = &facts.tls {
        certificates(tls, findings);
    }
    answers(facts, findings).await;
}

fn gateways(facts: &Facts, findings: &mut Findings) {
    let mut good = true;
    for gateway in &facts.gateways {
        let name = &gateway.name;
        match tried::proof(gateway) {
            Ok(()) => findings.fine(ABOUT, format!("the gateway {name} has {}", has(gateway))),
            Err(error) => {
                good = false;
                findings.problem(
                    ABOUT,
                    format!("the gateway {name}: {error:#}"),
                    "Give it a secret of its own, of 32 characters or more, that this user can read; until \
                     then neither `serve` nor `facts` starts.",
                );
            }
        }
    }
    if let Some(error) = tried::together(&facts.gateways).err().filter(|_| good) {
        findings.problem(
            ABOUT,
            format!("{error:#}"),
            "With one secret for both, the log and the limits of accounts cannot tell them apart.",
        );
    }
}

fn has(gateway: &Gateway) -> &'static str {
    match gateway.proof {
        Proof::Secret(_) => "a secret that can be read",
        Proof::Certificate(_) => "a certificate",
    }
}

fn certificates(tls: &Tls, findings: &mut Findings) {
    if let Err(error) = tried::encryption(tls) {
        findings.problem(
            ABOUT,
            format!("{error:#}"),
            "Check `certificate`, `key` and `client_ca` of `[facts.tls]`: PEM, and the key that of the \
             certificate.",
        );
        return;
    }
    let files = std::iter::once(&tls.certificate).chain(&tls.client_ca);
    for file in files {
        ends(file, findings);
    }
}

fn ends(file: &Path, findings: &mut Findings) {
    let now = now();
    let end = tried::end(file);
    let file = file.display();
    match end {
        Ok(end) if end > now.saturating_add(SOON) => {
            let until = times::relative(end, now);
            findings.fine(ABOUT, format!("the certificate {file} ends {until}"));
        }
        Ok(end) => {
            let verb = match end > now {
                true => "ends",
                false => "ended",
            };
            let until = times::relative(end, now);
            findings.problem(
                ABOUT,
                format!("the certificate {file} {verb} {until}"),
                "Put another one in its place and start the service again: certificates are read at the start.",
            );
        }
        Err(error) => findings.problem(ABOUT, format!("{error:#}"), "Check `[facts.tls]`."),
    }
}

/// The service itself. With TLS, who vouches for it is for gateways to know: only a connection is tried.
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
            format!("{address} answered {status} when it was asked for its health"),
            "Its log says why, or something else is at this address.",
        ),
        Ok(None) => findings.fine(ABOUT, format!("connections are taken at {address}")),
        Err(_) => findings.note(ABOUT, format!("none answers at {address}")),
    }
}

async fn health(address: SocketAddr) -> anyhow::Result<StatusCode> {
    let address = Uri::try_from(format!("http://{address}"))?;
    let reply = Probe::new(address, TIME_LIMIT)?
        .get("/healthz", None)
        .await?;
    Ok(reply.status)
}

async fn connection(address: SocketAddr) -> anyhow::Result<()> {
    tokio::time::timeout(TIME_LIMIT, TcpStream::connect(address)).await??;
    Ok(())
}
