// Included before Verilator's runtime: what it would print, and where it would end the process,
// goes to shim.cpp instead.
#pragma once
#define VL_USER_FINISH
#define VL_USER_STOP
#define VL_USER_FATAL
#define VL_PRINTF cosim_print
void cosim_print(const char* format, ...);
