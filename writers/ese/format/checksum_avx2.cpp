// Compiled for AVX2: nothing here may run before the processor was asked for it.
#include "writers/ese/format/checksum_kernel.hpp"

namespace stillframe::ese {

namespace {

typedef std::uint32_t Vector __attribute__((vector_size(32)));
using Loops = Kernel<Vector>;
constexpr ChecksumLoops kLoops = {"avx2", Loops::kGroupBytes, Loops::parities, Loops::xor_words};

}  // namespace

extern const ChecksumLoops kAvx2ChecksumLoops;
const ChecksumLoops kAvx2ChecksumLoops = kLoops;

}  // namespace stillframe::ese
