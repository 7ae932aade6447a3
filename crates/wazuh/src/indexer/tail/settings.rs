//! How alerts are followed.

use std::time::Duration;

use super::super::{ALERTS, AlertFilter};

/// How alerts are followed. The filter may be changed only with a new cursor: what it let through before is not known.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The indices; [`ALERTS`].
    pub indices: String,
    /// Which alerts. Its times are conditions as all others are.
    pub filter: AlertFilter,
    /// How far each poll looks back; 30 s. An alert is shown about 15 s after its time.
    pub brief: Duration,
    /// How far the polls look back that do so thoroughly; 10 minutes.
    pub overlap: Duration,
    /// How often they do; 1 minute.
    pub look_back_every: Duration,
    /// How late an alert may come; 72 h.
    pub sweep: Duration,
    /// How often the hours are compared; 10 minutes. That is one request, and what came late.
    pub sweep_every: Duration,
    /// How far ahead of now alerts are read at each poll; 5 minutes. Those of clocks that are further ahead are found by the
    /// comparison of hours.
    pub ahead: Duration,
    /// Documents in a page; 1000.
    pub page: usize,
    /// Bytes of an answer; 8 MiB. An alert beyond it is reported and left out.
    pub limit: usize,
    /// False to read without a point in time also where much is to be read.
    pub point: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            indices: ALERTS.to_owned(),
            filter: AlertFilter::default(),
            brief: Duration::from_secs(30),
            overlap: minutes(10),
            look_back_every: minutes(1),
            sweep: minutes(72 * 60),
            sweep_every: minutes(10),
            ahead: minutes(5),
            page: 1000,
            limit: 8 << 20,
            point: true,
        }
    }
}
