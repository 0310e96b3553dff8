//! Decodes arbitrary bytes as a type: an error, or a type that encodes and decodes to itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use terraform_provider_jdcloud::framework::Type;

fuzz_target!(|input: &[u8]| {
    if let Ok(ty) = Type::from_json(input) {
        assert_eq!(Type::from_json(&ty.to_json()).expect("a type's own form is read"), ty);
    }
});
