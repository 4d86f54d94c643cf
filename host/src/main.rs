//! The program `scimguard`; see the library of the same name.

use std::process::ExitCode;

/// With the system's allocator, allocating takes a tenth of the time of a request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    scimguard::run()
}
