//! The executable numeric and functional specification of the tile.
