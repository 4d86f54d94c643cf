//! Requests to a running guard.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How long the guard may take to be ready: the first start compiles the plugin.
const START: Duration = Duration::from_secs(240);

const ANSWER: Duration = Duration::from_secs(10);

const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The addresses of a guard.
pub(super) struct Guard {
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
}

impl Guard {
    /// At two addresses that nobody uses now.
    pub(super) fn somewhere() -> Result<Self> {
        let one = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self {
            listen: one.local_addr()?,
            admin: other.local_addr()?,
        })
    }

    pub(super) fn wait_until_ready(&self) -> Result<()> {
        let end = Instant::now() + START;
        loop {
            let answer = get(self.admin, "/readyz", None);
            if answer.as_ref().is_ok_and(|(status, _)| *status == 200) {
                return Ok(());
            }
            ensure!(
                Instant::now() < end,
                "the guard is not ready after {START:?}: {answer:?}"
            );
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Gets a path with this token, and checks for the status and a part of the answer.
    pub(super) fn expect(&self, path: &str, token: &str, status: u16, part: &str) -> Result<()> {
        expected(get(self.listen, path, Some(token)), status, part).context(path.to_owned())
    }

    /// The same at the admin address.
    pub(super) fn expect_page(&self, path: &str, part: &str) -> Result<()> {
        expected(get(self.admin, path, None), 200, part).context(path.to_owned())
    }
}

fn expected(answer: Result<(u16, String)>, status: u16, part: &str) -> Result<()> {
    let (seen, text) = answer?;
    ensure!(
        seen == status && text.contains(part),
        "the answer is {seen} {text:?} and not {status} with {part:?}"
    );
    Ok(())
}

/// Status and body.
fn get(address: SocketAddr, path: &str, token: Option<&str>) -> Result<(u16, String)> {
    let mut connection = TcpStream::connect_timeout(&address, ANSWER)?;
    connection.set_read_timeout(Some(ANSWER))?;
    connection.set_write_timeout(Some(ANSWER))?;
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    let authorization = authorization.unwrap_or_default();
    write!(
        connection,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\n{authorization}connection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the answer has no end")?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Ok((status.context("the answer has no status")?, body.to_owned()))
}
