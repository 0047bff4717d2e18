//! Hardware that every design needs.
