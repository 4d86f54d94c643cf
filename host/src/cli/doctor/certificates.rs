//! Checks the certificates of the guard's own addresses.

use std::path::Path;

use super::findings::Findings;
use crate::causes::with_causes;
use crate::cli::times;
use crate::config::{Config, Tls};
use crate::tls;
use scimguard_store::now;

const ABOUT: &str = "certificates";

/// Certificates that expire within this time should be renewed: two weeks, in milliseconds.
const SOON: u64 = 14 * 24 * 60 * 60 * 1000;

/// Checks the files of each address that has TLS, and when they expire.
pub(super) fn examine(config: &Config, findings: &mut Findings) {
    for (table, files) in config.certificates() {
        of(table, files, findings);
    }
}

fn of(table: &str, files: &Tls, findings: &mut Findings) {
    if let Err(error) = tls::check(files) {
        findings.problem(
            ABOUT,
            with_causes(error.as_ref()),
            format!(
                "Check `certificate`, `key` and `client_ca` of `[{table}]`: PEM files, with the key of \
                 the certificate."
            ),
        );
        return;
    }
    for file in std::iter::once(&files.certificate).chain(&files.client_ca) {
        ends(table, file, findings);
    }
}

fn ends(table: &str, file: &Path, findings: &mut Findings) {
    let now = now();
    let end = tls::first_end(file);
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
                "Replace it: a running guard reads it again within seconds.",
            );
        }
        Err(error) => findings.problem(
            ABOUT,
            with_causes(error.as_ref()),
            format!("Check `[{table}]`."),
        ),
    }
}
