//! Questions to a resolver (RFC 1035): over UDP, and over TCP where the answer is too long for that.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use pki::NetworkError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

const A: u16 = 1;
const TXT: u16 = 16;
const AAAA: u16 = 28;
/// How long a datagram is waited for before it is sent again.
const RETRY: Duration = Duration::from_secs(3);
const ATTEMPTS: usize = 3;

fn failed(text: impl Into<String>) -> NetworkError {
    NetworkError::Dns(text.into())
}

/// The TXT records of a name, each with its parts put together.
pub(crate) async fn txt(name: &str, resolver: Option<SocketAddr>) -> Result<Vec<Vec<u8>>, NetworkError> {
    let records = ask(name, TXT, resolver).await?;
    let text = |data: Vec<u8>| {
        let (mut out, mut rest) = (Vec::new(), data.as_slice());
        while let Some((length, after)) = rest.split_first() {
            let (part, after) = after.split_at_checked(usize::from(*length))?;
            out.extend_from_slice(part);
            rest = after;
        }
        Some(out)
    };
    Ok(records.into_iter().filter_map(text).collect())
}

/// The addresses of a name.
pub(crate) async fn addresses(name: &str, resolver: Option<SocketAddr>) -> Result<Vec<IpAddr>, NetworkError> {
    let v4 = ask(name, A, resolver).await?;
    let v6 = ask(name, AAAA, resolver).await?;
    let four = v4.iter().filter_map(|data| <[u8; 4]>::try_from(data.as_slice()).ok()).map(Ipv4Addr::from);
    let six = v6.iter().filter_map(|data| <[u8; 16]>::try_from(data.as_slice()).ok()).map(Ipv6Addr::from);
    Ok(four.map(IpAddr::from).chain(six.map(IpAddr::from)).collect())
}

/// The first resolver that the system names.
async fn system_resolver() -> Result<SocketAddr, NetworkError> {
    let text = tokio::task::spawn_blocking(|| std::fs::read_to_string("/etc/resolv.conf")).await;
    let text = text.ok().and_then(Result::ok).unwrap_or_default();
    let servers = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")?.trim().parse::<IpAddr>().ok());
    let first = servers.into_iter().next();
    first.map(|address| SocketAddr::new(address, 53)).ok_or_else(|| failed("the system names no resolver"))
}

async fn ask(name: &str, kind: u16, resolver: Option<SocketAddr>) -> Result<Vec<Vec<u8>>, NetworkError> {
    let server = match resolver {
        Some(server) => server,
        None => system_resolver().await?,
    };
    let mut id = [0; 2];
    SystemRandom::new().fill(&mut id).map_err(|_| failed("no randomness"))?;
    let question = question(name, kind).ok_or_else(|| failed(format!("{name} is no name of the DNS")))?;
    // Recursion is desired; one question.
    let message = [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], &question].concat();
    let lost = |error: std::io::Error| failed(format!("the resolver {server} can't be asked: {error}"));
    let answer = datagram(server, &message).await.map_err(lost)?;
    match read(&answer, &message, kind) {
        Some(Read::Truncated) => {
            let answer = stream(server, &message).await.map_err(lost)?;
            match read(&answer, &message, kind) {
                Some(Read::Records(records)) => Ok(records),
                Some(Read::Refused(code)) => Err(failed(format!("the resolver refuses {name} with code {code}"))),
                _ => Err(failed(format!("the answer for {name} is malformed"))),
            }
        }
        Some(Read::Records(records)) => Ok(records),
        Some(Read::Refused(code)) => Err(failed(format!("the resolver refuses {name} with code {code}"))),
        None => Err(failed(format!("the answer for {name} is malformed"))),
    }
}

/// Name, kind and class.
fn question(name: &str, kind: u16) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(name.len() + 6);
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        out.push(length);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out.extend(kind.to_be_bytes());
    out.extend([0, 1]);
    (out.len() <= 259).then_some(out)
}

async fn datagram(server: SocketAddr, message: &[u8]) -> std::io::Result<Vec<u8>> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // A port of its own for each question makes answers hard to forge.
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    let mut buffer = vec![0; 4096];
    for _ in 0..ATTEMPTS {
        socket.send(message).await?;
        if let Ok(length) = tokio::time::timeout(RETRY, socket.recv(&mut buffer)).await {
            buffer.truncate(length?);
            return Ok(buffer);
        }
    }
    Err(std::io::ErrorKind::TimedOut.into())
}

async fn stream(server: SocketAddr, message: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    stream.write_all(&[&length.to_be_bytes()[..], message].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[derive(Debug, PartialEq, Eq)]
enum Read {
    Truncated,
    Refused(u8),
    Records(Vec<Vec<u8>>),
}

/// The data of all records of a kind in an answer to a message.
fn read(answer: &[u8], message: &[u8], kind: u16) -> Option<Read> {
    let (header, rest) = answer.split_first_chunk::<12>()?;
    let [id0, id1, flags, code, _, _, count0, count1, ..] = *header;
    // The same identifier and the same question, in an answer.
    if message.get(..2)? != [id0, id1] || flags & 0x80 == 0 {
        return None;
    }
    if flags & 2 != 0 {
        return Some(Read::Truncated);
    }
    match code & 15 {
        0 => {}
        // The name does not exist.
        3 => return Some(Read::Records(Vec::new())),
        code => return Some(Read::Refused(code)),
    }
    let asked = message.get(12..)?;
    let mut rest =
        rest.get(..asked.len()).filter(|own| own.eq_ignore_ascii_case(asked)).and(rest.get(asked.len()..))?;
    let mut records = Vec::new();
    for _ in 0..u16::from_be_bytes([count0, count1]).min(200) {
        rest = skip_name(rest)?;
        let (fixed, after) = rest.split_first_chunk::<10>()?;
        let [kind0, kind1, .., length0, length1] = *fixed;
        let (data, after) = after.split_at_checked(usize::from(u16::from_be_bytes([length0, length1])))?;
        if u16::from_be_bytes([kind0, kind1]) == kind {
            records.push(data.to_vec());
        }
        rest = after;
    }
    Some(Read::Records(records))
}

/// What follows a name, which may end in a pointer.
fn skip_name(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (length, after) = rest.split_first()?;
        match length {
            0 => return Some(after),
            1..=63 => rest = after.get(usize::from(*length)..)?,
            0xc0.. => return after.get(1..),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_to_the_question_is_read() {
        let asked = question("_acme-challenge.a.example", TXT).unwrap();
        let message = [&[7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &asked].concat();
        let record = [&[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 5][..], b"\x02ab\x01c"].concat();
        let answer = [&[7, 9, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0][..], &asked, &record].concat();
        assert_eq!(read(&answer, &message, TXT), Some(Read::Records(vec![b"\x02ab\x01c".to_vec()])));
        for (at, byte, wanted) in [
            (0, 8, None),
            (2, 0x01, None),
            (2, 0x83, Some(Read::Truncated)),
            (3, 0x83, Some(Read::Records(Vec::new()))),
            (3, 0x82, Some(Read::Refused(2))),
            (14, b'b', None),
            (7, 2, None),
        ] {
            let mut bent = answer.clone();
            bent[at] = byte;
            assert_eq!(read(&bent, &message, TXT), wanted, "{at}");
        }
        for length in 0..answer.len() {
            assert!(read(&answer[..length], &message, TXT).is_none());
        }
        for name in ["", "a..b", &"x".repeat(64), &"abc.".repeat(80)] {
            assert!(question(name, TXT).is_none(), "{name}");
        }
    }
}
