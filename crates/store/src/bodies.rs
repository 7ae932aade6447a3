//! Whole alerts, compressed: the event as its source wrote it, then the normalised alert as JSON, which mostly repeats the event
//! and so costs little. zstd with a dictionary per source; before there is one, without.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::engine::sql::{Sql, params, row};
use wire::{Alert, Source};
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use crate::engine::writer::Tx;
use crate::id::ClientId;
use crate::{Error, Result};

/// zstd's level: higher ones take twice the time for a few percent.
const LEVEL: i32 = 3;
/// Samples that a dictionary is trained from.
const SAMPLES: usize = 2_000;
/// Bytes of a sample that are looked at.
const SAMPLE_BYTES: usize = 4 * 1024;
/// Size of a dictionary, in bytes.
const DICTIONARY: usize = 64 * 1024;
/// A source's dictionaries are trained when it has had so many alerts: early, and once more when it has shown itself.
const TRAIN_AT: [u64; 2] = [2_000, 40_000];
/// Largest body after decompression: an alert and its samples, with room for JSON's escapes.
const LARGEST: usize = 16 * 1024 * 1024;

/// A compressed body, and the dictionary that opens it; 0 for none.
pub(crate) struct Packed {
    pub(crate) dictionary: i64,
    pub(crate) data: Vec<u8>,
}

/// All dictionaries, and what the next ones are trained from.
#[derive(Default)]
pub(crate) struct Dictionaries {
    latest: RwLock<HashMap<Source, Arc<Encoder>>>,
    decoders: RwLock<HashMap<i64, Arc<DecoderDictionary<'static>>>>,
    samples: Mutex<HashMap<Source, Samples>>,
}

struct Encoder {
    id: i64,
    dictionary: EncoderDictionary<'static>,
}

#[derive(Default)]
struct Samples {
    seen: u64,
    trained: usize,
    kept: Vec<Vec<u8>>,
}

impl Dictionaries {
    pub(crate) fn load(sql: Sql<'_>) -> Result<Self> {
        let new = Self::default();
        for (id, module, data) in stored(sql, 0)? {
            new.add(id, module_from_code(module), &data);
        }
        Ok(new)
    }

