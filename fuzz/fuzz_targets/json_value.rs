//! Decodes arbitrary bytes as JSON of a type: an error, or a valid value of that type.
#![no_main]

mod types;

use libfuzzer_sys::fuzz_target;
use terraform_provider_jdcloud::framework::{json, msgpack};

fuzz_target!(|input: &[u8]| {
    let Some((ty, bytes)) = types::choose(input) else { return };
    let Ok(value) = json::decode(ty, bytes) else { return };
    assert!(value.is_wholly_known(), "JSON has no unknown values");
    let written = msgpack::encode(ty, &value).expect("a decoded value has its type");
    assert_eq!(msgpack::decode(ty, &written).as_ref(), Ok(&value), "{ty}");
});
