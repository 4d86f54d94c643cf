//! Case suites: requests with the decisions that are expected of them.
