//! Tests the browser module in Node and in Chromium, from the npm package as published, and in the pages.

mod package;
mod page;
