//! Clients whose bodies do not come, beside one that works.

use anyhow::ensure;
use scimguard_tests::fixtures::HARNESS_BASE;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::two_ways::{TwoWays, Wish};

/// Requests that the gateway may have under way at the facts service.
const ROOM: usize = 16;

/// All come from one address, and have the token of the one that works.
#[tokio::test]
async fn heads_without_bodies_hold_up_nobody() -> anyhow::Result<()> {
    let mut bed = TwoWays::new(Wish {
        gateway: "requests = 16\n",
        ..Wish::default()
    })
    .await?;
    bed.guard.start().await?;
    let okta = bed.okta(&bed.envoy_url);
    let head = format!(
        "POST {HARNESS_BASE}/Users HTTP/1.1\r\nhost: a.example.com\r\nauthorization: Bearer {}\r\n\
         content-type: application/scim+json\r\ncontent-length: 100\r\n\r\n",
        bed.token
    );
    let mut waiting = Vec::new();
    for number in 0..3 * ROOM {
        let mut stream = TcpStream::connect(bed.envoy.listeners[0]).await?;
        stream.write_all(head.as_bytes()).await?;
        waiting.push(stream);
        let answer = okta.scim.get("/Users?startIndex=1&count=1").await?;
        ensure!(answer.status == 200, "after {number}: {answer:?}");
    }
    okta.create_user("ann", "Ann", "Lee").await?;
    // They are waiting indeed.
    for stream in &waiting {
        let read = stream.try_read(&mut [0]);
        let is_open = read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        ensure!(is_open, "it was answered without its body");
    }
    Ok(())
}
