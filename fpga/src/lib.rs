//! Board tops, constraints, host link and flows.
