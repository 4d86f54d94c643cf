//! The browser module where it runs: in Node and in Chromium, from the npm package as it is published.

mod package;