    fn add(&self, id: i64, module: Source, data: &[u8]) {
        let encoder = Encoder { id, dictionary: EncoderDictionary::copy(data, LEVEL) };
        self.decoders
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::new(DecoderDictionary::copy(data)));
        self.latest.write().unwrap_or_else(PoisonError::into_inner).insert(module, Arc::new(encoder));
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = samples.entry(module).or_default();
        samples.trained += 1;
        samples.seen = samples.seen.max(TRAIN_AT[samples.trained.min(TRAIN_AT.len()) - 1]);
    }

    /// Keeps a body's head as a sample, if a dictionary is still to be trained; every 8th only, so that they differ.
    fn sample(&self, module: Source, body: &[u8]) {
        let mut all = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = all.entry(module).or_default();
        samples.seen += 1;
        if samples.trained < TRAIN_AT.len() && (samples.trained == 0 || samples.seen.is_multiple_of(16)) {
            let head = body[..body.len().min(SAMPLE_BYTES)].to_vec();
            if samples.kept.len() < SAMPLES {
                samples.kept.push(head);
            } else {
                let at = samples.seen as usize / 16 % SAMPLES;
                samples.kept[at] = head;
            }
        }
    }

    /// A source that has had enough alerts for its next dictionary, with the samples for it.
    fn due(&self) -> Option<(Source, Vec<Vec<u8>>)> {
        let mut all = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let (module, samples) = all.iter_mut().find(|(_, samples)| {
            TRAIN_AT.get(samples.trained).is_some_and(|at| samples.seen >= *at) && samples.kept.len() >= 500
        })?;
        Some((*module, std::mem::take(&mut samples.kept)))
    }

    /// Trains a dictionary if one is due; none if none is.
    pub(crate) fn train(&self) -> Option<Trained> {
        let (module, samples) = self.due()?;
        match zstd::dict::from_samples(&samples, DICTIONARY) {
            Ok(data) => Some(Trained { module, data }),
            Err(error) => {
                // All alike, for example: then there is nothing to gain. The next samples get another chance.
                tracing::debug!(%error, %module, "no dictionary can be made of the samples");
                None
            }
        }
    }

    /// Stores a trained dictionary; it counts once this is committed.
    pub(crate) fn insert(tx: &mut Tx<'_>, trained: &Trained) -> Result<i64> {
        tx.sql.insert(
            "INSERT INTO dictionary (module, data, created) VALUES (?1, ?2, ?3)",
            params![trained.module as i64, trained.data, tx.now],
        )
    }

    /// Uses a stored dictionary from now on.
    pub(crate) fn activate(&self, id: i64, trained: &Trained) {
        self.add(id, trained.module, &trained.data);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            latest: self.latest.read().unwrap_or_else(PoisonError::into_inner).clone(),
            decoders: self.decoders.read().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Takes in what other replicas have trained.
    pub(crate) fn learn(&self, sql: Sql<'_>) -> Result<()> {
        match sql {
            // There is one process.
            Sql::Sqlite(_) => Ok(()),
            Sql::Postgres(_) => {
                let known = self.decoders.read().unwrap_or_else(PoisonError::into_inner).keys().max().copied();
                for (id, module, data) in stored(sql, known.unwrap_or(0))? {
                    self.add(id, module_from_code(module), &data);
                }
                Ok(())
            }
        }
    }

    /// The dictionary of this number, trained here or elsewhere.
    fn decoder(&self, sql: Sql<'_>, id: i64) -> Result<Arc<DecoderDictionary<'static>>> {
        let known = || self.decoders.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(decoder) = known() {
            return Ok(decoder);
        }
        self.learn(sql)?;
        known().ok_or_else(|| Error::Damaged(format!("dictionary {id} is missing")))
    }
}

/// The stored dictionaries above a number: number, source, data.
fn stored(sql: Sql<'_>, above: i64) -> Result<Vec<(i64, i64, Vec<u8>)>> {
    sql.all("SELECT id, module, data FROM dictionary WHERE id > ?1 ORDER BY id", [above], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
}

/// A dictionary that is not stored yet.
pub(crate) struct Trained {
    module: Source,
    data: Vec<u8>,
}

/// The dictionaries as they are now, to pack and unpack many bodies with.
pub(crate) struct Snapshot {
    latest: HashMap<Source, Arc<Encoder>>,
    decoders: HashMap<i64, Arc<DecoderDictionary<'static>>>,
}

/// Compresses bodies, each with its source's latest dictionary.
pub(crate) struct Packer<'s> {
    dictionaries: &'s Dictionaries,
    snapshot: &'s Snapshot,
    compressors: HashMap<Source, Compressor<'s>>,
}

impl<'s> Packer<'s> {
    pub(crate) fn new(dictionaries: &'s Dictionaries, snapshot: &'s Snapshot) -> Self {
        Self { dictionaries, snapshot, compressors: HashMap::new() }
    }

    /// Packs an alert.
    pub(crate) fn pack(&mut self, alert: &mut Alert) -> Result<Packed> {
        let raw = std::mem::take(&mut alert.raw);
        let mut body = Vec::with_capacity(raw.len() + 1024);
        body.extend_from_slice(&(raw.len() as u32).to_le_bytes());
        body.extend_from_slice(raw.as_bytes());
        serde_json::to_writer(&mut body, alert)?;
        alert.raw = raw;
        self.dictionaries.sample(alert.module, &body);
        self.compress(alert.module, &body)
    }

    /// Compresses anything of this source.
    pub(crate) fn compress(&mut self, module: Source, body: &[u8]) -> Result<Packed> {
        let failed = |error: std::io::Error| Error::Damaged(format!("compression failed: {error}"));
        let encoder = self.snapshot.latest.get(&module);
        let compressor = match self.compressors.entry(module) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(compressor(encoder.map(|it| &**it)).map_err(failed)?),
        };
        let data = compressor.compress(body).map_err(failed)?;
        Ok(Packed { dictionary: encoder.map_or(0, |encoder| encoder.id), data })
    }
}

