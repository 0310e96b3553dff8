//! The provider's binary.

fn main() {}
