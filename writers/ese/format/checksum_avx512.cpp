// Compiled for AVX512: nothing here may run before the processor was asked for it.
#include "writers/ese/format/checksum_kernel.hpp"

namespace stillframe::ese {

namespace {

typedef std::uint32_t Vector __attribute__((vector_size(64)));
using Loops = Kernel<Vector>;
constexpr ChecksumLoops kLoops = {"avx512", Loops::kGroupBytes, Loops::parities, Loops::xor_words};

}  // namespace

extern const ChecksumLoops kAvx512ChecksumLoops;
const ChecksumLoops kAvx512ChecksumLoops = kLoops;

}  // namespace stillframe::ese
