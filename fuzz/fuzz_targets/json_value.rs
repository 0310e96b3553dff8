//! Any text as JSON of a type: read or refused, and what was read is a value that can be written.
#![no_main]

mod types;

use libfuzzer_sys::fuzz_target;
use terraform_provider_jdcloud::framework::{json, msgpack};

fuzz_target!(|input: &[u8]| {
    let Some((ty, bytes)) = types::choose(input) else { return };
    let Ok(value) = json::decode(ty, bytes) else { return };
    assert!(value.is_wholly_known(), "JSON has no unknown values");
    let written = msgpack::encode(ty, &value).expect("what was read has its type");
    assert_eq!(msgpack::decode(ty, &written).as_ref(), Ok(&value), "{ty}");
});
