//! The demo's services on real sockets.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::service;

/// Nobody in the demo needs longer to say something.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens on every service's port until dropped.
///
/// # Errors
/// A port is taken: it must be alone in its network namespace.
pub(crate) async fn serve() -> io::Result<()> {
    for port in service::TCP_PORTS {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    // The other end may hang up at any moment; that is its business.
                    let _ = tokio::time::timeout(PATIENCE, attend(stream, port)).await;
                });
            }
        });
    }
    // One socket per address would be needed to answer from the address asked; the name server has just one.
    let names = UdpSocket::bind((super::scene::RESOLVER, 53)).await;
    if let Ok(names) = names {
        tokio::spawn(async move {
            let mut query = [0; 512];
            while let Ok((len, asker)) = names.recv_from(&mut query).await {
                let _ = names.send_to(&service::name_server(&query[..len]), asker).await;
            }
        });
    }
    Ok(())
}

async fn attend(mut stream: TcpStream, port: u16) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(service::greeting(port)).await?;
    let mut said = vec![0; 64 * 1024];
    loop {
        let len = stream.read(&mut said).await?;
        if len == 0 {
            return Ok(());
        }
        let answer = service::answer(port, &said[..len]);
        stream.write_all(&answer).await?;
        if service::closes(port) && !answer.is_empty() {
            return stream.shutdown().await;
        }
    }
}
