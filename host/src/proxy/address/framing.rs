//! Where each HTTP/1 request on a connection begins and ends, and whether another parser could see
//! that differently (RFC 9112 §2.2, §5, §6, §11.2).
//!
//! The server's own parser accepts much that a proxy in front may read differently, and its result
//! no longer shows it: it drops a Content-Length beside a Transfer-Encoding, merges equal lengths,
//! accepts lines that end with LF alone, and cuts a fragment off the target. So the bytes are read
//! here as well, by the strict grammar alone. The first request that violates it is refused, with
//! all that follow on its connection.

use std::sync::{Arc, OnceLock};

use scimguard_exchange::Refused;

/// The first bytes of HTTP/2 (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The parser refuses a longer head or chunk line.
const LONGEST: usize = 2 * super::HEAD_BYTES;

/// Follows the framing of the bytes that arrive on a connection.
#[derive(Default)]
pub(super) struct Framing {
    at: At,
    /// The head so far, or the current line of a chunked body.
    text: Vec<u8>,
    /// Number of requests whose head is complete.
    heads: u64,
    faults: Arc<Faults>,
}

/// The first ambiguous request of a connection.
#[derive(Default)]
pub(super) struct Faults(OnceLock<(u64, Refused)>);

/// A body whose end cannot be determined.
#[derive(Debug, thiserror::Error)]
#[error("the chunks of a body are not framed correctly")]
pub(super) struct BrokenBody;

#[derive(Clone, Copy, Default)]
enum At {
    /// Nothing that identifies the protocol has arrived yet.
    #[default]
    Start,
    /// In a head.
    Head,
    /// This many bytes of the body are outstanding.
    Body(u64),
    /// In the line before a chunk.
    ChunkLine,
    /// This many bytes of a chunk, and the end of its line, are outstanding.
    Chunk(u64),
    /// In the lines after the last chunk.
    Trailers,
    /// It is HTTP/2, or a request was refused.
    Done,
}

/// How the body of a request is framed.
enum Body {
    Length(u64),
    Chunked,
}

// === impl Faults ===

impl Faults {
    /// Why request number `request` is refused, if it is; the first is 0.
    pub(super) fn of(&self, request: u64) -> Option<&Refused> {
        let (first, refused) = self.0.get()?;
        (request >= *first).then_some(refused)
    }
}

// === impl Framing ===

impl Framing {
    pub(super) fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults)
    }

    /// Takes the next bytes. `Err`: they belong to the body of a request that may be in progress,
    /// and its end cannot be determined.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<(), BrokenBody> {
        while !bytes.is_empty() {
            let in_head = matches!(self.at, At::Start | At::Head);
            match self.step(bytes) {
                Ok(rest) => bytes = rest,
                Err(refused) => {
                    self.at = At::Done;
                    self.text = Vec::new();
                    let _ = self.faults.0.set((self.heads.saturating_sub(1), refused));
                    return if in_head { Ok(()) } else { Err(BrokenBody) };
                }
            }
        }
        Ok(())
    }

    /// Takes some of the bytes and returns the rest.
    fn step<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Refused> {
        match self.at {
            At::Done => Ok(&[]),
            At::Start => {
                let (&byte, rest) = bytes.split_first().unwrap_or((&0, &[]));
                self.text.push(byte);
                if self.text == PREFACE {
                    self.at = At::Done;
                } else if !PREFACE.starts_with(&self.text) {
                    let text = std::mem::take(&mut self.text);
                    self.at = At::Head;
                    // Shorter than the preface: no body follows yet.
                    let _ = self.read(&text);
                }
                Ok(rest)
            }
            At::Head => self.head(bytes),
            At::Body(left) => Ok(self.skip(bytes, left, |left| match left {
                0 => At::Head,
                left => At::Body(left),
            })),
            At::Chunk(left) => Ok(self.skip(bytes, left, |left| match left {
                0 => At::ChunkLine,
                left => At::Chunk(left),
            })),
            At::ChunkLine => {
                let Some((line, rest)) = self.line(bytes) else {
                    return Ok(&[]);
                };
                self.at = chunk(&line).ok_or_else(ambiguous_chunks)?;
                Ok(rest)
            }
            At::Trailers => {
                let Some((line, rest)) = self.line(bytes) else {
                    return Ok(&[]);
                };
                match text_of(&line) {
                    Some([]) => self.at = At::Head,
                    Some(line) if is_plain(line) => {}
                    _ => return Err(ambiguous_chunks()),
                }
                Ok(rest)
            }
        }
    }

    fn skip<'b>(&mut self, bytes: &'b [u8], left: u64, then: impl Fn(u64) -> At) -> &'b [u8] {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        self.at = then(left - u64::try_from(taken).unwrap_or(left));
        bytes.get(taken..).unwrap_or_default()
    }

    /// Returns the next line with its end, and the bytes after it. `None`: it is not complete.
    fn line<'b>(&mut self, bytes: &'b [u8]) -> Option<(Vec<u8>, &'b [u8])> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (part, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        if self.text.len() < LONGEST {
            self.text.extend_from_slice(part);
        }
        end?;
        Some((std::mem::take(&mut self.text), rest))
    }

    fn head<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Refused> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (part, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        if self.text.len() < LONGEST {
            self.text.extend_from_slice(part);
        }
        // Empty lines before a request are ignored (RFC 9112 §2.2).
        if self.text == b"\r\n" {
            self.text.clear();
        }
        let ends = [&b"\r\n\r\n"[..], b"\n\n", b"\n\r\n"];
        if self.text == b"\n" || ends.iter().any(|end| self.text.ends_with(end)) {
            self.heads += 1;
            let head = std::mem::take(&mut self.text);
            self.at = match body(&head)? {
                Body::Length(0) => At::Head,
                Body::Length(length) => At::Body(length),
                Body::Chunked => At::ChunkLine,
            };
        }
        Ok(rest)
    }
}

