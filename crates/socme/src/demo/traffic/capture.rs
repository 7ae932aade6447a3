//! Writes conversations as a capture file (pcap, microseconds, Ethernet), with right checksums and sequence numbers:
//! for machines on which network namespaces are not permitted.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use etherparse::PacketBuilder;

use super::scenario::{Conversation, Talk};
use super::service;

/// Ethernet's payload less the headers of IPv4 and TCP.
const SEGMENT: usize = 1460;
/// Between two packets of one conversation.
const STEP: Duration = Duration::from_micros(300);

/// A capture file being written.
pub(crate) struct Capture<W> {
    out: W,
    now: SystemTime,
    port: u16,
}

#[derive(Clone, Copy)]
struct End {
    address: Ipv4Addr,
    port: u16,
    /// The next sequence number.
    next: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Flag {
    Syn,
    SynAck,
    Ack,
    Push,
    Fin,
    Reset,
}

impl<W: Write> Capture<W> {
    /// Begins a file whose first packet is of `start`; client ports count up from `port`, which must be above 1023.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn begin(mut out: W, start: SystemTime, port: u16) -> io::Result<Self> {
        out.write_all(&0xa1b2_c3d4_u32.to_le_bytes())?;
        out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
        out.write_all(&65_535_u32.to_le_bytes())?;
        out.write_all(&1_u32.to_le_bytes())?;
        Ok(Self { out, now: start, port: port.max(1024) })
    }

    /// Adds a whole conversation.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn add(&mut self, conversation: &Conversation) -> io::Result<()> {
        self.port = if self.port == u16::MAX { 1024 } else { self.port + 1 };
        let mut a = End { address: conversation.from, port: self.port, next: 1_000 + u32::from(self.port) * 97 };
        let mut b = End { address: conversation.to, port: conversation.port, next: 5_000 + u32::from(self.port) * 89 };
        match &conversation.talk {
            Talk::Udp(message) => {
                self.datagram(a, b, message)?;
                self.datagram(b, a, &service::name_server(message))
            }
            Talk::Knock => {
                self.segment(&mut a, &b, Flag::Syn, &[])?;
                self.segment(&mut b, &a, Flag::Reset, &[])
            }
            Talk::Tcp(messages) => {
                self.segment(&mut a, &b, Flag::Syn, &[])?;
                self.segment(&mut b, &a, Flag::SynAck, &[])?;
                self.segment(&mut a, &b, Flag::Ack, &[])?;
                self.say(&mut b, &mut a, service::greeting(conversation.port))?;
                for message in messages {
                    self.say(&mut a, &mut b, message)?;
                    self.say(&mut b, &mut a, &service::answer(conversation.port, message))?;
                }
                self.segment(&mut a, &b, Flag::Fin, &[])?;
                self.segment(&mut b, &a, Flag::Fin, &[])?;
                self.segment(&mut a, &b, Flag::Ack, &[])
            }
        }
    }

    /// Ends the file, and gives back what it was written to.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn say(&mut self, from: &mut End, to: &mut End, message: &[u8]) -> io::Result<()> {
        for part in message.chunks(SEGMENT) {
            self.segment(from, to, Flag::Push, part)?;
            self.segment(to, from, Flag::Ack, &[])?;
        }
        Ok(())
    }

    fn segment(&mut self, from: &mut End, to: &End, flag: Flag, payload: &[u8]) -> io::Result<()> {
        let builder = ethernet(from.address, to.address).tcp(from.port, to.port, from.next, 64_240);
        let builder = match flag {
            Flag::Syn => builder.syn(),
            Flag::SynAck => builder.syn().ack(to.next),
            Flag::Ack => builder.ack(to.next),
            Flag::Push => builder.psh().ack(to.next),
            Flag::Fin => builder.fin().ack(to.next),
            Flag::Reset => builder.rst().ack(to.next),
        };
        let mut packet = Vec::with_capacity(builder.size(payload.len()));
        builder.write(&mut packet, payload).map_err(io::Error::other)?;
        let taken = payload.len() + usize::from(matches!(flag, Flag::Syn | Flag::SynAck | Flag::Fin));
        from.next = from.next.wrapping_add(u32::try_from(taken).unwrap_or(0));
        self.packet(&packet)
    }

    fn datagram(&mut self, from: End, to: End, payload: &[u8]) -> io::Result<()> {
        let builder = ethernet(from.address, to.address).udp(from.port, to.port);
        let mut packet = Vec::with_capacity(builder.size(payload.len()));
        builder.write(&mut packet, payload).map_err(io::Error::other)?;
        self.packet(&packet)
    }

    fn packet(&mut self, packet: &[u8]) -> io::Result<()> {
        let since = self.now.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
        self.now += STEP;
        let seconds = u32::try_from(since.as_secs()).map_err(io::Error::other)?;
        let len = u32::try_from(packet.len()).map_err(io::Error::other)?;
        for number in [seconds, since.subsec_micros(), len, len] {
            self.out.write_all(&number.to_le_bytes())?;
        }
        self.out.write_all(packet)
    }
}

fn ethernet(from: Ipv4Addr, to: Ipv4Addr) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    let mac = |a: Ipv4Addr| {
        let [_, b, c, d] = a.octets();
        [2, 0, 0, b, c, d]
    };
    PacketBuilder::ethernet2(mac(from), mac(to)).ipv4(from.octets(), to.octets(), 64)
}
