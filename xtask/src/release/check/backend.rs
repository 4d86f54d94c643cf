//! The least of an application: it has no users.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How long it runs at most.
const TIME_LIMIT: Duration = Duration::from_secs(600);

const POLL_INTERVAL: Duration = Duration::from_millis(20);

const NO_USERS: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}"#;

/// An application that answers until this is dropped.
pub(super) struct Backend {
    pub(super) address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl Backend {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let end = Instant::now() + TIME_LIMIT;
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) && Instant::now() < end {
                match listener.accept() {
                    Ok((connection, _)) => {
                        if let Err(error) = answer(&connection) {
                            anstream::eprintln!("the application could not answer: {error}");
                        }
                    }
                    Err(_) => thread::sleep(POLL_INTERVAL),
                }
            }
        });
        Ok(Self { address, is_over })
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn answer(mut connection: &TcpStream) -> std::io::Result<()> {
    connection.set_nonblocking(false)?;
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    connection.set_write_timeout(Some(Duration::from_secs(10)))?;
    let mut head = BufReader::new(connection).lines();
    while head
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let length = NO_USERS.len();
    write!(
        connection,
        "HTTP/1.1 200 OK\r\ncontent-type: application/scim+json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{NO_USERS}"
    )
}
