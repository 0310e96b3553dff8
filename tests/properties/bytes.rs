//! How much memory a few bytes can claim: a length that is written and not there reserves nothing.

use terraform_provider_jdcloud::framework::{Type, msgpack};

use crate::support::process_status;

#[test]
fn lengths_that_are_not_there_reserve_nothing() {
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
    // Every msgpack form with a length, each with the largest there is.
    let forms: [u8; 11] = [0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf];
    for ty in &types {
        for form in forms {
            for nested in 0..20 {
                // An array in an array, and so on, each of four thousand million elements.
                let mut bytes = [0xdd, 0xff, 0xff, 0xff, 0xff].repeat(nested);
                bytes.push(form);
                bytes.extend([0xff; 8]);
                assert!(msgpack::decode(ty, &bytes).is_err());
            }
        }
    }
    let peak = process_status(std::process::id(), "VmHWM");
    assert!(peak < 200 << 10, "{peak} kB were used");
}
