// Compiled for AVX-512: nothing here may run before the processor was asked for it.
#include <immintrin.h>

#include "framework/chunkstore/hash_kernel.hpp"

namespace stillframe::chunkstore {

namespace {

typedef std::uint32_t Vector __attribute__((vector_size(64)));

// One instruction each, which the compiler does not find by itself.
struct Choice {
  template <int kTable>
  [[gnu::always_inline]] static Vector look_up(const Vector& x, const Vector& y, const Vector& z) {
    return reinterpret_cast<Vector>(
        _mm512_ternarylogic_epi32(reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(y),
                                  reinterpret_cast<__m512i>(z), kTable));
  }
  static Vector parity(const Vector& x, const Vector& y, const Vector& z) {
    return look_up<0x96>(x, y, z);
  }
  static Vector choose(const Vector& x, const Vector& y, const Vector& z) {
    return look_up<0xca>(x, y, z);
  }
  static Vector majority(const Vector& x, const Vector& y, const Vector& z) {
    return look_up<0xe8>(x, y, z);
  }
};

using Kernel = HashKernel<Vector, Choice>;

}  // namespace

extern const HashLoops kAvx512HashLoops;
const HashLoops kAvx512HashLoops = {"avx512", Kernel::kLanes, Kernel::compress};

}  // namespace stillframe::chunkstore
