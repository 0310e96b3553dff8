//! Memory: a length without the elements reserves nothing.

use terraform_provider_jdcloud::framework::{Type, msgpack};

use crate::support::process_status;

#[test]
fn a_length_without_elements_reserves_no_memory() {
    let everything = Type::Tuple(vec![Type::Dynamic; 3]);
    let row = Type::object([("a", Type::String)]);
    let types = [
        Type::String,
        Type::list(Type::String),
        Type::set(Type::set(Type::String)),
        Type::map(Type::list(Type::Bool)),
        Type::Dynamic,
        everything,
        row,
    ];
    // Every msgpack marker with a length, each with the largest length.
    let forms: [u8; 11] = [0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf];
    for ty in &types {
        for form in forms {
            for nested in 0..20 {
                // Nested arrays, each of four billion elements.
                let mut bytes = [0xdd, 0xff, 0xff, 0xff, 0xff].repeat(nested);
                bytes.push(form);
                bytes.extend([0xff; 8]);
                assert!(msgpack::decode(ty, &bytes).is_err());
            }
        }
    }
    if cfg!(target_os = "linux") {
        let peak = process_status(std::process::id(), "VmHWM");
        assert!(peak < 200 << 10, "{peak} kB were used");
    }
}
