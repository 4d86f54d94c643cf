//! Face 1: the policy as a WIT component.
