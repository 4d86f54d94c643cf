//! Checks that the facts service of a configuration can start, and whether it runs.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use http::{StatusCode, Uri};
use tokio::net::TcpStream;

use super::findings::Findings;
use crate::causes::with_causes;
use crate::cli::times;
use crate::config::{Config, Facts, Gateway, Proof, Tls};
use crate::proxy::{Probe, check};
use scimguard_store::now;

const ABOUT: &str = "facts";

const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Certificates that expire within this time should be renewed: two weeks, in milliseconds.
const SOON: u64 = 14 * 24 * 60 * 60 * 1000;

/// Checks the gateways' secrets, the certificates, and whether the service answers.
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

fn certificates(tls: &Tls, findings: &mut Findings) {
    if let Err(error) = check::encryption(tls) {
        findings.problem(
            ABOUT,
            with_causes(error.as_ref()),
            "Check `certificate`, `key` and `client_ca` of `[facts.tls]`: PEM files, with the key of the \
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
    let end = check::end(file);
    let file = file.display();
    match end {
        Ok(end) if end > now.saturating_add(SOON) => {
            let until = times::relative(end, now);
            findings.fine(ABOUT, format!("the certificate {file} expires {until}"));
        }
        Ok(end) => {
            let verb = match end > now {
                true => "expires",
                false => "expired",
            };
            let until = times::relative(end, now);
            findings.problem(
                ABOUT,
                format!("the certificate {file} {verb} {until}"),
                "Replace it and restart the service: certificates are read at the start.",
            );
        }
        Err(error) => findings.problem(ABOUT, with_causes(error.as_ref()), "Check `[facts.tls]`."),
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

async fn connection(address: SocketAddr) -> anyhow::Result<()> {
    tokio::time::timeout(TIME_LIMIT, TcpStream::connect(address)).await??;
    Ok(())
}
