"""Kernels in C++ for float32 on a CPU, and the autograd functions that call them."""
