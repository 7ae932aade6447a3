//! SOCme's sensor: sources, detection, spool, uplink.
