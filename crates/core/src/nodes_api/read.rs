//! Reads what nodes send, within bounds.

use std::io::Read as _;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wire::limit;
use wire::link::problem;

use super::check_wire;
use crate::problem::Problem;

/// How long a body may take from its first to its last byte.
const LONGEST: Duration = Duration::from_secs(60);
/// How much of what came before a zstd stream may refer to: 8 MiB, which is all that the node's levels use.
const WINDOW_LOG: u32 = 23;
/// How a zstd stream begins.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// All of a body, if it is not longer than `most` bytes.
pub(super) async fn body(mut body: Body, most: usize) -> Result<Bytes, Problem> {
    let read = async {
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return Err(malformed("The body was cut off.")) };
            if let Ok(data) = frame.into_data() {
                if all.len() + data.len() > most {
                    return Err(too_large(most));
                }
                all.extend_from_slice(&data);
            }
        }
        Ok(all.freeze())
    };
    let late = || Problem::new(StatusCode::REQUEST_TIMEOUT, problem::LATER, "The body took too long.");
    tokio::time::timeout(LONGEST, read).await.map_err(|_| late())?
}

/// Reads a JSON body.
pub(super) async fn json<T: DeserializeOwned>(from: Body) -> Result<T, Problem> {
    parse(&body(from, limit::BODY).await?)
}

/// Reads JSON. Nesting is bounded by the parser (128 levels). What cannot be read because it is of a newer protocol is told
/// as that.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    #[derive(Deserialize)]
    struct Version {
        wire: u32,
    }
    serde_json::from_slice(bytes).map_err(|error| {
        if let Ok(Version { wire }) = serde_json::from_slice(bytes)
            && let Err(problem) = check_wire(wire)
        {
            return problem;
        }
        malformed("The body is not what it should be.").detail(format!("{error}."))
    })
}

/// Undoes zstd, if it is zstd, but never to more than `most` bytes.
pub(super) fn decompress(bytes: &[u8], most: usize) -> Result<Vec<u8>, Problem> {
    if !bytes.starts_with(&ZSTD) {
        return if bytes.len() > most { Err(too_large(most)) } else { Ok(bytes.to_vec()) };
    }
    let broken =
        |error: std::io::Error| malformed("The body is not zstd, or needs too much memory to read.").cause(error);
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(broken)?;
    decoder.window_log_max(WINDOW_LOG).map_err(broken)?;
    let mut all = Vec::with_capacity(bytes.len().saturating_mul(4).min(most));
    decoder.take(most as u64 + 1).read_to_end(&mut all).map_err(broken)?;
    if all.len() > most { Err(too_large(most)) } else { Ok(all) }
}

fn malformed(title: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, problem::MALFORMED, title)
}

fn too_large(most: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, problem::TOO_LARGE, "The body is too large.")
        .detail(format!("At most {most} bytes are taken."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_refused_before_it_unfolds() {
        let bomb = zstd::encode_all(std::io::repeat(b' ').take(1 << 30), 3).unwrap();
        assert!(bomb.len() < 200_000);
        let refused = decompress(&bomb, limit::BATCH_BYTES).unwrap_err();
        assert_eq!((refused.status, refused.kind), (StatusCode::PAYLOAD_TOO_LARGE, problem::TOO_LARGE));
    }

    #[test]
    fn a_window_that_takes_too_much_memory_is_refused() {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.long_distance_matching(true).unwrap();
        std::io::copy(&mut std::io::repeat(b'x').take(1 << 20), &mut encoder).unwrap();
        let greedy = encoder.finish().unwrap();
        assert_eq!(decompress(&greedy, limit::BATCH_BYTES).unwrap_err().kind, problem::MALFORMED);
    }

    #[test]
    fn plain_and_compressed_bodies_are_read_up_to_the_limit() {
        let text = b"{\"wire\":1}".repeat(10);
        assert_eq!(decompress(&text, 100).unwrap(), text);
        assert!(decompress(&text, 99).is_err());
        let packed = zstd::encode_all(&text[..], 3).unwrap();
        assert_eq!(decompress(&packed, 100).unwrap(), text);
        assert!(decompress(&packed, 99).is_err());
        assert_eq!(decompress(&packed[..packed.len() - 3], 100).unwrap_err().kind, problem::MALFORMED);
    }

    #[test]
    fn deep_nesting_and_newer_protocols_are_told_as_what_they_are() {
        #[derive(Debug, Deserialize)]
        struct Any {
            #[serde(rename = "x")]
            _x: serde_json::Value,
        }
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse::<Any>(deep.as_bytes()).unwrap_err().kind, problem::MALFORMED);
        let newer = br#"{"wire": 7, "x-new": {}}"#;
        assert_eq!(parse::<Any>(newer).unwrap_err().kind, problem::WIRE);
    }
}
