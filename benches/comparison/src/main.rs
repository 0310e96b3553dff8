//! Runs the library.

fn main() {
    #[cfg(target_os = "linux")]
    jdcloud_comparison::run();
}
