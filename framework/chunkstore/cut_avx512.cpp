// Compiled for AVX-512: nothing here may run before the processor was asked for it.
#include <immintrin.h>

#include "framework/chunkstore/cut_kernel.hpp"

namespace stillframe::chunkstore {

namespace {

typedef std::uint32_t Vector __attribute__((vector_size(64)));

bool any_lane(const Vector& mask) {
  const auto lanes = reinterpret_cast<__m512i>(mask);
  return _mm512_test_epi32_mask(lanes, lanes) != 0;
}

}  // namespace

extern const CutLoops kAvx512CutLoops;
const CutLoops kAvx512CutLoops = {"avx512", CutKernel<Vector, any_lane>::find};

}  // namespace stillframe::chunkstore
