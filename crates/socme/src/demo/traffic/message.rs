//! What clients of a few protocols say, byte by byte.

use std::net::Ipv4Addr;

use super::scenario::{Conversation, Talk};

/// An HTTP request, in a conversation of its own.
pub(super) fn http(
    from: Ipv4Addr,
    to: Ipv4Addr,
    method: &str,
    target: &str,
    agent: &str,
    headers: &str,
    body: &str,
) -> Conversation {
    let length = if method == "POST" {
        format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", body.len())
    } else {
        String::new()
    };
    let target = target.replace(' ', "%20");
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {to}\r\nUser-Agent: {agent}\r\n{headers}{length}Connection: close\r\n\r\n{body}"
    );
    Conversation { from, to, port: 80, talk: Talk::Tcp(vec![request.into_bytes()]) }
}

/// A question for the address of a name (RFC 1035). Labels over 63 bytes are cut.
pub(super) fn dns_query(id: u16, name: &str) -> Vec<u8> {
    let mut query = id.to_be_bytes().to_vec();
    query.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        let label = &label.as_bytes()[..label.len().min(63)];
        query.push(u8::try_from(label.len()).unwrap_or(63));
        query.extend_from_slice(label);
    }
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    query
}

/// A TLS 1.2 `ClientHello` that names the server it wants (RFC 5246, RFC 6066).
pub(super) fn client_hello(name: &str, random: &[u8; 32]) -> Vec<u8> {
    let sized = |bytes: &[u8]| {
        let mut all = u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes().to_vec();
        all.extend_from_slice(bytes);
        all
    };
    let extension = |kind: u16, body: &[u8]| {
        let mut all = kind.to_be_bytes().to_vec();
        all.extend(sized(body));
        all
    };
    let mut server_name = vec![0];
    server_name.extend(sized(name.as_bytes()));
    let mut extensions = extension(0, &sized(&server_name));
    extensions.extend(extension(10, &sized(&[0x00, 0x1d, 0x00, 0x17])));
    extensions.extend(extension(13, &sized(&[0x04, 0x03, 0x08, 0x04, 0x04, 0x01])));
    let mut hello = vec![0x03, 0x03];
    hello.extend_from_slice(random);
    hello.push(0);
    hello.extend(sized(&[0xc0, 0x2f, 0xc0, 0x30, 0xcc, 0xa8, 0x00, 0x9c]));
    hello.extend_from_slice(&[1, 0]);
    hello.extend(sized(&extensions));
    let mut handshake = vec![1, 0];
    handshake.extend(sized(&hello));
    let mut record = vec![0x16, 0x03, 0x01];
    record.extend(sized(&handshake));
    record
}

/// An SMB 2 request: header and body.
pub(super) fn smb2(command: u16, body: &[u8]) -> Vec<u8> {
    let mut all = b"\xfeSMB\x40\0".to_vec();
    all.resize(64, 0);
    all[12..14].copy_from_slice(&command.to_le_bytes());
    all[14] = 1;
    all[24] = u8::try_from(command).unwrap_or(0);
    all.extend_from_slice(body);
    all
}

/// The body of an SMB 2 `NEGOTIATE`.
pub(super) fn smb2_negotiate() -> Vec<u8> {
    let mut body = vec![36, 0, 2, 0, 1, 0, 0, 0];
    body.resize(36, 0);
    body.extend_from_slice(&[0x02, 0x02, 0x10, 0x02]);
    body
}

/// The body of an SMB 2 `CREATE` of that name (UTF-16).
pub(super) fn smb2_create(name: &[u8]) -> Vec<u8> {
    let mut body = vec![57, 0];
    body.resize(56, 0);
    body[44..46].copy_from_slice(&120_u16.to_le_bytes());
    body[46..48].copy_from_slice(&u16::try_from(name.len()).unwrap_or(0).to_le_bytes());
    body.extend_from_slice(name);
    body
}
