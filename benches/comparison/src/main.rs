//! The program around the library, which says what it does.

fn main() {
    #[cfg(target_os = "linux")]
    jdcloud_comparison::run();
}
