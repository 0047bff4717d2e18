//! The statically scheduled exchange that joins tiles: fabric, sync, schedule, grid.