/// How the body after a complete head is framed.
fn body(head: &[u8]) -> Result<Body, Refused> {
    let mut lines = head.split_inclusive(|byte| *byte == b'\n');
    let request = lines.next().and_then(text_of).ok_or_else(bare_ends)?;
    target(request)?;
    let (mut length, mut coding) = (None, None);
    for line in lines {
        let line = text_of(line).ok_or_else(bare_ends)?;
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return Err(Refused::new(
                "body.syntax",
                "A header of the request is folded over several lines. Write it on one.",
            ));
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let field = match name.trim_ascii().to_ascii_lowercase().as_slice() {
            b"content-length" => &mut length,
            b"transfer-encoding" => &mut coding,
            _ => continue,
        };
        if field.replace(value).is_some() {
            let name = String::from_utf8_lossy(name).into_owned();
            let detail = format!("The request has {name} more than once. Send it once.");
            return Err(Refused::new("body.syntax", detail));
        }
    }
    match (length, coding) {
        (None, None) => Ok(Body::Length(0)),
        (Some(_), Some(_)) => Err(Refused::new(
            "body.syntax",
            "The request has both Content-Length and Transfer-Encoding. Send one of them.",
        )),
        (Some(length), None) => {
            let digits = length.iter().all(u8::is_ascii_digit);
            let length = std::str::from_utf8(length).ok().filter(|_| digits);
            let length = length.and_then(|length| length.parse().ok());
            length.map(Body::Length).ok_or_else(|| {
                Refused::new(
                    "body.syntax",
                    "The Content-Length is not a number of bytes.",
                )
            })
        }
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Body::Chunked),
        (None, Some(_)) => Err(Refused::new(
            "body.syntax",
            "The Transfer-Encoding is not `chunked` alone. Send the body as it is, or chunked.",
        )),
    }
}

/// Checks that the target has one of the forms of RFC 9112 §3.2, without a fragment.
fn target(line: &[u8]) -> Result<(), Refused> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (method, target) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let path = target.starts_with(b"/") || target == b"*";
    let whole = [&b"http://"[..], b"https://"].iter().any(|scheme| {
        target
            .get(..scheme.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(scheme))
    });
    if target.contains(&b'#') || !(path || whole || method == b"CONNECT") {
        return Err(Refused::new(
            "route.ambiguous-path",
            "The target of the request is neither a path nor an address, or has a fragment. Request \
             a path that begins with `/`.",
        ));
    }
    Ok(())
}

/// What follows a chunk's size line (RFC 9112 §7.1). Extensions are ignored.
fn chunk(line: &[u8]) -> Option<At> {
    let line = text_of(line).filter(|line| is_plain(line))?;
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let (size, extension) = line.split_at(digits);
    let extension = extension.trim_ascii_start();
    if digits > 16 || !(extension.is_empty() || extension.starts_with(b";")) {
        return None;
    }
    let size = u64::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
    Some(match size {
        0 => At::Trailers,
        size => At::Chunk(size.checked_add(2)?),
    })
}

/// A line without its CRLF. `None`: it ends with LF alone.
fn text_of(line: &[u8]) -> Option<&[u8]> {
    line.strip_suffix(b"\r\n")
        .filter(|line| !line.contains(&b'\r'))
}

/// Whether there are no control characters except tabs.
fn is_plain(line: &[u8]) -> bool {
    line.iter()
        .all(|byte| *byte == b'\t' || !byte.is_ascii_control())
}

fn bare_ends() -> Refused {
    Refused::new(
        "body.syntax",
        "A line of the request does not end with CRLF. End each line of the head with CRLF.",
    )
}

fn ambiguous_chunks() -> Refused {
    Refused::new(
        "body.syntax",
        "The chunks of the body are not framed correctly. Send each size in hexadecimal digits, and end \
         each line with CRLF.",
    )
}

#[cfg(test)]
mod tests;
