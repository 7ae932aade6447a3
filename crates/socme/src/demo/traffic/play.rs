//! Conversations over real sockets, from the address that the scenario names.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::scenario::{Conversation, Talk};
use super::service;

const PATIENCE: Duration = Duration::from_secs(2);

/// Has a conversation. Returns when its first message was handed to the kernel.
///
/// # Errors
/// The other end cannot be reached. A closed port is none for [`Talk::Knock`].
pub(crate) async fn play(conversation: &Conversation) -> io::Result<SystemTime> {
    let from = SocketAddr::from((conversation.from, 0));
    let to = SocketAddr::from((conversation.to, conversation.port));
    match &conversation.talk {
        Talk::Knock => {
            let sent = SystemTime::now();
            // Refused is what a scan mostly hears.
            let _ = connect(from, to).await;
            Ok(sent)
        }
        Talk::Udp(message) => {
            let socket = UdpSocket::bind(from).await?;
            let sent = SystemTime::now();
            socket.send_to(message, to).await?;
            let mut answer = [0; 512];
            let _ = timeout(PATIENCE, socket.recv(&mut answer)).await;
            Ok(sent)
        }
        Talk::Tcp(messages) => {
            let mut stream = connect(from, to).await?;
            stream.set_nodelay(true)?;
            let mut answer = vec![0; 16 * 1024];
            if !service::greeting(conversation.port).is_empty() {
                hear(&mut stream, &mut answer).await?;
            }
            let mut sent = None;
            for message in messages {
                sent.get_or_insert_with(SystemTime::now);
                stream.write_all(message).await?;
                if service::answers(conversation.port) {
                    hear(&mut stream, &mut answer).await?;
                }
            }
            stream.shutdown().await?;
            // To the end, so that the kernel closes the connection in good order and not by a reset.
            while hear(&mut stream, &mut answer).await? > 0 {}
            Ok(sent.unwrap_or_else(SystemTime::now))
        }
    }
}

async fn connect(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(from)?;
    timeout(PATIENCE, socket.connect(to)).await?
}

/// Reads one answer; 0 if there is none in time or the other end hung up.
async fn hear(stream: &mut TcpStream, answer: &mut [u8]) -> io::Result<usize> {
    timeout(PATIENCE, stream.read(answer)).await.unwrap_or(Ok(0))
}
