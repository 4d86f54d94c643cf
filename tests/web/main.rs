//! The browser module where it runs: in Node and in Chromium, from the npm package as it is published, and
//! in the page.

mod package;
mod page;
