//! Declarations of the tile's commands, descriptors, list entries, registers and error codes.
