//! SOCme's core: API, ingest, live stream, certificates.
