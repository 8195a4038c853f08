// Compiled for AVX2: nothing here may run before the processor was asked for it.
#include "framework/chunkstore/hash_kernel.hpp"

namespace stillframe::chunkstore {

namespace {

typedef std::uint32_t Vector __attribute__((vector_size(32)));

struct Choice {
  static Vector parity(const Vector& x, const Vector& y, const Vector& z) { return x ^ y ^ z; }
  static Vector choose(const Vector& x, const Vector& y, const Vector& z) {
    return z ^ (x & (y ^ z));
  }
  static Vector majority(const Vector& x, const Vector& y, const Vector& z) {
    return (x & y) | (z & (x | y));
  }
};

using Kernel = HashKernel<Vector, Choice>;

}  // namespace

extern const HashLoops kAvx2HashLoops;
const HashLoops kAvx2HashLoops = {"avx2", Kernel::kLanes, Kernel::compress};

}  // namespace stillframe::chunkstore
