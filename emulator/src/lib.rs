//! JD Cloud gateway emulator (under construction).
