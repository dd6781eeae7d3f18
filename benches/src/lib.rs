//! Placeholder until its work lands.
