// Compiled for AVX2: nothing here may run before the processor was asked for it.
#include <immintrin.h>

#include "framework/chunkstore/cut_kernel.hpp"

namespace stillframe::chunkstore {

namespace {

typedef std::uint32_t Vector __attribute__((vector_size(32)));

bool any_lane(const Vector& mask) {
  const auto lanes = reinterpret_cast<__m256i>(mask);
  return _mm256_testz_si256(lanes, lanes) == 0;
}

}  // namespace

extern const CutLoops kAvx2CutLoops;
const CutLoops kAvx2CutLoops = {"avx2", CutKernel<Vector, any_lane>::find};

}  // namespace stillframe::chunkstore
