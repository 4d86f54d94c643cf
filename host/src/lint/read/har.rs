//! HAR 1.2, as browsers and proxies export it.
//!
//! Only what is checked is parsed: exporters omit what others require (timings, caches, page references),
//! so a type for the whole format would refuse real files. Faults are reported with their line.

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scimguard_core::{Headers, syntax_fault};
use serde::Deserialize;

use crate::lint::exchange::{Answer, Entry};

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Exchange {
    request: Request,
    response: Option<Response>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Header>,
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct PostData {
    text: Option<String>,
    /// Not in the format, but written by proxies for bodies that are not text.
    encoding: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    /// Negative or 0: there was no answer.
    status: i64,
    #[serde(default)]
    headers: Vec<Header>,
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    text: Option<String>,
    encoding: Option<String>,
}

/// The entries of a file, in its order.
pub(super) fn entries(text: &str) -> anyhow::Result<Vec<Entry>> {
    let har: Har = serde_json::from_str(text)
        .map_err(|error| anyhow!(syntax_fault(&error)))
        .context("expected HAR 1.2: log.entries with request and response")?;
    har.log
        .entries
        .into_iter()
        .enumerate()
        .map(|(index, exchange)| {
            let number = index + 1;
            entry(number, exchange).with_context(|| format!("entry {number}"))
        })
        .collect()
}

fn entry(number: usize, exchange: Exchange) -> anyhow::Result<Entry> {
    let Exchange { request, response } = exchange;
    let path = path(&request.url)
        .ok_or_else(|| anyhow!("request.url: expected a URL such as https://host/scim/v2/Users"))?;
    let body = request
        .post_data
        .map(|data| body(data.text, data.encoding.as_deref()))
        .transpose()
        .context("request.postData.text")?;
    let answer = response
        .and_then(|response| Some((u16::try_from(response.status).ok()?, response)))
        .filter(|(status, _)| *status > 0)
        .map(|(status, response)| answer(status, response))
        .transpose()?;
    Ok(Entry {
        number,
        name: None,
        path: path.to_owned(),
        headers: headers(request.headers),
        method: request.method,
        body: body.flatten(),
        answer,
    })
}

fn answer(status: u16, response: Response) -> anyhow::Result<Answer> {
    let body = response
        .content
        .map(|content| body(content.text, content.encoding.as_deref()))
        .transpose()
        .context("response.content.text")?;
    Ok(Answer {
        status,
        headers: headers(response.headers),
        body: body.flatten(),
    })
}

/// Path and query of a URL, without its fragment.
fn path(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let rest = rest.split('#').next().unwrap_or(rest);
    match rest.find(['/', '?']) {
        Some(at) if rest.get(at..)?.starts_with('/') => rest.get(at..),
        _ => Some("/"),
    }
}

fn headers(headers: Vec<Header>) -> Headers {
    headers
        .into_iter()
        // HTTP/2 has `:method` and the like among them.
        .filter(|header| !header.name.starts_with(':'))
        .map(|header| (header.name.to_ascii_lowercase(), header.value.into_bytes()))
        .collect()
}

fn body(text: Option<String>, encoding: Option<&str>) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(text) = text else { return Ok(None) };
    let bytes = match encoding {
        Some("base64") => STANDARD.decode(text.trim()).context("expected base64")?,
        _ => text.into_bytes(),
    };
    Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
}
