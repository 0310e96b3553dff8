//! Decodes arbitrary bytes as msgpack of a type: an error, or a value that encodes and decodes to itself.
#![no_main]

mod types;

use libfuzzer_sys::fuzz_target;
use terraform_provider_jdcloud::framework::msgpack;

fuzz_target!(|input: &[u8]| {
    let Some((ty, bytes)) = types::choose(input) else { return };
    let Ok(value) = msgpack::decode(ty, bytes) else { return };
    let written = msgpack::encode(ty, &value).expect("a decoded value has its type");
    assert_eq!(msgpack::decode(ty, &written).as_ref(), Ok(&value), "{ty}");
});
