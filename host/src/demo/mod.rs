//! The story that `scimguard demo` tells.
