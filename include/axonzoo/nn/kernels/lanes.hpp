#pragma once

/// `lanes`: sixteen floats that are worked on together, in one AVX-512 register or two of AVX2 where the machine has them, else in an array
/// whose loops the compiler vectorises. bf16 is widened when loaded and rounded to nearest even when stored.
#include <axonzoo/nn/kernels/lanes_array.hpp>
#include <axonzoo/nn/kernels/lanes_avx2.hpp>
#include <axonzoo/nn/kernels/lanes_avx512.hpp>
