//! The token stage as a face sees it: what it asks, of whom, what it says afterwards, and that no
//! token reaches another account.

mod accounts_apart;
mod asking;
mod face;