fn compressor(encoder: Option<&Encoder>) -> std::io::Result<Compressor<'_>> {
    let mut compressor = match encoder {
        Some(encoder) => Compressor::with_prepared_dictionary(&encoder.dictionary)?,
        None => Compressor::new(LEVEL)?,
    };
    // The row says which dictionary it was.
    compressor.set_parameter(zstd::zstd_safe::CParameter::DictIdFlag(false))?;
    Ok(compressor)
}

const BODY: &str = "SELECT dictionary, data FROM body WHERE alert = ?1 AND client = ?2";

/// Decompresses many bodies.
pub(crate) struct Unpacker<'s> {
    dictionaries: &'s Dictionaries,
    snapshot: &'s Snapshot,
    decompressors: HashMap<i64, Decompressor<'s>>,
}

impl<'s> Unpacker<'s> {
    pub(crate) fn new(dictionaries: &'s Dictionaries, snapshot: &'s Snapshot) -> Self {
        Self { dictionaries, snapshot, decompressors: HashMap::new() }
    }

    /// Takes a body apart: the alert, with its raw event.
    pub(crate) fn unpack(&mut self, sql: Sql<'_>, dictionary: i64, data: &[u8]) -> Result<Alert> {
        let body = self.decompress(sql, dictionary, data)?;
        let short = || Error::Damaged("a stored alert is cut short".into());
        let (length, rest) = body.split_first_chunk::<4>().ok_or_else(short)?;
        let (raw, json) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(short)?;
        let mut alert: Alert = serde_json::from_slice(json)?;
        alert.raw = String::from_utf8_lossy(raw).into_owned();
        Ok(alert)
    }

    /// Decompresses anything.
    pub(crate) fn decompress(&mut self, sql: Sql<'_>, dictionary: i64, data: &[u8]) -> Result<Vec<u8>> {
        let failed = |error: std::io::Error| Error::Damaged(format!("a stored alert cannot be decompressed: {error}"));
        let decoder = self.snapshot.decoders.get(&dictionary);
        if decoder.is_none() && dictionary != 0 {
            // Trained since the snapshot was taken.
            let decoder = self.dictionaries.decoder(sql, dictionary)?;
            let mut once = Decompressor::with_prepared_dictionary(&decoder).map_err(failed)?;
            return once.decompress(data, LARGEST).map_err(failed);
        }
        let decompressor = match self.decompressors.entry(dictionary) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(
                match decoder {
                    Some(decoder) => Decompressor::with_prepared_dictionary(decoder),
                    None => Decompressor::new(),
                }
                .map_err(failed)?,
            ),
        };
        decompressor.decompress(data, LARGEST).map_err(failed)
    }

    /// The alert of this number, as it came.
    pub(crate) fn load(&mut self, sql: Sql<'_>, client: ClientId, number: i64) -> Result<Option<Alert>> {
        sql.one(BODY, params![number, client], |row| self.unpack(sql, row.get(0)?, row.blob(1)?))
    }

    /// The alerts of these numbers, as they came; none for those that are not there.
    pub(crate) fn load_many(&mut self, sql: Sql<'_>, numbers: &[(i64, ClientId)]) -> Result<Vec<Option<Alert>>> {
        let keys: Vec<_> = numbers.iter().map(|(number, client)| row![*number, *client]).collect();
        let found = sql.all_many(BODY, &keys, |row| self.unpack(sql, row.get(0)?, row.blob(1)?))?;
        Ok(found.into_iter().map(|alerts| alerts.into_iter().next()).collect())
    }
}

pub(crate) fn module_from_code(code: i64) -> Source {
    usize::try_from(code).ok().and_then(|code| Source::ALL.get(code)).copied().unwrap_or(Source::Socme)
}
