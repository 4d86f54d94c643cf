//! Replaces the source of randomness in a plugin that imports nothing. A face links it with `use
//! scimguard_entropy as _;`.
//!
//! `jsonschema` seeds its hash maps through `getrandom`, which on wasm32 would import a JavaScript
//! host. The build selects getrandom's custom backend instead, which is this crate. It is
//! deterministic on purpose: the policy is a pure function, the same on every face. Client input
//! must therefore never be the key of a hash map.

use getrandom::Error;

/// Fills `dest` with the bytes of a counter.
///
/// # Safety
/// `dest` must be writable for `len` bytes, which getrandom guarantees.
#[expect(
    unsafe_code,
    reason = "getrandom finds its custom backend by the name of this symbol"
)]
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(dest: *mut u8, len: usize) -> Result<(), Error> {
    for index in 0..len {
        unsafe { dest.add(index).write(index as u8) };
    }
    Ok(())
}
