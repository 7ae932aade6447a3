//! What a node sends is decoded and checked without a panic, and what passes can be written again.
#![no_main]

use wire::link::{Batch, Record};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(batch) = serde_json::from_slice::<Batch>(bytes) else { return };
    for record in &batch.records {
        if let Record::Alert(alert) = record {
            if alert.check().is_ok() {
                let entities = alert.entities();
                assert!(entities.windows(2).all(|pair| pair[0] < pair[1]));
            }
        }
    }
    serde_json::to_vec(&batch).expect("what was read can be written");
});
