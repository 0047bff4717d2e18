//! Plans kernels onto tiles: layout, block lists, programs, cycle prediction.
